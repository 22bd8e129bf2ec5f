"""Leases: the right to write for a lane, with a number that only grows, checked by every commit.

A process thought dead may go on writing for a long time (a suspended laptop, a cut network), so being alive proves
nothing. Only the number does: whoever takes a lane over raises it, and a commit with an older one touches no row.
"""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import BindParameter, Connection, Text, Update, bindparam, case, select, update

from caviar.errors import LeaseLost, StudyError
from caviar.records.database import put_new
from caviar.records.store_schema import CLOCKS, clock, lane


@dataclass(frozen=True)
class Lease:
    """The right to write for one lane.

    Args:
        lane: the lane's number.
        number: grows with every taking; the newest one alone may write.
        holder: who has it, for a person to read.
        seconds: how long it lasts from each commit or renewal.
    """

    lane: int
    number: int
    holder: str
    seconds: float


def this_process() -> str:
    """A holder's text for this process, from which another one on the same machine can tell whether it still lives.

    >>> is_gone(this_process())
    False
    """
    return f"process {os.getpid()} begun {_begun(os.getpid())} on {platform.node()}"


def is_gone(holder: str) -> bool:
    """Whether the holder is a process of this machine that surely ended; False where that cannot be known.

    It saves the wait after a kill: `resume` may go on at once rather than when the lease ends. A wrong answer would
    do no harm, since the number fences the old process anyway.
    """
    found = re.fullmatch(r"process (\d+) begun (\S+) on (.*)", holder)
    if found is None or found[3] != platform.node() or os.name != "posix":
        return False
    return _begun(int(found[1])) not in (found[2], "unknown")


def _begun(process: int) -> str:
    """When a process of this machine began, in the system's own ticks; "never" where there is none."""
    try:
        # The name in brackets may hold anything, so count from behind it: state first, start time twentieth.
        told = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return "never" if told[0] in "ZX" else told[19]
    except (OSError, IndexError):
        pass
    if os.name != "posix":
        return "unknown"
    try:
        os.kill(process, 0)  # asks, sends nothing
    except (ProcessLookupError, OverflowError):
        return "never"
    except OSError:
        pass  # another person's
    return "unknown"


def acquire(connection: Connection, number: int, holder: str, seconds: float) -> Lease:
    """Take a lane that is new, free, expired, held by this holder, or held by a process that surely ended.

    Raises:
        StudyError: somebody else's lease is alive.
    """
    dialect = connection.dialect.name
    now = clock(dialect)
    new = {"number": number, "lease": 0, "holder": "", "expires": 0.0, "tick": -1, "state": "{}"}
    put_new(connection, lane, new)
    found = connection.execute(
        select(lane.c.lease, lane.c.holder, (lane.c.expires - now).label("left")).where(lane.c.number == number)
    ).one()
    if found.left > 0 and found.holder not in ("", holder) and not is_gone(found.holder):
        raise _taken(number, found.holder, found.left)
    taken = connection.execute(
        update(lane)
        .where(lane.c.number == number, lane.c.lease == found.lease)
        .values(lease=found.lease + 1, holder=holder, expires=now + seconds)
    )
    if taken.rowcount == 0:  # PostgreSQL: two asked at the same time
        raise _taken(number, "another process", seconds)
    return Lease(number, found.lease + 1, holder, seconds)


def _taken(number: int, holder: str, left: float) -> StudyError:
    return StudyError(
        f"Lane {number} of this study is being trained by {holder}; its lease ends in {max(left, 0.0):.0f} s. "
        "Stop that one or wait for its end."
    )


def hold(connection: Connection, lease: Lease) -> None:
    """Renew the lease, and with it prove that it is still ours: the fence of whatever follows in this transaction.

    Raises:
        LeaseLost: somebody else took the lane over.
    """
    renewed = update(lane).where(*_mine(lease)).values(expires=clock(connection.dialect.name) + lease.seconds)
    if connection.execute(renewed).rowcount == 0:
        raise _lost(connection, lease)


def advance(connection: Connection, lease: Lease, tick: int, state: str | None) -> None:
    """Set the lane's tick and host state and renew the lease, if it is still ours.

    Raises:
        LeaseLost: somebody else took the lane over.
        StudyError: the tick is stored already.
    """
    values = {"at": tick, "ending": lease.seconds, "content": state}
    statement = _ADVANCE[connection.dialect.name]
    if connection.execute(statement, values | {"mine": lease.lane, "fence": lease.number, "me": lease.holder}).rowcount:
        return
    reached = connection.scalar(select(lane.c.tick).where(*_mine(lease)))
    if reached is None:
        raise _lost(connection, lease)
    raise StudyError(f"Tick {tick} of lane {lease.lane} cannot be stored: tick {reached} is there already.")


def _advance(dialect: str) -> Update:
    """Built once: SQLAlchemy needs longer to build the statement than SQLite to run it."""
    state: BindParameter[str | None] = bindparam("content", type_=Text)
    return (
        update(lane)
        .where(lane.c.number == bindparam("mine"), lane.c.lease == bindparam("fence"), lane.c.holder == bindparam("me"))
        .where(lane.c.tick < bindparam("at"))
        .values(
            tick=bindparam("at"),
            expires=clock(dialect) + bindparam("ending"),
            state=case((state.is_(None), lane.c.state), else_=state),
        )
    )


_ADVANCE = {dialect: _advance(dialect) for dialect in CLOCKS}


def holder(connection: Connection, number: int) -> str:
    """The holder of a lane's living lease, or nothing."""
    left = (lane.c.expires - clock(connection.dialect.name)).label("left")
    found = connection.execute(select(lane.c.holder, left).where(lane.c.number == number)).first()
    if found is None or found.left <= 0 or is_gone(found.holder):
        return ""
    return str(found.holder)


def release(connection: Connection, lease: Lease) -> None:
    """Give the lane back; nothing is done where it was taken over already."""
    connection.execute(update(lane).where(*_mine(lease)).values(holder="", expires=0.0))


def _mine(lease: Lease) -> tuple:
    # The holder too: a released lane keeps its number until the next one takes it, and its old lease must not write.
    return lane.c.number == lease.lane, lane.c.lease == lease.number, lane.c.holder == lease.holder


def _lost(connection: Connection, lease: Lease) -> LeaseLost:
    found = connection.execute(select(lane.c.lease, lane.c.holder).where(lane.c.number == lease.lane)).first()
    by = f"was taken over by {found.holder}" if found is not None and found.holder else "was released"
    return LeaseLost(f"Lane {lease.lane} {by}; nothing more is written from here. What was committed is kept.")

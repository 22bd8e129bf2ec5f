"""The live line of a running study: how many networks train, what came of the others, the best, the time left."""

import sys
import time
from typing import Any

from caviar.report.text import count, share
from caviar.report.text import seconds as in_words

# A look may come many times a second; a person reads slower.
_REFRESH_SECONDS = 0.2


class Progress:
    """Shows looks on standard error while it is a terminal, and is silent otherwise.

    Args:
        quiet: show nothing at all.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._live: Any = None
        self._shows = not quiet and sys.stderr.isatty()
        self._shown = 0.0
        self._began = time.monotonic()
        self._campaign = ""
        self._first_share = (0.0, 0.0)

    def __enter__(self) -> "Progress":
        if self._shows:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), refresh_per_second=8, transient=True)
            self._live.start()
            self._live.update("Getting ready: reading, splitting, compiling the first program …")
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __call__(self, look: Any) -> None:
        """Take a look (`study.tally.Look`)."""
        now = time.monotonic()
        if look.campaign != self._campaign:
            self._campaign, self._began = look.campaign, now
            self._first_share = (look.share_done, now)
        if self._live is None or now - self._shown < _REFRESH_SECONDS:
            return
        self._shown = now
        self._live.update(self._drawn(look, now))

    def _drawn(self, look: Any, now: float) -> Any:
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        rate = look.model_epochs / max(look.seconds, 1e-9)
        ended = ", ".join(f"{count} {status}" for status, count in sorted(look.ended.items())) or "none ended yet"
        doing, what = ("replaying", "") if look.replaying else _DOING.get(look.campaign, (look.campaign, ""))
        done = f"{_bar(look.share_done)} {100 * look.share_done:.0f} %  {self._left(look, now)}"
        table.add_row(f"[bold]{doing}[/bold]", done.rstrip())
        table.add_row("networks", f"{what}{look.running} training, {look.waiting} waiting, {ended}")
        if look.campaign not in ("confirm", "twins"):  # there the lowest of several would say nothing
            table.add_row(f"best dev {'error' if look.stick is None else look.stick.name}", _best(look))
        table.add_row("speed", f"{count(rate)} model-epochs a second")
        return table

    def _left(self, look: Any, now: float) -> str:
        done, since = look.share_done - self._first_share[0], now - self._first_share[1]
        if done <= 0.02 or since < 1:
            return ""
        return f"about {in_words(since / done * (1 - look.share_done))} left"


_DOING = {
    "search": ("searching", ""),
    "train": ("training", ""),
    "confirm": ("confirming", "the best again: "),
    "twins": ("comparing", "the best, unstopped and with L2: "),
}


def _best(look: Any) -> str:
    if look.best_trial < 0:
        return "—"
    if look.stick is not None:
        return f"{look.stick.write(look.best)} (trial {look.best_trial})"
    return f"{share(look.best) if look.in_percent else f'{look.best:.4g}'} (trial {look.best_trial})"


def _bar(share: float, width: int = 30) -> str:
    full = round(share * width)
    return "[cyan]" + "━" * full + "[/cyan][dim]" + "━" * (width - full) + "[/dim]"

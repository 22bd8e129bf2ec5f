"""The rows of the table of speed: what is asked, against whom, and which ratio is owed."""

from dataclasses import dataclass

from benchmarks.tasks import TASKS, Task


@dataclass(frozen=True)
class Contestant:
    """A module that is run as a process of its own.

    Args:
        name: what the results call it.
        module: as in `python -m module`.
        variant, warm: handed on to it.
    """

    name: str
    module: str
    variant: str = ""
    warm: bool = False


@dataclass(frozen=True)
class Question:
    """One row of the table.

    Args:
        name: for `--only` and the results.
        what: the row's text.
        kind: "rate": our model-epochs a second over the peer's; "search": the peer's time to a level of dev error over
            ours; "command": seconds of one command line.
        at_least, aim: the ratio owed and hoped for; for a command the seconds allowed.
        task: what everybody trains.
        ours: our side.
        peers: the first is the one that the ratio is owed against, the others are reported beside.
        command: what to run, for a command.
    """

    name: str
    what: str
    kind: str
    at_least: float
    aim: float
    task: str = ""
    ours: Contestant = Contestant("ours", "benchmarks.ours")
    peers: tuple[Contestant, ...] = ()
    command: tuple[str, ...] = ()

    def the_task(self) -> Task:
        """The task itself."""
        return TASKS[self.task]


LOOP = Contestant("PyTorch, the usual loop", "benchmarks.peers.pytorch_loop")
COMPILED = Contestant("PyTorch, compiled as a whole", "benchmarks.peers.pytorch_compiled")
PROCESSES = Contestant("PyTorch, a process per core", "benchmarks.peers.pytorch_processes")
POPULATION = Contestant("PyTorch, a population by bmm", "benchmarks.peers.pytorch_bmm")
SKLEARN = Contestant("scikit-learn's MLPClassifier", "benchmarks.peers.sklearn_mlp")
OPTUNA = Contestant("Optuna + PyTorch", "benchmarks.peers.optuna_search")

_LISTED = (
    Question("digits", "64-128-64-10 on digits, batch 64, dropout, Adam: model-epochs a second", "rate", 8, 15,
             "digits-128-64", peers=(LOOP, COMPILED, PROCESSES, POPULATION)),
    Question("everything", "the same, every hyperparameter differing by slot", "rate", 5, 8,
             "digits-128-64-everything", peers=(LOOP,)),
    Question("small", "the same as the first row, 64-32-32-10", "rate", 20, 45,
             "digits-32-32", peers=(LOOP, COMPILED, PROCESSES, POPULATION)),
    Question("sklearn", "64-128-64-10 on digits against scikit-learn (which has no dropout)", "rate", 4, 9,
             "digits-128-64", peers=(SKLEARN,)),
    Question("mnist", "784-1024-512-256-10 on MNIST, batch 128, dropout", "rate", 1.2, 1.6,
             "mnist-1024-512-256", peers=(LOOP, PROCESSES)),
    Question("search-cold", "search on digits, 256 trials × 50 epochs: time to a dev error, cold start", "search",
             10, 20, "digits-search", peers=(OPTUNA,)),
    Question("search-warm", "the same, warm", "search", 15, 40, "digits-search",
             ours=Contestant("ours", "benchmarks.ours", warm=True),
             peers=(Contestant("Optuna + PyTorch, warm", "benchmarks.peers.optuna_search", warm=True),)),
    Question("demo", "caviar demo, seconds", "command", 60, 30, command=("caviar", "demo")),
)  # fmt: skip

QUESTIONS: dict[str, Question] = {question.name: question for question in _LISTED}

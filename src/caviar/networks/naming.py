"""How each metric is called, in which unit it is written, and which way it is better."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Named:
    """A metric as a person knows it.

    Args:
        name: in a sentence: "AUC", "log loss".
        unit: "share" (written in percent), "nats", or "" for a plain number; a regression's own is the target's.
        higher: whether a higher value is better.
        of_target: whether it is measured in the target's unit.
    """

    name: str
    unit: str = ""
    higher: bool = False
    of_target: bool = False


NAMES = {
    "error": Named("error", "share"),
    "balanced_error": Named("balanced error", "share"),
    "log_loss": Named("log loss", "nats"),
    "f1": Named("F1", higher=True),
    "auc": Named("AUC", higher=True),
    "rmse": Named("RMSE", of_target=True),
    "mae": Named("MAE", of_target=True),
    "r2": Named("R²", higher=True),
}


def told_in_error(metric: str, subject: str = "this part is") -> str:
    """One sentence for what is told in the error although trials were compared by another metric.

    >>> told_in_error("auc")
    'Trials were compared by AUC; this part is told in the error, the share misclassified.'
    """
    error = "the root mean squared error" if metric in ("mae", "r2") else "the share misclassified"
    return f"Trials were compared by {NAMES[metric].name}; {subject} told in the error, {error}."

"""Mistakes that a person can put right. The text says what, which value, which rule, and which way out."""


class CaviarError(Exception):
    """The base of all errors meant for a person; the command line prints the text and exits with 2."""


class CaviarWarning(UserWarning):
    """What a person should know before something is trained; the command line prints the text."""


class DataError(CaviarError):
    """The data cannot be used as it is."""


class SpaceError(CaviarError):
    """A hyperparameter or a range is not allowed."""


class StudyError(CaviarError):
    """A study cannot be opened, resumed or used in this way."""


class NothingUsable(StudyError):
    """Trials were trained, and not one of them can be used.

    Args:
        study: the study, whose record and page show what became of them.
    """

    def __init__(self, sentence: str, study: object = None) -> None:
        super().__init__(sentence)
        self.study = study


class LeaseLost(StudyError):
    """Another process took over this lane; nothing more may be written to it."""


class ModelError(CaviarError):
    """A model file cannot be read, or does not fit the data."""


class GradientError(CaviarError):
    """A cost or its gradient cannot be checked."""


class CostError(CaviarError):
    """A cost that a person wrote, or what it is to be minimised from, cannot be used as it is."""

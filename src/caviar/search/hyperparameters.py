"""The hyperparameters: one row each, and everything else is read from the row.

Validation, the space, the command line's help, the docs and the report's labels all come from `HYPERPARAMETERS`.

A TRACED hyperparameter is a number in the compiled program and may differ from slot to slot; a STRUCTURAL one fixes
the shape of an array and is the same for all slots of a cohort.
"""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from caviar.errors import SpaceError
from caviar.given import shown, values_by_name


class Kind(Enum):
    """Whether a value rides in the program or shapes it."""

    TRACED = "traced"
    STRUCTURAL = "structural"


TRACED, STRUCTURAL = Kind.TRACED, Kind.STRUCTURAL

ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "silu", "gelu", "identity")
OPTIMISERS = ("gradient_descent", "momentum", "nesterov", "rmsprop", "adam")
DECAYS = ("constant", "inverse_time", "exponential", "sqrt_epoch", "sqrt_step", "staircase", "cosine")
INITIALISATIONS = ("he", "lecun", "glorot", "zeros")
ENCODINGS = ("standard", "robust", "quantile", "piecewise_linear")


@dataclass(frozen=True)
class Hyperparameter:
    """One row: its name, what it means, what is allowed, and where to look for it.

    Args:
        name: the one name in code, command line, docs and report.
        default: the value of a strong default network (trial 0).
        meaning: one line for a person.
        kind: TRACED or STRUCTURAL.
        scale: "linear", "log", "one_minus_log" (1 − value on a logarithmic scale), "integer", "choice" or "list".
        low, high: the bounds of what is allowed at all (numbers only).
        range: the bounds of the range searched by default (numbers only); None: not searched by default.
        choices: the allowed values of a choice.
        per_layer: a list with one value per hidden layer is allowed too.
        off: the value at which it does nothing, so that a program without it can be used.
        needs: (name, values): it matters only where that other hyperparameter has one of these values, or, with no
            values listed, where that one is not empty; None: it always matters.
    """

    name: str
    default: Any
    meaning: str
    kind: Kind = TRACED
    scale: str = "linear"
    low: float = -math.inf
    high: float = math.inf
    range: tuple[float, float] | None = None
    choices: tuple[Any, ...] = ()
    per_layer: bool = False
    off: Any = None
    needs: tuple[str, tuple[Any, ...]] | None = None

    def check(self, value: Any) -> Any:
        """The value in its own type, or an error that names the thing, the rule, the value and the way out.

        Raises:
            SpaceError: the value is not allowed.

        >>> HYPERPARAMETERS["learning_rate"].check("0.01")
        0.01
        """
        if hasattr(value, "tolist"):
            value = value.tolist()  # NumPy's numbers and arrays as Python's own, so that a configuration is plain JSON
        if self.name == "hidden":
            return _check_hidden(value)
        if self.per_layer and isinstance(value, str) and "," in value:
            value = [part for part in value.strip("[]() ").split(",") if part.strip()]
        if self.per_layer and isinstance(value, list | tuple):
            return [self._check_one(item) for item in value]
        return self._check_one(value)

    def matters(self, configuration: Mapping[str, Any]) -> bool:
        """Whether the value changes anything beside the others of this configuration.

        >>> HYPERPARAMETERS["momentum"].matters({"optimiser": "adam"})
        False
        """
        if self.needs is None:
            return True
        name, values = self.needs
        other = configuration.get(name, HYPERPARAMETERS[name].default)
        return other in values if values else bool(other)

    def _check_one(self, value: Any) -> Any:
        if self.choices:
            return self._check_choice(value)
        number = _as_number(self.name, value)
        if self.scale == "integer":
            number = _as_whole(self.name, number)
        if not self.low <= number <= self.high:
            raise SpaceError(
                f"'{self.name}' ({self.meaning}) must lie between {self.low:g} and {self.high:g}. Got {number:g}."
            )
        return number

    def _check_choice(self, value: Any) -> Any:
        word = str(value).strip().lower()
        if isinstance(self.choices[0], bool):
            word = {"yes": "true", "1": "true", "on": "true", "no": "false", "0": "false", "off": "false"}.get(
                word, word
            )
        for choice in self.choices:
            if word == str(choice).lower():
                return choice
        listed = ", ".join(str(choice) for choice in self.choices)
        raise SpaceError(f"'{self.name}' must be one of {listed}. Got {shown(value)}.")


def _as_number(name: str, value: Any) -> float:
    if isinstance(value, bool | bytes):
        raise SpaceError(f"'{name}' must be a number. Got {shown(value)}.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SpaceError(f"'{name}' must be a number. Got {shown(value)}.") from None
    if math.isnan(number):
        raise SpaceError(f"'{name}' must be a number. Got NaN.")
    return number


def _as_whole(name: str, number: float) -> int:
    if math.isinf(number) or number != int(number):
        raise SpaceError(f"'{name}' must be a whole number. Got {number:g}.")
    return int(number)


def _check_hidden(value: Any) -> list[int]:
    """Widths from a list, one width, or text such as "64-32"; "" and "none" mean no hidden layer."""
    if isinstance(value, str):
        text = value.strip("[]() ")
        value = [] if text.lower() in ("", "none") else re.split(r"(?<=\d)[-,\s]+", text)
    if not isinstance(value, int | float | Iterable) or isinstance(value, bool | bytes | Mapping):
        raise SpaceError(f"'hidden' lists the widths of the hidden layers; [] is a linear model. Got {shown(value)}.")
    widths = []
    for part in [value] if isinstance(value, int | float) else value:
        try:
            width = _as_whole("hidden", _as_number("hidden", part))
        except SpaceError:
            raise SpaceError(f"'hidden' lists whole widths, such as [64, 32] or 64-32. Got {part!r}.") from None
        if not 1 <= width <= 65536:
            raise SpaceError(f"'hidden' lists widths from 1 to 65536; [] or none is a linear model. Got {width}.")
        widths.append(width)
    if len(widths) > 200:
        raise SpaceError(f"'hidden' may list at most 200 layers. Got {len(widths)}.")
    return widths


# Batch norm divides by the spread of a mini-batch, and one row has none. With batches of 2, an odd number of train rows
# leaves one over; larger batches share such a row out.
_FEWEST_NORMED = 3


# One row each, laid out to be read as a table.
# fmt: off
_ROWS = (
    Hyperparameter("learning_rate", 1e-3, "step length of the optimiser, before decay", scale="log", low=0.0, high=1e3,
                   range=(1e-4, 1e-1)),
    Hyperparameter("decay", "constant", "how the learning rate falls", scale="choice", choices=DECAYS),
    Hyperparameter("decay_rate", 1.0, "rate of the inverse-time decay: α₀ / (1 + rate·epoch)", low=0.0, high=1e6,
                   range=(0.01, 1.0), scale="log", needs=("decay", ("inverse_time",))),
    Hyperparameter("decay_base", 0.95, "factor of the exponential (per epoch) and staircase (per drop) decays",
                   low=0.0, high=1.0, range=(0.9, 0.999), scale="one_minus_log",
                   needs=("decay", ("exponential", "staircase"))),
    Hyperparameter("decay_steps", 10, "epochs between two drops of the staircase", scale="integer", low=1, high=1e9,
                   range=(2, 20), needs=("decay", ("staircase",))),
    Hyperparameter("warmup", 0.0, "epochs over which the learning rate rises from nothing", low=0.0, high=1e9,
                   range=(0.0, 5.0), off=0.0),
    Hyperparameter("optimiser", "adam", "rule that turns gradients into steps", scale="choice", choices=OPTIMISERS),
    Hyperparameter("momentum", 0.9, "β of momentum and Nesterov: v ← βv + (1−β)g", scale="one_minus_log", low=0.0,
                   high=1.0 - 1e-9, range=(0.8, 0.999), needs=("optimiser", ("momentum", "nesterov"))),
    Hyperparameter("beta_1", 0.9, "Adam's β₁, averaging the gradient", scale="one_minus_log", low=0.0, high=1.0 - 1e-9,
                   range=(0.8, 0.99), needs=("optimiser", ("adam",))),
    Hyperparameter("beta_2", 0.999, "Adam's β₂, averaging the squared gradient (RMSprop: 0.9 unless set)",
                   scale="one_minus_log", low=0.0, high=1.0 - 1e-9, range=(0.9, 0.9999),
                   needs=("optimiser", ("rmsprop", "adam"))),
    Hyperparameter("epsilon", 1e-8, "ε added to the root in RMSprop and Adam", scale="log", low=1e-30, high=1.0,
                   range=(1e-9, 1e-6), needs=("optimiser", ("rmsprop", "adam"))),
    Hyperparameter("l1", 0.0, "λ of the L1 penalty (λ/2m)·Σ|w|, m train examples: a proximal step, so that weights "
                   "reach zero", scale="log", low=0.0, high=1e9, range=(1e-3, 10.0), off=0.0),
    Hyperparameter("l2", 0.0, "λ of the L2 penalty (λ/2m)·Σw², m train examples: the gradient adds (λ/m)·w",
                   scale="log", low=0.0, high=1e9, range=(1e-3, 10.0), off=0.0),
    Hyperparameter("weight_decay", 0.0, "decoupled weight decay (AdamW), no λ and not over m: w ← w − α·decay·w beside "
                   "the step", scale="log", low=0.0, high=1e3, range=(1e-3, 1.0), off=0.0),
    Hyperparameter("penalise_biases", False, "l1, l2 and weight_decay act on biases, γ and β as well as on weights",
                   scale="choice", choices=(False, True), off=False),
    Hyperparameter("keep_probability", 1.0, "share of hidden units that dropout keeps", low=1e-3, high=1.0,
                   range=(0.5, 1.0), per_layer=True, off=1.0, needs=("hidden", ())),
    Hyperparameter("input_keep_probability", 1.0, "share of inputs that dropout keeps", low=1e-3, high=1.0,
                   range=(0.8, 1.0), off=1.0),
    Hyperparameter("label_smoothing", 0.0, "share of each label spread over all classes", low=0.0, high=0.999,
                   range=(0.0, 0.2), off=0.0),
    Hyperparameter("clip_norm", math.inf, "largest norm of the whole gradient", scale="log", low=1e-12, high=math.inf,
                   range=(0.1, 10.0), off=math.inf),
    Hyperparameter("initialisation", "he", "variance of the first weights: he 2/n, lecun 1/n, glorot 2/(n+n'), zeros",
                   scale="choice", choices=INITIALISATIONS),
    Hyperparameter("initialisation_scale", 1.0, "multiplier of the first weights", scale="log", low=0.0, high=1e3,
                   range=(0.3, 3.0)),
    Hyperparameter("activation", "relu", "nonlinearity of the hidden units", scale="choice", choices=ACTIVATIONS,
                   needs=("hidden", ())),
    Hyperparameter("batch_norm", False, "normalise each hidden layer by its mini-batch (of 3 rows or more)",
                   scale="choice", choices=(False, True), off=False, needs=("hidden", ())),
    Hyperparameter("batch_norm_place", "before", "before: Z is normalised, its bias dropped; after: A = g(Z) is",
                   scale="choice", choices=("before", "after"), needs=("batch_norm", (True,))),
    Hyperparameter("batch_norm_output", False, "normalise the output layer too", scale="choice",
                   choices=(False, True), off=False, needs=("batch_norm", (True,))),
    Hyperparameter("batch_norm_statistics", "averages", "test mode's moments: averages kept in training, or of a pass "
                   "over the whole train set after each epoch", scale="choice", choices=("averages", "train_set"),
                   needs=("batch_norm", (True,))),
    Hyperparameter("class_weight", "none", "balanced: every class weighs the same in the cost", scale="choice",
                   choices=("none", "balanced"), off="none"),
    Hyperparameter("flip_horizontal", 0.0, "share of the pictures that are shown mirrored left to right", low=0.0,
                   high=1.0, range=(0.0, 0.5), off=0.0),
    Hyperparameter("flip_vertical", 0.0, "share of the pictures that are shown upside down", low=0.0, high=1.0,
                   range=(0.0, 0.5), off=0.0),
    Hyperparameter("crop", 0, "pixels of edge added on each side before a window of the old size is cut out anywhere",
                   scale="integer", low=0, high=1024, range=(1, 4), off=0),
    Hyperparameter("shift", 0.0, "pixels that pictures are moved by at most, down and along", low=0.0, high=1024.0,
                   range=(0.0, 3.0), off=0.0),
    Hyperparameter("rotation", 0.0, "degrees that pictures are turned by at most, either way", low=0.0, high=180.0,
                   range=(0.0, 20.0), off=0.0),
    Hyperparameter("zoom", 0.0, "pictures are enlarged or reduced by a factor of at most 1 + zoom", low=0.0, high=9.0,
                   range=(0.0, 0.2), off=0.0),
    Hyperparameter("elastic", 0.0, "pixels that an elastic distortion moves each pixel by, root mean square an axis",
                   low=0.0, high=1024.0, range=(0.0, 2.0), off=0.0),
    Hyperparameter("elastic_smoothness", 4.0, "σ of the elastic distortion: pixels over which neighbours move alike",
                   scale="log", low=0.5, high=1024.0, range=(2.0, 8.0), needs=("elastic", ())),
    Hyperparameter("cut_out", 0, "side of the square that is blotted out of each picture, in pixels", scale="integer",
                   low=0, high=1024, range=(1, 12), off=0),
    Hyperparameter("noise", 0.0, "noise added to numbers and pixels, in standard deviations of each input", low=0.0,
                   high=100.0, range=(0.0, 0.3), off=0.0),
    Hyperparameter("mixup", 0.0, "a: examples are mixed in pairs, inputs and labels, by a share from Beta(a, a)",
                   scale="log", low=0.0, high=100.0, range=(0.1, 1.0), off=0.0),
    Hyperparameter("hidden", (128, 64), "widths of the hidden layers; none: a linear model", kind=STRUCTURAL,
                   scale="list"),
    Hyperparameter("batch_size", 64, "examples per update", kind=STRUCTURAL, scale="integer", low=1, high=1e9,
                   range=(32, 256)),
    Hyperparameter("encoding", "standard", "how numbers become inputs", kind=STRUCTURAL, scale="choice",
                   choices=ENCODINGS),
)
# fmt: on

HYPERPARAMETERS: dict[str, Hyperparameter] = {row.name: row for row in _ROWS}


# What other libraries and notes call them: the nearest spelling would mislead ("lr" is nearest to "l1").
_OTHER_NAMES = {
    **dict.fromkeys(("lr", "alpha", "step_size", "rate"), "learning_rate"),
    **dict.fromkeys(("dropout", "dropout_rate", "keep_prob"), "keep_probability (1 − the dropped share)"),
    **dict.fromkeys(("optimizer", "solver", "algorithm"), "optimiser"),
    **dict.fromkeys(("layers", "units", "width", "depth", "hidden_layer_sizes", "architecture"), "hidden"),
    **dict.fromkeys(("bs", "minibatch", "mini_batch_size"), "batch_size"),
    **dict.fromkeys(("beta", "nesterov_momentum"), "momentum"),
    **dict.fromkeys(("beta1", "b1"), "beta_1"),
    **dict.fromkeys(("beta2", "b2"), "beta_2"),
    **dict.fromkeys(("eps",), "epsilon"),
    **dict.fromkeys(("wd",), "weight_decay"),
    **dict.fromkeys(("lambda", "lambd", "regularization"), "l2 (or l1, weight_decay)"),
    **dict.fromkeys(("init", "initialization", "initializer"), "initialisation"),
    **dict.fromkeys(("schedule", "lr_schedule", "scheduler"), "decay"),
    **dict.fromkeys(("flip", "hflip", "horizontal_flip", "mirror"), "flip_horizontal (or flip_vertical)"),
    **dict.fromkeys(("vflip",), "flip_vertical"),
    **dict.fromkeys(("rotate", "degrees"), "rotation"),
    **dict.fromkeys(("translate", "translation"), "shift"),
    **dict.fromkeys(("cutout", "random_erasing"), "cut_out"),
    **dict.fromkeys(("elastic_distortion", "elastic_transform"), "elastic"),
    **dict.fromkeys(("clip", "clipnorm", "gradient_clipping"), "clip_norm"),
}


def look_up(name: str) -> Hyperparameter:
    """The row of a name, or an error that lists the names that come near.

    Raises:
        SpaceError: there is no such hyperparameter.
    """
    if not isinstance(name, str):
        raise SpaceError(f"A hyperparameter goes by its name, such as 'learning_rate'. Got {shown(name)}.")
    if name in HYPERPARAMETERS:
        return HYPERPARAMETERS[name]
    plain = name.strip().lower().replace("-", "_")
    near = [_OTHER_NAMES[plain]] if plain in _OTHER_NAMES else difflib.get_close_matches(plain, HYPERPARAMETERS, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else f" There are: {', '.join(HYPERPARAMETERS)}."
    raise SpaceError(f"There is no hyperparameter {shown(name)}.{hint}")


def default_configuration() -> dict[str, Any]:
    """A configuration with every hyperparameter at its default."""
    return {row.name: list(row.default) if row.name == "hidden" else row.default for row in _ROWS}


def complete(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with defaults filled in and every value checked.

    RMSprop's β is `beta_2`; its own default is 0.9 where none is given.

    Raises:
        SpaceError: a name is unknown or a value not allowed.
    """
    whole = default_configuration()
    for name, value in values_by_name("configuration", configuration, SpaceError).items():
        whole[name] = look_up(name).check(value)
    if whole["optimiser"] == "rmsprop" and "beta_2" not in configuration:
        whole["beta_2"] = 0.9
    keep = whole["keep_probability"]
    if isinstance(keep, list) and len(keep) != len(whole["hidden"]):
        raise SpaceError(
            f"'keep_probability' lists {len(keep)} values but 'hidden' has {len(whole['hidden'])} layers. "
            "Give one value for all layers or one for each."
        )
    if whole["batch_norm"] and whole["hidden"] and whole["batch_size"] < _FEWEST_NORMED:
        raise SpaceError(
            f"'batch_norm' needs 'batch_size' {_FEWEST_NORMED} or more: a batch of one row, which 2 may leave over, "
            f"has no variance to divide by. Got {whole['batch_size']}. Raise 'batch_size', or turn 'batch_norm' off."
        )
    return whole


def names(kind: Kind) -> Iterable[str]:
    """The names of one kind, in the order of the table."""
    return [row.name for row in _ROWS if row.kind is kind]

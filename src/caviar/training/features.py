"""What the slots of a cohort use. A program holds exactly this, so that what nobody uses costs nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from caviar.networks.activations import NAMES
from caviar.networks.mlp import Perceptron
from caviar.search.hyperparameters import OPTIMISERS
from caviar.training.augmentation import Augmentation, augmentation_of
from caviar.training.optimisers import UpdateRule


@dataclass(frozen=True)
class Features:
    """With an Architecture, the key of a compiled program.

    Args:
        network: the network, reduced to what is used.
        rule: the update rule, reduced to what is used.
        smoothing: some slot smooths its labels.
        weighted: rows or classes weigh differently.
        metric: what the best epoch is chosen by.
        padded_outputs: the architecture has more outputs than there are classes.
        augmentation: the kinds of augmentation that some slot uses.
        probes: every epoch measures each layer (see training.probes).
    """

    network: Any = field(default_factory=Perceptron)
    rule: UpdateRule = field(default_factory=UpdateRule)
    smoothing: bool = False
    weighted: bool = False
    metric: str = "error"
    padded_outputs: bool = True
    augmentation: Augmentation = field(default_factory=Augmentation)
    probes: bool = False


def features_of(
    configurations: Iterable[Mapping[str, Any]],
    *,
    weighted: bool = False,
    metric: str = "error",
    padded_outputs: bool = True,
    image_shape: Sequence[int] | None = None,
    probes: bool = False,
) -> Features:
    """The features that these complete configurations use together.

    Args:
        image_shape: height, width and channels of the data; None for tables.
    """
    whole = reduce(union, (_features(configuration, image_shape) for configuration in configurations))
    weighted = whole.weighted or weighted
    return replace(whole, weighted=weighted, metric=metric, padded_outputs=padded_outputs, probes=probes)


def union(one: Features, other: Features) -> Features:
    """What either uses."""
    a, b = one.network, other.network
    if a != b and isinstance(a, Perceptron):
        a = Perceptron(
            activations=tuple(name for name in NAMES if name in a.activations + b.activations),
            dropout=a.dropout or b.dropout,
            input_dropout=a.input_dropout or b.input_dropout,
            batch_norm=_of_both(a.batch_norm, b.batch_norm),
            masked=a.masked or b.masked,
            batch_norm_after=_of_both(a.batch_norm_after, b.batch_norm_after),
            batch_norm_output=_of_both(a.batch_norm_output, b.batch_norm_output),
            train_set_statistics=a.train_set_statistics or b.train_set_statistics,
        )
    rule = UpdateRule(
        optimisers=tuple(name for name in OPTIMISERS if name in one.rule.optimisers + other.rule.optimisers),
        l1=one.rule.l1 or other.rule.l1,
        l2=one.rule.l2 or other.rule.l2,
        weight_decay=one.rule.weight_decay or other.rule.weight_decay,
        clip=one.rule.clip or other.rule.clip,
        penalise_biases=one.rule.penalise_biases or other.rule.penalise_biases,
    )
    return Features(
        a,
        rule,
        one.smoothing or other.smoothing,
        one.weighted or other.weighted,
        one.metric,
        one.padded_outputs or other.padded_outputs,
        one.augmentation.union(other.augmentation),
        one.probes or other.probes,
    )


def rule_of(configurations: Iterable[Mapping[str, Any]]) -> UpdateRule:
    """The update rule that these complete configurations use together."""
    every = list(configurations)
    return UpdateRule(
        optimisers=tuple(name for name in OPTIMISERS if any(c["optimiser"] == name for c in every)),
        l1=any(c["l1"] > 0 for c in every),
        l2=any(c["l2"] > 0 for c in every),
        weight_decay=any(c["weight_decay"] > 0 for c in every),
        clip=any(c["clip_norm"] != float("inf") for c in every),
        penalise_biases=any(c["penalise_biases"] and c["l1"] + c["l2"] + c["weight_decay"] > 0 for c in every),
    )


def _of_both(one: str, other: str) -> str:
    """ "none", "all" or "some" of the slots of both."""
    return one if one == other else "some"


def _features(configuration: Mapping[str, Any], image_shape: Sequence[int] | None) -> Features:
    keep = configuration["keep_probability"]
    kept = keep if isinstance(keep, list | tuple) else [keep]
    hidden = bool(configuration["hidden"])
    normed = hidden and bool(configuration["batch_norm"])
    network = Perceptron(
        activations=(configuration["activation"],),
        dropout=hidden and any(value < 1.0 for value in kept),
        input_dropout=configuration["input_keep_probability"] < 1.0,
        batch_norm="all" if normed else "none",
        masked=configuration["activation"] == "sigmoid",
        batch_norm_after="all" if normed and configuration["batch_norm_place"] == "after" else "none",
        batch_norm_output="all" if normed and configuration["batch_norm_output"] else "none",
        train_set_statistics=normed and configuration["batch_norm_statistics"] == "train_set",
    )
    return Features(
        network,
        rule_of([configuration]),
        configuration["label_smoothing"] > 0,
        configuration["class_weight"] != "none",
        augmentation=augmentation_of(configuration, image_shape),
    )

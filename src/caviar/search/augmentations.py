"""Which augmentations fit which data: what a table cannot have is refused, and flips only where labels allow them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from caviar.errors import SpaceError
from caviar.search.hyperparameters import HYPERPARAMETERS
from caviar.search.space import Space

# What changes a picture as a picture; noise and mixup are for every kind of data.
PICTURE_KINDS = (
    "flip_horizontal", "flip_vertical", "crop", "shift", "rotation", "zoom", "elastic", "cut_out",
)  # fmt: skip
FLIPS = ("flip_horizontal", "flip_vertical")


class AugmentedSchema(Protocol):
    """What is looked at in a schema: `caviar.data.Schema` has it."""

    @property
    def classes(self) -> Sequence[str]: ...
    @property
    def image_shape(self) -> tuple[int, int, int] | None: ...


def check_augmentations(space: Space, schema: AugmentedSchema) -> None:
    """Refuse augmentations that the data or the mini-batch cannot have.

    Raises:
        SpaceError: a picture's change is asked of a table, is larger than the pictures, or mixup has no pairs to mix.
    """
    for name in used_in(space, PICTURE_KINDS):
        if schema.image_shape is None:
            raise SpaceError(
                f"'{name}' changes pictures, and this data is a table. Leave it out; tables have 'noise' and 'mixup'."
            )
        side = min(schema.image_shape[:2])
        largest = max(map(float, values_of(space, name)))
        if name in ("crop", "shift", "elastic") and largest >= side:
            raise SpaceError(
                f"'{name}' is in pixels and must be below the pictures' shorter side of {side}. Got {largest:g}."
            )
    if used_in(space, ("mixup",)) and min(map(int, values_of(space, "batch_size"))) < 2:
        raise SpaceError("'mixup' mixes the rows of a mini-batch in pairs, and 'batch_size' is 1. Make it 2 or more.")


def used_in(space: Space, kinds: Iterable[str]) -> list[str]:
    """Those of the kinds that some trial of the space may use."""
    return [name for name in kinds if any(value != HYPERPARAMETERS[name].off for value in values_of(space, name))]


def values_of(space: Space, name: str) -> list[Any]:
    """The values that a hyperparameter takes in a space: its one value, its options, or the ends of its range."""
    axis = space.axis(name)
    if axis is None:
        return [dict(space.fixed).get(name, HYPERPARAMETERS[name].default)]
    options = getattr(axis, "options", None)
    return list(options) if options is not None else [getattr(axis, "low", None), getattr(axis, "high", None)]


def show_characters(schema: AugmentedSchema) -> bool:
    """Whether pictures look like digits or letters, which a flip turns into others: one channel, one sign a class.

    >>> from caviar.data.dataset import Schema
    >>> show_characters(Schema((), "label", "classification", ("0", "1", "2"), (28, 28, 1)))
    True
    >>> show_characters(Schema((), "label", "classification", ("cat", "dog"), (64, 64, 3)))
    False
    """
    if schema.image_shape is None or schema.image_shape[2] != 1 or not schema.classes:
        return False
    return all(len(name) == 1 and name.isalnum() for name in schema.classes)


def suggested(schema: AugmentedSchema) -> dict[str, float]:
    """Mild strengths to begin with on this data; no flip where pictures look like digits or letters.

    >>> from caviar.data.dataset import Schema
    >>> suggested(Schema((), "label", "classification", ("0", "1"), (28, 28, 1)))
    {'shift': 1.4, 'rotation': 10.0, 'zoom': 0.1, 'elastic': 0.7}
    """
    if schema.image_shape is None:
        return {"noise": 0.1}
    side = min(schema.image_shape[:2])
    found = {"shift": round(0.05 * side, 1), "rotation": 10.0, "zoom": 0.1}
    if show_characters(schema):
        return {**found, "elastic": round(0.025 * side, 1)}
    return {"flip_horizontal": 0.5, **found}


def is_used(configuration: Mapping[str, Any]) -> bool:
    """Whether a complete configuration augments at all."""
    return any(configuration.get(name, 0) != HYPERPARAMETERS[name].off for name in (*PICTURE_KINDS, "noise", "mixup"))

"""Images become a data set: with classes found (`infer_pictures`), or with those of a model (`conform_pictures`)."""

from typing import Any

import numpy as np

from caviar.data.dataset import Dataset, Schema
from caviar.data.frames import Pixels, attached, with_target
from caviar.data.images import resized
from caviar.data.infer import Roles, known_targets, role_arrays
from caviar.data.table import Cells, Table
from caviar.data.targets import USUAL_NAMES, read_target
from caviar.errors import DataError


def infer_pictures(found: Pixels, roles: Roles) -> Dataset:
    """Find the classes of images; group, time, weight and split can be given as arrays beside them.

    Raises:
        DataError: there are no labels, or what was asked for does not fit images.
    """
    if isinstance(roles.target, str) and roles.target.lower() not in USUAL_NAMES:
        raise DataError(f"'{found.name}' holds images, whose target is their label. Leave target={roles.target!r} out.")
    if roles.target is not None and not isinstance(roles.target, str):
        labelled = with_target(found, roles.target)
        assert isinstance(labelled, Pixels)
        found = labelled
    if found.labels is None:
        raise DataError(f"'{found.name}' holds images without labels. Add the labels, or use a folder per class.")
    if len(found.pixels) < 2:
        raise DataError(f"'{found.name}' holds {len(found.pixels)} image. Give at least two, better hundreds.")
    beside: Table | None = None
    names: dict[str, Any] = {}
    for role in ("group", "time", "weight", "split"):
        value = getattr(roles, role)
        if isinstance(value, str):
            raise DataError(f"'{found.name}' holds images and no column '{value}' for {role}. Give {role} as an array.")
        if value is not None:
            beside = beside or Table(found.name, {"row": Cells("number", np.arange(float(len(found.pixels))))})
            beside, name = attached(beside, role, value)
            names[role] = name
    target = read_target("label", found.labels, roles.task, pictured=True)
    if not target.present.all():
        raise DataError(f"{int((~target.present).sum())} images of '{found.name}' have no label. Leave them out.")
    _, height, width, channels = found.pixels.shape
    schema = Schema((), "label", target.task, target.classes, (height, width, channels))
    arrays: dict[str, Any] = {"parts": found.parts} | (
        {} if beside is None else given_only(role_arrays(beside, Roles(**names)))
    )
    return Dataset(
        found.name,
        schema,
        pixels=found.pixels,
        targets=target.values,
        notes=tuple(filter(None, (target.note, *found.notes))),
        **arrays,
    )


def conform_pictures(found: Pixels, schema: Schema) -> Dataset:
    """Images brought to a model's size, with its classes.

    Raises:
        DataError: the model is one of tables.
    """
    if schema.image_shape is None:
        raise DataError(f"The model wants a table, but '{found.name}' holds images. Give a table with its columns.")
    targets, notes = (None, []) if found.labels is None else known_targets(found.labels, schema)
    pixels = resized(found.pixels, schema.image_shape)
    return Dataset(found.name, schema, pixels=pixels, targets=targets, parts=found.parts, notes=(*found.notes, *notes))


def given_only(arrays: dict[str, Any]) -> dict[str, Any]:
    """The arrays that are there."""
    return {name: values for name, values in arrays.items() if values is not None}

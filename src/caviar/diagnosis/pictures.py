"""What may be wrong with pictures that are changed while training: the PIC findings."""

from collections.abc import Mapping
from typing import Any

from caviar.diagnosis.finding import Finding
from caviar.search.augmentations import FLIPS, AugmentedSchema, show_characters


def diagnose_flips(schema: AugmentedSchema, configuration: Mapping[str, Any]) -> list[Finding]:
    """PIC001 where pictures that look like digits or letters are mirrored, which can make them another class.

    >>> from caviar.data.dataset import Schema
    >>> schema = Schema((), "label", "classification", ("2", "5"), (28, 28, 1))
    >>> [finding.code for finding in diagnose_flips(schema, {"flip_horizontal": 0.5})]
    ['PIC001']
    """
    flipped = {name: float(configuration.get(name, 0.0)) for name in FLIPS if configuration.get(name, 0.0) > 0}
    if not flipped or not show_characters(schema):
        return []
    shares = " and ".join(f"{name} {share:g}" for name, share in flipped.items())
    message = (
        f"Pictures are mirrored while training ({shares}), and the classes ({', '.join(schema.classes[:10])}) look "
        "like digits or letters, which mirrored are others or none. Leave the flips out, unless these pictures mean "
        "the same when mirrored."
    )
    return [Finding("PIC001", "warning", message, {**flipped, "classes": list(schema.classes)}, {})]

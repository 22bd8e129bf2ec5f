"""A finding: a coded diagnosis with its evidence. A result is data before it is a sentence."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SEVERITIES = ("good", "note", "warning", "problem", "unclear")


@dataclass(frozen=True)
class Finding:
    """One diagnosis.

    Args:
        code: like a linter's, e.g. "FIT001"; each has a page in docs/findings/.
        severity: one of SEVERITIES.
        message: one or two sentences for a person, with the numbers that matter.
        evidence: the numbers, by name (shares in 0..1, not percent).
        threshold: the published thresholds that were applied, by name.
    """

    code: str
    severity: str
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    threshold: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain data for JSON."""
        return asdict(self)

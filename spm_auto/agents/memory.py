"""Memory: what was recorded of an explorer's work, to be recalled instead of being done again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..instrument import Measured
from .protocol import Fit, Proposal, Scalar


@dataclass(frozen=True, slots=True, eq=False)
class Recollection:
    """What was recorded of an answer of the agent.

    Attributes:
        choice: What it chose; None when it only learned.
        fit: What it believed, when its model was fitted anew.
        state: What it was besides what it was told, when that is needed: at the last fit on record.
    """

    choice: Proposal | None
    fit: Fit | None = None
    state: Mapping[str, Any] | None = None


@runtime_checkable
class Memory(Protocol):
    """What is on record of an explorer's work, in order."""

    def answer(self) -> Recollection | None:
        """Return what comes next of the agent's answers; None where the record has ended."""

    def scalar(self, spectrum: Measured, scalarizer: str) -> Scalar | None:
        """Return what a spectrum was worth by a scalarizer; None where that is not on record."""


@runtime_checkable
class RememberingWatch(Memory, Protocol):
    """What a watch has besides `Watch` when its run can be resumed."""

    def enter(self) -> int:
        """Return the number of an agent that begins, counted from 0."""

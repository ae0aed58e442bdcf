"""Refusals: why something is not allowed, said where it was asked for, before anything is sent."""

from collections.abc import Callable

from PyQt6.QtWidgets import QLabel

from spm_auto.errors import LimitExceeded
from spm_auto.instrument import Limits
from spm_auto.units import format as format_quantity


def refusal(limits: Limits | None, check: Callable[[Limits], None]) -> str:
    """Return why something is not allowed, in one line; empty where it is, or nobody can tell.

    Args:
        limits: What is allowed; None where nobody said.
        check: Asks the limits.
    """
    if limits is None:
        return ""
    try:
        check(limits)
    except LimitExceeded as error:
        return in_words(error)
    return ""


def in_words(error: LimitExceeded) -> str:
    """Return what was refused, with the limit, in units that can be read."""
    asked, low, high = (
        format_quantity(value, error.unit or "1", 4) for value in (error.asked, *error.allowed)
    )
    words = f"{error.quantity} of {asked} is outside {low} to {high}"
    return f"{words} ({error.scope})" if error.scope else words


class RefusalLabel(QLabel):
    """Says what was refused and why; not there while nothing is."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "alarm")
        self.setWordWrap(True)
        self.setAccessibleName("why it was refused")
        self.hide()

    def say(self, text: str) -> None:
        """Say why; an empty text takes it away."""
        self.setText(text)
        self.setVisible(bool(text))

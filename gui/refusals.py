"""Refusals: why something is not allowed, said where it was asked for, before anything is sent."""

from collections.abc import Callable

from PyQt6.QtWidgets import QLabel

from spm_auto.errors import LimitExceeded
from spm_auto.instrument import Limits


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
        return str(error)
    return ""


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

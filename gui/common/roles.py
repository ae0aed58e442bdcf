"""Roles: a widget says what it is for, and the theme gives it its colour."""

from PyQt6.QtWidgets import QWidget


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget another role, such as "alarm", and the colour that goes with it."""
    if widget.property("role") == role:
        return
    widget.setProperty("role", role)
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)

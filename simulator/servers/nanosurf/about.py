"""What the emulated Studio says of itself, and what it only listens to."""

from spm_auto.wire.nanosurf import Value

from .nodes import Folder, Function, Property, ScriptFailure


def version(major: int, minor: int) -> Folder:
    """Return the folder of Studio's version."""
    return {
        "name": lambda: "Studio (emulated)",
        "full": lambda: f"{major}.{minor}.0",
        "major": lambda: major,
        "minor": lambda: minor,
    }


def session(name: str) -> Folder:
    """Return the folder of a single session."""

    def select(wanted: Value, level: Value = 1) -> Value:
        if wanted != name:
            raise ScriptFailure(f"session '{wanted}' not found")
        if not isinstance(level, int):
            raise ScriptFailure(f"level {level!r} is not available")
        return None

    def select_main(_level: Value = 0) -> Value:
        return None

    return {
        "list": lambda: [name],
        "all_available": lambda: [name],
        "select": select,
        "select_main": select_main,
        "name": Property(lambda: name),
    }


def logging() -> dict[str, Function]:
    """Return functions that take messages and forget them."""

    def ignore(*_words: Value) -> Value:
        return None

    levels = ("debug", "info", "warn", "error", "fatal")
    return {f"log_{level}": ignore for level in levels}


def signal() -> Folder:
    """Return an event, to which nobody can connect from outside."""

    def refuse(*_anything: Value) -> Value:
        raise ScriptFailure("functions cannot be handed over the script interface")

    return {"connect": refuse, "connect_extended": refuse, "empty": lambda: True}


def device(name: str) -> Folder:
    """Return the folder of controller and scan head."""

    def said(text: str) -> Property:
        return Property(lambda: text)

    return {
        "controller": {"name": said("emulated controller"), "serial_number": said("000-00-000")},
        "scan_head": {"name": said(name), "serial_number": said("000-00-001")},
    }

"""Application: Qt from its start to its end."""

from pathlib import Path


def run_window(
    run: Path | None,
    is_simulated: bool,
    lab: Path | None,
    recipe: Path | None,
    out: Path,
    who: str,
    theme: str,
    is_looking: bool,
) -> int:
    """Open the window, and run it until it is closed; see `open_window`."""
    raise NotImplementedError

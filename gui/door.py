"""Door: opens the window, and runs it until it is closed."""

import os
import sys
from pathlib import Path

from spm_auto.errors import SpmError


def open_window(
    run: Path | None = None,
    is_simulated: bool = False,
    lab: Path | None = None,
    recipe: Path | None = None,
    out: Path = Path("runs"),
    who: str = "",
    theme: str = "",
    is_looking: bool = False,
) -> int:
    """Open the window; returns the exit code when it was closed.

    Args:
        run: Folder of a run to attach to, or to look at.
        is_simulated: Whether to begin by hand on the simulator at once.
        lab: Lab file to begin with, by hand.
        recipe: A recipe to put into the editor.
        out: Where new runs get their folders.
        who: Who sits here, for the record.
        theme: "dark" or "light"; empty as it was last.
        is_looking: Whether nothing can be done to the run from this window.

    Raises:
        SpmError: There is no Qt, no screen, or no such run.
    """
    if _has_no_screen():
        raise SpmError(
            "there is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set (ssh -X sets one); "
            "to try without one, set QT_QPA_PLATFORM=offscreen"
        )
    try:
        from .application import run_window
    except ImportError as error:
        raise SpmError(
            f"the window needs PyQt6 and pyqtgraph: pip install 'spm_auto[gui]' ({error})"
        ) from error
    return run_window(
        run=run,
        is_simulated=is_simulated,
        lab=lab,
        recipe=recipe,
        out=out,
        who=who,
        theme=theme,
        is_looking=is_looking,
    )


def _has_no_screen() -> bool:
    """Whether Qt would abort the process for want of a screen."""
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return False
    return not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

"""Application: Qt from its start to its end."""

import faulthandler
import gc
import logging
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PyQt6.QtCore import QSettings, QStandardPaths, Qt
from PyQt6.QtWidgets import QApplication

from spm_auto.data import FILE_NAME
from spm_auto.errors import SpmError

from .common.theme import DARK, THEMES, dress
from .main_window import MainWindow
from .run.session import Session

_log = logging.getLogger(__name__)
_THEME = "theme"  # key of the settings
_AGAIN = 60.0  # [s] after which a fault is told again


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
    """Open the window, and run it until it is closed; see `open_window`.

    Raises:
        SpmError: There is no such folder or theme.
    """
    if theme and theme not in THEMES:
        raise SpmError(f"there is no theme {theme!r} (known: {', '.join(THEMES)})")
    if run is not None:
        run = run_folder(run, is_looking)
    if faulthandler_can_write():
        faulthandler.enable()
    collect_less()
    QApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    application = QApplication.instance() or QApplication(["spm_auto"])
    assert isinstance(application, QApplication)
    application.setApplicationName("spm_auto")
    settings = window_settings()
    worn = THEMES.get(theme or str(settings.value(_THEME, DARK.name)), DARK)
    dress(application, worn)
    session = Session(who, out)
    window = MainWindow(session, worn, settings)
    before = sys.excepthook
    sys.excepthook = Hook(window)
    try:
        if run is not None:
            window.attach(run, is_looking)
        elif is_simulated or lab is not None:
            window.begin_by_hand(lab)
        if recipe is not None:
            window.open_recipe(recipe)
        window.show()
        return application.exec()
    finally:
        sys.excepthook = before
        window.shut()


def run_folder(path: Path, is_over: bool) -> Path:
    """Return the folder of a run that somebody has named, by itself or by a file in it.

    Args:
        path: What was named.
        is_over: Whether it must have begun: nobody waits for a run at which he only looks.

    Raises:
        SpmError: There is no run.
    """
    folder = path.parent if path.is_file() else path
    if not folder.is_dir():
        raise SpmError(f"there is no folder {path}: which run is meant?")
    if (is_over or folder != path) and not (folder / FILE_NAME).is_file():
        raise SpmError(f"{path}: there is no run here, for it has no {FILE_NAME}")
    return folder


def collect_less() -> None:
    """Have Python look for cycles less often: a third of reading a journal would go into that."""
    gc.set_threshold(50_000, 20, 20)


def window_settings(path: Path | None = None) -> QSettings:
    """Return where the window keeps how it looks: a file of the user, or a given one."""
    if path is None:
        where = QStandardPaths.StandardLocation.GenericConfigLocation
        home = QStandardPaths.writableLocation(where)
        path = Path(home or Path.home()) / "spm_auto" / "window.ini"
    return QSettings(str(path), QSettings.Format.IniFormat)


def faulthandler_can_write() -> bool:
    """Whether there is a stderr that a crash could be written to; a window on Windows has none."""
    try:
        return sys.stderr is not None and sys.stderr.fileno() >= 0
    except (OSError, ValueError):
        return False


class Hook:
    """What is done about an error that a slot did not expect: it is told, and the window goes on.

    Without it Qt would end the program; the run is another process and notices nothing either way.

    One that comes again and again, at every tick, is told once a minute.

    Args:
        window: Tells it.
        now: Tells a time that never jumps [s].
    """

    def __init__(self, window: MainWindow, now: Callable[[], float] = time.monotonic) -> None:
        self._window, self._now = window, now
        self._told: dict[str, float] = {}  # when each was told [s]

    def __call__(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        """Tell the error."""
        if issubclass(kind, KeyboardInterrupt):
            self._window.close()
            return
        lines, now = "".join(traceback.format_exception(kind, error, trace)), self._now()
        self._told = {each: at for each, at in self._told.items() if now - at < _AGAIN}
        if lines in self._told:
            return
        self._told[lines] = now
        _log.error("fault of the window: %s", lines)
        self._window.tell_fault(f"{kind.__name__}: {error}", lines)

"""What tests of the window share: no window may be left over, on a screen that nobody sees."""

import gc
import os
import threading
from collections.abc import Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("PyQt6", reason="the window needs the extra [gui]")

from PyQt6.QtWidgets import QApplication

from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import DARK, Theme, dress


@pytest.fixture(autouse=True)
def _nothing_is_left(qapp: QApplication, dressed: Theme) -> Iterator[None]:
    """Fail a test that leaves a window or a thread behind."""
    threads = set(threading.enumerate())
    windows = set(map(id, qapp.topLevelWidgets()))

    def left() -> list[str]:
        shown = [w for w in qapp.topLevelWidgets() if id(w) not in windows and w.isVisible()]
        alive = [t.name for t in set(threading.enumerate()) - threads if t.is_alive()]
        return [*map(str, shown), *alive]

    yield
    qapp.processEvents()
    if left():  # what nobody holds any more is none: looking for it takes long
        gc.collect()
        qapp.processEvents()
    assert not left(), "windows or threads are left"


@pytest.fixture(scope="session")
def dressed(qapp: QApplication) -> Theme:
    """Dress the application once: every window that is alive has to be painted anew."""
    dress(qapp, DARK)
    return DARK


@pytest.fixture
def theme(dressed: Theme) -> Theme:
    """The dark theme, worn by the application."""
    return dressed


@pytest.fixture
def selection(qapp: QApplication) -> Selection:
    """What the views share."""
    return Selection()

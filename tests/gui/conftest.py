"""What tests of the window share: no window may be left over, on a screen that nobody sees."""

import gc
import os
import threading
from collections.abc import Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("PyQt6", reason="the window needs the extra [gui]")

from PyQt6.QtWidgets import QApplication

from spm_auto.gui.selection import Selection
from spm_auto.gui.theme import DARK, Theme, dress

_WORN = "worn"  # property of the application: the theme that it wears


@pytest.fixture(autouse=True)
def _nothing_is_left(qapp: QApplication) -> Iterator[None]:
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


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    """The dark theme, worn by the application."""
    if qapp.property(_WORN) != DARK.name:  # dressing takes long
        dress(qapp, DARK)
        qapp.setProperty(_WORN, DARK.name)
    return DARK


@pytest.fixture
def selection(qapp: QApplication) -> Selection:
    """What the views share."""
    return Selection()

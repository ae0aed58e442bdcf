"""The benchmark of the window runs on a few small pictures, so that it cannot rot unseen."""

import importlib
import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("PyQt6", reason="the window needs the extra [gui]")

from PyQt6.QtWidgets import QApplication

from spm_auto.data import LineAcquired, ModelFitted, RunFinished

HOME = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = ("gui", "gui_made", "tables")


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    """Import the benchmark as its script does, and forget it afterwards."""
    before = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    monkeypatch.syspath_prepend(HOME)
    yield importlib.import_module("gui")
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.modules.update(before)


def test_what_the_window_is_shown_is_a_run(benchmark) -> None:
    events = list(sys.modules["gui_made"].long_run(400))
    assert isinstance(events[-1], RunFinished)
    assert sum(isinstance(event, LineAcquired) for event in events) == 256
    assert sum(isinstance(event, ModelFitted) for event in events) == 6


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_memory_of_a_few_small_updates_is_measured(
    benchmark, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PIXELS", 8), ("CELLS", 6), ("N_UPDATES", 20)):
        monkeypatch.setattr(benchmark, name, value)
    ((what, grown, wanted),) = benchmark.memory(qapp, tmp_path, 0.0)
    assert what.startswith("growth over 20 updates")
    assert grown.endswith(" MB")
    assert wanted == "< 20 MB"

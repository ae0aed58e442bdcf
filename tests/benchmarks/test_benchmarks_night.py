"""The benchmark of a night: the kit takes over where a night without it ends."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

HOME = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = ("tables", "night", "night_run", "night_truth")
HOURS = 0.4
DROPPED, BLUNT = 8, 14  # instructions
KILLED = 1860.0 + 700.0  # instrument time [s]


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch):
    """Import the benchmark as a script would, and forget it afterwards."""
    before = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    monkeypatch.syspath_prepend(HOME)
    monkeypatch.setenv("SPM_AUTO_NIGHT_KILLS", "")
    monkeypatch.setenv("SPM_AUTO_NIGHT_KILLED", "")
    yield importlib.import_module("night")
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.modules.update(before)


@pytest.mark.chaos  # half a minute
def test_a_short_night_with_every_kind_of_fault_yields_more_with_the_kit(
    night: ModuleType, tmp_path: Path
) -> None:
    faults = (("dropped_connection", DROPPED), ("tip_change", BLUNT))
    plan = night.Plan(faults, (KILLED,))
    without = night.spend(tmp_path / "without", plan, 0, HOURS, has_kit=False)
    kit = night.spend(tmp_path / "with", plan, 0, HOURS, has_kit=True)
    assert without.ends == ("failed",)
    assert kit.ends == ("killed", "completed")
    assert without.is_same
    assert kit.is_same
    assert without.useful(HOURS) == len(without.taken) == DROPPED - 2  # load and overview
    assert kit.useful(HOURS) > 2 * without.useful(HOURS)
    assert kit.misleading(HOURS) == 0
    bad = [taken for taken in kit.taken if not taken.is_good]
    assert bad, "the tip never became blunt; the test proves nothing"
    assert not any(taken.is_trusted for taken in bad)


@pytest.mark.chaos  # as what it stands on is proved in tests/cli/test_keep_going.py
def test_after_a_tip_crash_nothing_is_begun_and_nobody_resumes(
    night: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = night.Plan(tuple(("tip_crash", 10 + more) for more in range(3)))
    crashed = night.spend(tmp_path / "crash", plan, 0, HOURS, has_kit=True)
    found = night.crash_figures([crashed], [plan])
    assert crashed.ends == ("emergency",)
    assert crashed.actions == 10
    assert found["crashes_after_the_first_signal"] == 0
    assert "a human has to look" in capsys.readouterr().err


@pytest.mark.chaos
def test_a_whole_night_is_survived_and_yields_several_times_as_much(
    night: ModuleType, tmp_path: Path
) -> None:
    found = night.measure(8.0, 2, 2, tmp_path)
    without, kit, crash = (found[name] for name in ("without", "with", "crash"))
    assert kit["unhandled_ends"] == crash["unhandled_ends"] == 0
    assert crash["crashes_after_the_first_signal"] == 0
    assert kit["useful_per_hour"] > 3 * without["useful_per_hour"]
    assert all(each["is_same"] for each in found.values())

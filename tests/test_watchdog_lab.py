"""The table [watchdog] of a lab file, and that a laboratory opens its instrument watched over."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from spm_auto.clock import InstantClock
from spm_auto.errors import EmergencyStopped, Held, RecipeError
from spm_auto.instrument import Load, PositionProbe, WatchSettings
from spm_auto.lab import Lab, parse_lab

HERE, THERE = PositionProbe(1e-9, 0.0), PositionProbe(2e-9, 0.0)


def lab(watchdog: dict[str, Any] | None = None, *faults: dict[str, Any]) -> Lab:
    instrument = {
        "kind": "simulator", "sample": {"kind": "hopg"}, "level": 0, "faults": list(faults)
    }  # fmt: skip
    table = {"schema_version": 1, "laboratory": "bench", "instrument": instrument}
    if watchdog is not None:
        table["watchdog"] = watchdog
    return parse_lab(table, "lab.toml", Path())


def test_without_a_table_it_looks_fifty_times_a_second_with_the_instruments_threshold() -> None:
    assert lab().watchdog.watch() == WatchSettings(0.02, 3, None, 0.5, 1.0, patience=1.0)
    assert lab().watchdog.protection == "required"


def test_everything_in_the_table_arrives() -> None:
    table = {
        "period": "50 ms", "missed": 5, "threshold": "5 nA", "error": 0.2, "settle": "3 s",
        "patience": "2 s",
    }  # fmt: skip
    wanted = WatchSettings(0.05, 5, 5e-9, 0.2, 3.0, unit="A", patience=2.0)
    assert lab(table).watchdog.watch() == wanted


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"period": 0.02}, "no unit"),
        ({"period": "0 s"}, "greater than 0"),
        ({"missed": 0}, "greater than or equal to 1"),
        ({"threshold": "5 kg"}, "kg"),
        ({"threshold": "-5 nA"}, "must be positive"),
        ({"error": 0.0}, "greater than 0"),
        ({"protection": "maybe"}, "required"),
        ({"treshold": "5 nA"}, "did you mean 'threshold'"),
    ],
)
def test_what_would_watch_nothing_is_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        lab(table)


def test_a_laboratory_opens_its_instrument_watched_over() -> None:
    crash = {"kind": "tip_crash", "action": 1}
    with contextlib.closing(lab(None, crash).open(1, InstantClock())) as guard:
        assert guard.watchdog is not None
        assert guard.watchdog.is_watching
        guard.load(Load())
        with pytest.raises(EmergencyStopped, match="the tip has touched: 500 nA, above 50 nA"):
            guard.position_probe(HERE)


def loaded(of: Lab) -> None:
    with contextlib.closing(of.open(1, InstantClock())) as guard:
        guard.load(Load())


def test_the_labs_threshold_is_the_one_that_counts() -> None:
    loaded(lab({"threshold": "110 pA"}))
    with pytest.raises(EmergencyStopped, match="100 pA, above 90 pA"):  # what the loop holds
        loaded(lab({"threshold": "90 pA"}))


def test_a_threshold_in_another_unit_than_the_signal_is_no_threshold() -> None:
    with pytest.raises(EmergencyStopped, match="the signal is in A, its threshold in N"):
        loaded(lab({"threshold": "5 nN", "missed": 1}))


def test_what_somebody_changed_outside_holds_the_instrument_until_it_is_acknowledged() -> None:
    changed = {"kind": "changed_outside", "action": 1, "bias": "1 V"}
    with contextlib.closing(lab(None, changed).open(1, InstantClock())) as guard:
        guard.load(Load())
        for _ in range(3):
            with pytest.raises(Held, match=r"was changed outside: bias 100 mV -> 1 V"):
                guard.position_probe(HERE)
        assert guard.status().is_held
        assert guard.status().is_engaged
        assert guard.watchdog is not None
        guard.watchdog.acknowledge("operator")
        guard.position_probe(THERE)
        assert not guard.status().is_held

"""The optional instructions in a run: written down, read again, and gone on with."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import doing
from ohmic_runs import new_runner
from resuming import cut, resumed_runner, story

from spm_auto.clock import InstantClock
from spm_auto.data import FeedbackSet, FinishReason, TipConditioned, consolidate, open_run
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    GuardedInstrument,
    Instrument,
    SetFeedback,
)
from spm_auto.simulator import SimulatorSettings

CURVE = AcquireForceCurve(1e-8, 2e-8, points=64)
SPECTRUM = AcquireSpectrum(0.0, 0.0, BiasWaveform((-0.1, 0.1)))
STM = doing(ConditionTip(1e-9, 0.0, bias=3.0), SetFeedback(bias=0.2), SPECTRUM)
AFM = doing(CURVE, CURVE)


def microscope(sample: str, clock: InstantClock) -> GuardedInstrument:
    settings: dict[str, Any] = {"sample": {"kind": sample}, "level": 3}
    instrument: Instrument = SimulatorSettings.model_validate(settings).open(clock, 5)
    return GuardedInstrument(instrument)


def carried_out(folder: Path, sample: str, step: Any) -> None:
    clock = InstantClock()
    finished = new_runner(folder, microscope(sample, clock), clock).run([step], 1)
    assert finished.reason == FinishReason.COMPLETED, finished.detail


@pytest.mark.parametrize(("sample", "step"), [("hopg", STM), ("polymer_blend", AFM)])
def test_cut_after_any_record_it_goes_on_as_the_unbroken_one(
    sample: str, step: Any, tmp_path: Path
) -> None:
    carried_out(tmp_path / "whole", sample, step)
    whole = story(tmp_path / "whole")
    for n in range(2, len(whole)):
        folder = cut(tmp_path / "whole", n, tmp_path / f"cut {n}")
        clock = InstantClock()
        runner = resumed_runner(folder, microscope(sample, clock), clock)
        assert runner.run([step], 1).reason == FinishReason.COMPLETED
        assert story(folder) == whole, f"cut after {n} records"


def test_what_was_read_back_is_on_record(tmp_path: Path) -> None:
    carried_out(tmp_path, "hopg", STM)
    events = [record.event for record in open_run(tmp_path).records]
    (conditioned,) = [event for event in events if isinstance(event, TipConditioned)]
    assert (conditioned.x, conditioned.y) == (1e-9, 0.0)
    (changed,) = [event for event in events if isinstance(event, FeedbackSet)]
    assert changed.bias == 0.2


def test_force_curves_come_back_from_the_journal_and_from_the_run_file(tmp_path: Path) -> None:
    carried_out(tmp_path, "polymer_blend", AFM)
    first, second = open_run(tmp_path).force_curves
    assert first.start_time < second.start_time
    again, _ = open_run(consolidate(tmp_path / "run.spmj")).force_curves
    assert np.array_equal(first.approach, again.approach)

"""The runner: everything is written before it is shown, and steps get their answers."""

import threading
from pathlib import Path
from typing import Any

import pytest
from bench import PATIENCE, Bench
from by_hand import (
    FRAME,
    SCAN,
    SPECTRUM,
    StepByHand,
    doing,
)
from ohmic_runs import new_runner

from spm_auto.data import (
    FILE_NAME,
    Alarm,
    FinishReason,
    JournalReader,
    LineAcquired,
    Record,
    RunFinished,
)
from spm_auto.errors import (
    SpmError,
    Stopped,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Load,
    PositionProbe,
    ScanImage,
    Spectrum,
)
from spm_auto.workflow import (
    Note,
    RunState,
    StepContext,
    StepGenerator,
)


def test_a_run_is_told_event_by_event(bench: Bench) -> None:
    finished = bench.run(doing(SCAN, PositionProbe(1e-7, 0.0)), doing(SPECTRUM))
    assert finished == RunFinished(FinishReason.COMPLETED)
    assert bench.runner.finished == finished
    names = ["RunStarted", "LoadFinished", "StepStarted", "ScanStarted"]
    names += ["LineAcquired"] * 3
    names += ["ScanFinished", "ProbePositioned", "StepStarted", "SpectrumAcquired", "RunFinished"]
    assert [type(record.event).__name__ for record in bench.recorded.records] == names
    assert bench.shown.names == names


def test_an_event_is_in_the_journal_before_anyone_is_shown_it(tmp_path: Path) -> None:
    read: list[Record] = []
    shown: list[Record] = []

    def listen(record: Record) -> None:
        shown.append(record)
        read.append(list(JournalReader(tmp_path / FILE_NAME).poll())[-1])

    runner = new_runner(tmp_path, listeners=(listen,))
    runner.run([doing(SPECTRUM)], seed=1)
    assert [type(record.event) for record in read] == [type(record.event) for record in shown]
    assert [record.number for record in read] == [record.number for record in shown]


def test_a_step_is_given_the_image_the_spectrum_and_nothing_for_a_move(bench: Bench) -> None:
    answers: list[Any] = []

    def script(context: StepContext) -> StepGenerator:
        assert context == StepContext(seed=1, index=0)
        for request in (SCAN, SPECTRUM, PositionProbe(0.0, 0.0), Load(), Note(Alarm("look"))):
            answers.append((yield request))
        return None

    assert bench.script(script).reason == FinishReason.COMPLETED
    image, spectrum, *rest = answers
    assert isinstance(image, ScanImage)
    assert image.frame == FRAME
    assert image.is_complete
    assert isinstance(spectrum, Spectrum)
    assert (spectrum.x, spectrum.y) == (1e-7, 2e-7)
    assert rest == [None, None, None]
    assert [alarm.message for alarm in bench.recorded.alarms] == ["look"]


def test_what_a_step_returns_is_what_later_steps_look_at(bench: Bench) -> None:
    seen: list[tuple[int, int]] = []

    def scan(context: StepContext) -> StepGenerator:
        seen.append((context.index, len(context.images)))
        image: ScanImage = yield SCAN
        return image

    step = StepByHand(script=scan)
    bench.run(step, step, doing(), step)
    assert seen == [(0, 0), (1, 1), (3, 2)]


def test_states_follow_one_another_as_the_table_says(bench: Bench) -> None:
    states: list[RunState] = [bench.runner.state]

    def note() -> None:
        states.append(bench.runner.state)

    bench.microscope.first = {"load": note, "scan": note, "close": note}
    bench.shown.after = {"RunFinished": note}
    bench.run(doing(SCAN))
    states.append(bench.runner.state)
    assert states[:3] == [RunState.IDLE, RunState.LOADING, RunState.RUNNING]
    assert states[-1] == RunState.IDLE


def test_a_run_in_progress_cannot_be_loaded_again(bench: Bench) -> None:
    bench.runner.load()
    with pytest.raises(SpmError, match="a run that is running cannot become loading"):
        bench.runner.load()
    bench.runner.finish()


def test_a_run_that_was_started_cannot_be_started_again(bench: Bench) -> None:
    go_on = threading.Event()
    bench.microscope.first = {"acquire spectrum": lambda: go_on.wait(PATIENCE)}
    bench.runner.start([doing(SPECTRUM)], seed=1)
    with pytest.raises(SpmError, match="was started already"):
        bench.runner.start([doing(SPECTRUM)], seed=1)
    go_on.set()
    assert bench.runner.wait(PATIENCE)
    assert bench.recorded.finished == RunFinished(FinishReason.COMPLETED)


def test_whoever_waits_learns_whether_the_run_ended(bench: Bench) -> None:
    go_on = threading.Event()
    bench.microscope.first = {"acquire spectrum": lambda: go_on.wait(PATIENCE)}
    assert not bench.runner.wait(0)
    bench.runner.start([doing(SPECTRUM)], seed=1)
    assert not bench.runner.wait(0)
    go_on.set()
    assert bench.runner.wait(PATIENCE)
    assert bench.runner.finished is not None


def test_a_script_performs_by_hand_and_a_stop_reaches_it(bench: Bench) -> None:
    bench.runner.load()
    spectrum = bench.runner.perform(SPECTRUM)
    assert isinstance(spectrum, Spectrum)
    bench.runner.cancel()
    with pytest.raises(Stopped) as stopped:
        bench.runner.perform(AcquireSpectrum(0.0, 0.0, BiasWaveform((1.0,))))
    assert bench.runner.finish(stopped.value).reason == FinishReason.CANCELLED
    assert [type(r.event) for r in bench.recorded.records].count(LineAcquired) == 0

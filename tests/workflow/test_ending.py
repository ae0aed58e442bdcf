"""However a run ends, its end has the right name, and everything is closed."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import Bench
from by_hand import (
    FRAME,
    SCAN,
    SPECTRUM,
    Microscope,
    doing,
)
from ohmic_runs import new_runner

from spm_auto.clock import InstantClock
from spm_auto.data import (
    Alarm,
    FinishReason,
    Record,
    RunStarted,
    open_run,
)
from spm_auto.errors import (
    AgentError,
    DataError,
    LimitExceeded,
    SpmError,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    InstrumentState,
    Limits,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanLine,
)
from spm_auto.workflow import (
    RunState,
    StepContext,
    StepGenerator,
)


def test_a_refused_instruction_fails_the_run_and_nothing_moved(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Limits(bias=(-0.5, 0.5)))
    finished = bench.run(doing(SPECTRUM))
    assert finished.reason == FinishReason.FAILED
    assert finished.message == "bias of 1 V is outside -0.5 to 0.5 V"
    assert bench.microscope.calls == ["load", "close"]


def test_a_refused_scan_leaves_no_trace_of_a_scan(bench: Bench) -> None:
    wide = Scan(ScanFrame((0.0, 0.0), (1e-3, 1e-3), (4, 4)))
    assert bench.run(doing(wide)).reason == FinishReason.FAILED
    assert not bench.recorded.scans


def test_what_the_instrument_could_not_do_is_the_steps_to_decide(bench: Bench) -> None:
    caught: list[str] = []

    def script(_: StepContext) -> StepGenerator:
        try:
            yield AcquireSpectrum(1.0, 0.0, SPECTRUM.waveform)
        except LimitExceeded as error:
            caught.append(error.quantity)
        yield SPECTRUM
        return None

    assert bench.script(script).reason == FinishReason.COMPLETED
    assert caught == ["x"]
    assert len(bench.recorded.measurements) == 1


def test_a_step_that_raises_fails_the_run_and_its_traceback_is_kept(bench: Bench) -> None:
    def script(_: StepContext) -> StepGenerator:
        yield SPECTRUM
        raise ZeroDivisionError("my mistake")

    finished = bench.script(script)
    assert finished.reason == FinishReason.FAILED
    assert finished.message == "ZeroDivisionError: my mistake"
    assert "in script" in finished.detail
    assert bench.recorded.finished == finished


def test_the_message_of_a_long_error_is_its_first_line(bench: Bench) -> None:
    def script(_: StepContext) -> StepGenerator:
        yield SPECTRUM
        raise RuntimeError("\nthe matrix is singular\nat row 1\nat row 2")

    finished = bench.script(script)
    assert finished.message == "RuntimeError: the matrix is singular"
    assert "at row 2" in finished.detail


def test_a_step_that_leaves_the_program_fails_the_run_in_order(bench: Bench) -> None:
    def script(_: StepContext) -> StepGenerator:
        yield SPECTRUM
        sys.exit(3)

    finished = bench.script(script)
    assert finished.reason == FinishReason.FAILED
    assert finished.message == "SystemExit: 3"
    assert bench.microscope.calls[-1] == "close"


@pytest.mark.parametrize("request_", [None, "scan", (1e-7, 2e-7), FRAME])
def test_a_step_that_yields_what_is_no_request_is_told_so(bench: Bench, request_: Any) -> None:
    finished = bench.run(doing(request_))
    assert finished.reason == FinishReason.FAILED
    assert f"no instruction: {request_!r}" in finished.message


def test_a_finished_run_has_closed_its_instrument_and_its_journal(bench: Bench) -> None:
    bench.run(doing(SPECTRUM))
    assert bench.microscope.status().state == InstrumentState.CLOSED
    with pytest.raises(DataError, match="the journal is closed"):
        bench.runner.record(Alarm("too late"))


@pytest.mark.parametrize("instruction", [PositionProbe(0.0, 0.0), SCAN, SPECTRUM, Load()])
def test_nothing_is_performed_after_the_end(bench: Bench, instruction: Any) -> None:
    bench.runner.load()
    bench.runner.finish()
    calls = list(bench.microscope.calls)
    with pytest.raises(SpmError, match="the run is over"):
        bench.runner.perform(instruction)
    with pytest.raises(SpmError, match="the run is over"):
        bench.runner.load()
    assert bench.microscope.calls == calls


def test_a_run_ends_once(bench: Bench) -> None:
    bench.runner.load()
    finished = bench.runner.finish(AgentError("no"))
    assert bench.runner.finish() == finished
    assert bench.runner.finished == finished
    assert bench.microscope.calls.count("close") == 1
    bench.runner.cancel()
    assert bench.runner.state == RunState.IDLE


def test_an_instrument_that_cannot_be_closed_is_an_alarm_and_the_run_ends(bench: Bench) -> None:
    def lost() -> None:
        raise ConnectionResetError("the controller is gone")

    bench.microscope.first = {"close": lost}
    finished = bench.run(doing(SPECTRUM))
    assert finished.reason == FinishReason.COMPLETED
    run = bench.recorded
    assert run.finished == finished
    assert [alarm.message for alarm in run.alarms] == [
        "the instrument could not be closed: ConnectionResetError: the controller is gone"
    ]
    with pytest.raises(DataError, match="closed"):
        bench.runner.record(Alarm("too late"))


def test_a_listener_that_breaks_fails_the_run_and_everything_is_closed(tmp_path: Path) -> None:
    def listen(record: Record) -> None:
        if not isinstance(record.event, RunStarted):
            raise RuntimeError("the window is gone")

    microscope = Microscope(InstantClock())
    runner = new_runner(tmp_path, microscope, listeners=(listen,))
    finished = runner.run([doing(SPECTRUM)], seed=1)
    assert finished.reason == FinishReason.FAILED
    assert finished.message == "RuntimeError: the window is gone"
    assert microscope.calls[-1] == "close"
    assert open_run(tmp_path).finished == finished


def test_a_run_whose_end_cannot_be_written_is_not_called_completed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    real = os.write

    def full() -> None:
        monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:10]))

    bench.shown.after = {"SpectrumAcquired": full}
    finished = bench.run(doing(SPECTRUM))
    assert finished.reason == FinishReason.FAILED
    assert "is it full?" in finished.message
    assert bench.runner.finished == finished
    assert bench.microscope.calls[-1] == "close"


@pytest.mark.parametrize(
    ("index", "shape"), [(3, (1, 4)), (-1, (1, 4)), (0, (1, 5)), (0, (2, 4)), (0, (4,))]
)
def test_a_line_that_does_not_fit_the_frame_fails_the_run_and_is_not_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, index: int, shape: tuple[int, ...]
) -> None:
    wrong = ScanLine(index, np.zeros(shape), np.zeros(shape), 0.0)
    monkeypatch.setattr(bench.microscope, "scan", lambda _: iter([wrong]))  # a bad driver
    finished = bench.run(doing(SCAN))
    assert finished.reason == FinishReason.FAILED
    assert f"line {index}" in finished.message
    assert bench.recorded.summary()["n_lines"] == 0

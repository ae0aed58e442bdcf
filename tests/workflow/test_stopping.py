"""Pause, cancel and emergency stop, from any thread and at any moment."""

import threading

import numpy as np
import pytest
from bench import PATIENCE, Bench
from by_hand import (
    SCAN,
    SPECTRUM,
    doing,
)

from spm_auto.data import (
    FinishReason,
    RunFinished,
)
from spm_auto.errors import (
    InstrumentError,
)
from spm_auto.workflow import (
    RunState,
    StepContext,
    StepGenerator,
)


def test_a_pause_holds_before_the_next_line_until_resumed(bench: Bench) -> None:
    paused = threading.Event()
    bench.shown.after = {"LineAcquired": bench.runner.pause, "RunPaused": paused.set}
    bench.runner.start([doing(SCAN)], seed=1)
    assert paused.wait(PATIENCE)
    assert bench.runner.state == RunState.PAUSED
    assert bench.shown.names[-2:] == ["LineAcquired", "RunPaused"]
    assert bench.shown.names.count("LineAcquired") == 1
    bench.runner.resume()
    assert bench.runner.wait(PATIENCE)
    assert bench.shown.names[4:] == [
        "LineAcquired", "RunPaused", "RunResumed", "LineAcquired", "LineAcquired",
        "ScanFinished", "RunFinished",
    ]  # fmt: skip
    assert bench.recorded.scans[0].is_complete
    assert bench.recorded.finished == RunFinished(FinishReason.COMPLETED)


def test_a_pause_during_a_spectrum_holds_before_the_next_instruction(bench: Bench) -> None:
    paused = threading.Event()
    bench.microscope.first = {"acquire spectrum": bench.runner.pause}
    bench.shown.after = {"RunPaused": paused.set}
    bench.runner.start([doing(SPECTRUM, SPECTRUM)], seed=1)
    assert paused.wait(PATIENCE)
    assert bench.microscope.calls == ["load", "acquire spectrum"]
    bench.microscope.first = {}
    bench.runner.resume()
    assert bench.runner.wait(PATIENCE)
    assert bench.recorded.summary()["n_spectra"] == 2


def test_a_run_that_is_paused_can_be_cancelled(bench: Bench) -> None:
    paused = threading.Event()
    bench.shown.after = {"LineAcquired": bench.runner.pause, "RunPaused": paused.set}
    bench.runner.start([doing(SCAN)], seed=1)
    assert paused.wait(PATIENCE)
    bench.runner.cancel()
    assert bench.runner.wait(PATIENCE)
    assert bench.shown.names[-3:] == ["RunPaused", "ScanFinished", "RunFinished"]
    assert bench.runner.finished is not None
    assert bench.runner.finished.reason == FinishReason.CANCELLED


def test_cancelling_a_scan_keeps_the_lines_so_far(bench: Bench) -> None:
    bench.microscope.first = {"line 2": bench.runner.cancel}
    finished = bench.run(doing(SCAN, SPECTRUM))
    assert finished.reason == FinishReason.CANCELLED
    assert finished.message == "the run was stopped"
    run = bench.recorded
    assert run.finished == finished
    assert "acquire spectrum" not in bench.microscope.calls
    assert not run.measurements
    lines = np.isfinite(run.scans[0].channel()[:, 0])
    assert lines[:2].all()


def test_cancelling_from_another_thread_interrupts_the_spectrum_in_progress(bench: Bench) -> None:
    def cancel() -> None:
        thread = threading.Thread(target=bench.runner.cancel)
        thread.start()
        thread.join(PATIENCE)

    # the microscope looks at its stop flag when it waits for the spectrum's time to pass
    real = bench.clock.wait

    def wait(duration: float, stop: threading.Event | None = None) -> bool:
        if duration == pytest.approx(1.0) and "acquire spectrum" in bench.microscope.calls:
            cancel()
        return real(duration, stop)

    bench.clock.wait = wait  # type: ignore[method-assign]  # time that passes while someone acts
    finished = bench.run(doing(SPECTRUM, SPECTRUM))
    assert finished.reason == FinishReason.CANCELLED
    assert bench.microscope.calls == ["load", "acquire spectrum", "close"]
    assert not bench.recorded.measurements


def test_a_run_cancelled_before_it_began_moves_nothing(bench: Bench) -> None:
    bench.runner.cancel()
    assert bench.run(doing(SPECTRUM)).reason == FinishReason.CANCELLED
    assert bench.microscope.calls == ["close"]


def test_a_run_cancelled_during_its_last_instruction_is_not_called_completed(bench: Bench) -> None:
    bench.shown.after = {"SpectrumAcquired": bench.runner.cancel}
    finished = bench.run(doing(SPECTRUM))
    assert finished.reason == FinishReason.CANCELLED
    assert len(bench.recorded.measurements) == 1


def test_an_emergency_stop_reaches_the_instrument_before_anything_else(bench: Bench) -> None:
    states: list[RunState] = []
    bench.microscope.first = {
        "acquire spectrum": bench.runner.emergency_stop,
        "emergency stop": lambda: states.append(bench.runner.state),
    }
    finished = bench.run(doing(SPECTRUM, SPECTRUM))
    assert states == [RunState.RUNNING]
    assert finished.reason == FinishReason.EMERGENCY
    assert bench.recorded.finished == finished
    assert bench.microscope.calls == ["load", "acquire spectrum", "emergency stop", "close"]


def test_an_emergency_stop_that_the_instrument_cannot_carry_out_ends_the_run_all_the_same(
    bench: Bench,
) -> None:
    def lost() -> None:
        raise InstrumentError("the connection is lost")

    raised: list[InstrumentError] = []

    def stop() -> None:
        try:
            bench.runner.emergency_stop("Ada")
        except InstrumentError as error:
            raised.append(error)

    bench.microscope.first = {"emergency stop": lost}
    bench.shown.after = {"SpectrumAcquired": stop}
    finished = bench.run(doing(SPECTRUM, SPECTRUM))
    assert len(raised) == 1
    assert finished.reason == FinishReason.EMERGENCY
    assert len(bench.recorded.measurements) == 1
    (asked,) = bench.recorded.interventions
    assert asked.what == "withdraw the tip, which is NOT confirmed"


def test_an_emergency_stays_one_when_the_run_is_cancelled_too(bench: Bench) -> None:
    def both() -> None:
        bench.runner.emergency_stop()
        bench.runner.cancel()

    bench.shown.after = {"SpectrumAcquired": both}
    assert bench.run(doing(SPECTRUM, SPECTRUM)).reason == FinishReason.EMERGENCY


def test_a_cancelled_run_becomes_an_emergency_when_that_is_what_is_asked_for(bench: Bench) -> None:
    def both() -> None:
        bench.runner.cancel()
        bench.runner.emergency_stop()

    bench.shown.after = {"SpectrumAcquired": both}
    assert bench.run(doing(SPECTRUM, SPECTRUM)).reason == FinishReason.EMERGENCY


def test_an_instrument_that_latched_by_itself_ends_the_run_as_an_emergency(bench: Bench) -> None:
    watchdog = bench.microscope.emergency_stop
    bench.shown.after = {"SpectrumAcquired": watchdog}
    finished = bench.run(doing(SPECTRUM, SPECTRUM))
    assert finished.reason == FinishReason.EMERGENCY
    assert "the tip is withdrawn" in finished.message


def test_whoever_was_asked_to_stop_and_breaks_over_it_is_called_stopped(bench: Bench) -> None:
    def breaks() -> None:
        bench.runner.cancel()
        raise InstrumentError("the controller did not answer")

    bench.microscope.first = {"acquire spectrum": breaks}
    finished = bench.run(doing(SPECTRUM))
    assert finished.reason == FinishReason.CANCELLED
    assert "the controller did not answer" in finished.message


def test_stopped_is_never_thrown_into_a_step(bench: Bench) -> None:
    caught: list[BaseException] = []

    def script(_: StepContext) -> StepGenerator:
        try:
            yield SCAN
        except Exception as error:  # noqa: BLE001 - whatever comes
            caught.append(error)
        return None

    bench.microscope.first = {"line 1": bench.runner.cancel}
    assert bench.script(script).reason == FinishReason.CANCELLED
    assert caught == []


def test_a_step_that_clings_to_its_generator_cannot_go_on_after_a_stop(bench: Bench) -> None:
    def script(_: StepContext) -> StepGenerator:
        try:
            yield SPECTRUM
            yield SPECTRUM
        except BaseException:  # noqa: BLE001 - the bad manners that are meant
            yield SPECTRUM
        return None

    bench.shown.after = {"SpectrumAcquired": bench.runner.cancel}
    finished = bench.script(script)
    assert finished.reason == FinishReason.CANCELLED
    assert bench.microscope.calls.count("acquire spectrum") == 1


def test_ctrl_c_in_the_instrument_thread_cancels_the_run(bench: Bench) -> None:
    def script(_: StepContext) -> StepGenerator:
        yield SPECTRUM
        raise KeyboardInterrupt

    finished = bench.script(script)
    assert finished.reason == FinishReason.CANCELLED
    assert finished.message == "interrupted at the keyboard"


def test_the_runner_may_be_stopped_after_the_end_and_the_instrument_hears_it(bench: Bench) -> None:
    bench.run(doing(SPECTRUM))
    bench.runner.emergency_stop()
    assert bench.microscope.calls[-1] == "emergency stop"
    assert bench.recorded.finished == RunFinished(FinishReason.COMPLETED)

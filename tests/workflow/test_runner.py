"""The runner: everything is written before it is shown, and every end has its name."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import (
    FRAME,
    SCAN,
    SPECTRUM,
    AgentByHand,
    Microscope,
    Shown,
    StepByHand,
    doing,
    explorer,
)
from ohmic_runs import new_runner

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    AgentAnswered,
    Alarm,
    FinishReason,
    JournalReader,
    LineAcquired,
    Record,
    RecordedRun,
    RunFinished,
    RunStarted,
    open_run,
)
from spm_auto.errors import (
    AgentError,
    DataError,
    InstrumentError,
    LimitExceeded,
    SpmError,
    Stopped,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    InstrumentState,
    Limits,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanImage,
    ScanLine,
    Spectrum,
)
from spm_auto.workflow import (
    Advice,
    Await,
    Consult,
    Consultation,
    Note,
    Runner,
    RunState,
    Step,
    StepContext,
    StepGenerator,
)

PATIENCE = 20.0  # [s] until a test that hangs fails; none waits that long


class Bench:
    """A runner over a microscope, with all that it shows."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.clock = InstantClock()
        self.microscope = Microscope(self.clock)
        self.shown = Shown()
        self.folder = folder
        self.runner: Runner = new_runner(
            folder, self.microscope, self.clock, limits, listeners=(self.shown,)
        )

    def run(self, *steps: Step) -> RunFinished:
        return self.runner.run(steps, seed=1)

    def script(self, script: Callable[[StepContext], StepGenerator]) -> RunFinished:
        return self.run(StepByHand(script=script))

    @property
    def recorded(self) -> RecordedRun:
        return open_run(self.folder)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


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
            bench.runner.emergency_stop()
        except InstrumentError as error:
            raised.append(error)

    bench.microscope.first = {"emergency stop": lost}
    bench.shown.after = {"SpectrumAcquired": stop}
    finished = bench.run(doing(SPECTRUM, SPECTRUM))
    assert len(raised) == 1
    assert finished.reason == FinishReason.EMERGENCY
    assert len(bench.recorded.measurements) == 1


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


def test_ctrl_c_in_the_instrument_thread_cancels_the_run(bench: Bench) -> None:
    def script(_: StepContext) -> StepGenerator:
        yield SPECTRUM
        raise KeyboardInterrupt

    finished = bench.script(script)
    assert finished.reason == FinishReason.CANCELLED
    assert finished.message == "interrupted at the keyboard"


@pytest.mark.parametrize("request_", [None, "scan", (1e-7, 2e-7), FRAME])
def test_a_step_that_yields_what_is_no_request_is_told_so(bench: Bench, request_: Any) -> None:
    finished = bench.run(doing(request_))
    assert finished.reason == FinishReason.FAILED
    assert f"no instruction: {request_!r}" in finished.message


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


def consult(agent: AgentByHand, ask: bool = True) -> Callable[[StepContext], StepGenerator]:
    def script(_: StepContext) -> StepGenerator:
        yield Await((yield Consult(explorer(agent), ask=ask)))
        return None

    return script


def test_an_agent_that_raises_fails_the_run_with_its_message(bench: Bench) -> None:
    def raises(_: int) -> None:
        raise AgentError("I see nothing")

    finished = bench.script(consult(AgentByHand(first=raises)))
    assert finished.reason == FinishReason.FAILED
    assert finished.message == "I see nothing"


def test_an_agent_with_a_bug_fails_the_run_and_its_traceback_is_kept(bench: Bench) -> None:
    def buggy(_: int) -> None:
        raise IndexError("list index out of range")

    finished = bench.script(consult(AgentByHand(first=buggy)))
    assert finished.message == "IndexError: list index out of range"
    assert "buggy" in finished.detail


def test_an_agent_that_leaves_the_program_fails_the_run(bench: Bench) -> None:
    def leaves(_: int) -> None:
        sys.exit(1)

    assert bench.script(consult(AgentByHand(first=leaves))).message == "SystemExit: 1"


def test_an_agent_that_never_answers_does_not_keep_the_run_from_being_cancelled(
    bench: Bench,
) -> None:
    asked, never = threading.Event(), threading.Event()

    def think(_: int) -> None:
        asked.set()
        never.wait(PATIENCE)

    bench.runner.start([StepByHand(script=consult(AgentByHand(first=think)))], seed=1)
    assert asked.wait(PATIENCE)
    bench.runner.cancel()
    assert bench.runner.wait(PATIENCE / 2)
    never.set()
    assert bench.recorded.finished == RunFinished(
        FinishReason.CANCELLED, "the run was stopped while the agent was thinking"
    )


def test_an_agent_that_never_answers_does_not_keep_the_program_from_ending(tmp_path: Path) -> None:
    program = f"""
        import sys, threading
        from pathlib import Path
        sys.path[:0] = {sys.path!r}
        from by_hand import AgentByHand, StepByHand, explorer
        from ohmic_runs import new_runner
        from spm_auto.workflow import Await, Consult

        asked = threading.Event()

        def think(_):
            asked.set()
            threading.Event().wait()

        def script(_):
            yield Await((yield Consult(explorer(AgentByHand(first=think)))))

        runner = new_runner(Path({str(tmp_path)!r}))
        runner.start([StepByHand(script=script)], seed=1)
        asked.wait()
        runner.cancel()
        runner.wait()
        print(runner.finished.reason)
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (child.stdout, child.returncode) == ("cancelled\n", 0), child.stderr


def test_the_agent_thinks_while_the_instrument_measures(bench: Bench) -> None:
    measured = threading.Event()
    saw: list[bool] = []
    agent = AgentByHand(first=lambda _: saw.append(measured.wait(PATIENCE)))
    bench.shown.after = {"SpectrumAcquired": measured.set}

    def script(_: StepContext) -> StepGenerator:
        consultation = yield Consult(explorer(agent))
        yield SPECTRUM
        yield Await(consultation)
        return None

    assert bench.script(script).reason == FinishReason.COMPLETED
    assert saw == [True]
    names = bench.shown.names
    assert names.index("SpectrumAcquired") < names.index("AgentAnswered")


def test_the_instrument_waited_for_what_of_the_thinking_it_did_not_measure_through(
    bench: Bench,
) -> None:
    class Thought(Future[Advice]):
        """An answer that is 2 s away when someone waits for it, on a clock that then runs on."""

        def result(self, timeout: float | None = None) -> Advice:
            bench.clock.wait(2.0)
            return super().result(timeout)

    thought = Thought()
    thought.set_result(Advice(None, (), (), seconds=3.0))

    def script(_: StepContext) -> StepGenerator:
        asked = Consultation(thought, bench.clock.now())
        yield SPECTRUM  # takes 1 s
        yield Await(asked)
        return None

    bench.script(script)
    assert bench.recorded.answers == (AgentAnswered(3.0, 2.0),)


def test_an_agent_quicker_than_the_instrument_is_not_waited_for(bench: Bench) -> None:
    def script(_: StepContext) -> StepGenerator:
        done: Future[Advice] = Future()
        done.set_result(Advice(None, (), (), seconds=0.25))
        asked = Consultation(done, bench.clock.now())
        yield SPECTRUM
        yield Await(asked)
        return None

    bench.script(script)
    assert bench.recorded.answers == (AgentAnswered(0.25, 0.0),)


def test_a_script_performs_by_hand_and_a_stop_reaches_it(bench: Bench) -> None:
    bench.runner.load()
    spectrum = bench.runner.perform(SPECTRUM)
    assert isinstance(spectrum, Spectrum)
    bench.runner.cancel()
    with pytest.raises(Stopped) as stopped:
        bench.runner.perform(AcquireSpectrum(0.0, 0.0, BiasWaveform((1.0,))))
    assert bench.runner.finish(stopped.value).reason == FinishReason.CANCELLED
    assert [type(r.event) for r in bench.recorded.records].count(LineAcquired) == 0


def test_the_runner_may_be_stopped_after_the_end_and_the_instrument_hears_it(bench: Bench) -> None:
    bench.run(doing(SPECTRUM))
    bench.runner.emergency_stop()
    assert bench.microscope.calls[-1] == "emergency stop"
    assert bench.recorded.finished == RunFinished(FinishReason.COMPLETED)

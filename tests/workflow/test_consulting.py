"""The agent beside the instrument: it thinks meanwhile, may break, and may never answer."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from bench import PATIENCE, Bench
from by_hand import (
    SPECTRUM,
    AgentByHand,
    Microscope,
    StepByHand,
    explorer,
)

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    AgentAnswered,
    FinishReason,
    Journal,
    RunFinished,
)
from spm_auto.errors import (
    AgentError,
)
from spm_auto.workflow import (
    Advice,
    Await,
    Consult,
    Consultation,
    Runner,
    StepContext,
    StepGenerator,
)


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


def test_an_agent_that_never_answers_ends_the_run_in_order(tmp_path: Path) -> None:
    over, clock = threading.Event(), InstantClock()
    microscope = Microscope(clock)
    journal = Journal(tmp_path / FILE_NAME, clock.now)
    runner = Runner(microscope, journal, clock, thought=0.1)
    agent = AgentByHand(first=lambda _: over.wait(PATIENCE))
    finished = runner.run([StepByHand(script=consult(agent))], seed=1)
    over.set()
    assert finished.reason == FinishReason.FAILED
    assert finished.message == "the agent has not answered within 0.1 s"


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

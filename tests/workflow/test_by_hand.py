"""Working by hand: a run does what a human says, one thing after another, and keeps the record."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from bench import PATIENCE, Bench
from by_hand import SCAN, SPECTRUM, doing

from spm_auto.data import FinishReason, InstructionFailed, Judged, RunFinished, Verdict
from spm_auto.errors import SpmError
from spm_auto.instrument import Instruction, PositionProbe, Scan, ScanFrame
from spm_auto.workflow import Approving, ByHandStep, RunState

STEP = ByHandStep(kind="by_hand")
FAR = PositionProbe(5e-6, 0.0)
NEAR = PositionProbe(1e-7, 0.0)
_TICK = 0.002  # [s]


def until(bench: Bench, happens: Callable[[], bool]) -> None:
    """Wait until something is so, while the run goes on."""
    for _ in range(int(PATIENCE / _TICK)):
        if happens() or bench.runner.wait(_TICK):
            break
    assert happens()


def asks(bench: Bench, number: int) -> Callable[[], bool]:
    """Say whether the run waits for an instruction, for the so many-th time."""

    def is_asked() -> bool:
        question = bench.runner.question
        return question is not None and question.number == number

    return is_asked


def by_hand(bench: Bench, *orders: Sequence[Instruction]) -> RunFinished:
    """Let a human give instructions, one list after another, and then say that it is enough."""
    bench.runner.hear()
    bench.runner.start([STEP], seed=1)
    for number, order in enumerate(orders, start=1):
        until(bench, asks(bench, number))
        bench.runner.do_by_hand(order, "Ada", "let me see")
    until(bench, asks(bench, len(orders) + 1))
    bench.runner.end_by_hand("Ada", "that is all")
    assert bench.runner.wait(PATIENCE)
    assert bench.runner.finished is not None
    return bench.runner.finished


def test_what_a_human_says_is_done_and_recorded_with_who_and_why(bench: Bench) -> None:
    finished = by_hand(bench, [SCAN], [NEAR, SPECTRUM])
    assert finished.reason == FinishReason.COMPLETED
    assert [n for n in bench.shown.names if n not in ("RunPaused", "RunResumed")] == [
        "RunStarted", "LoadFinished", "StepStarted",
        "Judged", "ScanStarted", "LineAcquired", "LineAcquired", "LineAcquired", "ScanFinished",
        "Judged", "ProbePositioned", "SpectrumAcquired",
        "Judged", "RunFinished",
    ]  # fmt: skip
    judged = [r.event for r in bench.recorded.records if isinstance(r.event, Judged)]
    assert {(each.kind, each.who) for each in judged} == {("by_hand", "Ada")}
    assert [each.why for each in judged] == ["let me see", "let me see", "that is all"]


def test_what_is_refused_is_recorded_moves_nothing_and_the_run_asks_again(bench: Bench) -> None:
    """Row 8: a click that sends the tip where it may not go is refused, and the run goes on."""
    finished = by_hand(bench, [NEAR, FAR, SPECTRUM, SCAN], [SPECTRUM])
    assert finished.reason == FinishReason.COMPLETED
    (failed,) = [r.event for r in bench.recorded.records if isinstance(r.event, InstructionFailed)]
    assert (failed.instruction, failed.error) == (FAR, "LimitExceeded")
    assert bench.microscope.calls == ["load", "position probe", "acquire spectrum", "close"]
    questions = [r.event.question for r in bench.recorded.records if isinstance(r.event, Judged)]
    assert questions[1].startswith("PositionProbe: x of 5e-06 m is outside -1e-06 to 1e-06 m")
    assert "2 more were left out" in questions[1]
    assert questions[2] == "What shall be done by hand?"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '[{"do": "explode"}]', '[{"do": "position_probe", "points": [[1]]}]']
)
def test_an_answer_that_holds_no_instructions_is_asked_again(text: str, bench: Bench) -> None:
    bench.runner.hear()
    bench.runner.start([STEP], seed=1)
    until(bench, asks(bench, 1))
    bench.runner.answer(Verdict.EDITED, "Ada", values={"instructions": text})
    until(bench, asks(bench, 2))
    assert bench.runner.question is not None
    assert "no instructions" in bench.runner.question.ask.question
    bench.runner.end_by_hand("Ada")
    assert bench.runner.wait(PATIENCE)
    assert bench.microscope.calls == ["load", "close"]


def test_nothing_by_hand_is_done_where_the_run_asks_for_nothing_of_it(bench: Bench) -> None:
    with pytest.raises(SpmError, match="asks nothing just now"):
        bench.runner.do_by_hand([NEAR], "Ada")
    with pytest.raises(SpmError, match="nothing is being done by hand"):
        bench.runner.interrupt("Ada")
    bench.runner.hear()
    bench.runner.start([STEP], seed=1)
    until(bench, asks(bench, 1))
    with pytest.raises(SpmError, match="nothing is being done by hand"):
        bench.runner.interrupt("Ada")
    with pytest.raises(SpmError, match="question 7 was answered already"):
        bench.runner.do_by_hand([NEAR], "Ada", number=7)
    bench.runner.cancel()
    assert bench.runner.wait(PATIENCE)
    assert not bench.recorded.interventions


def test_a_scan_by_hand_is_ended_between_two_lines_and_the_run_asks_again(bench: Bench) -> None:
    bench.shown.after = {"LineAcquired": lambda: bench.runner.interrupt("Ada", "wrong place")}
    finished = by_hand(bench, [SCAN, SPECTRUM], [NEAR])
    assert finished.reason == FinishReason.COMPLETED
    assert bench.shown.names.count("LineAcquired") == 1
    assert "acquire spectrum" not in bench.microscope.calls
    assert "position probe" in bench.microscope.calls
    (failed,) = [r.event for r in bench.recorded.records if isinstance(r.event, InstructionFailed)]
    assert (failed.error, failed.message) == ("Interrupted", "interrupted by Ada")
    assert failed.values["seconds"] == 1.0
    (said,) = bench.recorded.interventions
    assert (said.kind, said.who, said.why) == ("interrupt", "Ada", "wrong place")
    assert not bench.recorded.scans[0].is_complete


def test_what_was_told_can_be_ended_before_it_has_begun(bench: Bench) -> None:
    def interrupt() -> None:  # the answer is taken, and not written down yet
        bench.runner.interrupt("Ada")

    bench.shown.after = {"RunResumed": interrupt}
    assert by_hand(bench, [SCAN, SPECTRUM]).reason == FinishReason.COMPLETED
    assert bench.microscope.calls == ["load", "close"]
    (failed,) = [r.event for r in bench.recorded.records if isinstance(r.event, InstructionFailed)]
    assert (failed.instruction, failed.error) == (SCAN, "Interrupted")
    assert failed.values["seconds"] == 0.0


def test_what_is_paused_by_hand_can_be_ended(bench: Bench) -> None:
    paused = threading.Event()
    bench.shown.after = {"LineAcquired": lambda: bench.runner.pause("Ada")}
    bench.runner.hear()
    bench.runner.start([STEP], seed=1)
    until(bench, asks(bench, 1))
    bench.shown.after["RunPaused"] = paused.set
    bench.runner.do_by_hand([SCAN], "Ada")
    assert paused.wait(PATIENCE)
    until(bench, lambda: bench.runner.state is RunState.PAUSED)
    bench.runner.interrupt("Ada")
    until(bench, asks(bench, 2))
    bench.runner.resume("Ada")
    bench.runner.end_by_hand("Ada")
    assert bench.runner.wait(PATIENCE)
    assert bench.runner.finished == RunFinished(FinishReason.COMPLETED)


def test_instructions_of_a_recipe_cannot_be_ended_as_those_by_hand_can(bench: Bench) -> None:
    refused: list[str] = []

    def interrupt() -> None:
        try:
            bench.runner.interrupt("Ada")
        except SpmError as error:
            refused.append(str(error))

    bench.shown.after = {"LineAcquired": interrupt}
    assert bench.run(doing(SCAN)).reason == FinishReason.COMPLETED
    assert len(refused) == 1


def test_a_rehearsal_does_nothing_by_hand_and_goes_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "run", approve=Approving("the rehearsal"))
    assert bench.run(STEP, doing(SPECTRUM)).reason == FinishReason.COMPLETED
    assert bench.microscope.calls == ["load", "acquire spectrum", "close"]


def test_later_steps_look_at_the_last_image_that_was_complete(bench: Bench) -> None:
    small = Scan(ScanFrame((0.0, 0.0), (1e-7, 1e-7), (4, 2)))
    bench.shown.after = {}
    by_hand(bench, [SCAN], [small, FAR])
    assert bench.runner.knowledge.images[-1].frame == small.frame

"""Blocks: steps made of steps, how often they are done, and within what budget."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from bench import Bench
from by_hand import SCAN, SPECTRUM, StepByHand, doing

from spm_auto.data import FinishReason, ScanStarted, SpectrumAcquired, StepStarted, Waited
from spm_auto.errors import BudgetSpent, RecipeError
from spm_auto.instrument import ScanImage
from spm_auto.workflow import (
    RepeatBlock,
    StepContext,
    Wait,
    WithinBlock,
    parse_recipe,
)

OVERVIEW = {
    "kind": "overview",
    "frame": {"center": ["0 nm", "0 nm"], "size": ["1 um", "1 um"], "pixels": [8, 8]},
}
POINTS = {
    "kind": "points",
    "points": [["0 nm", "0 nm"], ["10 nm", "0 nm"]],
    "waveform": {"kind": "sweep", "start": "-1 V", "stop": "1 V", "points": 5},
}


def repeat(times: int, *until: dict[str, Any], steps: tuple[Any, ...]) -> RepeatBlock:
    table = {"kind": "repeat", "times": times, "until": until, "steps": steps}
    return RepeatBlock.model_validate(table)


def within(*budget: dict[str, Any], steps: tuple[Any, ...]) -> WithinBlock:
    return WithinBlock.model_validate({"kind": "within", "budget": budget, "steps": steps})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


def n_spectra(bench: Bench) -> int:
    return sum(isinstance(r.event, SpectrumAcquired) for r in bench.recorded.records)


def test_a_block_repeats_its_steps_and_says_where_it_is(bench: Bench) -> None:
    bench.run(repeat(3, steps=(doing(SPECTRUM), doing(SCAN))))
    events = [record.event for record in bench.recorded.records]
    paths = [event.path for event in events if isinstance(event, StepStarted)]
    assert paths == [(), (0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert n_spectra(bench) == 3
    assert sum(isinstance(event, ScanStarted) for event in events) == 3


def test_a_repetition_ends_after_the_round_in_which_it_is_enough(bench: Bench) -> None:
    bench.run(repeat(9, {"kind": "spectra", "limit": 3}, steps=(doing(SPECTRUM, SPECTRUM),)))
    assert n_spectra(bench) == 4


def test_a_repetition_ends_when_its_time_is_over(bench: Bench) -> None:
    bench.run(repeat(99, {"kind": "time", "limit": "100 s"}, steps=(doing(Wait(40.0)),)))
    waits = [r.event for r in bench.recorded.records if isinstance(r.event, Waited)]
    assert waits.count(Waited(40.0)) == 3


def test_a_budget_ends_its_steps_in_the_middle(bench: Bench) -> None:
    finished = bench.run(
        within({"kind": "spectra", "limit": 3}, steps=(doing(*[SPECTRUM] * 9), doing(SCAN))),
        doing(SPECTRUM),
    )
    assert finished.reason == FinishReason.COMPLETED
    assert n_spectra(bench) == 4  # and the step after the block
    assert not any(isinstance(r.event, ScanStarted) for r in bench.recorded.records)


def test_a_step_may_conclude_when_the_budget_is_spent(bench: Bench) -> None:
    said = []

    def script(_: StepContext) -> Generator[Any, Any, ScanImage | None]:
        try:
            while True:
                _ = yield SPECTRUM
        except BudgetSpent as spent:
            said.append(str(spent))
        return None

    bench.run(within({"kind": "spectra", "limit": 2}, steps=(StepByHand(script=script),)))
    assert said == ["the budget of spectra is spent"]
    assert n_spectra(bench) == 2


def test_exposure_counts_bias_times_duration(bench: Bench) -> None:
    each = 0.5  # of SPECTRUM, which has 1 V for 0.5 s
    bench.run(within({"kind": "exposure", "limit": "1.2 V s"}, steps=(doing(*[SPECTRUM] * 9),)))
    assert n_spectra(bench) * each == 1.5


def test_a_step_in_a_block_sees_the_image_of_the_step_before_it(bench: Bench) -> None:
    seen = []

    def scanning(_: StepContext) -> Generator[Any, Any, ScanImage | None]:
        image: ScanImage = yield SCAN
        return image

    def looking(context: StepContext) -> Generator[Any, Any, ScanImage | None]:
        seen.append(context.images)
        _ = yield Wait()
        return context.images[-1]

    steps = (StepByHand(script=scanning), StepByHand(script=looking))
    bench.run(repeat(2, steps=steps))
    assert [len(images) for images in seen] == [1, 2]
    assert bench.runner.knowledge.images == list(seen[-1])


def test_steps_inside_a_block_draw_by_themselves() -> None:
    context = StepContext(1, 0)
    drawn = {float(context.inside(*where).rng().random()) for where in ((0, 0), (0, 1), (1, 0))}
    assert len(drawn) == 3


def test_a_fault_inside_a_block_says_where_it_is() -> None:
    explore = {
        "kind": "explore",
        "agent": {"kind": "random"},
        "scalarizer": "integral",
        "waveform": POINTS["waveform"],
        "budget": 3,
    }
    block = {"kind": "repeat", "times": 2, "steps": [POINTS, explore]}
    with pytest.raises(RecipeError, match=r"^r: steps\[0\]\.steps\[1\]: an explore step needs"):
        parse_recipe({"schema_version": 1, "title": "x", "steps": [block]}, "r")
    misspelt = {"kind": "repeat", "times": 2, "steps": [{**OVERVIEW, "line_rat": "1 Hz"}]}
    with pytest.raises(RecipeError, match=r"^r: steps\[0\]\.steps\[0\]\.line_rat: unknown key"):
        parse_recipe({"schema_version": 1, "title": "x", "steps": [misspelt]}, "r")


def test_the_outline_of_a_block_has_rounds_and_an_end() -> None:
    table = {
        "kind": "repeat",
        "times": 5,
        "until": [{"kind": "time", "limit": "1 h"}],
        "steps": [OVERVIEW, POINTS],
    }
    block = parse_recipe({"schema_version": 1, "title": "x", "steps": [table]}, "r").steps[0]
    outline = block.outline(None)
    assert (outline.rounds, outline.longest) == (5, 3600.0)
    assert [each.kind for each in outline.inner] == ["overview", "points"]
    assert len(block.preview(None)) == 3

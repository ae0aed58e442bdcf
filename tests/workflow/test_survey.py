"""The survey: the same steps at many places, each with its own images, where they promise most."""

import math
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import SCAN, SPECTRUM, StepByHand, doing, overview
from ohmic_runs import EXPLORE, OVERVIEW, new_runner
from pydantic import ValidationError
from resuming import cut, resumed_runner, story
from staged import BEST, StagedMicroscope

from spm_auto.analysis import Surface
from spm_auto.clock import InstantClock
from spm_auto.data import Finding, FinishReason, RecordedRun, StageMoved, open_run
from spm_auto.data.codec import encode
from spm_auto.errors import BudgetSpent, RecipeError
from spm_auto.instrument import MoveStage, Scan
from spm_auto.workflow import (
    Compute,
    Knowledge,
    Note,
    StepContext,
    SurveyStep,
    TipCare,
    TipSettings,
    Wait,
    WithinBlock,
    parse_recipe,
)
from spm_auto.workflow.steps.places import spread_out
from spm_auto.workflow.steps.survey import Adaptive, Visit, _Tour

LINE = {"kind": "line", "start": ["-5 mm", "0 mm"], "end": ["5 mm", "0 mm"], "points": 41}
TILES = {
    "center": ["100 nm", "0 nm"],
    "size": ["1.2 um", "600 nm"],
    "columns": 3,
    "rows": 2,
    "overlap": 0.25,
    "pixels": (8, 8),
    "angle": "30 deg",
}
LIST = {"kind": "list", "at": (("0 mm", "0 mm"), ("1 mm", "0 mm"), ("-1 mm", "0.5 mm"))}
NEAR = {**OVERVIEW, "frame": {**OVERVIEW["frame"], "center": ["0 nm", "0 nm"]}}


def survey(**table: Any) -> SurveyStep:
    steps = table.pop("steps", (doing(SPECTRUM),))
    return SurveyStep.model_validate({"kind": "survey", "steps": steps, **_tuples(table)})


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(each) for key, each in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def recipe(**table: Any) -> Any:
    steps = [NEAR, EXPLORE]
    survey = {"kind": "survey", "positions": LINE, "steps": steps, **table}
    return parse_recipe({"schema_version": 1, "title": "survey", "steps": [survey]}, "test.toml")


def carried_out(folder: Path, steps: Any) -> tuple[RecordedRun, StagedMicroscope]:
    clock = InstantClock()
    microscope = StagedMicroscope(clock)
    finished = new_runner(folder, microscope, clock).run(steps, 1)
    assert finished.reason == FinishReason.COMPLETED, finished.detail
    return open_run(folder), microscope


def findings(run: RecordedRun) -> list[Finding]:
    events = (record.event for record in run.records)
    return [event for event in events if isinstance(event, Finding)]


class TestTiles:
    def test_they_cover_the_frame_and_overlap_as_much_as_was_said(self) -> None:
        tiles = survey(tiles=TILES).tiles
        assert tiles is not None
        frames = [scan.frame for scan in tiles.scans()]
        assert len(frames) == 6
        width, height = frames[0].size
        assert width == pytest.approx(1.2e-6 / 2.5)
        assert height == pytest.approx(600e-9 / 1.75)
        u, v = tiles.frame.to_frame(*np.array([frame.center for frame in frames]).T)
        assert np.diff(sorted(set(np.round(u, 12)))) == pytest.approx(0.75 * width)
        assert np.diff(sorted(set(np.round(v, 12)))) == pytest.approx(0.75 * height)
        corners = np.array([frame.corners() for frame in frames])
        along, up = tiles.frame.to_frame(corners[:, 0], corners[:, 1])
        assert (along.min(), along.max()) == pytest.approx((-0.6e-6, 0.6e-6))
        assert (up.min(), up.max()) == pytest.approx((-0.3e-6, 0.3e-6))
        assert {frame.angle for frame in frames} == {math.radians(30)}

    def test_from_one_to_the_next_it_is_never_further_than_a_tile(self) -> None:
        centers = survey(tiles=TILES).centers()
        ways = np.hypot(*np.diff(centers, axis=0).T)
        assert ways.max() <= 0.75 * 1.2e-6 / 2.5 * (1 + 1e-9)

    def test_a_single_tile_is_the_frame(self) -> None:
        one = survey(tiles={**TILES, "columns": 1, "rows": 1}).tiles
        assert one is not None
        (scan,) = one.scans()
        assert scan.frame == one.frame

    def test_later_steps_look_at_all_of_them_as_one_image(self, tmp_path: Path) -> None:
        seen: list[Any] = []

        def look(context: StepContext) -> Generator[Any, Any, None]:
            seen.extend(context.images)
            yield Wait()

        step = survey(tiles=TILES, steps=())
        run, microscope = carried_out(tmp_path, [step, StepByHand(script=look)])
        whole = seen[-1]
        assert whole.frame.pixels == (20, 14)
        assert len(seen) == len(run.scans) + 1 == 7
        x, y = whole.frame.positions()
        expected = microscope._conductance(x, y)
        assert np.isfinite(whole.forward).all()
        assert np.abs(whole.forward[0] - expected).max() < 0.35e-9  # coarse pixels, steep slope
        assert np.corrcoef(whole.forward[0].ravel(), expected.ravel())[0, 1] > 0.97

    def test_a_point_is_chosen_on_the_image_of_its_own_tile(self, tmp_path: Path) -> None:
        run, _ = carried_out(
            tmp_path,
            parse_recipe(
                {
                    "schema_version": 1,
                    "title": "tiles",
                    "steps": [{"kind": "survey", "tiles": TILES, "steps": [EXPLORE]}],
                },
                "test.toml",
            ).steps,
        )
        assert len(run.spectra) == 6 * EXPLORE["budget"]
        for tile, scan in enumerate(run.scans):
            for spectrum in run.spectra[4 * tile : 4 * tile + 4]:
                assert scan.frame.contains(spectrum.x, spectrum.y)


class TestPositions:
    def test_a_list_is_gone_through_in_its_order(self, tmp_path: Path) -> None:
        _, microscope = carried_out(tmp_path, [survey(positions=LIST)])
        assert microscope.sent == [(0.0, 0.0), (1e-3, 0.0), (-1e-3, 0.5e-3)]

    def test_a_grid_goes_there_and_back(self) -> None:
        grid = {"kind": "grid", "center": ["1 mm", "0 mm"], "size": ["2 mm", "1 mm"]}
        step = survey(positions={**grid, "columns": 3, "rows": 2})
        expected = [(0.0, -0.5), (1.0, -0.5), (2.0, -0.5), (2.0, 0.5), (1.0, 0.5), (0.0, 0.5)]
        np.testing.assert_allclose(step.centers() * 1e3, expected, atol=1e-12)

    def test_what_was_seen_at_one_place_is_not_looked_at_at_another(self, tmp_path: Path) -> None:
        seen: list[tuple[int, int]] = []

        def look(context: StepContext) -> Generator[Any, Any, Any]:
            knowledge = context.knowledge
            seen.append((len(context.images), len(knowledge.spectra)))
            _ = yield SPECTRUM
            return (yield SCAN)

        inner = StepByHand(script=look)
        run, _ = carried_out(tmp_path, [survey(positions=LIST, steps=(inner, inner))])
        assert seen == [(0, 0), (1, 1)] * 3
        assert len(run.scans) == 6

    def test_what_a_good_tip_shows_is_learned_anew_at_each_place(self) -> None:
        table = {"reference": NEAR["frame"], "parking": ["0 nm", "0 nm"], "pulses": ["3 V"]}
        care = TipCare(TipSettings.model_validate(_tuples(table)))
        cares: list[Any] = []

        def look(context: StepContext) -> Generator[Any, Any, None]:
            cares.append(context.tip)
            yield Wait()

        places = survey(positions=LIST, steps=(StepByHand(script=look),))
        drive(places.run(StepContext(1, 0, tip=care)))
        assert len({id(each) for each in (care, *cares)}) == 4
        assert all(each.settings == care.settings for each in cares)
        cares.clear()
        drive(
            survey(tiles=TILES, steps=(StepByHand(script=look),)).run(StepContext(1, 0, tip=care))
        )
        assert all(each is care for each in cares)

    def test_what_was_seen_is_known_to_all_afterwards(self) -> None:
        knowledge = Knowledge()
        knowledge.spectra.append("before")  # type: ignore[arg-type]

        def breaks_off() -> None:
            with knowledge.apart():
                assert knowledge.spectra == []
                knowledge.spectra.append("there")  # type: ignore[arg-type]
                raise BudgetSpent("spent")

        with pytest.raises(BudgetSpent):
            breaks_off()
        assert knowledge.spectra == ["before", "there"]

    def test_an_exploration_without_an_image_of_the_place_is_refused_before_anything_moves(
        self,
    ) -> None:
        steps = [NEAR, {"kind": "survey", "positions": LINE, "steps": [EXPLORE]}]
        table = {"schema_version": 1, "title": "x", "steps": steps}
        with pytest.raises(RecipeError, match=r"steps\[1\].*needs an overview"):
            parse_recipe(table, "test.toml")


class TestAdaptive:
    CHOOSE = {"kind": "adaptive", "budget": 12}  # noqa: RUF012

    def test_it_finds_the_best_place_in_far_fewer_than_all(self, tmp_path: Path) -> None:
        steps = recipe(choose=self.CHOOSE).steps
        run, microscope = carried_out(tmp_path, steps)
        *places, best = findings(run)
        assert len(places) == len(microscope.sent) <= 12
        assert abs(best.values["best_x"] - BEST) <= 0.25e-3  # the places are 0.25 mm apart
        assert len(set(microscope.sent)) == len(microscope.sent)
        assert best.values["mean"].shape == (41,)
        assert "best is stage at (1.5 mm, 0 m)" in best.message

    def test_each_place_says_what_was_found_and_why_it_was_chosen(self, tmp_path: Path) -> None:
        run, _ = carried_out(tmp_path, recipe(choose=self.CHOOSE).steps)
        first, *_, last, _ = findings(run)
        assert "to begin with" in first.message
        assert "better for" in last.message
        assert first.values["n_good"] == EXPLORE["budget"]
        assert first.values["seconds"] > 0
        assert first.values["unit"] != ""

    def test_it_ends_when_nothing_promises_enough(self, tmp_path: Path) -> None:
        choose = {"kind": "adaptive", "budget": 41, "enough": 0.05}
        _, microscope = carried_out(tmp_path, recipe(choose=choose, reward="best").steps)
        assert len(microscope.sent) < 30

    def test_cut_anywhere_it_goes_on_as_the_unbroken_one(self, tmp_path: Path) -> None:
        choose = {"kind": "adaptive", "budget": 5, "initial": 3}
        steps = recipe(choose=choose).steps
        carried_out(tmp_path / "whole", steps)
        whole = story(tmp_path / "whole")
        for n in range(3, len(whole), 11):
            folder, clock = cut(tmp_path / "whole", n, tmp_path / f"cut {n}"), InstantClock()
            runner = resumed_runner(folder, StagedMicroscope(clock), clock)
            assert runner.run(steps, 1).reason == FinishReason.COMPLETED
            assert story(folder) == whole, f"cut after {n} records"

    def test_steps_that_judge_nothing_end_it_with_a_clear_line(self, tmp_path: Path) -> None:
        clock = InstantClock()
        step = survey(positions=LINE, choose=self.CHOOSE)
        finished = new_runner(tmp_path, StagedMicroscope(clock), clock).run([step], 1)
        assert finished.reason == FinishReason.FAILED
        assert "needs steps that judge what they measure, such as explore" in finished.message

    def test_of_two_that_promise_alike_the_one_that_costs_less_is_taken(self) -> None:
        centers = np.array([[-2.0, 0.0], [0.0, 0.0], [2.0, 0.0]]) * 1e-3
        ways = [MoveStage(x, y) for x, y in centers.tolist()]
        tour = _Tour(ways, centers, Adaptive(kind="adaptive", budget=3), "mean")
        tour.visits.append(Visit(1, 1.0, 0.1, 3, 30.0, "V"))
        surface = Surface(np.array([1.0, 1.0, 1.0]), np.ones(3), np.ones(2), 0.1)
        assert tour._promising(surface, np.array([0, 2]), np.array([60.0, 50.0])) == 2
        assert tour._promising(surface, np.array([0, 2]), np.array([50.0, 60.0])) == 0

    def test_a_place_without_a_good_spectrum_counts_as_the_worst(self) -> None:
        centers = np.linspace([-1.0, 0.0], [1.0, 0.0], 5)
        tour = _Tour([MoveStage(x, y) for x, y in centers.tolist()], centers, "all", "mean")
        for place, value in enumerate((3.0, 2.0, 1.0)):
            tour.visits.append(Visit(place, value, 0.01, 3, 1.0, "V"))
        tour.visits.append(Visit(4, math.nan, math.nan, 0, 1.0, "V"))
        surface = tour.surface()
        assert surface is not None
        assert surface.mean[4] == pytest.approx(1.0, abs=0.3)
        assert int(np.argmax(surface.mean)) == 0


def drive(steps: Any, spent_at: type = BudgetSpent) -> list[Any]:
    """Drive a survey by hand, until its budget is spent; returns all that it yielded."""
    asked: list[Any] = []
    request = next(steps)
    try:
        while True:
            asked.append(request)
            match request:
                case Wait():
                    request = steps.send(0.0)
                case Scan(frame=frame):
                    request = steps.send(overview(frame))
                case Compute(work=work):
                    request = steps.send(work())
                case _ if isinstance(request, spent_at) and len(asked) > 6:
                    request = steps.throw(BudgetSpent("spent"))
                case _:
                    request = steps.send(None)
    except StopIteration:
        return asked


@pytest.mark.parametrize("spent_at", [MoveStage, type(SPECTRUM)])
def test_where_the_budget_is_spent_it_concludes_from_what_it_has(spent_at: type) -> None:
    asked = drive(survey(positions=LIST).run(StepContext(1, 0)), spent_at)
    assert isinstance(asked[-1], Note)
    assert "places seen" in asked[-1].event.message  # type: ignore[union-attr]
    assert sum(isinstance(each, MoveStage) for each in asked) == 2


def test_within_a_budget_it_ends_with_what_it_found(tmp_path: Path) -> None:
    within = {"kind": "within", "budget": ({"kind": "spectra", "limit": 9},)}
    block = WithinBlock.model_validate({**within, "steps": recipe().steps})
    run, _ = carried_out(tmp_path, [block])
    assert len(run.spectra) == 9
    assert findings(run)[-1].values["n_places"] == 3


def test_its_plan_is_as_many_rounds_as_there_will_be_places() -> None:
    outline = recipe(choose={"kind": "adaptive", "budget": 6}).steps[0].outline(None)
    assert outline.rounds == 6
    assert outline.instructions == (MoveStage(0.0, 0.0),)  # one in each round: that of the middle
    assert [inner.kind for inner in outline.inner] == ["overview", "explore"]
    assert recipe().steps[0].outline(None).rounds == 41
    tiled = recipe(tiles={**TILES, "pixels": [8, 8]}, positions=None, steps=[EXPLORE]).steps[0]
    assert tiled.outline(None).rounds == 6
    assert [inner.kind for inner in tiled.outline(None).inner] == ["explore"]


def test_every_place_is_checked_before_anything_moves() -> None:
    step = recipe(choose={"kind": "adaptive", "budget": 6}).steps[0]
    previewed = step.preview(None)
    assert sum(isinstance(each, MoveStage) for each in previewed) == 41
    assert sum(isinstance(each, type(SPECTRUM)) for each in previewed) == EXPLORE["budget"]


def test_its_notes_take_no_more_room_than_was_said(tmp_path: Path) -> None:
    steps = recipe(choose={"kind": "adaptive", "budget": 6}).steps
    run, _ = carried_out(tmp_path, steps)
    mine = [r for r in run.records if isinstance(r.event, Finding)]
    written = sum(len(header) + len(body) for header, body in map(encode, mine))
    assert written <= steps[0].notes_size(None)
    assert any(isinstance(r.event, StageMoved) for r in run.records)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "either positions or tiles"),
        ({"positions": LIST, "tiles": TILES}, "either positions or tiles"),
        ({"positions": LIST, "steps": ()}, "needs steps to do there"),
        (
            {"tiles": TILES, "steps": (), "choose": {"kind": "adaptive", "budget": 3}},
            "judge what they measure",
        ),
        ({"tiles": {**TILES, "overlap": 0.6}}, "less than or equal to 0.5"),
        ({"tiles": {**TILES, "columns": 1000, "rows": 1000}}, "at most 10000 places"),
        ({"positions": LIST, "choose": "some"}, "Input should be 'all'"),
    ],
)
def test_a_survey_that_makes_no_sense_is_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        survey(**table)


def test_places_to_begin_with_are_spread_out() -> None:
    line = np.linspace([0.0, 0.0], [10.0, 0.0], 11)
    assert sorted(spread_out(line, 3)) == [0, 5, 10]
    grid = np.stack(np.meshgrid(np.arange(3.0), np.arange(3.0)), axis=-1).reshape(-1, 2)
    assert sorted(spread_out(grid, 4)) == [0, 2, 6, 8]
    assert len(spread_out(line, 99)) == 11

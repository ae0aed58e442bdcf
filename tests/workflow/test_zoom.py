"""The zoom step: it looks where most is promised, and stays inside of the last frame."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from believing import hill, image, learned
from ohmic_runs import EXPLORE, new_runner, recipe, run_quickly
from resuming import cut, resume, story

from spm_auto.data import Finding, Judged, Verdict, open_run
from spm_auto.errors import RecipeError
from spm_auto.instrument import Scan, ScanFrame
from spm_auto.workflow import Ask, Compute, Knowledge, Note, StepContext, Wait, ZoomStep
from spm_auto.workflow.steps.moved import way_of
from spm_auto.workflow.steps.windows import best_window, fits

OUTER = ScanFrame((100e-9, 0.0), (800e-9, 400e-9), (80, 40), 0.3)
OVERVIEW: dict[str, Any] = {
    "kind": "overview",
    "frame": {"center": ["0 nm", "0 nm"], "size": ["1.6 um", "1.6 um"], "pixels": [16, 16]},
}
ZOOM: dict[str, Any] = {
    "kind": "zoom",
    "size": ("400 nm", "400 nm"),
    "pixels": (16, 16),
    "registered": False,
}
AGENT: dict[str, Any] = {"kind": "gp", "initial": 6}
LEARN = {**EXPLORE, "agent": AGENT, "budget": 8}


def zoom(**settings: Any) -> ZoomStep:
    return ZoomStep.model_validate({**ZOOM, **settings})


def drive(
    step: ZoomStep, knowledge: Knowledge, answers: Iterable[Judged | None] = ()
) -> tuple[list[Scan], list[Finding], list[Ask]]:
    """Play instrument and human to a zoom; its images are flat."""
    context = StepContext(1, 2, tuple(knowledge.images), knowledge=knowledge)
    scans, findings, asked = [], [], []
    said = iter(answers)
    generator = step.run(context)
    request = next(generator)
    try:
        while True:
            answer: Any = None
            match request:
                case Scan(frame=frame):
                    scans.append(request)
                    answer = image(frame, start=1000.0 * (1 + len(knowledge.images)))
                case Compute(work=work):
                    answer = work()
                case Ask():
                    asked.append(request)
                    answer = next(said)
                case Note(event=Finding() as finding):
                    findings.append(finding)
                case Wait():
                    answer = 0.0
            request = generator.send(answer)
    except StopIteration as end:
        knowledge.keep(end.value)
    return scans, findings, asked


def spot(u: float, v: float) -> tuple[float, float]:
    x, y = OUTER.from_frame(u, v)
    return float(x), float(y)


@pytest.mark.parametrize("angle", [0.3, 0.0, 1.2])
@pytest.mark.parametrize("at", [(0.0, 0.0), (150e-9, -60e-9), (390e-9, 190e-9), (-399e-9, 0.0)])
def test_a_window_has_what_is_promised_in_its_middle_as_far_as_it_stays_inside(
    at: tuple[float, float], angle: float
) -> None:
    window = ScanFrame((0.0, 0.0), (200e-9, 100e-9), (32, 32), angle)
    found = best_window(hill(OUTER, spot(*at), 15e-9), OUTER, window, OUTER)
    assert found is not None
    assert np.all(OUTER.contains(*found.frame.corners()))
    reach = np.array(OUTER.size) / 2 - np.max(np.abs(OUTER.to_frame(*replace(
        window, center=OUTER.center).corners())), axis=1)  # fmt: skip
    nearest = np.clip(at, -reach, reach)
    u, v = OUTER.to_frame(*found.frame.center)
    if angle == OUTER.angle:
        assert np.hypot(u - nearest[0], v - nearest[1]) < 2 * max(OUTER.pitch)
    assert found.score > found.typical


def test_a_window_does_not_overlap_with_those_before_as_long_as_there_is_room() -> None:
    window = ScanFrame((0.0, 0.0), (100e-9, 100e-9), (8, 8), 0.3)
    taken: list[ScanFrame] = []
    for _ in range(5):
        found = best_window(hill(OUTER, OUTER.center), OUTER, window, OUTER, taken)
        assert found is not None
        assert not found.overlaps
        for other in taken:
            u, v = np.subtract(window.to_frame(*other.center), window.to_frame(*found.frame.center))
            assert max(abs(u), abs(v)) > 99e-9
        taken.append(found.frame)
    full = [ScanFrame(OUTER.center, OUTER.size, (4, 4), OUTER.angle)]
    last = best_window(hill(OUTER, OUTER.center), OUTER, window, OUTER, full)
    assert last is not None
    assert last.overlaps


def test_a_window_that_is_too_large_does_not_fit() -> None:
    assert fits(OUTER, replace(OUTER, size=(800e-9, 400e-9)))
    assert not fits(OUTER, replace(OUTER, size=(801e-9, 300e-9)))
    assert not fits(OUTER, ScanFrame(OUTER.center, (300e-9, 300e-9), (4, 4), 0.3 + np.pi / 4))


def test_it_zooms_on_what_the_agent_believes_or_does_not_know() -> None:
    knowledge, seen = Knowledge(), image(OUTER)
    knowledge.images.append(seen)
    at = spot(200e-9, -80e-9)
    knowledge.learned.append(learned(seen, hill(OUTER, at)))
    scans, findings, _ = drive(zoom(size=("100 nm", "100 nm")), knowledge)
    assert np.hypot(*np.subtract(scans[0].frame.center, at)) < 15e-9
    assert scans[0].frame.angle == OUTER.angle
    assert findings[0].kind == "frame"
    assert findings[0].values["by"] == "value"
    assert "9 spectra promise" in findings[0].message
    unknown = learned(seen, np.zeros(OUTER.shape))
    fit = unknown.explorer.agent.fit  # type: ignore[attr-defined]
    unsure = np.where(hill(OUTER, at).ravel() > 0.5, 1.0, 0.1)
    unknown.explorer.agent.fit = replace(fit, deviation=unsure)  # type: ignore[attr-defined]
    fresh = Knowledge()
    fresh.images.append(seen)
    fresh.learned.append(unknown)
    scans, _, _ = drive(zoom(size=("100 nm", "100 nm")), fresh)
    assert np.hypot(*np.subtract(scans[0].frame.center, at)) < 20e-9


def test_without_an_agent_it_zooms_on_features_and_says_so() -> None:
    knowledge, at = Knowledge(), spot(-150e-9, 50e-9)
    knowledge.images.append(image(OUTER, hill(OUTER, at, 12e-9)))
    scans, findings, _ = drive(zoom(size=("100 nm", "100 nm")), knowledge)
    assert np.hypot(*np.subtract(scans[0].frame.center, at)) < 25e-9
    assert findings[0].values["by"] == "features"
    assert "no spectrum says more" in findings[0].message


def test_a_place_of_the_recipe_is_taken_and_one_outside_refused() -> None:
    knowledge = Knowledge()
    knowledge.images.append(image(OUTER))
    here = {"kind": "place", "center": ("120 nm", "10 nm")}
    scans, _, _ = drive(zoom(factor=4.0, size=None, by=here), knowledge)
    assert scans[0].frame.center == pytest.approx((120e-9, 10e-9))
    assert scans[0].frame.size == pytest.approx((200e-9, 100e-9))
    away = {"kind": "place", "center": ("900 nm", "10 nm")}
    with pytest.raises(RecipeError, match="does not lie inside"):
        drive(zoom(size=("50 nm", "50 nm"), by=away), knowledge)


def judged(verdict: Verdict, **values: Any) -> Judged:
    return Judged("frame", "?", verdict, "Ada", "", values)


def test_a_human_may_refuse_a_frame_or_choose_another_one() -> None:
    knowledge = Knowledge()
    seen = image(OUTER, hill(OUTER, OUTER.center))
    knowledge.images.append(seen)
    at = spot(-300e-9, 100e-9)
    wrong = judged(Verdict.EDITED, center=[5e-6, 0.0])
    answers = (judged(Verdict.REJECTED), wrong, judged(Verdict.EDITED, center=list(at)))
    step = zoom(size=("100 nm", "100 nm"), ask="must")
    scans, findings, asked = drive(step, knowledge, answers)
    first, second = (np.array(a.values["center"]) for a in asked[:2])
    assert np.max(np.abs(first - second)) > 60e-9  # what was refused is not shown again
    assert all(a.is_needed for a in asked)
    assert "does not lie inside" in findings[0].message
    assert scans[0].frame.center == pytest.approx(at)
    assert findings[-1].values["by"] == "hand"
    assert "Ada" in findings[-1].message


def test_repeated_it_looks_at_other_places_of_the_image_that_it_began_with() -> None:
    knowledge, seen = Knowledge(), image(OUTER)
    knowledge.images.append(seen)
    knowledge.learned.append(learned(seen, hill(OUTER, OUTER.center)))
    frames = [drive(zoom(size=("100 nm", "100 nm")), knowledge)[0][0].frame for _ in range(3)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        apart = np.subtract(
            frames[one].to_frame(*frames[other].center), frames[one].to_frame(*frames[one].center)
        )
        assert np.max(np.abs(apart)) > 99e-9
    assert all(np.all(OUTER.contains(*frame.corners())) for frame in frames)


def test_what_is_believed_on_an_older_image_counts_where_it_lies_now() -> None:
    knowledge, old = Knowledge(), image(OUTER)
    middle = image(ScanFrame(OUTER.center, (400e-9, 380e-9), (40, 38), 0.3), start=1000.0)
    at = spot(80e-9, 40e-9)
    knowledge.images += [old, middle]
    knowledge.learned.append(learned(old, hill(OUTER, at)))
    moved = np.array([30e-9, -20e-9])
    way = way_of(knowledge)
    way.times, way.places = [5.0, 1005.0], [(0.0, 0.0), (30e-9, -20e-9)]
    scans, _, _ = drive(zoom(size=("100 nm", "100 nm")), knowledge)
    assert np.hypot(*np.subtract(scans[0].frame.center, at + moved)) < 15e-9


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"size": None}, "size of the frame or the factor"),
        ({"factor": 2.0}, "size of the frame or the factor"),
        ({"size": None, "factor": 0.5}, "greater than 1"),
        ({"by": {"kind": "worth"}}, "'value', 'features', 'place'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        zoom(**settings)


def test_a_zoom_that_does_not_fit_is_refused_before_anything_moves() -> None:
    with pytest.raises(RecipeError, match="does not fit into 800 nm x 400 nm"):
        zoom(size=("900 nm", "100 nm")).preview(Scan(OUTER))
    with pytest.raises(RecipeError, match="needs an overview"):
        zoom().preview(None)
    (scan,) = zoom(size=("100 nm", "50 nm")).preview(Scan(OUTER))
    assert isinstance(scan, Scan)
    assert scan.frame.center == OUTER.center


def test_a_run_zooms_on_the_best_place_and_resumes_to_the_same_end(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, LEARN, ZOOM, {**LEARN, "budget": 7}).steps
    run_quickly(tmp_path / "whole", steps)
    run = open_run(tmp_path / "whole")
    frame = run.scans[1].frame
    assert np.all(run.scans[0].frame.contains(*frame.corners()))
    assert frame.contains(2e-7, 1e-7)  # where the ohmic sample conducts best
    n = len(run.records)
    folder = cut(tmp_path / "whole", int(0.75 * n), tmp_path / "cut")
    resume(folder, steps)
    assert story(folder) == story(tmp_path / "whole")


def test_a_repeated_zoom_of_a_run_visits_different_places(tmp_path: Path) -> None:
    block = {"kind": "repeat", "times": 3, "steps": [{**ZOOM, "by": {"kind": "features"}}]}
    runner = new_runner(tmp_path / "run")
    runner.run(recipe(OVERVIEW, block).steps, 1)
    frames = [scan.frame for scan in open_run(tmp_path / "run").scans][1:]
    assert len(frames) == 3
    middles = [np.array(frame.center) for frame in frames]
    assert min(np.max(np.abs(a - b)) for a in middles for b in middles if a is not b) > 399e-9

"""Worth: spectra while little is known, a zoom between pixels, a check after drift."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from believing import hill, image, learned
from ohmic_runs import EXPLORE, new_runner, recipe
from resuming import cut, resume, story

from spm_auto.agents import Scalar, Scored
from spm_auto.data import Finding, open_run
from spm_auto.instrument import Scan, ScanFrame, Spectrum
from spm_auto.workflow import (
    Compute,
    Estimate,
    Estimates,
    Knowledge,
    Note,
    StepContext,
    Wait,
    WeighBlock,
)
from spm_auto.workflow.steps.worth import (
    Option,
    check_gain,
    curvature,
    image_gain,
    knowledge_gradient,
    noise_share,
    zoom_gain,
)

FRAME = ScanFrame((0.0, 0.0), (400e-9, 400e-9), (20, 20))
OVERVIEW: dict[str, Any] = {
    "kind": "overview",
    "frame": {"center": ["0 nm", "0 nm"], "size": ["1.6 um", "1.6 um"], "pixels": [8, 8]},
}
LEARN = {**EXPLORE, "agent": {"kind": "gp", "initial": 5}, "budget": 5}
WEIGH: dict[str, Any] = {
    "kind": "weigh",
    "time": "1 h",
    "explore": LEARN,
    "zoom": {"kind": "zoom", "factor": 4.0, "pixels": [8, 8]},
    "image": {"slower": 4.0},
    "check": {"drift": "0 nm/s"},
}


def weigh(**settings: Any) -> WeighBlock:
    step = recipe(OVERVIEW, {**WEIGH, **settings}).steps[1]
    assert isinstance(step, WeighBlock)
    return step


def decided(
    belief: Any, deviation: float, noise: float = 0.05, wait: float = 0.0, **settings: Any
) -> Finding:
    """Return the first decision of a block that knows an agent's belief."""
    seen = image(FRAME)
    known = learned(seen, belief, deviation)
    fit = known.explorer.agent.fit  # type: ignore[attr-defined]
    known.explorer.agent.fit = replace(fit, noise=np.full(400, noise))  # type: ignore[attr-defined]
    for number, value in enumerate((0.0, 0.3, 1.0)):
        spectrum = Spectrum(0.0, 0.0, np.zeros(1), (), np.zeros((0, 1)), 20.0 + number, 21.0)
        known.found.append(Scored(None, spectrum, Scalar(value), "integral"))  # type: ignore[arg-type]
    knowledge = Knowledge()
    knowledge.images.append(seen)
    knowledge.learned.append(known)
    generator = weigh(**settings).run(StepContext(1, 1, (seen,), knowledge=knowledge))
    request = next(generator)
    while True:
        answer: Any = None
        match request:
            case Wait():
                answer = 10.0 + wait
            case Compute(work=work):
                answer = work()
            case Estimate(instructions=instructions):
                scans = [isinstance(each, Scan) for each in instructions]
                answer = Estimates((0.0, 0.0), tuple(20.0 if is_scan else 1.0 for is_scan in scans))
            case Note(event=Finding(kind="worth") as finding):
                generator.close()
                return finding
        request = generator.send(answer)


def test_spectra_are_worth_most_while_little_is_known() -> None:
    finding = decided(hill(FRAME, (0.0, 0.0), 200e-9), deviation=0.5)
    assert finding.values["choice"] == "spectrum"
    assert finding.values["spectrum_gain"] > finding.values["zoom_gain"]
    assert "spectrum is worth most" in finding.message
    assert {"zoom_seconds", "image_gain", "check_seconds"} <= finding.values.keys()


def test_a_zoom_is_worth_most_where_the_best_place_lies_between_pixels() -> None:
    finding = decided(hill(FRAME, (5e-9, 0.0), 15e-9), deviation=0.01)
    assert finding.values["choice"] == "zoom"


def test_a_check_is_worth_most_when_nobody_knows_where_the_sample_is() -> None:
    sharp = hill(FRAME, (0.0, 0.0), 60e-9)
    drifting = {"check": {"drift": "0.05 nm/s"}}
    at_once, later = (decided(sharp, 0.01, wait=seconds, **drifting) for seconds in (1.0, 3000.0))
    assert at_once.values["choice"] != "check"
    assert later.values["choice"] == "check"
    assert later.values["check_gain"] > 100 * at_once.values["check_gain"]


def test_where_nothing_is_worth_its_time_it_ends_and_says_so() -> None:
    finding = decided(np.zeros(FRAME.shape), deviation=1e-6, least=1e-3)
    assert finding.values["choice"] == ""
    assert "nothing is worth its time" in finding.message


def test_one_more_spectrum_is_expected_to_gain_what_drawing_says() -> None:
    mean, deviation, noise = np.array([0.3, 0.0, 0.5]), np.array([0.4, 0.8, 0.1]), 0.3
    rng = np.random.default_rng(1)
    for place in range(3):
        truth = mean[place] + deviation[place] * rng.normal(size=400_000)
        found = truth + noise * rng.normal(size=400_000)
        weight = deviation[place] ** 2 / (deviation[place] ** 2 + noise**2)
        told = mean[place] + weight * (found - mean[place])
        other = np.delete(mean, place).max()
        gain = np.maximum(told, other).mean() - mean.max()
        assert knowledge_gradient(mean, deviation, noise)[place] == pytest.approx(gain, abs=2e-3)


def test_what_lies_between_pixels_is_missed_by_what_drawing_says() -> None:
    sharp, pitch = np.array([3.0, 1.0]), np.array([0.5, 1.0])
    at = np.random.default_rng(2).uniform(-pitch / 2, pitch / 2, (200_000, 2))
    missed = float(np.mean((at**2 * sharp).sum(axis=1) / 2))
    assert zoom_gain(sharp, pitch, np.zeros(2)) == pytest.approx(missed, rel=0.01)
    assert zoom_gain(sharp, pitch, pitch) == 0.0
    assert check_gain(sharp, 0.2, 0.0, 9.0) == pytest.approx(4.0 * 0.04 / 2)
    assert check_gain(sharp, 99.0, 0.0, 0.7) == 0.7


def test_the_sharpness_of_a_hill_is_that_of_the_hill() -> None:
    belief = learned(image(FRAME), hill(FRAME, (10e-9, 10e-9), 150e-9)).explorer.fit
    assert belief is not None
    sharpness, pitch = curvature(belief)
    assert sharpness == pytest.approx(1 / 150e-9**2, rel=0.1)
    assert pitch == pytest.approx(20e-9)
    valley = replace(belief, mean=-belief.mean)
    assert np.all(curvature(valley)[0] >= 0)


def test_a_better_image_is_worth_more_where_noise_hides_what_it_says() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(size=60)
    levels = (truth + rng.normal(size=60))[:, None]  # half of it is noise
    noisy = image_gain(levels, truth, 0.5, 8.0, 1000)
    assert noisy > image_gain(levels, truth, 0.05, 8.0, 1000) >= 0
    assert noisy > image_gain(rng.normal(size=(60, 1)), truth, 0.5, 8.0, 1000)
    assert image_gain(levels[:5], truth[:5], 0.5, 8.0, 1000) == 0.0  # too few to say
    smooth = np.add.outer(np.linspace(0, 1, 64), np.linspace(0, 1, 64)) ** 2
    white = rng.normal(size=smooth.shape)
    assert noise_share(smooth) < 0.01
    assert noise_share(white) > 0.9


def test_an_option_whose_time_is_not_known_has_no_rate() -> None:
    assert Option("zoom", 1.0, float("nan")).rate == 0.0


def test_a_run_weighs_and_resumes_to_the_same_end(tmp_path: Path) -> None:
    fast = {**WEIGH["zoom"], "line_rate": "100 Hz"}
    steps = recipe(OVERVIEW, {**WEIGH, "turns": 3, "follow": 0, "zoom": fast}).steps
    runner = new_runner(tmp_path / "whole")
    runner.run(steps, 1)
    run = open_run(tmp_path / "whole")
    choices = [
        r.event.values["choice"]
        for r in run.records
        if isinstance(r.event, Finding) and r.event.kind == "worth"
    ]
    assert choices[0] == "spectrum"
    assert len(set(choices)) > 1, choices
    folder = cut(tmp_path / "whole", int(0.8 * len(run.records)), tmp_path / "cut")
    resume(folder, steps)
    assert story(folder) == story(tmp_path / "whole")

"""What an agent believes, why it goes where it goes, and what it cost: in numbers and words."""

import math
from dataclasses import replace

import made
import made_agents
import numpy as np
import pytest

from spm_auto.data import (
    CostsEstimated,
    ModelFitted,
    PointChosen,
    RunStarted,
    SpectrumScored,
    StepStarted,
)
from spm_auto.gui.agent.beliefs import (
    belief_words,
    calibration_words,
    cost_of_one,
    cost_words,
    reason_words,
)
from spm_auto.gui.agent.promises import agent_table, on_grid, promise, step_table
from spm_auto.gui.run.run_model import RunModel
from spm_auto.instrument import ScanFrame


def told(*, n_spectra: int = 5) -> RunModel:
    """Return a run that goes on."""
    model = RunModel()
    model.take(made.numbered(made_agents.run_events(n_spectra)))
    return model


def test_the_reason_has_value_deviation_unit_and_how_far_away_in_time() -> None:
    """Row 25: why it goes there, in words."""
    model = told()
    assert reason_words(model, model.choices[-1]) == (
        "largest expected improvement per second: 1.40 ± 0.30 V, 4.2 s away"
    )


def test_seconds_are_named_only_where_they_count() -> None:
    model = told()
    choice = replace(
        model.choices[-1], reason="largest expected improvement", rule="expected_improvement"
    )
    assert reason_words(model, choice).startswith("largest expected improvement per second:")
    model.costs = CostsEstimated((0.5,), 0.1, 0.0)  # all places take as long
    assert reason_words(model, choice).startswith("largest expected improvement:")


def test_which_model_speaks_and_what_it_has_heard_is_told() -> None:
    """Row 25: which model speaks."""
    events = made_agents.run_events(3)
    fit = made_agents.last(events, ModelFitted)
    weights = {"gp_weight": 0.25, "deep_kernel_weight": 0.75}
    model = RunModel()
    model.take(made.numbered([*events, replace(fit, speaker="deep kernel", parameters=weights)]))
    assert belief_words(model) == (
        "deep kernel speaks (weights: Gaussian process 25 %, deep kernel 75 %), "
        "fitted to 3 good measurements (fit 4)"
    )


def test_what_was_spent_and_what_is_left_is_told() -> None:
    """Row 25: cost spent and left."""
    words = cost_words(told())
    assert words.startswith("5 of 12 judged · 1 min 3 s spent · about 29.4 s of measuring left")
    assert "exposure" in words
    assert words.count("V s") == 1


def test_what_a_human_made_the_run_wait_is_not_taken_for_the_time_of_a_measurement() -> None:
    model = told()
    assert cost_of_one(model) == 4.2
    model.choices[-1] = replace(model.choices[-1], cost=math.nan)
    assert cost_of_one(model) == pytest.approx(0.6)
    model.costs = None
    model.learning.times[:] = [0.0, 1.0, 2.0, 600.0, 601.0]
    assert cost_of_one(model) == 1.0


def test_the_acquisition_is_the_expected_improvement_per_second() -> None:
    """Row 24: against an integral over the normal distribution, which no formula shares."""
    model = told()
    hopes = promise(model)
    assert hopes is not None
    assert model.fit is not None
    assert model.costs is not None
    assert model.probe is not None
    assert (hopes.name, hopes.unit) == ("expected improvement per second", "V/s")
    best = max(model.learning.values)
    z = np.linspace(-9, 9, 200_001)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    for at in (int(np.argmax(model.fit.mean)), 700):
        mean, deviation = float(model.fit.mean[at]), float(model.fit.deviation[at])
        gain = float(np.sum(np.maximum(mean + deviation * z - best, 0) * density) * (z[1] - z[0]))
        x, y = model.fit.frame.to_sample(*model.fit.rows[at])
        away = math.hypot(x - model.probe[0], y - model.probe[1])
        right = gain / (0.5 + 0.1 + 1e4 * away)
        assert hopes.values[at] == pytest.approx(right, rel=1e-3, abs=0)


def test_nothing_is_hoped_for_where_it_is_forbidden() -> None:
    model = told()
    region = made_agents.intervention("forbid_region", {"center": (1e-7, -2e-7), "radius": 2e-7})
    model.take(made.numbered([region], first=1000))
    hopes = promise(model)
    assert hopes is not None
    assert model.fit is not None
    x, y = model.fit.frame.to_sample(model.fit.rows[:, 0], model.fit.rows[:, 1])
    inside = np.hypot(x - 1e-7, y + 2e-7) <= 2e-7
    assert inside.any()
    assert np.isnan(hopes.values[inside]).all()
    assert np.isfinite(hopes.values[~inside]).all()


def test_a_map_of_every_fourth_pixel_has_large_cells_in_their_place() -> None:
    fit = made_agents.sparse(made_agents.last(made_agents.run_events(1), ModelFitted), 4)
    image, frame = on_grid(fit.mean, fit.rows, fit.frame)
    assert image.shape == (8, 10)
    assert np.isfinite(image).all()
    for row, value in zip(fit.rows[::7], fit.mean[::7], strict=True):
        line, pixel = frame.to_pixel(*fit.frame.to_sample(*row))
        assert line == pytest.approx(round(float(line)), abs=1e-6)
        assert image[round(float(line)), round(float(pixel))] == value


def test_a_map_of_some_pixels_is_nan_elsewhere_and_levels_show_their_best() -> None:
    frame = ScanFrame((0.0, 0.0), (1e-6, 1e-6), (5, 4))
    rows = np.array([[0, 0], [0, 0], [1, 3], [3, 4]])
    image, shown = on_grid(np.array([1.0, 3.0, 2.0, -1.0]), rows, frame)
    assert shown.size == frame.size
    assert image[0, 0] == 3.0
    image, _ = on_grid(np.array([3.0, 1.0, 2.0, -1.0]), rows, frame)
    assert image[0, 0] == 3.0  # whichever of those that share a pixel comes first
    assert image[3, 4] == -1.0
    assert np.isnan(image).sum() == 17


def test_calibration_counts_the_noise_of_a_spectrum() -> None:
    """Row 25: calibration; the noise of four spectra is half that of one."""
    events = made_agents.run_events(2)
    choices = [event for event in events if isinstance(event, PointChosen)]
    off = replace(choices[1], mean=1.0, deviation=0.06)  # 1.12 was found: two deviations off
    noisy = replace(off, noise=0.3, averages=4)
    averaged = replace(off, noise=0.15, averages=4)  # 0.096 V, less than the 0.12 V that it is off
    for chosen, inside in ((off, 1), (averaged, 1), (noisy, 2)):
        model = RunModel()
        model.take(made.numbered([chosen if e is choices[1] else e for e in events]))
        assert model.learning.coverage(1.0) == (inside, 2)
        assert model.learning.coverage(2.01) == (2, 2)
    assert calibration_words(model) == (
        "within 1 sd: 2 of 2 (100 %; 68 % is right) · within 2 sd: 2 of 2 (100 %; 95 % is right)"
    )


def test_what_was_expected_of_another_scalarizer_is_compared_with_nothing() -> None:
    events = made_agents.run_events(4)
    model = RunModel()
    model.take(made.numbered([*events, *made_agents.rejudged(events, "loop_opening")]))
    assert model.learning.unit == "m"
    assert len(model.learning.values) == 4
    assert model.learning.coverage(1.0) == (0, 0)
    assert calibration_words(model).startswith("nothing was expected")


def test_a_spectrum_that_is_no_good_takes_no_unit_away() -> None:
    events = made_agents.run_events(2)
    first = next(event for event in events if isinstance(event, SpectrumScored))
    flagged = replace(first, value=math.nan, flag="11 points failed", unit="1")
    model = RunModel()
    model.take(made.numbered([flagged if event is first else event for event in events]))
    assert model.learning.unit == "V"


def test_a_fit_keeps_its_unit_until_there_is_another_one() -> None:
    events = made_agents.run_events(3)
    anew = made_agents.rejudged(events, "loop_opening")  # in metres, and not fitted yet
    model = RunModel()
    model.take(made.numbered([*events, *anew]))
    assert reason_words(model, model.choices[-1]).endswith("1.20 ± 0.30 V, 4.2 s away")
    hopes = promise(model)
    assert hopes is not None
    assert hopes.unit == "V/s"
    assert hopes.best == pytest.approx(1.24)
    model.take(made.numbered([made_agents.last(events, ModelFitted)], first=1000))
    again = promise(model)
    assert again is not None
    assert again.unit == "m/s"


def test_what_was_learned_is_kept_in_view_while_a_step_without_an_agent_goes_on() -> None:
    model = RunModel()
    model.take(made.numbered([*made_agents.run_events(3), StepStarted(2, "grid")]))
    assert calibration_words(model).startswith("within 1 sd: 3 of 3")
    assert belief_words(model).endswith("fitted to 3 good measurements (fit 3)")
    assert reason_words(model, model.choices[-1]).endswith("1.20 ± 0.30 V, 4.2 s away")


def test_what_was_replaced_when_the_run_was_started_is_believed_before_the_recipe() -> None:
    """Row 25: a run that was started with --set steps[1].budget=7 has no budget of 12."""
    events = made_agents.run_events(5)
    assert isinstance(events[0], RunStarted)
    replaced = ("steps[1].budget=7", "steps[1].agent.kind=random", "instrument.level=2")
    settings = {**events[0].settings, "overrides": replaced}
    model = RunModel()
    model.take(made.numbered([replace(events[0], settings=settings), *events[1:]]))
    assert step_table(model)["budget"] == 7
    assert agent_table(model) == {"kind": "random", "exploration": 1.5}
    settings["overrides"] = ("steps[9].budget=7",)
    other = RunModel()
    other.take(made.numbered([replace(events[0], settings=settings), *events[1:]]))
    assert step_table(other) == {}

"""The lock-in: slopes, blurs, phase and the filter at its output."""

import numpy as np
import pytest
from pydantic import ValidationError

from spm_auto.simulator.lock_in import (
    LockInSettings,
    blurred,
    low_passed,
    modulation_weights,
    slope_of,
    thermal_weights,
)


def test_the_slope_of_a_cubic_is_exact_with_few_nodes() -> None:
    bias, peak = np.linspace(-1, 1, 7), 0.3
    slope = slope_of(lambda v: v**3 - 2 * v, bias, peak, nodes=3)
    assert slope == pytest.approx(3 * bias**2 - 2 + 0.75 * peak**2, rel=1e-13)


@pytest.mark.parametrize("weights", [modulation_weights(3e-3, 1e-3), thermal_weights(4.2, 1e-4)])
def test_a_blur_keeps_straight_lines(weights: np.ndarray) -> None:
    line = 2 + 3 * np.arange(400.0)
    margin = len(weights) // 2
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert (weights >= 0).all()
    assert blurred(line, weights) == pytest.approx(line[margin:-margin], rel=1e-12)


def test_a_blur_narrower_than_the_grid_still_widens_by_its_variance() -> None:
    spacing, peak = 5e-3, 1e-3
    weights = modulation_weights(peak, spacing)
    v = (np.arange(len(weights)) - len(weights) // 2) * spacing
    straight_lines = 2 / (3 * np.pi) * 2 * peak * spacing  # mean of |v|, times the spacing
    assert np.sum(weights * v**2) == pytest.approx(straight_lines, rel=1e-9)


def test_too_few_biases_for_a_blur_are_refused() -> None:
    with pytest.raises(ValueError, match="10 biases are too few for a blur over"):
        blurred(np.zeros(10), thermal_weights(4.2, 1e-4))


def test_a_wrong_phase_lets_the_capacitance_through() -> None:
    slope = np.array([1e-9, 2e-9])
    tuned = LockInSettings()
    assert tuned.in_phase(slope) is slope
    off = LockInSettings(phase_error="30 deg", frequency="1 kHz", capacitance=1e-12)
    expected = slope * np.sqrt(0.75) + 2 * np.pi * 1e3 * 1e-12 * 0.5
    assert off.in_phase(slope) == pytest.approx(expected)


def test_the_filter_goes_on_from_one_piece_to_the_next() -> None:
    settings = LockInSettings(order=4)
    samples = np.random.default_rng(0).normal(size=100)
    whole, _ = low_passed(samples, 1e-3, settings)
    first, state = low_passed(samples[:37], 1e-3, settings)
    second, _ = low_passed(samples[37:], 1e-3, settings, state)
    assert np.concatenate([first, second]) == pytest.approx(whole, rel=1e-12)


def test_after_the_settling_time_the_rest_of_a_step_is_left() -> None:
    for order in (1, 2, 4):
        settings = LockInSettings(order=order)
        dt = settings.settle_time(0.01) / 1000
        _, at_rest = low_passed(np.zeros(1), dt, settings)
        output, _ = low_passed(np.ones(1000), dt, settings, at_rest)
        assert 1 - output[-1] == pytest.approx(0.01, rel=0.05)


def test_the_state_handed_in_is_left_as_it_is() -> None:
    state = np.zeros(2)
    low_passed(np.ones(5), 1e-3, LockInSettings(), state)
    assert (state == 0).all()


def test_noise_falls_with_the_modulation_and_the_root_of_the_time_constant() -> None:
    base = LockInSettings().noise(20e-15)
    assert base == pytest.approx(20e-15 * np.sqrt(1 / (8 * 5e-3)) / 1e-3)
    assert LockInSettings(modulation="2 mV").noise(20e-15) == pytest.approx(base / 2)
    assert LockInSettings(time_constant="20 ms").noise(20e-15) == pytest.approx(base / 2)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"modulation": "0 V"}, "must be positive, got 0 V"),
        ({"order": 0}, "between 1 and 8 poles, got 0"),
        ({"time_constant": "-5 ms"}, "must be positive, got -5 ms"),
    ],
)
def test_an_impossible_lock_in_is_refused(setting: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        LockInSettings.model_validate(setting)


def test_a_step_can_not_be_awaited_to_its_very_end() -> None:
    with pytest.raises(ValueError, match="between 0 and 1, got 0"):
        LockInSettings().settle_time(0.0)

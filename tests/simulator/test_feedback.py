"""The z loop: limits, state, noise and what it says of the current."""

import numpy as np
import pytest
from pydantic import ValidationError

from spm_auto.simulator.feedback import (
    Amplitude,
    Control,
    Current,
    Deflection,
    FeedbackSettings,
    ZLoop,
    critical_gain,
)

CONTROL = Control(steps=1, step_time=25e-6)
COARSE = Control(steps=8, step_time=25e-6)
CURRENT = Current(setpoint=100e-12)


def step_at(n: int, where: int, height: float) -> np.ndarray:
    return np.where(np.arange(n) < where, 0.0, height)


def hills(n: int) -> np.ndarray:
    return np.asarray(50e-12 * np.sin(np.arange(n) * 2 * np.pi / 97))


def with_gain(gain: float, **others: object) -> FeedbackSettings:
    return FeedbackSettings(gain=gain, **others)


def test_a_perfect_loop_is_where_it_should_be_to_the_last_bit() -> None:
    settings = FeedbackSettings.perfect()
    z_eq = hills(300)
    line = ZLoop(settings, CURRENT).line(z_eq, settings.control(1e-3, 300))
    assert (line.z == z_eq).all()
    assert (line.signal == 100e-12).all()
    assert (line.closest == 0).all()


def test_the_state_goes_on_from_line_to_line() -> None:
    z_eq = np.concatenate([hills(97), np.zeros(10), step_at(97, 10, 2e-10)])
    whole = ZLoop(FeedbackSettings(), CURRENT).line(z_eq, COARSE)
    loop = ZLoop(FeedbackSettings(), CURRENT)
    first, second = loop.line(z_eq[:102], COARSE), loop.line(z_eq[102:], COARSE)
    assert (np.concatenate([first.z, second.z]) == whole.z).all()
    assert (np.concatenate([first.signal, second.signal]) == whole.signal).all()


def test_a_snapshot_brings_the_loop_back_bit_by_bit() -> None:
    loop = ZLoop(FeedbackSettings(), CURRENT)
    loop.line(step_at(50, 40, 1e-10), COARSE)
    before = loop.snapshot()
    once = loop.line(hills(50), COARSE)
    loop.restore(before)
    assert (loop.line(hills(50), COARSE).z == once.z).all()


def test_between_samples_the_surface_is_a_straight_line() -> None:
    ramp = np.arange(200) * 1e-12
    fine = ZLoop(FeedbackSettings(), Deflection())
    coarse = ZLoop(FeedbackSettings(), Deflection())
    finely = fine.line((np.arange(1600) - 3.5) / 8 * 1e-12, CONTROL)
    coarsely = coarse.line(ramp, COARSE)
    means = finely.z.reshape(-1, 8).mean(axis=1)
    assert np.abs(coarsely.z - means)[100:-1].max() < 1e-17


def test_above_the_critical_gain_it_rings_at_the_piezo_within_its_range() -> None:
    settings = with_gain(1.5 * critical_gain(FeedbackSettings()), z_range="20 nm")
    z = ZLoop(settings, CURRENT).line(step_at(40_000, 100, 1e-10), CONTROL).z
    ringing = z[20_000:]
    spectrum = np.abs(np.fft.rfft(ringing - ringing.mean()))
    frequency = np.argmax(spectrum) * 40e3 / ringing.size
    assert 2.5e3 < frequency < 4.2e3
    assert ringing.std() > 20e-12
    assert np.abs(z).max() < 20e-9 * 2 * settings.quality


def test_the_piezo_is_not_driven_faster_than_it_can_be() -> None:
    settings = with_gain(300.0, slew="1 um/s")
    z = ZLoop(settings, Deflection()).line(step_at(4000, 10, 50e-9), CONTROL).z
    assert (z[1400] - z[400]) / 25e-3 == pytest.approx(1e-6, rel=1e-3)
    assert z[-1] == pytest.approx(50e-9, rel=1e-3)


def test_at_the_end_of_its_range_it_waits_and_comes_back_at_once() -> None:
    settings = with_gain(600.0, z_range="10 nm")
    z_eq = np.concatenate([step_at(4000, 100, 15e-9), np.full(400, 5e-9)])
    z = ZLoop(settings, Deflection()).line(z_eq, CONTROL).z
    assert z[3000:4000].max() == pytest.approx(10e-9)
    assert z[4080] < 9.3e-9  # 2 ms after: a wound-up integrator would stay for tens


def test_a_current_held_as_it_is_leaves_a_step_upwards_faster_than_downwards() -> None:
    linear = Current(100e-12, logarithmic=False)
    settings = with_gain(100.0)

    def left_over(step: float, detector: Current) -> float:
        z = ZLoop(settings, detector).line(step_at(2000, 10, step), CONTROL).z
        return float(1 - z[410] / step)  # after 10 ms, one time constant

    assert left_over(200e-12, linear) < 0.2
    assert left_over(-200e-12, linear) > 0.7
    assert left_over(200e-12, CURRENT) == pytest.approx(left_over(-200e-12, CURRENT), rel=1e-6)


def test_a_tapping_tip_that_left_the_surface_comes_down_at_a_limited_speed() -> None:
    detector = Amplitude(setpoint=18e-9, free=20e-9)
    settings = with_gain(600.0)
    z = ZLoop(settings, detector).line(step_at(2000, 10, -100e-9), CONTROL).z
    speed = (z[400] - z[600]) / (200 * 25e-6)
    assert speed == pytest.approx(600 * 2e-9, rel=1e-2)


def test_a_tapping_tip_off_the_surface_shows_its_free_amplitude() -> None:
    detector = Amplitude(setpoint=18e-9, free=20e-9)
    line = ZLoop(FeedbackSettings(), detector).line(step_at(2000, 10, -100e-9), CONTROL)
    assert line.signal.max() == pytest.approx(20e-9)
    assert line.signal[:9] == pytest.approx(18e-9)


def test_the_current_of_a_sample_is_the_mean_of_the_current() -> None:
    """Cross a step within samples, where the current of the mean height would be far off."""
    z_eq = np.repeat(hills(60), 3) * 20
    finely = Control(steps=1, step_time=25e-6)
    settings = with_gain(1500.0)
    coarse = ZLoop(settings, CURRENT).line(z_eq, Control(16, 25e-6))
    t = (np.arange(z_eq.size * 16) + 0.5) / 16 - 0.5
    fine = ZLoop(settings, CURRENT)
    fine.settle(float(z_eq[0]))
    each = fine.line(np.interp(t, np.arange(z_eq.size), z_eq), finely)
    means = each.signal.reshape(-1, 16).mean(axis=1)
    assert means.max() / means.min() > 1.5
    assert coarse.signal[5:] == pytest.approx(means[5:], rel=2e-3)


def test_the_closest_approach_on_a_step_is_its_height() -> None:
    line = ZLoop(with_gain(60.0), CURRENT).line(step_at(100, 50, 235e-12), CONTROL)
    assert line.closest.max() == pytest.approx(235e-12)
    assert CURRENT.at(line.closest).max() == pytest.approx(100e-12 * np.exp(2.05e10 * 235e-12))


def test_no_current_above_the_rail_of_the_preamplifier_is_read() -> None:
    for exact in (False, True):
        loop = ZLoop(with_gain(60.0), CURRENT, exact_current=exact)
        line = loop.line(step_at(400, 50, 2e-9), CONTROL)
        assert line.signal.max() == pytest.approx(CURRENT.rail, rel=1e-2)


def test_without_gain_the_height_stays_and_the_current_follows_the_surface() -> None:
    loop = ZLoop(with_gain(0.0, bandwidth=None), CURRENT)
    loop.settle(0.0)
    line = loop.line(hills(200), CONTROL)
    assert np.abs(line.z).max() < 1e-24
    assert line.signal == pytest.approx(CURRENT.at(hills(200)), rel=1e-9)


def test_with_the_feedback_off_the_tip_goes_where_it_is_sent() -> None:
    loop = ZLoop(FeedbackSettings(), CURRENT)
    plane = np.linspace(0, 1e-9, 100)
    line = loop.hold(plane, plane + hills(100))
    assert (line.z == plane).all()
    assert line.signal == pytest.approx(CURRENT.at(hills(100)))
    assert loop.snapshot() is not None


def test_a_long_scan_with_a_slow_loop_is_followed_coarsely_and_as_well() -> None:
    settings, z_eq = FeedbackSettings(gain=200.0), hills(2000)
    short, long = settings.control(0.4e-3, 10_000), settings.control(0.4e-3, 1_000_000)
    assert short.rings
    assert not long.rings
    assert long.steps < short.steps
    fine, coarse = (ZLoop(settings, CURRENT).line(z_eq, control) for control in (short, long))
    assert np.abs(fine.z - coarse.z)[1:].max() < 0.01 * 50e-12


def test_a_long_scan_with_a_fast_loop_keeps_the_ringing_piezo() -> None:
    settings = with_gain(2000.0)
    assert settings.control(0.4e-3, 1_000_000) == settings.control(0.4e-3, 1000)


def test_slow_noise_goes_into_the_height_and_fast_noise_into_the_current() -> None:
    rng = np.random.default_rng(1)
    noise = 1e-12 * rng.standard_normal(200_000)
    settings = with_gain(600.0, bandwidth=None)
    line = ZLoop(settings, Deflection()).line(np.zeros(200_000), CONTROL, height_noise=noise)

    def power(values: np.ndarray, low: float, high: float) -> float:
        spectrum = np.abs(np.fft.rfft(values)) ** 2
        f = np.fft.rfftfreq(values.size, 25e-6)
        return float(spectrum[(f > low) & (f < high)].mean())

    corner = 600 / (2 * np.pi)
    slow, fast = (corner / 20, corner / 10), (corner * 8, corner * 12)
    assert power(line.z, *slow) == pytest.approx(power(noise, *slow), rel=0.05)
    assert power(line.signal, *slow) < 0.02 * power(noise, *slow)
    assert power(line.z, *fast) < 0.03 * power(noise, *fast)
    assert power(line.signal, *fast) == pytest.approx(power(noise, *fast), rel=0.1)


def test_where_the_error_is_linear_both_noises_do_the_same() -> None:
    noise = 1e-12 * np.random.default_rng(2).standard_normal(800)
    lines = [
        ZLoop(FeedbackSettings(), CURRENT).line(hills(100), COARSE, **{name: noise})
        for name in ("error_noise", "height_noise")
    ]
    assert (lines[0].z == lines[1].z).all()


def test_noise_moves_a_perfect_loop_by_its_mean() -> None:
    noise = np.random.default_rng(2).standard_normal(800)
    line = ZLoop(FeedbackSettings.perfect(), CURRENT).line(np.zeros(100), COARSE, noise)
    assert line.z == pytest.approx(noise.reshape(100, 8).mean(axis=1))


def test_noise_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="8 values for each of 100 samples, got shape"):
        ZLoop(FeedbackSettings(), CURRENT).line(hills(100), COARSE, np.zeros(100))


def test_other_settings_take_over_where_the_tip_is() -> None:
    loop = ZLoop(FeedbackSettings(), CURRENT)
    loop.line(np.full(100, 3e-10), CONTROL)
    loop.change(with_gain(100.0), Current(50e-12))
    line = loop.line(np.full(100, 3e-10), CONTROL)
    assert line.z == pytest.approx(3e-10, rel=1e-9)
    assert line.signal == pytest.approx(50e-12, rel=1e-6)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"quality": -3.0}, "must be above 0.5, for a piezo that rings, got -3"),
        ({"gain": -1.0}, "must not be negative, got -1 1/s"),
        ({"resonance": "0 Hz"}, "must be positive, got 0 Hz"),
        ({"z_range": "-5 nm"}, "must be positive, got -5 nm"),
        ({"control_rate": "20 kHz"}, "ten times the resonance, 40 kHz, or more, got 20 kHz"),
    ],
)
def test_an_impossible_loop_is_refused(setting: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FeedbackSettings.model_validate(setting)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Current(20e-9), "between what the preamplifier resolves and its rail"),
        (lambda: Current(1e-10, decay=-1.0), "decay must be positive, got -1 1/m"),
        (lambda: Amplitude(20e-9, 18e-9), "between 0 and the free amplitude of 1.8e-08 m"),
        (lambda: Deflection(-1e-9), "must be positive, got -1e-09 m"),
    ],
)
def test_an_impossible_detector_is_refused(make: object, said: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=said):
        make()


def test_no_gain_is_low_enough_for_a_proportional_part_that_rings() -> None:
    assert critical_gain(with_gain(0.0, proportional=0.5)) == 0.0
    assert critical_gain(with_gain(0.0, proportional=0.02)) > 0

"""The sources of noise: their amounts, their spectra, and that off means off."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from spm_auto.simulator.coloured_noise import FlickerNoise, OscillatorNoise, Stretched
from spm_auto.simulator.noise_sources import (
    CurrentNoise,
    CurrentNoiseSettings,
    DeflectionNoise,
    DeflectionNoiseSettings,
    LineNoiseSettings,
    MechanicalNoise,
    MechanicalNoiseSettings,
    line_noise,
)

DT = 1 / 40_960  # [s]: the usual control step


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def only(settings, **amounts):
    return settings.none().model_copy(update=amounts)


def test_no_noise_is_exactly_none():
    assert not CurrentNoise(CurrentNoiseSettings.none(), DT, rng()).samples(1e-10, 1000).any()
    assert not MechanicalNoise(MechanicalNoiseSettings.none(), DT, rng()).samples(1000).any()
    deflection = DeflectionNoise(DeflectionNoiseSettings.none(), 2.8, 75e3, 150.0, DT, rng())
    assert not deflection.samples(1000).any()
    assert not np.any(line_noise(LineNoiseSettings.none(), 256, rng()))


@pytest.mark.parametrize("source", ["white", "flicker", "vibration", "mains"])
def test_a_mechanical_source_does_not_shift_the_others(source):
    everything = MechanicalNoiseSettings()
    rest = everything.model_copy(update={source: 0.0})
    alone = only(MechanicalNoiseSettings, **{source: getattr(everything, source)})
    together, without, single = (
        MechanicalNoise(settings, DT, rng(3)).samples(3000)
        for settings in (everything, rest, alone)
    )
    assert together - without == pytest.approx(single, abs=1e-17)
    assert np.std(single) > 1e-13


def test_the_1_over_f_noise_of_the_current_does_not_shift_its_white_noise():
    plain = CurrentNoiseSettings().model_copy(update={"flicker": 0.0})
    both = CurrentNoise(CurrentNoiseSettings(), DT, rng(3)).samples(1e-10, 3000)
    white = CurrentNoise(plain, DT, rng(3)).samples(1e-10, 3000)
    flicker = only(CurrentNoiseSettings, flicker=CurrentNoiseSettings().flicker)
    slow = CurrentNoise(flicker, DT, rng(3)).samples(1e-10, 3000)
    assert both - white == pytest.approx(slow, abs=1e-18)


def test_noise_goes_on_from_line_to_line_however_it_is_cut():
    def current() -> CurrentNoise:
        return CurrentNoise(CurrentNoiseSettings(), DT, rng(1))

    def gap() -> MechanicalNoise:
        return MechanicalNoise(MechanicalNoiseSettings(), DT, rng(1))

    cuts = (1, 777, 12, 13, 14, 4000, 3)
    whole, pieces = current(), current()
    parts = np.concatenate([pieces.samples(1e-10, n) for n in cuts])
    assert np.array_equal(whole.samples(1e-10, sum(cuts)), parts)
    steady, broken = gap(), gap()
    parts = np.concatenate([broken.samples(n) for n in cuts])
    assert steady.samples(sum(cuts)) == pytest.approx(parts, abs=1e-22)


def test_shot_noise_follows_the_current_of_each_sample():
    settings = only(CurrentNoiseSettings, shot=True)
    current = np.repeat([0.0, 1e-12, 1e-10], 20_000)
    noise = CurrentNoise(settings, DT, rng()).samples(current, 60_000).reshape(3, -1)
    expected = np.sqrt(2 * 1.602176634e-19 * np.array([0.0, 1e-12, 1e-10]) / (2 * DT))
    assert noise.std(axis=1) == pytest.approx(expected, rel=0.02)


def test_the_voltage_noise_of_the_amplifier_comes_through_the_cable_as_its_derivative():
    settings = only(CurrentNoiseSettings, voltage=5e-9)
    noise = CurrentNoise(settings, DT, rng()).samples(1e-10, 400_000)
    spectrum = _density(noise, DT)
    for frequency in (500.0, 2000.0):
        measured = _mean(spectrum, frequency)
        assert measured == pytest.approx(5e-9 * 50e-12 * 2 * math.pi * frequency, rel=0.05)


def test_the_gap_shakes_by_a_few_picometres_behind_a_usual_loop():
    from scipy.signal import lfilter

    pixels, per_pixel, loop = 256, 80, math.exp(-600 * DT)
    noise = MechanicalNoise(MechanicalNoiseSettings(), DT, rng())
    shaken = noise.samples(64 * pixels * per_pixel)
    height = lfilter([1 - loop], [1, -loop], shaken)
    image = height.reshape(64, pixels, per_pixel).mean(axis=2)
    flattened = image - np.median(image, axis=1, keepdims=True)
    assert 2e-12 < np.std(flattened) < 5e-12


def test_an_oscillator_has_its_deviation_however_coarse_the_steps():
    for dt in (1e-3 / 32, 0.1 / 32, 3.3 / 32):
        noise = OscillatorNoise(32.0, 10.0, 2e-12, dt, rng()).samples(400_000)
        assert np.std(noise[-200_000:]) == pytest.approx(2e-12, rel=0.2 if dt < 1e-4 else 0.05)


def test_an_oscillator_begins_in_equilibrium():
    first = [OscillatorNoise(32.0, 50.0, 1.0, 1e-3, rng(seed)).samples(2) for seed in range(2000)]
    assert np.std(first, axis=0) == pytest.approx([1.0, 1.0], rel=0.06)


def test_an_oscillator_swings_at_its_frequency():
    noise = OscillatorNoise(32.0, 200.0, 1.0, 1e-3, rng()).samples(2**17)
    frequency, density = _density(noise, 1e-3)
    assert frequency[np.argmax(density)] == pytest.approx(32.0, abs=0.3)


@pytest.mark.parametrize("quality", [0.5, 0.0, -3.0, math.nan])
def test_an_oscillator_that_does_not_swing_is_refused(quality):
    with pytest.raises(ValueError, match="needs a quality factor above"):
        OscillatorNoise(32.0, quality, 1.0, 1e-3, rng())


def test_a_stretched_series_is_straight_between_its_samples():
    count = iter(range(100_000))
    stretched = Stretched(lambda n: np.array([next(count) for _ in range(n)], dtype=float), 5)
    given = np.concatenate([stretched.samples(n) for n in (1, 4, 5, 7, 100)])
    assert given == pytest.approx(np.arange(117) / 5)


def test_1_over_f_noise_is_flat_below_its_band_and_never_runs_away():
    noise = FlickerNoise(1.0, 100.0, 1e-3, rng()).samples(2**18)
    halves = noise.reshape(2, -1).std(axis=1)
    assert halves[0] == pytest.approx(halves[1], rel=0.15)
    assert _mean(_density(noise, 1e-3), 10.0) == pytest.approx(10**-0.5, rel=0.1)


def test_lines_jump_both_ways_alike_and_spike_each_way_alone():
    settings = LineNoiseSettings.model_validate({"spikes": 0.01, "jump": "0.3 nm"})
    lines = np.array([line_noise(settings, 256, rng(seed)) for seed in range(500)])
    jumps = np.median(lines, axis=2)
    assert np.array_equal(jumps[:, 0], jumps[:, 1])
    assert np.std(jumps) == pytest.approx(0.3e-9, rel=0.1)
    spikes = lines - jumps[:, :, np.newaxis]
    assert np.mean(spikes > 0) == pytest.approx(0.01, rel=0.1)
    assert np.mean(spikes[spikes > 0]) == pytest.approx(2e-9, rel=0.1)
    assert not np.array_equal(spikes[:, 0], spikes[:, 1])


@pytest.mark.parametrize(
    ("settings", "table", "message"),
    [
        (CurrentNoiseSettings, {"resistance": "0 Ohm"}, "must be positive, got 0 Ohm"),
        (CurrentNoiseSettings, {"temperature": "-1 K"}, "must not be negative, got -1 K"),
        (CurrentNoiseSettings, {"voltage": "5 nV"}, "expected 'V/rtHz'"),
        (MechanicalNoiseSettings, {"vibration_quality": 0.2}, "greater than 0.5"),
        (MechanicalNoiseSettings, {"white": "-1 pm/rtHz"}, "got -1 pm/rtHz"),
        (LineNoiseSettings, {"spikes": 1.5}, "must lie between 0 and 1, got 1.5"),
    ],
)
def test_an_impossible_noise_is_refused_with_its_limit(settings, table, message):
    with pytest.raises(ValidationError, match=message):
        settings.model_validate(table)


def _density(noise: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    from scipy.signal import welch

    frequency, power = welch(noise, 1 / dt, nperseg=2**13)
    return frequency, np.sqrt(power)


def _mean(spectrum: tuple[np.ndarray, np.ndarray], around: float) -> float:
    frequency, density = spectrum
    near = (frequency > 0.9 * around) & (frequency < 1.1 * around)
    return float(np.sqrt(np.mean(density[near] ** 2)))

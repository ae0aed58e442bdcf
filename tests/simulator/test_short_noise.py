"""The shaking of one short measurement: its spectrum, its hum, and that off means off."""

import numpy as np
import pytest

from spm_auto.simulator.noise_sources import MechanicalNoiseSettings
from spm_auto.simulator.short_noise import ShortShaking, short_shaking

COUNT, DT = 1000, 1e-3  # [s]
SETTINGS = MechanicalNoiseSettings()
SILENT_HUM = SETTINGS.model_copy(update={"mains": 0.0, "mains_third": 0.0})


def many(settings: MechanicalNoiseSettings, count: int = COUNT) -> np.ndarray:
    shaking = ShortShaking(settings, count, DT)
    return np.array([shaking.samples(np.random.default_rng(seed)) for seed in range(400)])


def test_a_gap_that_stands_still_shakes_by_exactly_nothing():
    assert not many(MechanicalNoiseSettings.none()).any()


def test_waves_have_the_density_of_the_settings():
    power = 2 * DT / COUNT * np.mean(np.abs(np.fft.rfft(many(SILENT_HUM))) ** 2, axis=0)
    frequency = np.fft.rfftfreq(COUNT, DT)
    for low, high in ((1, 10), (25, 40), (100, 400)):
        band = (frequency >= low) & (frequency < high)
        expected = np.mean(SETTINGS.density(frequency[band]) ** 2)
        assert np.mean(power[band]) == pytest.approx(expected, rel=0.05)


def test_the_deviation_does_not_mind_an_awkward_number_of_samples():
    even, prime = many(SILENT_HUM, 1000), many(SILENT_HUM, 997)
    assert prime.shape == (400, 997)
    assert np.std(prime) == pytest.approx(np.std(even), rel=0.05)


def test_the_hum_has_its_amplitudes_and_a_phase_of_its_own_each_time():
    hum = MechanicalNoiseSettings.none().model_copy(update={"mains": 1e-12, "mains_third": 5e-13})
    waves = np.fft.rfft(many(hum)) * 2 / COUNT
    assert np.abs(waves[:, 50]) == pytest.approx(1e-12)
    assert np.abs(waves[:, 150]) == pytest.approx(5e-13)
    assert np.abs(np.mean(waves[:, 50])) < 0.2e-12


def test_another_noise_beside_it_adds_in_power():
    shaking = ShortShaking(SILENT_HUM, COUNT, DT)
    beside = shaking.scale * SETTINGS.density(shaking.frequency)
    rng = np.random.default_rng
    alone, both = shaking.samples(rng(1), 3.0), shaking.samples(rng(1), 3.0, 4.0 * beside)
    assert both == pytest.approx(alone * 5 / 3)


def test_measurements_that_are_alike_share_what_they_have_in_common():
    assert short_shaking(SETTINGS, COUNT, DT) is short_shaking(SETTINGS, COUNT, DT)
    assert short_shaking(SETTINGS, COUNT, DT) is not short_shaking(SETTINGS, COUNT, 2 * DT)

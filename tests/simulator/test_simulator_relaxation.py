"""Domains form as the energy says, and walls have the shape and energy that theory gives them."""

import numpy as np
import pytest

from spm_auto.simulator import FerroelectricFilmSettings, RandomStreams
from spm_auto.simulator.samples.ferroelectric.growth import grow
from spm_auto.simulator.samples.ferroelectric.relaxation import FilmEnergy, relax
from spm_auto.simulator.samples.fields import gaussian_field, self_affine_field


def mean_domain_width(polarization: np.ndarray, cell: float) -> float:
    """Return half the mean wavelength of the polarisation's power spectrum [m]."""
    power = np.abs(np.fft.fft2(polarization - polarization.mean())) ** 2
    frequency = np.fft.fftfreq(len(polarization), cell)
    radius = np.hypot(frequency[:, np.newaxis], frequency[np.newaxis, :])
    return float(power.sum() / (power * radius).sum() / 2)


def test_relaxation_lowers_the_energy_in_every_step() -> None:
    energy = FilmEnergy(64, 7.8e-9, 7.8e-9, 0.35, 40e-9)
    nothing = np.zeros((64, 64))
    p = 0.1 * np.random.default_rng(0).standard_normal((64, 64))
    totals = []
    for _ in range(100):
        totals.append(energy.total(p, nothing))
        p = relax(energy, p, nothing, steps=1)
    assert max(np.diff(totals)) < 0
    assert totals[-1] < -0.1


def test_a_relaxed_wall_is_a_tanh_of_energy_two_root_two_thirds() -> None:
    length = 2.0  # two cells per gradient length
    energy = FilmEnergy(128, 1.0, length, depolarization=0.0, thickness=1.0)
    x = np.arange(128)
    steps = np.where((x >= 32) & (x < 96), 1.0, -1.0)
    p = relax(energy, np.tile(steps, (128, 1)), np.zeros((128, 128)), steps=400)
    expected = np.tanh((x[:64] - 31.5) / (np.sqrt(2) * length))
    np.testing.assert_allclose(p[0, :64], expected, atol=1e-5)
    per_wall = (energy.total(p, np.zeros_like(p)) + 1 / 4) * 128 / 2 / length
    assert per_wall == pytest.approx(2 * np.sqrt(2) / 3, rel=1e-3)


def test_the_depolarising_field_gives_domains_a_width() -> None:
    streams = RandomStreams(1)
    film = FerroelectricFilmSettings()
    unpoled = film.model_copy(update={"depolarization": 0.0})
    width = mean_domain_width(grow(film, streams).standing, film.cell)
    assert 60e-9 < width < 150e-9
    assert mean_domain_width(grow(unpoled, streams).standing, film.cell) > 1.2 * width


@pytest.mark.parametrize("length", [40e-9, 120e-9])
def test_a_gaussian_field_has_the_correlation_it_promises(length: float) -> None:
    cells, cell = 512, 8e-9
    field = gaussian_field(cells, cell, length, np.random.default_rng(3))
    shift = round(length / cell)
    correlation = float(np.mean(field * np.roll(field, shift, axis=1)))
    assert correlation == pytest.approx(np.exp(-((shift * cell / length) ** 2)), abs=0.05)
    assert field.std() == pytest.approx(1.0)


def test_the_profile_of_a_rough_surface_falls_off_with_the_fourth_power() -> None:
    cells, cell = 512, 4e-9
    field = self_affine_field(cells, cell, 200e-9, np.random.default_rng(3))
    power = (np.abs(np.fft.rfft(field, axis=1)) ** 2).mean(axis=0)
    k = np.fft.rfftfreq(cells, cell)
    steep = (k > 5 / 2e-6) & (k < 60 / 2e-6)
    slope = np.polyfit(np.log(k[steep]), np.log(power[steep]), 1)[0]
    assert slope == pytest.approx(-4, abs=0.4)

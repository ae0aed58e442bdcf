"""Grains and lamellae: the other kinds of film, what they are and how they switch."""

import math

import numpy as np
import pytest

from spm_auto import plugins
from spm_auto.instrument import BiasWaveform
from spm_auto.simulator import (
    FerroelectricFilm,
    FerroelectricFilmSettings,
    GranularFilmSettings,
    LamellarFilmSettings,
    RandomStreams,
    TipSettings,
)
from spm_auto.simulator.samples import FilmSettings, GrainSettings
from spm_auto.simulator.samples.ferroelectric.surfaces import Surfaces
from spm_auto.simulator.samples.ferroelectric.variants import VariantEnergy

TIP = TipSettings()
SMALL = {"size": "1 um", "cells": 128}


@pytest.fixture(scope="module")
def granular() -> FerroelectricFilm:
    return GranularFilmSettings.model_validate(SMALL).build(RandomStreams(1))


@pytest.fixture(scope="module")
def lamellar() -> FerroelectricFilm:
    return LamellarFilmSettings.model_validate(SMALL).build(RandomStreams(1))


@pytest.mark.parametrize("kind", ["granular_film", "lamellar_film"])
def test_a_lab_file_can_name_the_kind(kind: str) -> None:
    assert issubclass(plugins.load("samples", kind), FilmSettings)


def test_a_film_without_grains_is_the_plain_film_to_the_last_bit() -> None:
    plain = FerroelectricFilmSettings.model_validate(SMALL).build(RandomStreams(1))
    off = GranularFilmSettings.model_validate(SMALL | {"grains": {"amount": 0.0}})
    same = off.build(RandomStreams(1))
    np.testing.assert_array_equal(same.polarization, plain.polarization)
    np.testing.assert_array_equal(same.properties.response, plain.properties.response)
    assert not same.answers_sideways


def test_grains_answer_less_at_their_rims_and_differ_from_each_other() -> None:
    grains = GrainSettings(amount=1.0).build(128, 1e-6, RandomStreams(0))
    index = grains.index
    rim = (index != np.roll(index, 1, 0)) | (index != np.roll(index, 1, 1))
    assert np.mean(grains.response[rim]) < 0.5 * np.mean(grains.response[~rim])
    assert 20 < len(np.unique(index)) < 45  # (1 um / 180 nm)^2 = 31
    inside = [np.median(grains.barrier[index == k]) for k in np.unique(index)]
    assert np.std(inside) == pytest.approx(0.06, rel=0.4)


def test_a_tilted_grain_answers_sideways_and_turns_round_when_it_is_switched(
    granular: FerroelectricFilm,
) -> None:
    tilt = np.hypot(*granular.properties.tilt)
    row, column = np.unravel_index(np.argmax(tilt), tilt.shape)
    assert tilt.max() > math.sin(math.radians(20))
    x, y = ((np.array([column, row]) + 0.5) / 128 - 0.5) * 1e-6
    at = np.array([x]), np.array([y])
    with granular.unchanged():
        answers = []
        for bias in (14.0, -14.0):
            granular.sweep(x, y, BiasWaveform((bias,), 0.1), TIP)
            lateral = granular.view(TIP).at(*at).lateral
            assert lateral is not None
            answers.append(lateral[:, 0])
    assert np.dot(*answers) < 0


def test_lamellae_lie_and_answer_sideways(lamellar: FerroelectricFilm) -> None:
    lying = np.hypot(*lamellar.properties.lying)
    flat = lying > 0.6
    assert 0.1 < flat.mean() < 0.5
    assert np.abs(lamellar.polarization[flat]).mean() < 0.3
    assert np.abs(lamellar.polarization[lying < 0.2]).mean() > 0.7
    assert lamellar.answers_sideways


def test_lamellae_run_along_both_crystal_axes(lamellar: FerroelectricFilm) -> None:
    # those that follow each other along one axis are polarised along it; the axes lie at 45 degrees
    cos = math.sqrt(0.5)
    lying = lamellar.properties.lying
    first = (cos * lying[0] + cos * lying[1]) ** 2
    ky, kx = np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128), indexing="ij")
    power = np.abs(np.fft.fft2(first - first.mean())) ** 2
    across, along = (kx + ky) ** 2 * power, (kx - ky) ** 2 * power
    assert across.sum() > 4 * along.sum()


def test_a_lying_site_does_not_switch(lamellar: FerroelectricFilm) -> None:
    from scipy.ndimage import uniform_filter

    lying = uniform_filter(np.hypot(*lamellar.properties.lying), 5, mode="wrap")
    standing = uniform_filter(np.abs(lamellar.polarization), 5, mode="wrap")
    heights = []
    for site in (np.argmax(lying), np.argmax(standing)):
        row, column = np.unravel_index(site, lying.shape)
        x, y = ((np.array([column, row]) + 0.5) / 128 - 0.5) * 1e-6
        with lamellar.unchanged():
            lamellar.sweep(x, y, BiasWaveform((-9.0, 9.0), 0.1), TIP)
            heights.append(lamellar.polarization[row, column])
    assert abs(heights[0]) < 0.5
    assert heights[1] > 0.8


def test_the_energy_of_variants_falls_while_a_film_relaxes() -> None:
    # no field and no misfit: every term is then positive or in the double well, so the polarisation
    # must end in one of its six directions nearly everywhere
    energy = VariantEnergy(64, 8e-9, 60e-9, 0.15, 1.5, 6.0, 0.0, 0.0, 0.8, 0.0)
    start = 0.3 * np.random.default_rng(0).standard_normal((3, 64, 64))
    nothing = np.zeros((64, 64))
    end = energy.relax(start, nothing, 150)
    size = np.sqrt((end**2).sum(axis=0))
    largest = np.abs(end).max(axis=0)
    assert np.median(largest / size) > 0.95
    assert np.median(size) == pytest.approx(1.0, abs=0.15)


def test_splines_pass_through_their_maps_and_around_the_edge() -> None:
    rng = np.random.default_rng(0)
    maps = rng.standard_normal((2, 32, 32))
    surfaces = Surfaces.through(1e-6, *maps)
    middles = ((np.arange(32) + 0.5) / 32 - 0.5) * 1e-6
    y, x = np.meshgrid(middles, middles, indexing="ij")
    np.testing.assert_allclose(surfaces.at(x, y), maps, atol=1e-12)
    np.testing.assert_allclose(surfaces.at(x + 1e-6, y - 2e-6), maps, atol=1e-9)
    anywhere = rng.uniform(-1e-6, 1e-6, (2, 50))
    row, column = ((v / 1e-6 + 0.5) * 32 - 0.5 for v in anywhere[::-1])
    np.testing.assert_allclose(surfaces._slowly(row, column), surfaces.at(*anywhere), atol=1e-9)

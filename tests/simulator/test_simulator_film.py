"""The default film behaves like the measured one it was fitted to, and remembers what was done."""

from collections.abc import Iterator

import numpy as np
import pytest

from spm_auto.instrument import BiasWaveform, FloatArray
from spm_auto.simulator import (
    FerroelectricFilm,
    FerroelectricFilmSettings,
    FilmTruth,
    RandomStreams,
    SimulatorSettings,
    TipSettings,
)
from spm_auto.simulator.techniques.pfm import (
    Band,
    BandExcitationReadout,
    CantileverSettings,
    PfmNoise,
)

TIP = TipSettings()
LOOP = BiasWaveform.triangle(8.5, points=64, cycles=2)
RISING = np.r_[48:64, 0:17]  # points of a loop from the lowest to the highest bias
FALLING = np.r_[16:49][::-1]


@pytest.fixture(scope="module")
def film() -> FerroelectricFilm:
    return FerroelectricFilmSettings().build(RandomStreams(3))


@pytest.fixture
def untouched(film: FerroelectricFilm) -> Iterator[FerroelectricFilm]:
    with film.unchanged():
        yield film


def switching_biases(loops: FloatArray) -> dict[str, FloatArray]:
    """Return what is read off loops of shape [..., 64]: where each branch crosses the middle."""
    bias = LOOP.bias[RISING]
    rising, falling = loops[..., RISING], loops[..., FALLING]
    upper = (rising[..., -4:].mean(-1) + falling[..., -4:].mean(-1)) / 2
    lower = (rising[..., :4].mean(-1) + falling[..., :4].mean(-1)) / 2

    def crossing(branch: FloatArray) -> FloatArray:
        above = branch - ((upper + lower) / 2)[..., np.newaxis]
        found = np.full(branch.shape[:-1], np.nan)
        for site in np.ndindex(found.shape):
            line = above[site]
            at = np.flatnonzero(line[:-1] * line[1:] < 0)
            if at.size:
                share = line[at] / (line[at] - line[at + 1])
                found[site] = np.median(bias[at] + share * (bias[at + 1] - bias[at]))
        return found

    plus, minus = crossing(rising), crossing(falling)
    area = np.trapezoid(falling - rising, bias, axis=-1)
    return {
        "plus": plus,
        "minus": minus,
        "coercive": (plus - minus) / 2,
        "imprint": (plus + minus) / 2,
        "area": area,
        "normalised area": area / (upper - lower),
    }


def test_loops_of_untouched_sites_are_as_wide_as_measured_ones(film: FerroelectricFilm) -> None:
    # a coarse grid of clean loops; the comparison of whole maps, measured site after site, is row 9
    # of the validation: loops there lie further up, as the sites before have poled the film
    along = (np.arange(20) - 9.5) * 1e-7
    found = switching_biases(FilmTruth(film, TIP).loop_map(along, along, LOOP))
    medians = {name: float(np.nanmedian(values)) for name, values in found.items()}
    assert medians["plus"] == pytest.approx(4.92, rel=0.15)
    assert medians["coercive"] == pytest.approx(4.05, rel=0.15)
    assert medians["normalised area"] == pytest.approx(8.1, rel=0.15)
    assert 0 < medians["imprint"] < 0.83


def test_the_measured_loops_fail_and_vary_in_size_as_real_ones_do(film: FerroelectricFilm) -> None:
    along = (np.arange(20) - 9.5) * 1e-7
    lever = CantileverSettings()
    band = Band(lever.contact_resonance(film.contact_stiffness))
    readout = BandExcitationReadout(1.0, band, lever, PfmNoise())
    rng = np.random.default_rng(0)
    clean = FilmTruth(film, TIP).loop_map(along, along, LOOP)
    loops = np.array(
        [
            [
                readout.read(clean[i, j, np.newaxis], film.contact(x, y), LOOP, rng).piezoresponse
                for j, x in enumerate(along)
            ]
            for i, y in enumerate(along)
        ]
    )
    gross = np.abs(loops) > 10 * np.median(np.abs(loops), axis=-1, keepdims=True)
    assert 0.01 < gross.mean() < 0.04
    sound = ~gross.any(axis=-1)
    area = switching_biases(loops[sound])["area"]
    assert 0.35 < np.std(np.log10(area[area > 0])) < 0.6


def test_sites_at_walls_switch_more_easily(film: FerroelectricFilm) -> None:
    truth = FilmTruth(film, TIP)
    barrier, distance = truth.properties.barrier, truth.distance_to_wall
    assert barrier[distance < 15e-9].mean() < 0.8 * barrier[distance > 60e-9].mean()
    along = (np.arange(16) - 7.5) * 1.25e-7
    coercive = switching_biases(truth.loop_map(along, along, LOOP))["coercive"]
    cells = np.round((along / 2e-6 + 0.5) * 256 - 0.5).astype(int)
    near = distance[np.ix_(cells, cells)] < 20e-9
    assert np.nanmedian(coercive[near]) < np.nanmedian(coercive[~near]) - 0.3


def test_a_film_at_rest_stays_as_it_is_under_a_tip_without_bias() -> None:
    settings = FerroelectricFilmSettings.model_validate({"contact_potential_spread": "0 V"})
    film = settings.build(RandomStreams(3))
    before = film.polarization
    film.sweep(1e-7, 2e-7, BiasWaveform((0.0,) * 20), TIP)
    np.testing.assert_allclose(film.polarization, before, atol=1e-6)


def test_writing_changes_the_film_under_the_tip_only(untouched: FerroelectricFilm) -> None:
    before = untouched.polarization
    x, y = 3e-7, -5e-7
    untouched.sweep(x, y, BiasWaveform((-12.0, 12.0), dwell=0.1), TIP)
    after = untouched.polarization
    changed = after != before
    rows, columns = np.nonzero(changed)
    reach = 100e-9
    assert changed.any()
    assert np.all(np.abs((columns + 0.5) / 256 * 2e-6 - 1e-6 - x) < reach)
    assert np.all(np.abs((rows + 0.5) / 256 * 2e-6 - 1e-6 - y) < reach)
    assert after[round((y / 2e-6 + 0.5) * 256), round((x / 2e-6 + 0.5) * 256)] > 0.5


def test_the_contact_passes_on_a_share_of_the_bias_and_adds_its_potential() -> None:
    # every source of chance has its own stream, so both films are the same but for the contact
    film = FerroelectricFilmSettings.model_validate({"size": "1 um", "cells": 128})
    perfect_contact = {"contact_share_spread": 0.0, "contact_potential_spread": 0.0}
    real = film.build(RandomStreams(2))
    ideal = film.model_copy(update=perfect_contact).build(RandomStreams(2))
    row, column = 40, 91
    share = real.properties.contact_share[row, column]
    potential = real.properties.contact_potential[row, column]
    assert abs(share - 1) > 0.005
    assert abs(potential) > 0.1
    x, y = ((np.array([column, row]) + 0.5) / 128 - 0.5) * 1e-6
    felt = BiasWaveform(tuple((share * LOOP.bias + potential).tolist()), LOOP.dwell, LOOP.cycles)
    np.testing.assert_allclose(
        real.sweep(x, y, LOOP, TIP), ideal.sweep(x, y, felt, TIP), rtol=1e-6, atol=1e-17
    )


def test_domains_leave_a_built_in_field_of_their_own_sign() -> None:
    film = FerroelectricFilmSettings.model_validate({"size": "1 um", "cells": 128})
    aged = film.build(RandomStreams(2))
    young = film.model_copy(update={"memory": 0.0}).build(RandomStreams(2))
    left = aged.properties.built_in - young.properties.built_in
    inside = FilmTruth(aged, TIP).distance_to_wall > 60e-9
    assert inside.any()
    np.testing.assert_array_equal(np.sign(left[inside]), np.sign(aged.polarization[inside]))


def test_what_was_written_can_be_read_and_erased(untouched: FerroelectricFilm) -> None:
    x, y = np.array([3e-7]), np.array([-5e-7])
    up, down = BiasWaveform((12.0,), dwell=0.1), BiasWaveform((-12.0,), dwell=0.1)
    untouched.sweep(x[0], y[0], up, TIP)
    assert untouched.view(TIP).at(x, y).piezoresponse[0] > 0
    untouched.sweep(x[0], y[0], down, TIP)
    assert untouched.view(TIP).at(x, y).piezoresponse[0] < 0


def test_a_longer_pulse_writes_a_larger_domain(untouched: FerroelectricFilm) -> None:
    def written(bias: float, dwell: float) -> int:
        with untouched.unchanged():
            untouched.polarization = -np.ones((256, 256))
            untouched.sweep(0.0, 0.0, BiasWaveform((bias,), dwell), TIP)
            return int(np.sum(untouched.polarization > 0))

    assert written(8.5, 8e-3) < written(8.5, 25e-3) <= written(8.5, 1.0)
    assert written(2.0, 1.0) == 0 < written(8.5, 1.0) < written(12.0, 1.0)


def test_a_spectrum_reads_what_the_image_shows_there(untouched: FerroelectricFilm) -> None:
    # at the middle of a cell both average over the same cells with the same weights
    cell = 2e-6 / 256
    x, y = 40.5 * cell, -17.5 * cell
    reading = untouched.sweep(x, y, BiasWaveform((5.0, -2.0)), TIP)[0, -1]
    shown = untouched.view(TIP).at(np.array([x]), np.array([y])).piezoresponse[0]
    assert reading == pytest.approx(shown, rel=1e-6)


def test_the_film_goes_on_at_its_opposite_edge(untouched: FerroelectricFilm) -> None:
    before = untouched.polarization
    untouched.sweep(-1e-6, 0.0, BiasWaveform((-12.0, 12.0), dwell=0.1), TIP)
    changed = np.any(untouched.polarization != before, axis=0)
    assert changed[:5].any()
    assert changed[-5:].any()


def test_a_film_too_small_for_its_tip_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the film is 100 nm wide, but a tip of radius 25 nm"):
        SimulatorSettings.model_validate(
            {"kind": "simulator", "sample": {"kind": "ferroelectric_film", "size": "100 nm"}}
        )

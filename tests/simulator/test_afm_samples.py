"""Samples of the AFM: what is in them, that they are reproducible, and that dents stay."""

import numpy as np
import pytest
from pydantic import ValidationError

from spm_auto.simulator.randomness import RandomStreams
from spm_auto.simulator.samples.afm import (
    ConductingGrainsSettings,
    PolymerBlendSettings,
    StiffInclusionsSettings,
)

KINDS = [PolymerBlendSettings, StiffInclusionsSettings, ConductingGrainsSettings]
FIELDS = ("height", "modulus", "adhesion", "viscosity", "potential", "conductivity")


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def settings(request):
    return request.param()


def made(settings, seed=0):
    return settings.build(RandomStreams(seed))


def test_a_seed_makes_the_same_sample_and_another_seed_another(settings):
    first, again, other = made(settings), made(settings), made(settings, seed=1)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(first.fields, name), getattr(again.fields, name))
    assert not np.array_equal(first.fields.height, other.fields.height)


def test_a_sample_goes_on_periodically_without_a_seam(settings):
    sample = made(settings)
    for name in FIELDS:
        surface = sample.surface(name)
        along = np.linspace(-0.5, 0.5, 7) * sample.size
        inside = surface.at(along, 0.3 * along)
        np.testing.assert_allclose(
            surface.at(along + sample.size, 0.3 * along - sample.size),
            inside,
            rtol=1e-6,
            atol=1e-12,
        )
    height = sample.fields.height
    across, within = (
        np.abs(np.diff(edge, axis=1)).mean() for edge in (height[:, [-1, 0]], height[:, 100:200])
    )
    assert across < 3 * within


def test_a_point_has_the_values_of_its_cell(settings):
    sample = made(settings)
    middle = 0.5 * sample.cell
    place = sample.at(middle, -middle)
    half = settings.cells // 2
    for name in FIELDS:
        expected = getattr(sample.fields, name)[half - 1, half]
        assert getattr(place, name) == pytest.approx(expected, rel=1e-6, abs=1e-15)


def test_the_blend_has_the_share_and_the_moduli_asked_for():
    sample = made(PolymerBlendSettings(share=0.4, modulus_spread=0.1))
    modulus = sample.fields.modulus
    is_soft = modulus < 0.7e9
    assert is_soft.mean() == pytest.approx(0.4, abs=0.01)
    for part, expected in ((modulus[is_soft], 0.2e9), (modulus[~is_soft], 2.5e9)):
        assert np.median(part) == pytest.approx(expected, rel=0.05)
    assert np.std(np.log(modulus[modulus > 2e9 * 0.9])) == pytest.approx(0.1, rel=0.25)


def test_inclusions_are_listed_and_stand_where_the_list_says():
    sample = made(StiffInclusionsSettings())
    stiff = [spot for spot in sample.spots if spot.is_stiff]
    assert len(stiff) == 38
    assert len(sample.spots) == 38 + 16
    for spot in sample.spots:
        place = sample.at(spot.x, spot.y)
        assert place.modulus == pytest.approx(spot.modulus, rel=0.5)
        assert (place.modulus > 10e9) == spot.is_stiff


def test_spots_do_not_overlap():
    spots = made(StiffInclusionsSettings()).spots
    size = StiffInclusionsSettings().size
    for i, a in enumerate(spots):
        for b in spots[:i]:
            dx, dy = (min(abs(d), size - abs(d)) for d in (a.x - b.x, a.y - b.y))
            assert np.hypot(dx, dy) > a.radius + b.radius


def test_spots_that_find_no_room_are_refused():
    with pytest.raises(ValueError, match="no room"):
        made(StiffInclusionsSettings(count=1000))


def test_walls_conduct_ten_to_a_hundred_times_better_than_grains():
    sample = made(ConductingGrainsSettings(grain_spread=0.0))
    conductivity = sample.fields.conductivity
    grain = np.median(conductivity)
    assert grain == pytest.approx(1e-4, rel=1e-3)
    assert 60 < conductivity.max() / grain <= 100
    assert 0.02 < np.mean(conductivity > 8 * grain) < 0.25


def test_a_dent_stays_until_a_snapshot_is_restored(settings):
    sample = made(settings)
    before = sample.snapshot()
    height = sample.surface("height").at(np.array([0.0]), np.array([0.0]))
    sample.dent(0.0, 0.0, 5e-9, 50e-9)
    hurt = sample.surface("height").at(np.array([0.0]), np.array([0.0]))
    assert height - hurt == pytest.approx(5e-9, rel=0.05)
    far = np.array([0.3 * sample.size])
    assert np.count_nonzero(sample.fields.height != before.height) < 0.02 * before.height.size
    sample.restore(before)
    np.testing.assert_array_equal(sample.fields.height, before.height)
    assert sample.surface("height").at(far * 0, far * 0) == height


def test_a_dent_at_the_edge_goes_on_at_the_other_side():
    sample = made(PolymerBlendSettings())
    edge = sample.size / 2
    before = sample.fields.height
    sample.dent(edge, 0.0, 5e-9, 50e-9)
    changed = (sample.fields.height != before).any(axis=0)
    assert changed[0]
    assert changed[-1]


@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        (PolymerBlendSettings, {"matrix": {"modulus": "-1 GPa"}}, "must be positive, got -1 GPa"),
        (PolymerBlendSettings, {"share": 1.2}, "must lie within 0.01 to 0.99"),
        (StiffInclusionsSettings, {"radius": "0 nm"}, "must be positive, got 0 m"),
        (ConductingGrainsSettings, {"best_wall": 5.0}, "least_wall must not be above best_wall"),
        (ConductingGrainsSettings, {"thickness": "-5 nm"}, "must be positive, got -5 nm"),
    ],
)
def test_an_impossible_sample_is_refused(kind, wrong, message):
    with pytest.raises(ValidationError, match=message):
        kind.model_validate(wrong)

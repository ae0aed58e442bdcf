"""Surfaces for tunnelling: their answers fit together, and they keep their marks."""

import numpy as np
import pytest
from pydantic import ValidationError

from spm_auto.errors import InstrumentError
from spm_auto.simulator.randomness import RandomStreams
from spm_auto.simulator.samples.stm import (
    Au111Settings,
    Cu111Settings,
    HopgSettings,
    Junction,
    Si1117x7Settings,
    StmSampleSettings,
    Superconductor,
    SuperconductorSettings,
)

EVERY = [
    HopgSettings(),
    Au111Settings(),
    Cu111Settings(),
    Si1117x7Settings(),
    SuperconductorSettings(),
]
NAMES = [settings.kind for settings in EVERY]


def points(size: float, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.random.default_rng(1).uniform(-0.45 * size, 0.45 * size, (2, n)))


def junction(sample, **changed) -> Junction:
    usual = {
        "bias": sample.bias,
        "setpoint": 100e-12,
        "temperature": sample.temperature,
        "blur": 0.05e-9,
    }
    return Junction(**(usual | changed))


@pytest.mark.parametrize("settings", EVERY, ids=NAMES)
def test_on_the_contour_the_current_is_the_setpoint(settings: StmSampleSettings):
    sample = settings.build(RandomStreams(0))
    x, y = points(settings.size)
    for setpoint in (5e-12, 100e-12, 3e-9):
        view = sample.view(junction(sample, setpoint=setpoint))
        current = view.current(x, y, view.contour(x, y))
        assert np.abs(current) == pytest.approx(setpoint, rel=1e-9)


@pytest.mark.parametrize("settings", EVERY, ids=NAMES)
def test_a_spectrum_passes_through_the_setpoint_at_the_bias_of_its_image(settings):
    sample = settings.build(RandomStreams(0))
    x, y = points(settings.size)
    view = sample.view(junction(sample))
    current, conductance = view.spectra(x, y, np.array([-sample.bias / 2, sample.bias]))
    assert current[:, 1] == pytest.approx(100e-12, rel=1e-9)
    assert conductance[:, 1] == pytest.approx(view.topography(x, y)[1], rel=1e-9)
    assert np.all(current[:, 0] < 0)


@pytest.mark.parametrize("settings", EVERY, ids=NAMES)
def test_a_map_of_spectra_is_what_single_spectra_are(settings):
    sample = settings.build(RandomStreams(0))
    x, y = (values.reshape(5, 40) for values in points(settings.size))
    bias = np.linspace(-1, 1, 7) * sample.bias
    view = sample.view(junction(sample))
    whole = view.spectra(x, y, bias)
    assert whole[0].shape == (5, 40, 7)
    for channel in (0, 1):
        single = view.spectra(x[3, 7], y[3, 7], bias)[channel]
        assert np.array_equal(whole[channel][3, 7], single)


@pytest.mark.parametrize("settings", EVERY, ids=NAMES)
def test_the_density_of_states_is_nowhere_negative(settings):
    sample = settings.build(RandomStreams(2))
    x, y = points(settings.size, 2000)
    bias = np.concatenate([np.linspace(-20, 20, 161) * sample.bias, [sample.bias]])
    _, conductance = sample.view(junction(sample, blur=0.0)).spectra(x, y, bias[np.abs(bias) < 2.5])
    assert conductance.min() > 0


@pytest.mark.parametrize("settings", EVERY, ids=NAMES)
def test_another_seed_gives_another_surface_and_the_same_seed_the_same(settings):
    def contour(seed: int) -> np.ndarray:
        sample = settings.build(RandomStreams(seed))
        return sample.view(junction(sample)).contour(*points(settings.size))

    assert np.array_equal(contour(4), contour(4))
    assert not np.array_equal(contour(4), contour(5))


def test_a_dent_is_a_pit_with_a_rim_and_a_snapshot_undoes_it():
    sample = HopgSettings(steps=0, corrugation="0 pm", vacancies=0).build(RandomStreams(0))
    x, y = np.array([1e-9, 5e-9, 20e-9]), np.array([2e-9, 2e-9, -20e-9])
    before = sample.view(junction(sample)).contour(x, y)
    clean = sample.snapshot()
    sample.dent(1e-9, 2e-9, radius=1.5e-9, depth=0.5e-9)
    after = sample.view(junction(sample)).contour(x, y)
    assert after[0] - before[0] == pytest.approx(-0.5e-9, rel=0.02)
    assert after[1] > before[1]
    assert after[2] == before[2]
    sample.restore(clean)
    assert np.array_equal(sample.view(junction(sample)).contour(x, y), before)


def test_a_blunt_tip_no_longer_sees_atoms_but_still_sees_a_step():
    sample = HopgSettings(steps=1, vacancies=0).build(RandomStreams(0))
    step = sample.material.steps
    u = np.linspace(-0.5e-9, 0.5e-9, 101) + step.at[0] - 5e-9
    x, y = u * np.cos(step.angle), u * np.sin(step.angle)
    atoms = [np.ptp(sample.view(junction(sample, blur=b)).contour(x, y)) for b in (0, 0.3e-9)]
    assert atoms[0] == pytest.approx(0.1e-9, rel=0.1)
    assert atoms[1] < 0.1e-12
    u = np.array([-5e-9, 5e-9]) + step.at[0]
    x, y = u * np.cos(step.angle), u * np.sin(step.angle)
    low, high = sample.view(junction(sample, blur=0.3e-9)).contour(x, y)
    assert high - low == pytest.approx(0.335e-9, rel=0.01)


def test_magnetic_adatoms_look_like_others_but_have_states_in_the_gap():
    settings = SuperconductorSettings(field="0 T", gap_spread=0.0, corrugation="0 pm")
    sample = settings.build(RandomStreams(1))
    assert isinstance(sample, Superconductor)
    view = sample.view(junction(sample))
    x, y = sample.adatom_x, sample.adatom_y
    height = view.contour(x, y)
    assert np.ptp(height) < 2e-12  # an adatom stands out by 100 pm
    bias = np.linspace(-0.6e-3, 0.6e-3, 61)
    inside = view.spectra(x, y, bias)[1].max(axis=1)
    assert inside[sample.is_magnetic].min() > 1.5 * inside[~sample.is_magnetic].max()
    assert sample.is_magnetic.sum() == 8


def test_vortices_close_the_gap_and_warmth_does_too():
    sample = SuperconductorSettings(gap_spread=0.0).build(RandomStreams(1))
    inside = (np.abs(sample.vortex_x) < 60e-9) & (np.abs(sample.vortex_y) < 60e-9)
    x, y = sample.vortex_x[inside], sample.vortex_y[inside]
    assert len(x)
    zero = np.array([0.0, 5e-3])
    cold = sample.view(junction(sample)).spectra(x, y, zero)[1]
    assert np.all(cold[:, 0] > 0.9 * cold[:, 1])
    far_x, far_y = points(128e-9)
    warm = sample.view(junction(sample, temperature=8.0)).spectra(far_x, far_y, zero)[1]
    assert warm[:, 0] == pytest.approx(warm[:, 1], rel=1e-3)
    assert sample.gap_at(x, y, 1.2) == pytest.approx(0.0, abs=1e-9)


def test_the_faulted_half_is_brighter_in_filled_states():
    sample = Si1117x7Settings(missing=0.0).build(RandomStreams(0))
    spots = sample.material.spots
    near = np.maximum(np.abs(spots.x), np.abs(spots.y)) < 12e-9
    view = sample.view(junction(sample, bias=-0.5))
    height = [
        view.contour(spots.x[near & (spots.kind == kind)], spots.y[near & (spots.kind == kind)])
        for kind in range(4)
    ]
    faulted_corner, faulted_centre, corner, centre = (np.mean(h) for h in height)
    assert faulted_corner > corner + 5e-12
    assert faulted_centre > centre + 5e-12
    assert corner > centre


def test_graphite_has_bright_dark_and_hollow_sites():
    sample = HopgSettings(steps=0, vacancies=0).build(RandomStreams(0))
    x, y = np.meshgrid(*[np.linspace(0, 1e-9, 200)] * 2)
    z = sample.view(junction(sample, blur=0.0)).contour(x, y)
    peaks = (z[1:-1, 1:-1] > z[:-2, 1:-1]) & (z[1:-1, 1:-1] > z[2:, 1:-1])
    peaks &= (z[1:-1, 1:-1] > z[1:-1, :-2]) & (z[1:-1, 1:-1] > z[1:-1, 2:])
    area = (1e-9) ** 2
    assert peaks.sum() == pytest.approx(area / (0.2461e-9**2 * np.sqrt(3) / 2), abs=5)


def test_a_modulation_blurs_the_gap_and_lowers_its_peaks():
    sample = SuperconductorSettings(temperature="400 mK").build(RandomStreams(0))
    bias = np.linspace(-3e-3, 3e-3, 121)
    x, y = points(100e-9, 5)
    sharp = sample.view(junction(sample)).spectra(x, y, bias)[1]
    blurred = sample.view(junction(sample, modulation=0.5e-3)).spectra(x, y, bias)[1]
    assert np.all(blurred.max(axis=1) < sharp.max(axis=1))
    assert np.all(blurred.min(axis=1) > sharp.min(axis=1))


@pytest.mark.parametrize(
    ("settings", "field", "value", "said"),
    [
        (HopgSettings, "size", "0 nm", "must lie within 1 nm to 1 um, got 0 m"),
        (Au111Settings, "temperature", "0 K", "must be positive, got 0 K"),
        (SuperconductorSettings, "field", "-1 T", "must not be negative, got -1 T"),
        (SuperconductorSettings, "magnetic", 1.5, "less than or equal to 1"),
        (Si1117x7Settings, "missing", -0.1, "greater than or equal to 0"),
    ],
)
def test_impossible_surfaces_are_refused(settings, field, value, said):
    with pytest.raises(ValidationError, match=said):
        settings(**{field: value})


def test_too_many_features_are_refused():
    with pytest.raises(InstrumentError, match="4 nm apart have no room on a sample of 20 nm"):
        SuperconductorSettings(size="20 nm", adatoms=500).build(RandomStreams(0))


def test_a_bias_of_zero_is_refused():
    sample = HopgSettings().build(RandomStreams(0))
    with pytest.raises(ValueError, match="no current flows at a bias of 0 V"):
        sample.view(junction(sample, bias=0.0))

"""The bulk ferroelectrics: their energy, in volts and metres, agrees with itself."""

import numpy as np
import pytest

from spm_auto.simulator.samples.ferroelectric.landau import BATIO3, PBTIO3, LandauMaterial

both = pytest.mark.parametrize("material", [PBTIO3, BATIO3], ids=lambda m: m.name)


@both
def test_the_spontaneous_polarisation_needs_no_field_and_has_the_lowest_energy(
    material: LandauMaterial,
) -> None:
    full = material.spontaneous_polarization()
    depth = material.axial_density(np.array(full))
    assert material.axial_field(np.array(full)) == pytest.approx(0, abs=1e-6 * abs(depth) / full)
    others = np.linspace(0, 1.2 * full, 1001)
    assert material.axial_density(others).min() >= depth * (1 + 1e-5)


@both
def test_the_full_density_of_an_axis_is_the_axial_one(material: LandauMaterial) -> None:
    p = np.linspace(-0.8, 0.8, 9)
    along = np.stack([0 * p, p, 0 * p], axis=-1)
    np.testing.assert_allclose(material.density(along), material.axial_density(p), rtol=1e-12)


@both
def test_no_direction_is_better_than_an_axis(material: LandauMaterial) -> None:
    # both are tetragonal at room temperature
    full = material.spontaneous_polarization()
    rng = np.random.default_rng(0)
    anywhere = rng.uniform(-1.1 * full, 1.1 * full, (20_000, 3))
    assert material.density(anywhere).min() >= material.axial_density(np.array(full)) * (1 + 1e-9)


@both
def test_the_wall_profile_balances_gradient_and_field(material: LandauMaterial) -> None:
    width = material.wall_half_width()
    x = np.linspace(-2 * width, 2 * width, 801)
    p = material.wall_profile(x)
    bent = material.gradient * np.gradient(np.gradient(p, x), x)[4:-4]
    field = material.axial_field(p)[4:-4]
    assert np.max(np.abs(bent - field)) < 0.02 * np.max(np.abs(field))


def test_a_wall_on_atomic_cells_has_the_energy_of_the_quadrature() -> None:
    # the physical regime: cells of 0.25 nm resolve the wall that the mesoscopic film cannot
    cell, material = 0.25e-9, PBTIO3
    full = material.spontaneous_polarization()
    p = full * np.sign(np.arange(64) - 31.5)
    curvature = 2 * material.gradient / cell**2 + np.abs(material.axial_field(np.array([full / 2])))
    for _ in range(4000):
        around = np.concatenate([[-full], p, [full]])
        bend = np.diff(around, 2) / cell**2
        p = p + 0.2 / curvature * (material.gradient * bend - material.axial_field(p))
    excess = material.axial_density(p) - material.axial_density(np.array(full))
    slope = np.diff(p) / cell
    energy = cell * (excess.sum() + material.gradient / 2 * (slope**2).sum())
    assert energy == pytest.approx(material.wall_energy(), rel=0.05)


def test_the_polar_phase_ends_at_the_curie_temperature() -> None:
    assert PBTIO3.spontaneous_polarization(400.0) < PBTIO3.spontaneous_polarization(25.0)
    assert PBTIO3.permittivity(400.0) > PBTIO3.permittivity(25.0)
    with pytest.raises(ValueError, match="PbTiO3 must be colder than 479 C, got 500 C"):
        PBTIO3.spontaneous_polarization(500.0)

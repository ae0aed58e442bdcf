"""The contact of an adhesive sphere: limits, and Maugis-Dugdale as a judge between them."""

import numpy as np
import pytest

from spm_auto.simulator.forces import contact_law, reduced_modulus, tabor_parameter

RADIUS, MODULUS, ADHESION = 20e-9, 5e9, 0.1


def maugis(strength: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Contact radius, load and indentation after Maugis, in his units (1992)."""
    from scipy.optimize import brentq

    def excess(m: float, a: float) -> float:
        q, angle = np.sqrt(m * m - 1), np.arctan(np.sqrt(m * m - 1))
        inside = strength * a**2 / 2 * (q + (m * m - 2) * angle)
        return float(inside + 4 * strength**2 * a / 3 * (q * angle - m + 1) - 1)

    radii = np.linspace(0.05, 4.0, 400)
    radii = radii[[excess(1 + 1e-9, a) < 0 for a in radii]]
    m = np.array([brentq(excess, 1 + 1e-9, 1e6, args=(a,)) for a in radii])
    q = np.sqrt(m * m - 1)
    load = radii**3 - strength * radii**2 * (q + m * m * np.arctan(q))
    return radii, load, radii**2 - 4 / 3 * radii * strength * q


def test_hertz_has_the_textbook_load_and_no_attraction():
    law = contact_law(RADIUS, MODULUS, ADHESION, "hertz")
    depth = 3e-9
    v = (RADIUS * depth) ** 0.75
    assert law.load(v) == pytest.approx(4 / 3 * MODULUS * np.sqrt(RADIUS) * depth**1.5, rel=1e-12)
    assert law.pull_off == 0
    assert law.attraction(np.array([1e-9])) == 0


def test_dmt_is_hertz_less_the_pull_off():
    law = contact_law(RADIUS, MODULUS, ADHESION, "dmt")
    hertz = contact_law(RADIUS, MODULUS, ADHESION, "hertz")
    v = np.linspace(0, 1, 50) * (RADIUS * 5e-9) ** 0.75
    np.testing.assert_allclose(law.load(v), hertz.load(v) - law.pull_off, rtol=1e-12, atol=1e-22)
    np.testing.assert_array_equal(law.indentation(v), hertz.indentation(v))


def test_jkr_is_the_parametric_form_of_its_authors():
    law = contact_law(RADIUS, MODULUS, ADHESION, "jkr")
    a = np.linspace(1e-9, 8e-9, 50)
    load = 4 * MODULUS * a**3 / (3 * RADIUS) - np.sqrt(8 * np.pi * ADHESION * MODULUS * a**3)
    depth = a**2 / RADIUS - np.sqrt(2 * np.pi * a * ADHESION / MODULUS)
    np.testing.assert_allclose(law.load(a**1.5), load, rtol=1e-9, atol=1e-18)
    np.testing.assert_allclose(law.indentation(a**1.5), depth, rtol=1e-9, atol=1e-18)


def test_load_and_contact_radius_are_inverse_to_each_other():
    law = contact_law(RADIUS, np.array([1e8, 3e9, 80e9]), 0.08)
    for load in (-1e-9, 0.0, 5e-9, 200e-9):
        np.testing.assert_allclose(law.load(law.at_load(load)), load, atol=1e-20, rtol=1e-12)


def test_a_load_beyond_the_pull_off_has_no_contact():
    law = contact_law(RADIUS, MODULUS, ADHESION)
    assert np.isnan(law.at_load(-1.01 * law.pull_off))


def test_a_soft_sticky_contact_is_jkr_and_a_stiff_one_dmt():
    soft, stiff = (float(contact_law(RADIUS, e, ADHESION).pull_off) for e in (1e7, 1e13))
    assert soft == pytest.approx(1.5 * np.pi * RADIUS * ADHESION, rel=0.002)
    assert stiff == pytest.approx(2 * np.pi * RADIUS * ADHESION, rel=0.002)


@pytest.mark.parametrize("strength", [0.05, 0.3, 1.0, 3.0])
def test_between_dmt_and_jkr_the_law_is_that_of_maugis(strength: float):
    radii, load, depth = maugis(strength)
    tabor = strength / 1.157
    modulus = float(tabor_parameter(RADIUS, MODULUS, ADHESION) / tabor) ** 1.5 * MODULUS
    law = contact_law(RADIUS, modulus, ADHESION)
    force_unit = np.pi * ADHESION * RADIUS
    length_unit = (np.pi * ADHESION * RADIUS**2 / (4 / 3 * modulus)) ** (1 / 3)
    assert law.pull_off / force_unit == pytest.approx(-load.min(), rel=0.02)
    stable = np.arange(len(radii)) > np.argmin(load)
    asked = np.array([-1.0, 0.0, 2.0, 10.0, 30.0])
    v = law.at_load(asked * force_unit)
    radius = np.interp(asked, load[stable], radii[stable])
    np.testing.assert_allclose(np.cbrt(v) ** 2 / length_unit, radius, rtol=0.03)
    measured = law.indentation(v) * RADIUS / length_unit**2
    reference = np.interp(asked, load[stable], depth[stable])
    np.testing.assert_allclose(measured, reference, rtol=0.035, atol=0.06)


def test_attraction_before_the_contact_reaches_the_pull_off_where_the_surfaces_meet():
    for modulus in (1e7, 1e9, 1e11):
        law = contact_law(RADIUS, modulus, ADHESION)
        assert law.attraction(law.touching) == pytest.approx(-law.pull_off, rel=1e-12)


def test_two_bodies_are_softer_than_each_of_them():
    assert reduced_modulus(np.array(3e9), 3e9) == pytest.approx(1.5e9)
    assert reduced_modulus(np.array(3e9), np.inf) == 3e9

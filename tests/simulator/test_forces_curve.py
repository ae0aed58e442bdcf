"""Force curves on a spring, and what a fit finds in them."""

import numpy as np
import pytest

from spm_auto.simulator.forces import Meniscus, base_at, contact_law, fit_force_curve, force_curve

EXTENSION = np.linspace(0.0, 100e-9, 512)


def curve(law, stiffness, load, extension=EXTENSION, meniscus=None):
    base = base_at(law, stiffness, load) + extension[-1] - extension
    return force_curve(law, stiffness, base, meniscus)


def test_a_curve_ends_with_the_load_asked_for():
    for modulus, stiffness, load in ((3e9, 40.0, 60e-9), (0.2e9, 0.2, 3e-9), (70e9, 2.8, 30e-9)):
        approach, retract = curve(contact_law(8e-9, modulus, 0.06), stiffness, load)
        assert approach[-1] == pytest.approx(load, rel=1e-3)
        assert retract[-1] == approach[-1]


def test_a_soft_lever_snaps_in_and_off_and_pulls_harder_on_the_way_out():
    law = contact_law(20e-9, 3e9, 0.06)
    approach, retract = curve(law, 0.2, 5e-9)
    assert np.all(retract <= approach + 1e-15)
    assert retract.min() == pytest.approx(-float(law.pull_off), rel=0.01)
    assert approach.min() > 0.9 * retract.min()


def test_a_lever_stiffer_than_every_attraction_shows_no_hysteresis():
    law = contact_law(20e-9, 3e9, 0.06, "dmt")
    approach, retract = curve(law, 1e4, 50e-9)
    np.testing.assert_allclose(approach, retract, atol=1e-12)


def test_every_point_lies_on_the_spring_and_on_the_law():
    law, stiffness, load = contact_law(20e-9, 3e9, 0.06), 2.0, 20e-9
    base = base_at(law, stiffness, load) + EXTENSION[-1] - EXTENSION
    approach, _ = force_curve(law, stiffness, base)
    gap = base + approach / stiffness
    pressed = approach > 0
    expected = law.gap(law.at_load(approach[pressed]))
    np.testing.assert_allclose(gap[pressed], expected, atol=2e-12)
    far = gap > 3e-9
    np.testing.assert_allclose(approach[far], law.attraction(gap[far]), rtol=1e-3)


def test_a_meniscus_holds_on_the_way_out_only_and_adds_to_the_pull_off():
    law, water = contact_law(20e-9, 3e9, 0.06), Meniscus(force=15e-9, length=20e-9)
    dry_in, dry_out = curve(law, 0.5, 10e-9)
    wet_in, wet_out = curve(law, 0.5, 10e-9, meniscus=water)
    assert wet_in[0] == pytest.approx(dry_in[0], rel=0.01)
    assert dry_out.min() - wet_out.min() == pytest.approx(15e-9, rel=0.1)


@pytest.mark.parametrize("modulus", [0.25e9, 2.7e9, 60e9])
@pytest.mark.parametrize("noise", [0.0, 10e-12])
def test_a_fit_finds_modulus_and_adhesion_again(modulus: float, noise: float):
    law, stiffness = contact_law(8e-9, modulus, 0.06), 40.0
    rng = np.random.default_rng(4)
    approach, retract = (
        branch + noise * stiffness * rng.standard_normal(len(EXTENSION))
        for branch in curve(law, stiffness, 300e-9)
    )
    found = fit_force_curve(EXTENSION, approach, retract, stiffness, 8e-9)
    assert found.modulus == pytest.approx(modulus, rel=0.01 if noise == 0 else 0.03)
    assert found.pull_off == pytest.approx(float(law.pull_off), abs=2e-9)
    surface = EXTENSION[-1] + base_at(law, stiffness, 300e-9)
    assert found.contact == pytest.approx(surface, abs=0.3e-9)


def test_a_curve_without_contact_is_refused():
    silent = np.zeros(512)
    with pytest.raises(ValueError, match="needs 5 and a repulsive end"):
        fit_force_curve(EXTENSION, silent, silent, 1.0, 8e-9)

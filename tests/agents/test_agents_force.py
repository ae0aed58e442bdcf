"""Force curves whose contact is known: adhesion, stiffness, modulus, and what is flagged."""

import math

import numpy as np
import pytest
from agents_samples import make_spectrum

from spm_auto.agents.scalarizers import IndentationModulus, adhesion, stiffness
from spm_auto.errors import AgentError
from spm_auto.instrument import Channel, ForceCurve, QualityFlag

SPRING, RADIUS, MODULUS, PULL_OFF = 3.0, 10e-9, 1e9, 4e-9
POINTS, SEEDS, NOISE = 400, 200, 0.2e-9
MODULUS_OF = IndentationModulus(SPRING, RADIUS)


def contact(begin: float = 50e-9, pull_off: float = PULL_OFF, reach: float = 80e-9):
    """Return extension and force of a DMT contact on a lever that snaps in and jumps off.

    Args:
        begin: Extension at which the lever is straight and the sphere just touches [m].
        pull_off: [N].
        reach: Length of the ramp [m].
    """
    z = np.linspace(0.0, reach, POINTS)
    depth = np.linspace(0.0, reach, 200_001)
    load = 4 / 3 * MODULUS * math.sqrt(RADIUS) * depth**1.5 - pull_off
    pressed = np.interp(z, begin + depth + load / SPRING, load, left=np.nan)
    retract = np.where(np.isnan(pressed), 0.0, pressed)
    approach = np.where(z < begin, 0.0, retract)
    return z, approach, retract


def curve(z, approach, retract, noise=0.0, seed=0, flags=()) -> ForceCurve:
    white = noise * np.random.default_rng(seed).standard_normal((2, len(z)))
    force = (Channel("force", "N"),)
    return ForceCurve(
        0, 0, z, force, (approach + white[0])[None], (retract + white[1])[None], 0.0, 1.0, flags
    )


def upper_slope() -> float:
    z, _, retract = contact()
    upper = retract > 0.5 * retract[-1]
    return float(np.polyfit(z[upper], retract[upper], 1)[0])


@pytest.mark.parametrize(
    ("scalarizer", "true", "bias"),
    # the pull-off lies between two points, and the curve is bent before it: up to half a step
    [(adhesion, PULL_OFF, 0.05), (stiffness, upper_slope(), 0.001), (MODULUS_OF, MODULUS, 0.01)],
    ids=["adhesion", "stiffness", "modulus"],
)
def test_a_contact_is_right_and_says_how_well(scalarizer, true, bias) -> None:
    found = []
    for seed in range(SEEDS):
        # where the sample lies between two points of the ramp is not known
        begin = 50e-9 + 0.2e-9 * np.random.default_rng(seed + 1000).random()
        found.append(scalarizer(curve(*contact(begin), NOISE, seed)))
    good = [scalar for scalar in found if scalar.is_good]
    assert len(good) >= 0.98 * SEEDS
    values = np.array([scalar.value for scalar in good])
    assert 1 / 1.5 < np.median([scalar.noise for scalar in good]) / np.std(values) < 1.5
    assert values.mean() == pytest.approx(true, rel=bias)


def test_nothing_that_sticks_has_no_adhesion_and_is_no_failure() -> None:
    found = adhesion(curve(*contact(pull_off=0.0), NOISE))
    assert found.is_good
    assert found.value == 0.0
    assert found.noise == pytest.approx(NOISE, rel=0.3)


@pytest.mark.parametrize("scalarizer", [adhesion, stiffness, MODULUS_OF])
def test_noise_is_no_contact(scalarizer) -> None:
    silent = np.zeros(POINTS)
    z = np.linspace(0.0, 80e-9, POINTS)
    kept = [scalarizer(curve(z, silent, silent, NOISE, seed)).is_good for seed in range(SEEDS)]
    assert sum(kept) <= 0.02 * SEEDS
    assert "no contact" in scalarizer(curve(z, silent, silent, NOISE)).flag


@pytest.mark.parametrize("scalarizer", [adhesion, stiffness, MODULUS_OF])
def test_a_curve_that_went_wrong_says_how(scalarizer) -> None:
    z, approach, retract = contact()
    straight = SPRING * z
    assert scalarizer(curve(z, straight, straight, NOISE)).flag == "the ramp begins in contact"
    tilted = 0.2 * z
    flag = scalarizer(curve(z, approach + tilted, retract + tilted, NOISE)).flag
    assert flag == "the baseline drifts"
    assert scalarizer(curve(z, approach, retract + 20e-9, NOISE)).flag == "the baseline drifts"
    low = 0.4 * approach[-1]
    ended = curve(z, approach, retract, NOISE)
    ended = curve(z, np.minimum(ended.approach[0], low), np.minimum(ended.retract[0], low))
    assert scalarizer(ended).flag == "saturated"
    flagged = curve(z, approach, retract, NOISE, flags=(QualityFlag.SATURATED,))
    assert scalarizer(flagged).flag == "saturated"
    retract[50] = np.nan
    assert scalarizer(curve(z, approach, retract, NOISE)).flag == "not finite"


def test_a_failed_point_is_no_adhesion() -> None:
    z, approach, retract = contact()
    before = adhesion(curve(z, approach, retract, NOISE))
    retract[300], retract[60] = -60e-9, -60e-9
    assert adhesion(curve(z, approach, retract, NOISE)).value == pytest.approx(
        before.value, rel=0.01
    )


def test_a_sample_too_stiff_for_the_lever_has_no_modulus() -> None:
    z = np.linspace(0.0, 80e-9, POINTS)
    rigid = np.maximum(SPRING * (z - 50e-9), 0.0)
    assert not MODULUS_OF(curve(z, rigid, rigid, NOISE)).is_good


@pytest.mark.parametrize("scalarizer", [adhesion, stiffness, MODULUS_OF])
def test_a_spectrum_is_no_force_curve(scalarizer) -> None:
    with pytest.raises(AgentError, match="needs a ForceCurve, got a Spectrum"):
        scalarizer(make_spectrum(np.sin(np.arange(64.0))))


def test_a_lever_without_a_spring_is_refused() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        IndentationModulus(0.0, RADIUS)

"""The gap of a superconductor: Dynes' conductance, its fit, and what is flagged."""

import math

import numpy as np
import pytest
from agents_samples import make_spectrum

from spm_auto.agents.scalarizers import GapFit, gap, zero_bias_conductance
from spm_auto.agents.scalarizers.dynes import gapped
from spm_auto.errors import AgentError
from spm_auto.instrument import Channel, ForceCurve, Spectrum

BIAS = np.linspace(-3e-3, 3e-3, 91)
GAP, LIFETIME, THERMAL = 1.1e-3, 0.03e-3, 0.1e-3  # [V], those of NbSe2 at 1.2 K
SEEDS = 60


def conductance(values):
    """Return a spectrum of dI/dV after a current, in units of 1 nS."""
    channels = (Channel("current", "A"), Channel("didv", "S"))
    return Spectrum(0, 0, BIAS, channels, np.stack([1e-12 * BIAS, 1e-9 * values]), 0.0, 1.0)


def current(values):
    return Spectrum(0, 0, BIAS, (Channel("current", "A"),), 1e-9 * values[None], 0.0, 1.0)


@pytest.mark.parametrize(
    ("half_gap", "lifetime", "thermal"),
    [(1.1e-3, 3e-5, 1e-4), (1.1e-3, 1e-5, 2e-5), (1.1e-3, 2e-4, 3e-4), (3e-4, 5e-5, 1e-4)],
)
def test_the_sum_is_the_broadened_density_of_states(half_gap, lifetime, thermal) -> None:
    energy = np.linspace(-12e-3, 12e-3, 200001)
    z = energy - 1j * lifetime
    density = np.abs(np.real(z / np.sqrt(z**2 - half_gap**2)))
    for bias in BIAS[::9]:
        far = np.clip((energy - bias) / (2 * thermal), -300, 300)
        expected = np.sum(density / (4 * thermal * np.cosh(far) ** 2)) * (energy[1] - energy[0])
        found = gapped(np.array([bias]), half_gap, lifetime, thermal)[0]
        assert found == pytest.approx(expected, abs=5e-4)  # of the normal conductance


def test_the_current_is_the_integral_of_the_conductance() -> None:
    fine = np.linspace(-3e-3, 3e-3, 6001)
    slope = np.gradient(gapped(fine, GAP, LIFETIME, THERMAL, "current"), fine)
    assert slope == pytest.approx(gapped(fine, GAP, LIFETIME, THERMAL), abs=2e-3)
    assert gapped(np.zeros(1), GAP, LIFETIME, THERMAL, "current")[0] == pytest.approx(0, abs=1e-12)


def test_a_modulation_widens_the_coherence_peaks() -> None:
    still = gapped(BIAS, GAP, LIFETIME, THERMAL)
    shaken = gapped(BIAS, GAP, LIFETIME, THERMAL, modulation=0.3e-3)
    assert shaken.max() < still.max() - 0.1
    small = gapped(BIAS, GAP, LIFETIME, THERMAL, modulation=1e-7)
    assert small == pytest.approx(still, abs=1e-5)


@pytest.mark.parametrize("kind", ["conductance", "current"])
def test_the_gap_is_right_and_says_how_well(kind) -> None:
    clean = gapped(BIAS, GAP, LIFETIME, THERMAL, kind)
    noise = 0.05 if kind == "conductance" else 5e-6
    found = []
    for seed in range(SEEDS):
        noisy = clean + noise * np.random.default_rng(seed).standard_normal(91)
        found.append(gap(conductance(noisy) if kind == "conductance" else current(noisy)))
    good = [scalar for scalar in found if scalar.is_good]
    assert len(good) >= 0.98 * SEEDS
    values = np.array([scalar.value for scalar in good])
    assert 1 / 1.5 < np.median([scalar.noise for scalar in good]) / np.std(values) < 1.5
    assert abs(values.mean() - GAP) < 3 * np.std(values) / math.sqrt(SEEDS)
    assert good[0].unit == "V"


@pytest.mark.parametrize("kind", ["conductance", "current"])
def test_the_filling_is_right_and_says_how_well(kind) -> None:
    clean = gapped(BIAS, 0.8e-3, 0.2e-3, THERMAL, kind)
    noise = 0.05 if kind == "conductance" else 5e-6
    ideal = conductance(clean) if kind == "conductance" else current(clean)
    expected = zero_bias_conductance(ideal).value
    found = []
    for seed in range(200):
        noisy = clean + noise * np.random.default_rng(seed).standard_normal(91)
        made = conductance(noisy) if kind == "conductance" else current(noisy)
        found.append(zero_bias_conductance(made))
    assert all(scalar.is_good for scalar in found)
    values = np.array([scalar.value for scalar in found])
    assert 1 / 1.5 < np.median([scalar.noise for scalar in found]) / np.std(values) < 1.5
    assert abs(values.mean() - expected) < 3 * np.std(values) / math.sqrt(200)


def test_what_is_known_of_the_experiment_makes_the_gap_better_known() -> None:
    noise = 0.05 * np.random.default_rng(0).standard_normal(91)
    spectrum = conductance(gapped(BIAS, 0.5e-3, 5e-5, 2e-4, modulation=1e-4) + noise)
    told = GapFit(thermal=2e-4, modulation=1e-4)(spectrum)
    assert told.is_good
    assert told.noise < 0.7 * gap(spectrum).noise
    assert abs(told.value - 0.5e-3) < 3 * told.noise


def test_an_impossible_experiment_is_refused() -> None:
    with pytest.raises(ValueError, match="thermal must be positive"):
        GapFit(thermal=0.0)


@pytest.mark.parametrize(
    ("form", "flag"),
    [
        (lambda v: np.ones_like(v), "no gap"),
        (lambda v: 1 + 0.3 * v + 0.5 * v**2, "no gap"),
        (lambda v: gapped(v * 3e-3, 2.95e-3, 3e-5, 1e-4), "the gap reaches out of the sweep"),
    ],
    ids=["metal", "bent", "too wide"],
)
def test_what_is_no_gap_is_flagged(form, flag) -> None:
    for seed in range(20):
        noise = 0.03 * np.random.default_rng(seed).standard_normal(91)
        assert gap(conductance(form(BIAS / 3e-3) + noise)).flag == flag


def test_a_wedge_without_coherence_peaks_is_no_gap_of_a_superconductor() -> None:
    for seed in range(20):
        noise = 0.03 * np.random.default_rng(seed).standard_normal(91)
        assert not gap(conductance(0.2 + np.abs(BIAS) / 3e-3 + noise)).is_good


@pytest.mark.parametrize("scalarizer", [gap, zero_bias_conductance])
def test_noise_has_no_gap(scalarizer) -> None:
    kept = [
        scalarizer(conductance(np.random.default_rng(seed).standard_normal(91))).is_good
        for seed in range(SEEDS)
    ]
    assert sum(kept) <= 0.02 * SEEDS


def test_failed_points_hardly_move_the_gap() -> None:
    noisy = gapped(BIAS, GAP, LIFETIME, THERMAL)
    noisy = noisy + 0.03 * np.random.default_rng(2).standard_normal(91)
    before = gap(conductance(noisy))
    noisy[[10, 40, 41, 77]] = 300.0, -5.0, -5.0, 9.0
    after = gap(conductance(noisy))
    assert after.is_good
    assert abs(after.value - before.value) < 3 * before.noise


def test_without_conductance_and_current_there_is_no_gap() -> None:
    assert gap(make_spectrum(np.sin(BIAS * 1e3), BIAS)).flag == (
        "neither dI/dV nor a current was measured"
    )


@pytest.mark.parametrize("scalarizer", [gap, zero_bias_conductance])
def test_a_force_curve_has_no_gap(scalarizer) -> None:
    force = np.zeros((1, 64))
    curve = ForceCurve(0, 0, np.arange(64.0), (Channel("force", "N"),), force, force, 0.0, 1.0)
    with pytest.raises(AgentError, match="needs a Spectrum"):
        scalarizer(curve)

"""Rows 10 to 12 of the validation: the contact resonance and how band excitation reads it."""

from typing import TYPE_CHECKING

import numpy as np

from spm_auto.simulator.techniques.pfm.band_excitation import Band, Resonances
from spm_auto.simulator.techniques.pfm.cantilever import CantileverSettings

if TYPE_CHECKING:
    from conftest import Validation

BAND = Band(350e3)
HARMONIC = "harmonic oscillator"


def oscillators(count: int) -> Resonances:
    return Resonances(np.full(count, 60e-12 + 0j), np.full(count, 352e3), np.full(count, 60.0))


def test_row_10_an_oscillator_answers_as_it_must(validation: "Validation") -> None:
    one = oscillators(1)
    at_resonance = Band(352e3, 2.0, 3).spectra(one)[0, 1]
    phase = float(np.degrees(np.angle(at_resonance)))
    amplitude = float(np.abs(at_resonance))
    fine = Band(352e3, 40e3, 40_001)
    power = np.abs(fine.spectra(one)[0]) ** 2
    width = float(np.ptp(fine.frequencies[power >= power.max() / 2]))
    validation.close(10, "phase at resonance", phase, -90, HARMONIC, relative=0.005, unit="deg")
    expected = 60e-12 * 60
    validation.close(
        10, "amplitude at resonance", amplitude, expected, HARMONIC, relative=0.005, unit="m"
    )
    validation.close(
        10, "width at half power", width, 352e3 / 60, HARMONIC, relative=0.005, unit="Hz"
    )


def test_row_11_the_fit_finds_what_was_put_in(validation: "Validation") -> None:
    count, noise = 4000, 30e-12  # in each quadrature of each bin; the peak is 120 times that
    true = oscillators(count)
    rng = np.random.default_rng(0)
    clean = BAND.spectra(true)
    noisy = clean + noise * (
        rng.standard_normal(clean.shape) + 1j * rng.standard_normal(clean.shape)
    )
    found = BAND.fit(noisy)
    least = cramer_rao(noise)
    for name, values, expected, bound in (
        ("amplitude / pm", found.response.real * 1e12, 60.0, least[0] * 1e12),
        ("resonance", found.frequency, 352e3, least[1]),
        ("quality", found.quality, 60.0, least[2]),
    ):
        bias, spread = float(np.mean(values) - expected), float(np.std(values))
        validation.holds(
            11,
            f"fit of the {name}",
            abs(bias) < bound and spread < 1.1 * bound,
            measured=f"bias {bias:.2g}, spread {spread:.4g}",
            reference=f"0, {bound:.4g}",
            tolerance="bias < 1 sigma, spread 1.1",
            source="Cramer-Rao bound",
        )
    validation.close(
        11, "typical error of f0", float(np.std(found.frequency) / 352e3), 0.0, "input",
        absolute=1e-4,
    )  # fmt: skip


def test_row_12_the_contact_resonance_has_the_limits_of_a_beam(validation: "Validation") -> None:
    lever = CantileverSettings()
    source = "Rabe 1996"
    for name, stiffness, expected in (("free", 0.0, 1.0), ("pinned", 1e9, 4.385)):
        ratio = lever.contact_resonance(stiffness) / lever.free_resonance
        validation.close(12, f"resonance of a {name} end", ratio, expected, source, relative=0.001)


def cramer_rao(noise: float) -> tuple[float, float, float]:
    """Return the least standard deviations of amplitude [m], resonance [Hz] and quality."""
    scale = np.array([60e-12, 60e-12, 352e3, 60.0])

    def answer(change: np.ndarray) -> np.ndarray:
        a, b, f, q = np.array([60e-12, 0, 352e3, 60.0]) + change * scale
        h = BAND.spectra(Resonances(np.array([a + 1j * b]), np.array([f]), np.array([q])))[0]
        return np.concatenate([h.real, h.imag])

    small = 1e-6
    slopes = np.array([(answer(small * e) - answer(-small * e)) / (2 * small) for e in np.eye(4)])
    deviations = np.sqrt(np.diag(np.linalg.inv(slopes @ slopes.T / noise**2))) * scale
    return float(deviations[0]), float(deviations[2]), float(deviations[3])

"""Rows 22 to 26 of the validation table, and the AFM's part of 35 and 37."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Load,
    Scan,
    ScanFrame,
)
from spm_auto.simulator import SimulatorSettings, simulate
from spm_auto.simulator.forces import (
    CUT_OFF,
    ContactLaw,
    Oscillation,
    balance,
    base_at,
    contact_law,
    fit_force_curve,
    force_curve,
    reduced_modulus,
    rest,
)
from spm_auto.simulator.samples.afm import ConductingGrainsSettings, PolymerBlendSettings
from spm_auto.simulator.techniques.afm import AfmSettings

RADIUS = 20e-9
HAMAKER = 1e-19
ADHESION = HAMAKER / (12 * math.pi * CUT_OFF**2)
SPRING = 2.0


def test_row_22_the_pull_off_of_a_force_curve_is_that_of_dmt(validation) -> None:
    law = contact_law(RADIUS, 5e9, ADHESION, "dmt")
    _, retract = force_curve(law, SPRING, np.linspace(10e-9, -4e-9, 4096))
    validation.close(
        22,
        "pull-off of a DMT contact, read off a force curve",
        measured=float(retract.min()) * 1e9,
        reference=-2 * math.pi * RADIUS * ADHESION * 1e9,
        source="-2 pi R w; Derjaguin, Muller, Toporov (1975)",
        relative=1e-3,
        unit="nN",
    )


def test_row_23_the_pull_off_of_jkr_and_its_radius_at_zero_load(validation) -> None:
    law = contact_law(RADIUS, 0.1e9, ADHESION, "jkr")
    v = np.linspace(float(law.end), 20 * float(law.end), 200_001)
    source = "Johnson, Kendall, Roberts (1971)"
    validation.close(
        23,
        "pull-off of a JKR contact / pi R w, lowest load of the branch",
        measured=float(law.load(v).min()) / (math.pi * RADIUS * ADHESION),
        reference=-1.5,
        source=source,
        relative=1e-4,
    )
    radius = float(np.cbrt(zero_of_jkr_load(0.1e9)) ** 2)
    validation.close(
        23,
        "JKR contact radius at zero load, the law against a root of the load",
        measured=float(np.cbrt(law.at_load(0.0)) ** 2) * 1e9,
        reference=radius * 1e9,
        source="F(a) = 0 found numerically; 9 pi w R^2 / 2 E* = a^3",
        relative=1e-4,
        unit="nm",
    )


def zero_of_jkr_load(modulus: float) -> float:
    from scipy.optimize import brentq

    def load(a: float) -> float:
        return 4 * modulus * a**3 / (3 * RADIUS) - math.sqrt(
            8 * math.pi * ADHESION * modulus * a**3
        )

    return float(brentq(load, 1e-9, 100e-9, xtol=1e-18)) ** 1.5


def test_row_24_the_tip_snaps_in_where_the_attraction_beats_the_spring(validation) -> None:
    law = contact_law(RADIUS, 5e9, ADHESION, "dmt")
    expected = (HAMAKER * RADIUS / (3 * SPRING)) ** (1 / 3)
    source = "(H R / 3 k)^(1/3); Israelachvili (2011)"
    validation.close(
        24,
        "gap of the snap-in, base steps of 0.1 pm",
        measured=snap_gap(law, 0.1e-12) * 1e9,
        reference=expected * 1e9,
        source=source,
        relative=0.01,
        unit="nm",
    )
    coarse = last_force(law, 47e-12)
    validation.holds(
        24,
        "with base steps of 47 pm the last force before is under-read",
        0.3e-9 < coarse < 0.99 * HAMAKER * RADIUS / (6 * expected**2),
        measured=f"{coarse * 1e9:.3g} nN",
        reference=f"below {HAMAKER * RADIUS / (6 * expected**2) * 1e9:.3g} nN",
        source=source,
        tolerance="1 %",
    )


def last_force(law: ContactLaw, step: float) -> float:
    """Return the attraction at the last base position before the tip jumps in [N]."""
    base = np.arange(3e-9, 0.0, -step)
    approach, _ = force_curve(law, SPRING, base)
    return -float(approach[np.argmax(np.abs(np.diff(approach)))])


def snap_gap(law: ContactLaw, step: float) -> float:
    return math.sqrt(HAMAKER * RADIUS / (6 * last_force(law, step)))


def test_row_25_hertz_exponent_and_modulus_come_out_of_a_force_curve(validation) -> None:
    modulus, stiffness, load = 3e9, 40.0, 200e-9
    law = contact_law(RADIUS, modulus, 0.0, "hertz")
    extension = np.linspace(0.0, 60e-9, 2048)
    base = base_at(law, stiffness, load) + extension[-1] - extension
    approach, retract = force_curve(law, stiffness, base)
    pressed = approach > 0.05 * load
    depth = (CUT_OFF - base - approach / stiffness)[pressed]
    slope, _ = np.polyfit(np.log(depth), np.log(approach[pressed]), 1)
    validation.close(
        25,
        "exponent of force against indentation",
        measured=float(slope),
        reference=1.5,
        source="Hertz (1881)",
        relative=0.01,
    )
    found = fit_force_curve(extension, approach, retract, stiffness, RADIUS, "hertz")
    validation.close(
        25,
        "E* recovered from a Hertzian force curve",
        measured=found.modulus / 1e9,
        reference=modulus / 1e9,
        source="input",
        relative=0.01,
        unit="GPa",
    )
    sticky = contact_law(RADIUS, modulus, ADHESION)
    base = base_at(sticky, stiffness, load) + extension[-1] - extension
    found = fit_force_curve(extension, *force_curve(sticky, stiffness, base), stiffness, RADIUS)
    validation.close(
        25,
        "E* recovered from an adhesive force curve",
        measured=found.modulus / 1e9,
        reference=modulus / 1e9,
        source="input",
        relative=0.01,
        unit="GPa",
    )


TAPPING = Oscillation(stiffness=20.0, resonance=300e3, quality=300.0, free=20e-9, setpoint=10e-9)


def test_row_26_on_a_hard_surface_the_amplitude_is_the_mean_distance(validation) -> None:
    law = contact_law(10e-9, 20e9, ADHESION, "dmt")
    setpoints = np.linspace(5e-9, 18e-9, 27)
    center = np.array([height(law, replace(TAPPING, setpoint=a)) for a in setpoints.tolist()])
    source = "a rigid wall; Garcia, Perez (2002)"
    ratio = setpoints / center
    validation.holds(
        26,
        "amplitude / mean distance while tapping",
        bool(np.all(np.abs(ratio - 1) <= 0.05)),
        measured=f"{ratio.min():.4f} to {ratio.max():.4f}",
        reference="1",
        source=source,
        tolerance="5 %",
    )
    validation.close(
        26,
        "slope of amplitude against distance",
        measured=float(np.polyfit(center, setpoints, 1)[0]),
        reference=1.0,
        source=source,
        relative=0.05,
    )


def height(law: ContactLaw, oscillation: Oscillation) -> float:
    found = rest(balance(law, oscillation), oscillation, np.array(0.0))
    return float(found.gap) + oscillation.setpoint


@pytest.mark.parametrize("free", [20e-9, 40e-9])
def test_row_26_the_harmonic_balance_is_the_equation_of_motion(validation, free: float) -> None:
    oscillation = replace(TAPPING, quality=60.0, free=free, setpoint=0.75 * free)
    modulus, viscosity = 3e9, 15.0
    law = contact_law(10e-9, modulus, ADHESION, "dmt")
    found = rest(balance(law, oscillation), oscillation, np.array(viscosity))
    motion = Motion(10e-9, modulus, ADHESION, viscosity)
    amplitude, phase = motion.steady(oscillation, float(found.gap) + oscillation.setpoint)
    validation.close(
        26,
        f"amplitude of the integrated motion, A0 = {free * 1e9:.0f} nm",
        measured=amplitude * 1e9,
        reference=oscillation.setpoint * 1e9,
        source="scipy DOP853 of m x'' + m w0/Q x' + k x = F0 cos(w0 t) + F(x, x')",
        relative=0.01,
        unit="nm",
    )
    validation.close(
        26,
        f"phase of the integrated motion, A0 = {free * 1e9:.0f} nm",
        measured=math.degrees(phase),
        reference=math.degrees(float(found.phase)),
        source="the same",
        absolute=1.5,
        unit="deg",
    )


class Motion:
    """A driven cantilever over a viscous DMT contact, integrated in time.

    Args:
        radius: Of the apex [m].
        modulus: Reduced [Pa].
        adhesion: Work of adhesion [J/m^2].
        viscosity: [Pa s].
    """

    def __init__(self, radius: float, modulus: float, adhesion: float, viscosity: float) -> None:
        self.hertz = 4 / 3 * modulus * math.sqrt(radius)
        self.attraction = 2 * math.pi * radius * adhesion
        self.radius, self.viscosity = radius, viscosity

    def force(self, gap: float, velocity: float) -> float:
        if gap > CUT_OFF:
            return -self.attraction * (CUT_OFF / gap) ** 2
        depth = CUT_OFF - gap
        drag = self.viscosity * math.sqrt(self.radius * depth) * velocity
        return self.hertz * depth**1.5 - self.attraction - drag

    def steady(self, oscillation: Oscillation, center: float) -> tuple[float, float]:
        """Return amplitude [m] and phase behind the drive [rad] after 120 periods."""
        from scipy.integrate import solve_ivp

        stiffness, amplitude = oscillation.stiffness, oscillation.setpoint
        drive = oscillation.free / oscillation.quality

        def slope(time: float, state: NDArray[np.float64]) -> list[float]:  # in units of A and 1/w0
            x, v = state.tolist()
            pulse = 2 * math.pi * oscillation.resonance
            pushed = self.force(center + x * amplitude, v * amplitude * pulse) / stiffness
            return [v, -v / oscillation.quality - x + (drive * math.cos(time) + pushed) / amplitude]

        last = 2 * math.pi * np.arange(115 * 256, 120 * 256) / 256
        phase = math.asin(amplitude / oscillation.free)
        start = [math.cos(phase), math.sin(phase)]
        way = solve_ivp(
            slope, (0.0, last[-1]), start, "DOP853", last, rtol=1e-6, atol=1e-8, max_step=0.1
        ).y[0]
        cosine, sine = way @ np.cos(last), way @ np.sin(last)
        return amplitude * math.hypot(cosine, sine) * 2 / len(last), math.atan2(sine, cosine)


FRAME = ScanFrame(center=(0.1e-6, -0.2e-6), size=(1.5e-6, 0.75e-6), pixels=(48, 24))


def perfect(sample, mode):
    """Return a perfect microscope over a sample, the truth, and its images by name."""
    settings = SimulatorSettings(sample=sample, technique=AfmSettings(mode=mode), level=0)
    microscope, truth = simulate(settings, seed=3)
    microscope.load(Load())
    lines = list(microscope.scan(Scan(FRAME)))
    names = [channel.name for channel in microscope.capabilities.image_channels]
    stack = np.stack([line.forward for line in lines], axis=1)
    return microscope, truth, dict(zip(names, stack, strict=True))


@pytest.mark.parametrize("mode", ["tapping", "contact"])
def test_row_35_without_artefacts_the_height_is_that_of_the_sample(validation, mode: str) -> None:
    _, truth, images = perfect(PolymerBlendSettings(cells=128), mode)
    line, pixel = np.indices(FRAME.shape)
    expected = truth.sample.surface("height").at(*FRAME.to_sample(line, pixel))
    validation.holds(
        35,
        f"height of a perfect AFM, {mode}",
        np.array_equal(images["height"], expected),
        measured=f"{np.abs(images['height'] - expected).max():g} m off",
        reference="the sample's",
        source="definition",
        tolerance="bitwise",
    )


def test_row_35_without_artefacts_a_force_curve_is_the_physics(validation) -> None:
    microscope, truth, _ = perfect(PolymerBlendSettings(cells=128), "tapping")
    asked = AcquireForceCurve(0.2e-6, 0.1e-6, trigger=50e-9, distance=60e-9)
    measured = microscope.acquire_force_curve(asked)
    probe, place = AfmSettings().complete_probe(), truth.sample.at(asked.x, asked.y)
    modulus = reduced_modulus(place.modulus, probe.modulus)
    law = contact_law(probe.radius, modulus, place.adhesion)
    base = base_at(law, probe.stiffness, asked.trigger) + asked.distance - measured.extension
    expected = np.stack(force_curve(law, probe.stiffness, base))
    found = np.concatenate([measured.approach, measured.retract])
    validation.holds(
        35,
        "force curve of a perfect AFM",
        np.array_equal(found, expected),
        measured=f"{np.abs(found - expected).max():g} N off",
        reference="the physics",
        source="definition",
        tolerance="bitwise",
    )


def test_row_37_a_current_in_a_spectrum_is_that_of_the_map(validation) -> None:
    microscope, _, images = perfect(ConductingGrainsSettings(cells=128), "contact")
    bias = AfmSettings().bias
    x, y = (float(v) for v in FRAME.to_sample(5, 17))
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(x, y, BiasWaveform((0.0, bias))))
    validation.close(
        37,
        "current at the bias of the map, spectrum against pixel of a perfect AFM",
        measured=float(spectrum.channel("current")[1]) * 1e12,
        reference=float(images["current"][5, 17]) * 1e12,
        source="definition",
        relative=1e-6,
        unit="pA",
    )


def test_row_37_the_parabola_of_a_spectrum_has_its_top_at_the_potential(validation) -> None:
    microscope, _, images = perfect(PolymerBlendSettings(cells=128), "tapping")
    x, y = (float(v) for v in FRAME.to_sample(5, 17))
    waveform = BiasWaveform((-2.0, 0.0, 2.0))
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(x, y, waveform))
    slope, curvature = np.polyfit(spectrum.bias, spectrum.data[0], 2)[[1, 0]]
    validation.close(
        37,
        "top of the frequency shift's parabola, spectrum against pixel of the potential",
        measured=-slope / (2 * curvature),
        reference=float(images["potential"][5, 17]),
        source="1/2 d2C/dz2 (V - V_cpd)^2",
        absolute=1e-6,
        unit="V",
    )

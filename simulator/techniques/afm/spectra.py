"""Spectra and force curves of an AFM at one point."""

import math

import numpy as np

from spm_auto.instrument import AcquireForceCurve, BiasWaveform, FloatArray

from ...forces import (
    Meniscus,
    base_at,
    capacitance_curvature,
    capacitance_gradient,
    electrostatic_force,
    force_curve,
    frequency_shift,
)
from ...noise_sources import MechanicalNoiseSettings
from ...short_noise import short_shaking
from ...timing import Point
from .contrast import ContactContrast, Held, Touch
from .noise import averaged, sampled

DIELECTRIC_GAP = 1e-9  # [m], between a tip in contact and the charges that attract it
USUAL_LIFT = 20e-9  # [m] of a spectrum where no lift is set


def bias_spectrum(
    touch: Touch, held: Held, at: Point, waveform: BiasWaveform, rng: np.random.Generator
) -> FloatArray:
    """Sweep the bias at a point.

    Tapping, the tip is lifted and the frequency shift has its top at the contact potential that the
    Kelvin probe shows there. In contact, the current flows through the area at the load held, and
    the deflection is that by electrostatic forces.

    Args:
        touch: Tip and sample.
        held: Load in contact.
        at: Where the tip is [m].
        waveform: The biases.
        rng: Of this spectrum.

    Returns:
        Frequency shift [Hz], or current [A] and deflection [m], shape [channel, point].
    """
    x, y = np.array(at[0]), np.array(at[1])
    probe, radius, noise = touch.probe, touch.tip.radius, touch.settings.noise
    time = waveform.dwell * waveform.cycles
    white = rng.standard_normal((2, len(waveform.values)))
    if touch.settings.mode == "tapping":
        kelvin = touch.settings.kelvin
        shift = frequency_shift(
            capacitance_curvature(radius, kelvin.lift if kelvin is not None else USUAL_LIFT),
            probe.stiffness,
            probe.resonance,
            waveform.bias,
            touch.potential.at(x, y),
        )
        return _noisy(shift, averaged(noise.frequency, time), white[0])[np.newaxis]
    current = ContactContrast(touch, held).current(touch.law(x, y), x, y, waveform.bias)
    potential = touch.sample.surface("potential").at(x, y)
    gradient = capacitance_gradient(radius, DIELECTRIC_GAP)
    bent = electrostatic_force(gradient, waveform.bias, potential) / probe.stiffness
    return np.stack(
        [
            _noisy(current, averaged(noise.current, time), white[0]),
            _noisy(bent, sampled(noise.of_deflection(probe), time), white[1]),
        ]
    )


def measured_force_curve(
    touch: Touch, at: Point, instruction: AcquireForceCurve, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Measure a force curve at a point.

    Args:
        touch: Tip and sample.
        at: Where the tip is [m].
        instruction: Trigger, travel, points and rate.
        rng: Of this curve.

    Returns:
        Extension [m], approach and retract [N], each of shape (points,).
    """
    settings, stiffness = touch.settings, touch.probe.stiffness
    law = touch.law(np.array(at[0]), np.array(at[1]))
    capillary = settings.capillary
    meniscus = None if capillary is None else Meniscus(capillary.force, capillary.length)
    points = instruction.points
    extension = np.linspace(0.0, instruction.distance, points)
    down = base_at(law, stiffness, instruction.trigger) + instruction.distance - extension
    up = down[::-1]
    noise, time = settings.noise, 0.5 / (instruction.rate * points)
    white = rng.standard_normal((2, points))
    if noise.mechanical != MechanicalNoiseSettings.none():
        shaken = short_shaking(noise.mechanical, 2 * points, time).samples(rng)
        down, up = down + shaken[:points], up + shaken[points:]
    approach, retract = force_curve(law, stiffness, np.concatenate([down, up]), meniscus)
    deviation = stiffness * sampled(noise.of_deflection(touch.probe), time)
    return (
        extension,
        _noisy(approach[:points], deviation, white[0]),
        _noisy(retract[points:][::-1], deviation, white[1]),
    )


def _noisy(values: FloatArray, deviation: float, white: FloatArray) -> FloatArray:
    return values + deviation * white if deviation and math.isfinite(deviation) else values

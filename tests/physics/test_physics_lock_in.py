"""Validation of the lock-in: widths of its kernels, by weights and by demodulation."""

from math import exp, sqrt

import numpy as np

from spm_auto.simulator.lock_in import (
    BOLTZMANN,
    LockInSettings,
    blurred,
    low_passed,
    modulation_weights,
    slope_of,
    thermal_weights,
)


def width(bias: np.ndarray, curve: np.ndarray) -> float:
    """Return the full width at half maximum of a curve with one peak."""
    half = curve.max() / 2
    inside = np.flatnonzero(curve >= half)
    first, last = int(inside[0]), int(inside[-1])
    left = np.interp(half, curve[first - 1 : first + 1], bias[first - 1 : first + 1])
    right = np.interp(half, curve[last : last + 2][::-1], bias[last : last + 2][::-1])
    return float(right - left)


def sharp_line(bias: np.ndarray) -> np.ndarray:
    """Give dI/dV of one sharp state in the middle."""
    line = np.zeros_like(bias)
    line[bias.size // 2] = 1.0
    return line


def test_temperature_widens_a_sharp_state_to_3_53_kt(validation):
    spacing, thermal = 2e-6, BOLTZMANN * 4.2
    weights = thermal_weights(4.2, spacing)
    bias = np.arange(-3 * len(weights), 3 * len(weights) + 1) * spacing
    seen = blurred(sharp_line(bias), weights)
    margin = len(weights) // 2
    found = width(bias[margin:-margin], seen) / thermal
    source = "derivative of the Fermi function, 2 arccosh(sqrt 2) x 2 kT"
    reference = 4 * float(np.arccosh(sqrt(2)))
    validation.close(17, "thermal width", found, reference, source, relative=5e-3, unit="kT")


def test_modulation_widens_a_sharp_state_to_1_73_peak(validation):
    peak = sqrt(2) * 1e-3
    weights = modulation_weights(peak, 2e-6)
    bias = np.arange(-len(weights), len(weights) + 1) * 2e-6
    margin = len(weights) // 2
    found = width(bias[margin:-margin], blurred(sharp_line(bias), weights)) / peak
    source = "half-circle: sqrt(3) Vm"
    validation.close(17, "lock-in width", found, sqrt(3), source, relative=5e-3, unit="Vm")


def test_demodulating_the_current_gives_the_same_width(validation):
    peak, sharp = 1e-3, 5e-6
    bias = np.linspace(-1.5e-3, 1.5e-3, 3001)
    slope = slope_of(lambda v: 0.5 * np.tanh(v / sharp), bias, peak, nodes=4000)
    found = width(bias, slope) / peak
    source = "half-circle: sqrt(3) Vm"
    validation.close(
        17, "lock-in width, I(V) demodulated", found, sqrt(3), source, relative=5e-3, unit="Vm"
    )


def test_weights_and_demodulation_agree_on_a_gap(validation):
    """Compare both on a superconductor's peak of 50 ueV: they share no line of code."""
    peak, spacing = 0.2e-3, 2e-6

    def slope(v: np.ndarray) -> np.ndarray:
        energy = v - 50e-6j
        return np.asarray(np.abs((energy / np.sqrt(energy**2 - 1e-6)).real))

    def current(v: np.ndarray) -> np.ndarray:
        grid = np.arange(-4000, 4001) * 0.5e-6
        curve = slope(grid)
        rising = np.concatenate([[0.0], np.cumsum((curve[1:] + curve[:-1]) * 0.25e-6)])
        return np.interp(v, grid, rising)

    bias = np.arange(-700, 701) * spacing
    weights = modulation_weights(peak, spacing)
    margin = len(weights) // 2
    direct = blurred(slope(bias), weights)
    demodulated = slope_of(current, bias[margin:-margin], peak, nodes=200)
    off = float(np.max(np.abs(direct - demodulated)) / direct.max())
    validation.close(
        17, "weights less demodulation, largest of peak", off, 0.0, "the other way",
        absolute=5e-3,
    )  # fmt: skip


def test_white_noise_comes_out_with_the_equivalent_bandwidth(validation):
    dt, rng = 0.1e-3, np.random.default_rng(5)
    white = rng.standard_normal(2_000_000)  # density sqrt(2 dt) per root hertz
    for order in (1, 2, 4):
        settings = LockInSettings(time_constant="2 ms", order=order)
        output, _ = low_passed(white, dt, settings)
        found = float(np.var(output[1000:])) / (2 * dt)
        validation.close(
            17, f"noise bandwidth, {order} poles", found, settings.noise_bandwidth,
            "1/(4 tau), 1/(8 tau), 5/(64 tau)", relative=0.03, unit="Hz",
        )  # fmt: skip


def test_a_step_arrives_as_the_poles_say(validation):
    settings = LockInSettings(time_constant="5 ms", order=2)
    step = np.where(np.arange(400) < 1, 0.0, 1.0)
    output, _ = low_passed(step, 0.1e-3, settings)
    t = 10e-3 / settings.time_constant
    reference = 1 - (1 + t) * exp(-t)
    found = float(np.interp(10e-3, np.arange(400) * 0.1e-3, output))
    validation.close(17, "step after 2 tau, 2 poles", found, reference, "1 - (1 + t) exp(-t)",
                     relative=0.02)  # fmt: skip

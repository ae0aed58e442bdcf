"""Rows of the validation table that are about noise."""

import math

import numpy as np

from spm_auto.simulator.noise_sources import (
    BOLTZMANN,
    CurrentNoise,
    CurrentNoiseSettings,
    DeflectionNoise,
    DeflectionNoiseSettings,
    MechanicalNoise,
    MechanicalNoiseSettings,
    oscillator_density,
    thermal_deviation,
)

STIFFNESS, TEMPERATURE = 2.0, 300.0
RESONANCE, QUALITY = 75e3, 150.0


def density(noise: np.ndarray, dt: float, length: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.signal import welch

    frequency, power = welch(noise, 1 / dt, nperseg=length)
    return frequency, power


def test_a_cantilever_in_heat_obeys_equipartition(validation):
    expected = math.sqrt(BOLTZMANN * TEMPERATURE / STIFFNESS)
    deviation = thermal_deviation(STIFFNESS, TEMPERATURE)
    law = "k <x^2> = k_B T"
    validation.close(
        27, "thermal deflection, k = 2 N/m, 300 K", deviation * 1e12, 45.5, law,
        relative=1e-3, unit="pm",
    )  # fmt: skip

    frequency = RESONANCE * np.concatenate(
        [np.linspace(1e-6, 2, 2_000_001), np.geomspace(2, 1e4, 200_001)[1:]]
    )
    spectrum = oscillator_density(frequency, RESONANCE, QUALITY, deviation) ** 2
    integral = math.sqrt(float(np.trapezoid(spectrum, frequency)))
    validation.close(
        27, "integral of the thermal spectrum", integral / expected, 1.0, law, relative=1e-3
    )

    settings = DeflectionNoiseSettings().model_copy(update={"detector": 0.0})
    for name, dt in (("fine steps", 0.05 / RESONANCE), ("coarse steps", 1 / 40_960)):
        noise = DeflectionNoise(
            settings, STIFFNESS, RESONANCE, QUALITY, dt, np.random.default_rng(1)
        )
        series = noise.samples(2**21)
        validation.close(
            27, f"deviation of the time series, {name}", float(np.std(series)) / expected, 1.0,
            law, relative=0.03,
        )  # fmt: skip


def test_shot_and_johnson_noise_have_their_size(validation):
    dt = 1 / 2000.0  # a bandwidth of 1 kHz
    silent = CurrentNoiseSettings.none()
    shot = CurrentNoise(silent.model_copy(update={"shot": True}), dt, np.random.default_rng(0))
    johnson = CurrentNoise(
        silent.model_copy(update={"temperature": 300.0, "resistance": 1e9}),
        dt,
        np.random.default_rng(0),
    )
    for name, noise, current, reference, law in (
        ("shot noise, 100 pA, 1 kHz", shot, 100e-12, 0.179, "sqrt(2 e I B)"),
        ("Johnson noise, 1 GOhm, 1 kHz", johnson, 0.0, 0.129, "sqrt(4 k T B / R)"),
    ):
        deviation = float(np.std(noise.samples(current, 200_000))) * 1e12
        validation.close(32, name, deviation, reference, law, relative=0.03, unit="pA")


def test_mechanical_noise_has_its_spectrum(validation):
    settings = MechanicalNoiseSettings()
    dt = 1 / 8192
    silent = MechanicalNoiseSettings.none()
    flicker = MechanicalNoise(
        silent.model_copy(update={"flicker": settings.flicker}), dt, np.random.default_rng(2)
    )
    frequency, power = density(flicker.samples(2**22), dt, 2**17)
    band = (frequency >= 0.5) & (frequency <= 200)
    bins = np.geomspace(0.5, 200, 25)
    group = np.digitize(frequency[band], bins)
    f, p = (
        np.array([values[band][group == i].mean() for i in range(1, 25) if (group == i).any()])
        for values in (frequency, power)
    )
    slope, level = np.polyfit(np.log10(f), np.log10(p), 1)
    validation.close(33, "1/f noise: slope of the power", slope, -1.0, "input", relative=0.1)
    validation.close(
        33, "1/f noise: density at 1 Hz", 10 ** (level / 2) * 1e12, settings.flicker * 1e12,
        "input", relative=0.1, unit="pm/rtHz",
    )  # fmt: skip

    everything = MechanicalNoise(settings, dt, np.random.default_rng(2))
    frequency, power = density(everything.samples(2**22), dt, 2**15)
    floor = float(np.sqrt(power[(frequency > 1000) & (frequency < 3500)].mean()))
    validation.close(
        33, "floor", floor * 1e12, settings.white * 1e12, "input", relative=0.1, unit="pm/rtHz"
    )
    for name, at, amplitude in (
        ("line at 50 Hz", 50.0, settings.mains),
        ("line at 150 Hz", 150.0, settings.mains_third),
    ):
        near = np.abs(frequency - at) < 1.0
        around = (np.abs(frequency - at) > 1.5) & (np.abs(frequency - at) < 4)
        above = power[near].sum() - near.sum() * power[around].mean()
        measured = math.sqrt(2 * above * float(frequency[1]))
        validation.close(
            33, f"{name}: amplitude", measured * 1e12, amplitude * 1e12, "input", relative=0.1,
            unit="pm",
        )  # fmt: skip

    alone = silent.model_copy(update={"vibration": settings.vibration})
    series = MechanicalNoise(alone, dt, np.random.default_rng(3)).samples(2**22)
    frequency, power = density(series, dt, 2**17)
    validation.close(
        33, "vibration: deviation", float(np.std(series)) * 1e12, settings.vibration * 1e12,
        "input", relative=0.1, unit="pm",
    )  # fmt: skip
    spectrum = oscillator_density(
        frequency, settings.vibration_frequency, settings.vibration_quality, settings.vibration
    )
    for at in (16.0, 32.0, 64.0):
        near = np.abs(frequency - at) < 1.0
        ratio = float(power[near].mean() / np.mean(spectrum[near] ** 2))
        validation.close(
            33, f"vibration: power at {at:g} Hz", ratio, 1.0, "damped oscillator", relative=0.1
        )


def test_current_noise_has_its_spectrum(validation):
    dt, current = 1 / 40_960, 100e-12
    settings = CurrentNoiseSettings()
    noise = CurrentNoise(settings, dt, np.random.default_rng(5))
    frequency, power = density(noise.samples(current, 2**22), dt, 2**16)
    for low, high in ((1, 3), (50, 200), (500, 2000), (3000, 5000)):
        band = (frequency >= low) & (frequency < high)
        expected = float(np.sqrt(np.mean(settings.density(frequency[band], current) ** 2)))
        measured = float(np.sqrt(power[band].mean()))
        validation.close(
            33, f"current noise, {low} to {high} Hz", measured * 1e15, expected * 1e15,
            "sum of shot, Johnson, e_n C and 1/f", relative=0.1, unit="fA/rtHz",
        )  # fmt: skip

"""Sources of noise: what shakes the tip, the cantilever and the current, with their spectra.

All densities are one-sided amplitude densities. A source of amount zero is exactly zero, and no
source's chance depends on whether another one is on.
"""

import math
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from spm_auto.instrument import FloatArray
from spm_auto.units import (
    Capacitance,
    Frequency,
    Length,
    LengthNoise,
    Resistance,
    Temperature,
    VoltageNoise,
)

from .checks import not_negative, positive, share
from .coloured_noise import NONE, ONE, FlickerNoise, OscillatorNoise, Stretched, add_wave, add_white

ELEMENTARY_CHARGE = 1.602176634e-19  # [C], exact in the SI
BOLTZMANN = 1.380649e-23  # [J/K], exact in the SI
SLOW_RATE = 3e3  # [Hz]: as often is followed what happens at low frequencies only
FLICKER_BAND = (0.01, 1e4)  # [Hz]: where 1/f noise goes as 1/f

Amount = Annotated[Length, not_negative("m")]


class _NoiseSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CurrentNoiseSettings(_NoiseSettings):
    """Noise of the tunnelling current and of the amplifier that measures it.

    Attributes:
        shot: Whether the current consists of electrons.
        temperature: Of the feedback resistor [K].
        resistance: Of the feedback resistor [Ohm].
        voltage: Voltage noise of the amplifier's input [V/rtHz], which drives a current through
            the capacitance of the cable: it rises with the frequency.
        capacitance: Of cable and input [F].
        flicker: Relative 1/f noise of the current at 1 Hz, per root hertz.

    Source:
        W. Schottky, Ann. Phys. 362, 541 (1918); J. B. Johnson, Phys. Rev. 32, 97 (1928).
    """

    shot: bool = True
    temperature: Annotated[Temperature, not_negative("K")] = 300.0
    resistance: Annotated[Resistance, positive("Ohm")] = 1e9
    voltage: Annotated[VoltageNoise, not_negative("V/rtHz")] = 5e-9
    capacitance: Annotated[Capacitance, not_negative("F")] = 50e-12
    flicker: Annotated[float, not_negative("1")] = 2.2e-4

    @classmethod
    def none(cls) -> Self:
        """Return an amplifier and a current without noise."""
        return cls.model_construct(shot=False, temperature=0.0, voltage=0.0, flicker=0.0)

    def white(self, current: ArrayLike) -> FloatArray:
        """Return the density of shot and Johnson noise at a current [A], in A per root hertz."""
        shot = 2 * ELEMENTARY_CHARGE * np.abs(current) * self.shot
        return np.asarray(np.sqrt(shot + 4 * BOLTZMANN * self.temperature / self.resistance))

    def density(self, frequency: FloatArray, current: float) -> FloatArray:
        """Return the density of everything at frequencies [Hz], in A per root hertz."""
        rising = 2 * math.pi * frequency * self.capacitance * self.voltage
        flicker = self.flicker * current / np.sqrt(frequency)
        return np.asarray(np.sqrt(self.white(current) ** 2 + rising**2 + flicker**2))


class CurrentNoise:
    """The noise of a current as it goes on from sample to sample.

    Args:
        settings: How much.
        dt: Time between two samples [s].
        rng: Where chance comes from; its children are used, one for each source.
    """

    def __init__(self, settings: CurrentNoiseSettings, dt: float, rng: np.random.Generator) -> None:
        self.settings = settings
        self._dt = dt
        self._white, slow = rng.spawn(2)
        self._last = 0.0
        self._known: tuple[FloatArray | float, tuple[FloatArray, FloatArray]]
        self._known = math.nan, (NONE, NONE)
        factor = _slow_factor(dt)
        flicker = FlickerNoise(*FLICKER_BAND, factor * dt, slow)
        self._flicker = Stretched(flicker.samples, factor)

    def samples(self, current: FloatArray | float, count: int) -> FloatArray:
        """Return the next samples of the noise [A], shape (count,).

        Args:
            current: That flows, one for all or one for each sample [A].
            count: How many.
        """
        noise = np.zeros(count)
        if self.settings.flicker:
            self._flicker.add_to(noise, np.atleast_1d(self.settings.flicker * np.asarray(current)))
        if np.ndim(current) or current != self._known[0]:
            self._known = current, self._weights(current)
        self._last = add_white(noise, self._white, *self._known[1], self._last)
        return noise

    def _weights(self, current: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        """Return how much the white noise of now and of one sample ago count [A].

        Together they have the spectrum of shot and Johnson noise, which is white, and of the
        amplifier's voltage noise, which goes through the capacitance as its derivative.
        """
        settings = self.settings
        white = settings.white(current) ** 2 / (2 * self._dt)
        charge = settings.capacitance * settings.voltage
        step = charge**2 / (2 * self._dt) / self._dt**2
        even, odd = np.sqrt(white), np.sqrt(white + 4 * step)
        return np.atleast_1d((odd + even) / 2), np.atleast_1d((even - odd) / 2)


class MechanicalNoiseSettings(_NoiseSettings):
    """How the distance between tip and sample shakes.

    Attributes:
        white: Floor [m/rtHz].
        flicker: 1/f noise at 1 Hz [m/rtHz].
        vibration: Standard deviation of the vibration of table and microscope [m].
        vibration_frequency: Its resonance [Hz].
        vibration_quality: Quality factor of that resonance.
        mains: Amplitude of the hum at the frequency of the mains [m].
        mains_third: Amplitude of its third harmonic [m].
        mains_frequency: [Hz].
    """

    white: Annotated[LengthNoise, not_negative("m/rtHz")] = 0.1e-12
    flicker: Annotated[LengthNoise, not_negative("m/rtHz")] = 0.7e-12
    vibration: Amount = 2e-12
    vibration_frequency: Annotated[Frequency, positive("Hz")] = 32.0
    vibration_quality: float = Field(default=10.0, gt=0.5, allow_inf_nan=False)
    mains: Amount = 1e-12
    mains_third: Amount = 0.5e-12
    mains_frequency: Annotated[Frequency, positive("Hz")] = 50.0

    @classmethod
    def none(cls) -> Self:
        """Return a microscope that stands still."""
        return cls.model_construct(
            white=0.0, flicker=0.0, vibration=0.0, mains=0.0, mains_third=0.0
        )

    def density(self, frequency: FloatArray) -> FloatArray:
        """Return the density of all but the hum at frequencies [Hz], in m per root hertz."""
        shaken = oscillator_density(
            frequency, self.vibration_frequency, self.vibration_quality, self.vibration
        )
        return np.asarray(np.sqrt(self.white**2 + self.flicker**2 / frequency + shaken**2))


class MechanicalNoise:
    """The shaking of the gap as it goes on from sample to sample.

    Args:
        settings: How much.
        dt: Time between two samples [s].
        rng: Where chance comes from; its children are used, one for each source.
    """

    def __init__(
        self, settings: MechanicalNoiseSettings, dt: float, rng: np.random.Generator
    ) -> None:
        self.settings = settings
        self._white, flicker, vibration, mains = rng.spawn(4)
        self._deviation = np.array([settings.white * math.sqrt(1 / (2 * dt))])
        factor = _slow_factor(dt)
        self._slow_dt = factor * dt
        self._series = Stretched(self._slow, factor)
        self._flicker = FlickerNoise(*FLICKER_BAND, self._slow_dt, flicker)
        self._vibration = OscillatorNoise(
            settings.vibration_frequency,
            settings.vibration_quality,
            settings.vibration,
            self._slow_dt,
            vibration,
        )
        self._phases = 2 * math.pi * mains.random(2)
        self._given = 0  # slow samples

    def samples(self, count: int) -> FloatArray:
        """Return the next samples of the shaking [m], shape (count,)."""
        settings = self.settings
        noise = np.zeros(count)
        if settings.flicker or settings.vibration or settings.mains or settings.mains_third:
            self._series.add_to(noise, ONE)
        add_white(noise, self._white, self._deviation)
        return noise

    def _slow(self, count: int) -> FloatArray:
        settings = self.settings
        noise = np.zeros(count)
        if settings.flicker:
            noise = settings.flicker * self._flicker.samples(count)
        if settings.vibration:
            noise += self._vibration.samples(count)
        turn = 2 * math.pi * settings.mains_frequency * self._slow_dt
        hums = ((1, settings.mains), (3, settings.mains_third))
        for (harmonic, amplitude), phase in zip(hums, self._phases.tolist(), strict=True):
            if amplitude:
                add_wave(noise, amplitude, phase + harmonic * turn * self._given, harmonic * turn)
        self._given += count
        return noise


class DeflectionNoiseSettings(_NoiseSettings):
    """Noise of a cantilever's deflection.

    Attributes:
        temperature: Of the cantilever [K].
        detector: Floor of the detector [m/rtHz].
    """

    temperature: Annotated[Temperature, not_negative("K")] = 300.0
    detector: Annotated[LengthNoise, not_negative("m/rtHz")] = 100e-15

    @classmethod
    def none(cls) -> Self:
        """Return a cantilever at rest before a perfect detector."""
        return cls.model_construct(temperature=0.0, detector=0.0)


class DeflectionNoise:
    """The deflection of a cantilever in heat, as it goes on from sample to sample.

    Args:
        settings: How much.
        stiffness: Of the cantilever [N/m].
        frequency: Of its resonance [Hz].
        quality: Its quality factor.
        dt: Time between two samples [s].
        rng: Where chance comes from; its children are used, one for each source.
    """

    def __init__(
        self,
        settings: DeflectionNoiseSettings,
        stiffness: float,
        frequency: float,
        quality: float,
        dt: float,
        rng: np.random.Generator,
    ) -> None:
        self.settings = settings
        self._white, heat = rng.spawn(2)
        self._detector = np.array([settings.detector * math.sqrt(1 / (2 * dt))])
        thermal = thermal_deviation(stiffness, settings.temperature)
        self._thermal = OscillatorNoise(frequency, quality, thermal, dt, heat)

    def samples(self, count: int) -> FloatArray:
        """Return the next samples of the deflection [m], shape (count,)."""
        noise = np.zeros(count)
        if self.settings.temperature:
            noise = self._thermal.samples(count)
        add_white(noise, self._white, self._detector)
        return noise


class LineNoiseSettings(_NoiseSettings):
    """What goes wrong from line to line of a height image.

    Attributes:
        jump: Standard deviation of the offset of a whole line [m].
        spikes: Chance of a spike on each pixel.
        spike_height: Mean height of spikes, exponentially distributed [m].
    """

    jump: Amount = 0.2e-9
    spikes: Annotated[float, share()] = 1e-4
    spike_height: Amount = 2e-9

    @classmethod
    def none(cls) -> Self:
        """Return lines without jumps and spikes."""
        return cls.model_construct(jump=0.0, spikes=0.0)


def line_noise(
    settings: LineNoiseSettings, pixels: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return what is added to one line forward and backward [m], each of shape (pixels,).

    The jump is the same both ways, spikes are not.
    """
    jump = rng.standard_normal()
    is_hit = rng.random((2, pixels)) < settings.spikes
    heights = settings.spike_height * rng.standard_exponential((2, pixels))
    both = settings.jump * jump + np.where(is_hit, heights, 0.0)
    return both[0], both[1]


def thermal_deviation(stiffness: float, temperature: float) -> float:
    """Return the standard deviation of a cantilever's deflection [m]: k <x^2> = k_B T.

    Args:
        stiffness: [N/m].
        temperature: [K].
    """
    return math.sqrt(BOLTZMANN * temperature / stiffness)


def oscillator_density(
    frequency: FloatArray, resonance: float, quality: float, deviation: float
) -> FloatArray:
    """Return the density of a damped oscillator shaken by white noise, in m per root hertz.

    S(f) = 4 s^2 / (w0 Q) / [(1 - u^2)^2 + (u / Q)^2] with u = f / f0; its integral is s^2. For a
    cantilever in heat s^2 = k_B T / k.

    Args:
        frequency: Where [Hz].
        resonance: f0 [Hz].
        quality: Q.
        deviation: Standard deviation s of the position [m].

    Source:
        H.-J. Butt and M. Jaschke, Nanotechnology 6, 1 (1995), for the cantilever.
    """
    u = frequency / resonance
    shape = (1 - u**2) ** 2 + (u / quality) ** 2
    return np.asarray(np.sqrt(4 * deviation**2 / (2 * math.pi * resonance * quality) / shape))


def _slow_factor(dt: float) -> int:
    return max(1, math.floor(1 / (dt * SLOW_RATE)))

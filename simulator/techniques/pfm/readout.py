"""Readouts: from what the tip feels to the channels that an instrument shows."""

import cmath
import math
from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import BiasWaveform, FloatArray

from ...samples import Contact
from .band_excitation import Band, ComplexArray, Resonances
from .cantilever import CantileverSettings
from .noise import PfmNoise, averaged

PULSE_SHARE = 0.5  # of the dwell: the other half is spent reading with the bias off

# Failed fits of the contact resonance, fitted to a measured map of 2500 loops
FAILURE_FLOOR = 0.001
FAILURE_OUT_OF_BAND = 0.35
HALF_BAND = 31e3  # [Hz]
BAND_EDGE = 1.8e3  # [Hz]
FAILURE_NOISY = 0.15
NOISY_BELOW = 3.0  # signal-to-noise ratio
FAILURE_DECADES = (0.7, 3.0)  # how far off a failed fit is
RESTLESSNESS = 0.8  # spread of how far loops wander, of the logarithm
TURNED_ABOVE = 1.2  # standard deviations: a ninth of the contacts answers in antiphase


@dataclass(frozen=True, slots=True)
class LockIn:
    """Reads one displacement at the drive: amplitude and phase, for images.

    ``amplitude`` is the length of both quadratures, so it vanishes at a wall, and ``phase`` their
    angle: 0 where the polarisation stands up and pi where it stands down. Without noise and with a
    good tip both are the sample's answer times the drive, to the last bit.

    Attributes:
        drive: Amplitude of the alternating bias [V].
        noise: What disturbs the reading.
        gain: Sensitivity of the tip in units of a good one's.
        phase: By which the tip shifts the answer [rad].
    """

    drive: float
    noise: PfmNoise
    gain: float = 1.0
    phase: float = 0.0

    def read(
        self, response: FloatArray, pixel_time: float, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Return amplitude [m] and phase [rad].

        Args:
            response: Displacement per volt [m/V], any shape.
            pixel_time: Time spent on each pixel [s].
            rng: Where noise comes from.
        """
        noise = self.noise
        in_phase = response * self.drive
        if self.gain != 1.0:
            in_phase = in_phase * self.gain
        quadrature = np.zeros_like(in_phase)
        if self.phase:
            in_phase, quadrature = (
                in_phase * math.cos(self.phase),
                in_phase * math.sin(self.phase),
            )
        if noise.electrostatic:
            in_phase = in_phase + noise.electrostatic
        if noise.detector:
            first, second = rng.standard_normal((2, *in_phase.shape))
            deviation = averaged(noise.detector, pixel_time)
            in_phase = in_phase + deviation * first
            quadrature = quadrature + deviation * second
        angle = np.arctan2(quadrature, in_phase)
        return np.hypot(in_phase, quadrature), _stored_phase(angle)


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """A spectrum as band excitation reads it; arrays of shape (n,).

    Attributes:
        piezoresponse: Signed amplitude of the fitted resonance with the bias off [m].
        resonance: Fitted resonance [Hz].
        quality: Fitted quality factor.
    """

    piezoresponse: FloatArray
    resonance: FloatArray
    quality: FloatArray


@dataclass(frozen=True, slots=True)
class BandExcitationReadout:
    """Reads spectra: a band of frequencies, the fit of the resonance in it, and its failures.

    Without noise the signed amplitude is the sample's answer times the drive, to the last bit.

    Attributes:
        drive: Amplitude of the alternating bias [V].
        band: Frequencies that are excited.
        cantilever: That vibrates.
        noise: What disturbs the reading.
        gain: Sensitivity of the tip in units of a good one's.
        phase: By which the tip shifts the answer [rad].
    """

    drive: float
    band: Band
    cantilever: CantileverSettings
    noise: PfmNoise
    gain: float = 1.0
    phase: float = 0.0

    def raw(
        self,
        response: FloatArray,
        contact: Contact,
        waveform: BiasWaveform,
        rng: np.random.Generator,
    ) -> ComplexArray:
        """Return what the band answers after each pulse, mean over the cycles.

        Args:
            response: What the sample answers after each pulse [m/V], shape [cycle, point].
            contact: Of tip and sample at the point.
            waveform: That was applied.
            rng: Of this spectrum.

        Returns:
            Vibration [m], shape [point, frequency].
        """
        return self._vibration(self._answer(response, contact, rng), contact, waveform, rng)

    def read(
        self,
        response: FloatArray,
        contact: Contact,
        waveform: BiasWaveform,
        rng: np.random.Generator,
    ) -> Loop:
        """Read a spectrum from the same answers as `raw`."""
        answer = self._answer(response, contact, rng)
        values = answer
        resonance = np.full(len(answer), self.cantilever.contact_resonance(contact.stiffness))
        quality = np.full(len(answer), self.cantilever.quality)
        detuning = abs(resonance[0] - self.band.center)
        if self.phase:
            values = values * math.cos(self.phase)
        if self.noise.band:
            found = self.band.fit(self._vibration(answer, contact, waveform, rng))
            values, resonance, quality = found.response.real, found.frequency, found.quality
        if self.noise.failures:
            values = self._failing(values, detuning, waveform, rng)
        return Loop(np.asarray(values), resonance, quality)

    def _answer(
        self, response: FloatArray, contact: Contact, rng: np.random.Generator
    ) -> FloatArray:
        noise = self.noise
        answer: FloatArray = response.mean(axis=0) * self.drive
        if self.gain != 1.0:
            answer = answer * self.gain
        if noise.contact_gain:
            answer = answer * math.exp(noise.contact_gain * contact.transmission)
        if noise.response_jitter:
            jitter = noise.response_jitter * np.max(np.abs(answer))
            answer = answer + jitter * rng.standard_normal(len(answer))
        if noise.response_wander:
            restless = math.exp(RESTLESSNESS * rng.standard_normal())
            step = (
                noise.response_wander * restless * np.max(np.abs(answer)) / math.sqrt(len(answer))
            )
            answer = answer + step * np.cumsum(rng.standard_normal(len(answer)))
        if noise.failures and contact.turn > TURNED_ABOVE:
            answer = -answer
        return answer

    def _vibration(
        self,
        answer: FloatArray,
        contact: Contact,
        waveform: BiasWaveform,
        rng: np.random.Generator,
    ) -> ComplexArray:
        own = Resonances(
            response=np.array([cmath.exp(1j * self.phase)]),
            frequency=np.array([self.cantilever.contact_resonance(contact.stiffness)]),
            quality=np.array([self.cantilever.quality]),
        )
        spectra = answer[:, np.newaxis] * self.band.spectra(own)  # one resonance for all points
        if not self.noise.band:
            return spectra
        deviation = self._band_noise(waveform)
        return spectra + self.band.noise(deviation, len(answer), rng)

    def _band_noise(self, waveform: BiasWaveform) -> float:
        return averaged(self.noise.band, waveform.dwell * (1 - PULSE_SHARE) * waveform.cycles)

    def _failing(
        self,
        values: FloatArray,
        detuning: float,
        waveform: BiasWaveform,
        rng: np.random.Generator,
    ) -> FloatArray:
        """Let fits go wrong: out of the band, lost in the noise, or where there was no solution."""
        chance, decades, sign = rng.random((3, len(values)))
        lost = ~np.isfinite(values)
        deviation = self._band_noise(waveform) / self.cantilever.quality
        size = np.where(lost, deviation, np.abs(values))
        out_of_band = FAILURE_OUT_OF_BAND / (1 + np.exp(-(detuning - HALF_BAND) / BAND_EDGE))
        noisy = np.zeros(len(values))
        if deviation:
            noisy = FAILURE_NOISY * np.exp(-size / deviation / NOISY_BELOW)
        fails = lost | (chance < FAILURE_FLOOR + out_of_band + noisy)
        low, high = FAILURE_DECADES
        wrong = size * 10 ** (low + (high - low) * decades)
        return np.where(fails, np.where(sign < 0.5, -wrong, wrong), values)


def _stored_phase(angle: FloatArray) -> FloatArray:
    """Put angles from (-pi, pi] into (-pi/2, 3 pi/2], as instruments of the field store them."""
    return np.where(angle <= -np.pi / 2, angle + 2 * np.pi, angle)

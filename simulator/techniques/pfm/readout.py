"""PiezoresponseReadout: from what the tip feels to the channels that an instrument shows."""

import math
from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import BiasWaveform, Channel, FloatArray

from ...samples import Contact
from .noise import PfmNoise, averaged

PULSE_SHARE = 0.5  # of the dwell: the other half is spent reading with the bias off

# Failed fits of the contact resonance, fitted to a measured map of 2500 loops
FAILURE_FLOOR = 0.004
FAILURE_OUT_OF_BAND = 0.35
HALF_BAND = 31e3  # [Hz]
BAND_EDGE = 2.5e3  # [Hz]
FAILURE_NOISY = 0.15
NOISY_BELOW = 3.0  # signal-to-noise ratio
FAILURE_DECADES = (0.7, 3.0)  # how far off a failed fit is


@dataclass(frozen=True, slots=True)
class PiezoresponseReadout:
    """Lock-in for images, band excitation for spectra, with the noise and failures of both.

    Images come from the two quadratures of a lock-in at the drive: ``amplitude`` is their length,
    so it vanishes at a wall, and ``phase`` their angle, 0 where the polarisation stands up and pi
    where it stands down. A spectrum's ``piezoresponse`` is the signed amplitude of the fitted
    contact resonance. Without noise both are the sample's answer times the drive, to the last bit.

    Attributes:
        drive: Amplitude of the alternating bias [V].
        tuned: Contact resonance that the excited band is centred on [Hz].
        noise: What disturbs the reading.
    """

    drive: float
    tuned: float
    noise: PfmNoise

    @property
    def image_channels(self) -> tuple[Channel, ...]:
        """Channels of a scan."""
        return Channel("amplitude", "m"), Channel("phase", "rad"), Channel("height", "m")

    @property
    def spectrum_channels(self) -> tuple[Channel, ...]:
        """Channels of a spectrum."""
        return (Channel("piezoresponse", "m"),)

    def line(
        self,
        piezoresponse: FloatArray,
        height: FloatArray,
        pixel_time: float,
        jump: float,
        rng: np.random.Generator,
    ) -> dict[str, FloatArray]:
        """Read one line of a scan, one way.

        Args:
            piezoresponse: What the sample answers along the line [m/V], shape (n,).
            height: Of the surface along the line [m], shape (n,).
            pixel_time: Time spent on each pixel [s].
            jump: By how much the height has jumped on this line, in units of the noise's own.
            rng: Of this line and direction.

        Returns:
            Values of each image channel, shape (n,).
        """
        noise = self.noise
        in_phase = piezoresponse * self.drive
        quadrature = np.zeros_like(in_phase)
        white = rng.standard_normal((3, len(in_phase)))
        if noise.electrostatic:
            in_phase = in_phase + noise.electrostatic
        if noise.detector:
            in_phase = in_phase + averaged(noise.detector, pixel_time) * white[0]
            quadrature = averaged(noise.detector, pixel_time) * white[1]
        if noise.height:
            height = height + averaged(noise.height, pixel_time) * white[2]
        if noise.line_jump:
            height = height + noise.line_jump * jump
        return {
            "amplitude": np.hypot(in_phase, quadrature),
            "phase": _stored_phase(np.arctan2(quadrature, in_phase)),
            "height": height,
        }

    def spectrum(
        self,
        response: FloatArray,
        contact: Contact,
        waveform: BiasWaveform,
        rng: np.random.Generator,
    ) -> FloatArray:
        """Read a spectrum: the mean over the cycles, with noise and failed fits.

        Args:
            response: What the sample answers after each pulse [m/V], shape [cycle, point].
            contact: How the cantilever vibrates at the point.
            waveform: That was applied.
            rng: Of this spectrum.

        Returns:
            Signed amplitude with the bias off [m], shape [point].
        """
        noise = self.noise
        clean = response.mean(axis=0) * self.drive
        if noise.contact_gain:
            clean = clean * math.exp(noise.contact_gain * contact.quality)
        reading_time = waveform.dwell * (1 - PULSE_SHARE) * waveform.cycles
        deviation = averaged(noise.detector, reading_time)
        deviation = float(np.hypot(deviation, noise.response_jitter * np.max(np.abs(clean))))
        chance, decades, sign = rng.random((3, len(clean)))
        values = clean
        if deviation:
            values = values + deviation * rng.standard_normal(len(clean))
        if noise.failures:
            fails = chance < self._failure_rate(values, deviation, contact.resonance)
            low, high = FAILURE_DECADES
            wrong = np.abs(values) * 10 ** (low + (high - low) * decades)
            values = np.where(fails, np.where(sign < 0.5, -wrong, wrong), values)
        return np.asarray(values)

    def _failure_rate(self, values: FloatArray, deviation: float, resonance: float) -> FloatArray:
        """Return how likely each point's fit fails: out of the band, or lost in the noise."""
        off = abs(resonance - self.tuned) - HALF_BAND
        out_of_band = FAILURE_OUT_OF_BAND / (1 + np.exp(-off / BAND_EDGE))
        ratio = np.abs(values) / deviation if deviation else np.full(len(values), np.inf)
        noisy = FAILURE_NOISY * np.exp(-ratio / NOISY_BELOW)
        return np.asarray(FAILURE_FLOOR + out_of_band + noisy)


def _stored_phase(angle: FloatArray) -> FloatArray:
    """Put angles from (-pi, pi] into (-pi/2, 3 pi/2], as instruments of the field store them."""
    return np.where(angle <= -np.pi / 2, angle + 2 * np.pi, angle)

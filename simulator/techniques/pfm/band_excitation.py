"""Band excitation: drives a band of frequencies at once and fits the contact resonance in it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray

from ...coloured_noise import add_white

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, eq=False)
class Resonances:
    """Damped oscillators, one for each point; arrays of one shape.

    Attributes:
        response: Displacement that drives them, with amplitude and phase as one number [m].
        frequency: Of the resonance [Hz].
        quality: Quality factor: the amplitude at resonance over that of the drive.
    """

    response: ComplexArray
    frequency: FloatArray
    quality: FloatArray


@dataclass(frozen=True, slots=True)
class Band:
    """The frequencies that are driven at once.

    Attributes:
        center: Middle of the band [Hz].
        width: Of the band [Hz].
        bins: How many frequencies, both ends included.
    """

    center: float
    width: float = 60e3
    bins: int = 64

    @property
    def frequencies(self) -> FloatArray:
        """All frequencies [Hz], shape (bins,)."""
        return self.center + self.width * np.linspace(-0.5, 0.5, self.bins)

    def noise(self, deviation: float, points: int, rng: np.random.Generator) -> ComplexArray:
        """Draw white noise of some deviation [m] in each quadrature, shape (points, bins)."""
        noise = np.zeros(2 * points * self.bins)
        add_white(noise, rng, np.array([deviation]))
        return noise.view(np.complex128).reshape(points, self.bins)

    def spectra(self, resonances: Resonances) -> ComplexArray:
        """Return what oscillators answer over the band, without noise.

        H(f) = A f0^2 / (f0^2 - f^2 + i f f0 / Q), A being the response: at resonance -i A Q.

        Args:
            resonances: Arrays of shape (n,).

        Returns:
            Displacement at each frequency [m], shape (n, bins).
        """
        f = self.frequencies / self.center
        own = (resonances.frequency / self.center)[:, np.newaxis]
        damping = own / resonances.quality[:, np.newaxis]
        drive = resonances.response[:, np.newaxis] * own**2
        return np.asarray(drive / (own**2 - f**2 + 1j * (f * damping)))

    def fit(self, spectra: ComplexArray) -> Resonances:
        """Find the oscillators that answered like this.

        1 / H is a polynomial in f: H (c0 - f^2 + i f c1) = c2 with c0 = f0^2, c1 = f0 / Q and
        c2 = A f0^2. The least squares of this are solved in closed form, c2 first; then once more
        with the weights that the first solution gives, which makes it the maximum of likelihood
        for white noise as long as the noise is not large.

        Args:
            spectra: Displacement at each frequency [m], shape (n, bins).

        Returns:
            Arrays of shape (n,); NaN where no oscillator fits.

        Source:
            Iterated linear least squares: C. Sanathanan and J. Koerner, IEEE Trans. Autom. Control
            8, 56 (1963).
        """
        f = self.frequencies / self.center
        power = spectra.real**2 + spectra.imag**2
        c0, c1, _ = _solved(spectra, power, f, None)
        detuned = c0[:, np.newaxis] - f**2
        damped = c1[:, np.newaxis] * f
        weights = 1 / (detuned**2 + damped**2)
        c0, c1, c2 = _solved(spectra, power, f, weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            own = np.sqrt(c0)
            return Resonances(c2 / c0, own * self.center, own / c1)


def _solved(
    h: ComplexArray, power: FloatArray, f: FloatArray, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray, ComplexArray]:
    """Return c0, c1 and c2 of H (c0 - f^2 + i f c1) = c2, in units of the band's center.

    With the weighted means of H, f H and f^2 H removed, what c2 would take is gone, and two real
    equations are left.
    """
    powers = np.stack([np.ones_like(f), f, f**2], axis=-1)
    if weights is None:
        total = np.full(len(h), float(len(f)))
        sums = h @ powers
        even = power @ powers[:, ::2]
    else:
        total = weights.sum(axis=1)
        sums = (weights * h) @ powers
        even = (weights * power) @ powers[:, ::2]
    h0, h1, h2 = (sums / total[:, np.newaxis]).T
    s0, s2 = (even / total[:, np.newaxis]).T
    uu = s0 - np.abs(h0) ** 2
    vv = s2 - np.abs(h1) ** 2
    uv = (h0.conj() * h1).imag
    uw = s2 - (h0.conj() * h2).real
    vw = -(h1.conj() * h2).imag
    with np.errstate(invalid="ignore", divide="ignore"):
        determinant = uu * vv - uv**2
        c0 = (uw * vv - vw * uv) / determinant
        c1 = (vw * uu - uw * uv) / determinant
    return c0, c1, h0 * c0 + 1j * h1 * c1 - h2

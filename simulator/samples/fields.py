"""Random fields on a periodic square grid: what is frozen into a sample."""

import numpy as np

from spm_auto.instrument import FloatArray


def wave_numbers(cells: int, cell: float) -> FloatArray:
    """Return the magnitude of the wave vectors of a real 2-D transform [rad/m].

    Args:
        cells: Cells along each side of the grid.
        cell: Side of one cell [m].

    Returns:
        Shape (cells, cells // 2 + 1), as `numpy.fft.rfft2` orders them.
    """
    slow = 2 * np.pi * np.fft.fftfreq(cells, cell)
    fast = 2 * np.pi * np.fft.rfftfreq(cells, cell)
    return np.asarray(np.hypot(slow[:, np.newaxis], fast[np.newaxis, :]))


def gaussian_field(
    cells: int, cell: float, correlation_length: float, rng: np.random.Generator
) -> FloatArray:
    """Make a Gaussian random field of mean 0 and variance 1, correlated as exp(-(r/L)^2).

    White noise is filtered with exp(-k^2 L^2 / 8); its square is the spectrum of that correlation.

    Args:
        cells: Cells along each side.
        cell: Side of one cell [m].
        correlation_length: Distance L at which the correlation has fallen to 1/e [m].
        rng: Where the white noise comes from.
    """
    k = wave_numbers(cells, cell)
    return _filtered(cells, np.exp(-((k * correlation_length) ** 2) / 8), rng)


def self_affine_field(
    cells: int, cell: float, correlation_length: float, rng: np.random.Generator
) -> FloatArray:
    """Make a rough field of mean 0 and variance 1 whose line profiles fall off as k^-4.

    The two-dimensional spectrum is (1 + (k L)^2)^(-5/2): flat beyond L, self-affine below it, as
    measured height images are, where a Gaussian field would be too smooth.

    Args:
        cells: Cells along each side.
        cell: Side of one cell [m].
        correlation_length: Length L where the roughness levels off [m].
        rng: Where the white noise comes from.
    """
    k = wave_numbers(cells, cell)
    return _filtered(cells, (1 + (k * correlation_length) ** 2) ** -1.25, rng)


def _filtered(cells: int, transfer: FloatArray, rng: np.random.Generator) -> FloatArray:
    white = np.fft.rfft2(rng.standard_normal((cells, cells)))
    white[0, 0] = 0.0
    field = np.fft.irfft2(white * transfer, s=(cells, cells))
    return np.asarray(field / field.std())

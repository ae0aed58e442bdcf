"""Where a small image fits in a larger one."""

import numpy as np

from spm_auto.instrument import FloatArray

FLAT = 0.05  # of the larger image's spread is as good as none
TINY = 1e-300  # so that an image without any contrast is divided by something


def fitted(seen: FloatArray, reference: FloatArray, search: int, least: float) -> FloatArray | None:
    """Return where the middle of an image lies, seen from the middle of a larger one [pixel].

    It is where both correlate best, with parts of a pixel from a parabola through the neighbours.
    The scale and the level of the image do not matter.

    Args:
        seen: The image, shape (n, n).
        reference: The larger one of the same pitch, shape (m, m) with n and m both even or odd.
        search: How far off it is sought, along x and y [pixel].
        least: Correlation from which a fit counts.

    Returns:
        Along x and y, shape (2,); None where it fits nowhere.
    """
    from scipy.signal import correlate

    begin = (len(reference) - len(seen)) // 2 - search
    if begin < 0 or (len(reference) - len(seen)) % 2:
        raise ValueError(
            f"an image of {len(seen)} pixels cannot be sought {search} around the middle of one of "
            f"{len(reference)}"
        )
    within = reference[begin : len(reference) - begin, begin : len(reference) - begin]
    flat = np.full(seen.shape, 1 / seen.size)
    mean, square = (correlate(each, flat, "valid") for each in (within, within**2))
    spread = np.sqrt(np.maximum(square - mean**2, 0.0)) + FLAT * float(np.std(reference))
    bare = seen - seen.mean()
    likeness = correlate(within, bare, "valid") / (seen.size * spread * float(np.std(seen)) + TINY)
    line, pixel = np.unravel_index(int(np.argmax(likeness)), likeness.shape)
    if likeness[line, pixel] < least:
        return None
    offset = _summit(likeness[line, :], int(pixel)), _summit(likeness[:, pixel], int(line))
    return np.array(offset) - search


def _summit(values: FloatArray, top: int) -> float:
    """Return where a parabola through the highest of some values and its neighbours has its top."""
    if not 0 < top < len(values) - 1:
        return float(top)
    left, middle, right = values[top - 1 : top + 2].tolist()
    bend = left - 2 * middle + right
    return top + ((left - right) / (2 * bend) if bend < 0 else 0.0)

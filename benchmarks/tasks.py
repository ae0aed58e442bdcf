"""Tasks for agents, made from real measurements: what can be chosen, and what would be found."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from spm_auto.agents import Candidates, loop_opening
from spm_auto.errors import DataError
from spm_auto.instrument import Channel, FloatArray, ScanFrame, ScanImage, Spectrum

LEAST_CORRELATION = 0.5  # of a raw loop with itself one point on
FLOOR = 1e-6  # added to the opening before the logarithm, in the file's arbitrary unit
TOP_SHARE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A pool of sites with a known answer.

    Attributes:
        candidates: The sites.
        target: What a measurement at each site gives, standardised, shape (n,).
        images: What is known of the sample beforehand, shape [channel, line, pixel].
        train: How many sites a learner is fitted to before its predictions are scored.
    """

    candidates: Candidates
    target: FloatArray
    images: FloatArray
    train: int = 200

    def top(self, share: float) -> NDArray[np.int64]:
        """Return the sites with the highest targets."""
        return np.argsort(-self.target, kind="stable")[: round(share * len(self.target))]


def beps_loops(file: Path) -> tuple[ScanFrame, FloatArray, FloatArray]:
    """Read the loops of the PbTiO3 film.

    Returns:
        The frame, the bias [V] of shape [point], and the loops of shape [line, pixel, point].

    Raises:
        DataError: The file is missing or is not what it should be.
    """
    try:
        with h5py.File(file) as opened:
            group = opened["Channel_000/generic"]
            loops = np.asarray(group["generic"], dtype=float)
            bias = np.asarray(group["Voltage"], dtype=float)
            x, y = np.asarray(group["X"], dtype=float), np.asarray(group["Y"], dtype=float)
    except FileNotFoundError as error:
        raise DataError(f"there is no file {file}") from error
    except (OSError, KeyError) as error:
        raise DataError(f"{file} is damaged or holds no such loops: {error}") from error
    if loops.shape != (len(x), len(y), 64) or bias.shape != (64,):
        raise DataError(f"{file} holds loops of shape {loops.shape}, the task needs (x, y, 64)")
    pitch = (float(x[1] - x[0]), float(y[1] - y[0]))
    frame = ScanFrame(
        center=(float(x.mean()), float(y.mean())),
        size=(pitch[0] * len(x), pitch[1] * len(y)),
        pixels=(len(x), len(y)),
    )
    return frame, bias, np.swapaxes(loops, 0, 1)


def bepsc(file: Path) -> Task:
    """Make the task ``bepsc``: find the loops that are open widest, seeing one point of each.

    The image is the first point of each loop, at 0 V, clipped to its 2nd to 98th percentile and
    scaled to 0 to 1. The target is the logarithm of the mean distance of the branches at equal bias
    for 2.1 V <= |V| <= 8.5 V after a circular running median of seven points: only points 1 to 63
    enter, so that the image does not hold any of it. The pool is those sites whose raw loop has a
    circular autocorrelation above 0.5 one point on, as the top of all sites is failed fits.

    Raises:
        DataError: The file is missing or is not what it should be.
    """
    frame, bias, loops = beps_loops(file)
    flat = loops.reshape(-1, loops.shape[2])
    centred = flat - flat.mean(axis=1, keepdims=True)
    correlation = np.sum(centred * np.roll(centred, 1, axis=1), axis=1) / np.sum(centred**2, axis=1)
    pool = correlation > LEAST_CORRELATION
    return _task(frame, loops, pool, np.log10(mean_opening(bias, flat[pool]) + FLOOR))


def beps_accepted(file: Path) -> Task:
    """Make the task ``beps_accepted``: the same, without the failed fits that are left in `bepsc`.

    The pool is those sites whose loop the shipped scalarizer `loop_opening` accepts, and its value
    is the target. It is given points 1 to 63 only, so that the image does not hold any of them.

    Raises:
        DataError: The file is missing or is not what it should be.
    """
    frame, bias, loops = beps_loops(file)
    channel = (Channel("piezoresponse", "a.u."),)
    scalars = [
        loop_opening(Spectrum(0.0, 0.0, bias[1:], channel, loop[None, 1:], 0.0, 0.0))
        for loop in loops.reshape(-1, loops.shape[2])
    ]
    pool = np.array([scalar.is_good for scalar in scalars])
    return _task(frame, loops, pool, np.array([scalar.value for scalar in scalars])[pool])


def synthetic(side: int, biases: tuple[float, ...] = (), seed: int = 0, noise: float = 0.3) -> Task:
    """Make a task of which all is known: a bent image, another field that is not seen, noise.

    Args:
        side: Pixels of the image each way; all of them are sites.
        biases: Biases that may be chosen at each [V]; the target has a broad maximum in the middle.
        seed: Of the fields and the noise.
        noise: Deviation of the noise, of a target of deviation about 1.
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    fields = [gaussian_filter(rng.normal(size=(side, side)), 2.0, mode="wrap") for _ in range(2)]
    image, hidden = (field / field.std() for field in fields)
    frame = ScanFrame(center=(0.0, 0.0), size=(1e-6, 1e-6), pixels=(side, side))
    channel = (Channel("height", "m"),)
    overview = ScanImage(frame, channel, image[None], image[None], 0.0, 0.0)
    candidates = Candidates.of(overview, biases=biases)
    line, pixel = candidates.rows.T
    target = np.tanh(image**2 - 1)[line, pixel] + 0.3 * hidden[line, pixel]
    if biases:
        bias = candidates.points[:, 2]
        target = (
            np.repeat(target, len(biases))
            - ((bias - np.mean(biases)) / (np.ptp(biases) or 1.0)) ** 2
        )
    target = target + noise * rng.normal(size=len(target))
    return Task(candidates, (target - target.mean()) / target.std(), image[None])


def mean_opening(bias: FloatArray, loops: FloatArray) -> FloatArray:
    """Return the mean distance of the branches of each loop, shape (n,).

    Args:
        bias: Bias from 0 V up, down and up again [V], shape (64,).
        loops: Responses, shape (n, 64).
    """
    windows = np.stack([np.roll(loops, shift, axis=1) for shift in range(-3, 4)])
    smooth = np.median(windows, axis=0)
    rising = np.r_[48:64, 0:17]
    falling = np.r_[16:49][::-1]
    opening = np.abs(smooth[:, falling] - smooth[:, rising])
    magnitude = np.abs(bias[rising])
    # at the two turning points the branches meet
    used = (magnitude >= 2.1) & (magnitude < np.max(magnitude))
    return np.asarray(opening[:, used].mean(axis=1))


def _task(frame: ScanFrame, loops: FloatArray, pool: NDArray[np.bool_], target: FloatArray) -> Task:
    """Make a task on the image of the loops' first points.

    Args:
        frame: Where the sites lie.
        loops: All loops, shape [line, pixel, point].
        pool: Which sites are in the pool, line by line.
        target: What each site of the pool gives, shape (n,).
    """
    first = loops[:, :, 0]
    low, high = np.percentile(first, [2, 98])
    image = (np.clip(first, low, high) - low) / (high - low)
    channel = (Channel("first_point", "1"),)
    overview = ScanImage(frame, channel, image[None], image[None], 0.0, 0.0)
    standard = (target - target.mean()) / target.std()
    return Task(Candidates.of(overview).select(pool), standard, image[None])

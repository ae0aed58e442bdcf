"""More tasks from real measurements: recorded tunnelling spectra, and a piezoresponse image."""

from pathlib import Path

import h5py
import numpy as np
from scipy.ndimage import gaussian_filter
from tasks import Task

from spm_auto.agents import Candidates
from spm_auto.agents.descriptors import jets
from spm_auto.errors import DataError
from spm_auto.instrument import Channel, FloatArray, ScanFrame, ScanImage

NANOMETRE = 1e-9
EVERY = 4  # pixels between the sites of the piezoresponse image
SITES = 1500  # of the phase task
FLOOR = 1e-12  # added to an amplitude before the logarithm [m], about its noise


def stm_large(file: Path) -> Task:
    """Make the task ``stm_large``: predict the scalar of 267 spectra on a topograph of 250 nm.

    Raises:
        DataError: The file is missing or is not what it should be.
    """
    return _recorded_run(file, 250 * NANOMETRE)


def stm_adsorbate(file: Path) -> Task:
    """Make the task ``stm_adsorbate``: the same for 278 spectra around an adsorbate, 10 nm.

    Raises:
        DataError: The file is missing or is not what it should be.
    """
    return _recorded_run(file, 10 * NANOMETRE)


def pfm(file: Path) -> Task:
    """Make the task ``pfm``: find where a film responds most, from height and deflection.

    The target is the logarithm of the vertical amplitude, at every fourth pixel of every fourth
    line; the images are those that the feedback gave in the same scan. Each line of the height is
    levelled by its median.

    Raises:
        DataError: The file is missing or is not what it should be.
    """
    names = {"height": 0, "amplitude": 1, "deflection": 3}
    paths = [f"Measurement_000/Channel_{i}/Channel_{i}/Channel_{i}" for i in names.values()]
    # stored [pixel, line]
    height, amplitude, deflection = (each.swapaxes(0, 1) for each in _read(file, paths))
    if not height.shape == amplitude.shape == deflection.shape or height.ndim != 2:
        raise DataError(f"{file} holds no three images of one shape")
    height = height - np.median(height, axis=1, keepdims=True)
    lines, pixels = height.shape
    # the metadata are not needed: positions count in parts of the frame
    frame = ScanFrame((0.0, 0.0), (pixels * NANOMETRE, lines * NANOMETRE), (pixels, lines))
    images = np.stack([height, deflection])
    channels = (Channel("height", "m"), Channel("deflection", "m"))
    overview = ScanImage(frame, channels, images, images, 0.0, 0.0)
    candidates = Candidates.of(overview, stride=EVERY)
    line, pixel = candidates.rows.T
    target = np.log10(amplitude[line, pixel] + FLOOR)
    return Task(candidates, _standard(target), images)


def pfm_phase(file: Path) -> Task:
    """Make the task ``pfm_phase``: where is which domain, from another pass over the same film.

    The target is the phase of the second pass at random pixels, standardised robustly and blurred
    by a pixel; the images are height, amplitude, deflection and phase of the first pass. Tip and
    lines are the same in both, so that this is easier than another scan would be.

    Raises:
        DataError: The file is missing or is not what it should be.
    """
    names = {"height": "m", "amplitude": "m", "deflection": "m", "phase": "rad"}
    paths = [f"Measurement_000/Channel_{i}/Channel_{i}/Channel_{i}" for i in (0, 1, 3, 4, 5)]
    *stack, second = (each.swapaxes(0, 1) for each in _read(file, paths))
    if len({each.shape for each in (*stack, second)}) != 1 or second.ndim != 2:
        raise DataError(f"{file} holds no images of one shape")
    stack[3] = np.deg2rad(stack[3])
    images = np.stack(stack)
    lines, pixels = second.shape
    frame = ScanFrame((0.0, 0.0), (pixels * NANOMETRE, lines * NANOMETRE), (pixels, lines))
    channels = tuple(Channel(name, unit) for name, unit in names.items())
    every = Candidates.of(ScanImage(frame, channels, images, images, 0.0, 0.0))
    some = np.sort(np.random.default_rng(7).choice(len(every), SITES, replace=False))
    candidates = every.select(some)
    level = jets(second[None]).images[0]
    target = gaussian_filter(level, 1.0)[candidates.rows[:, 0], candidates.rows[:, 1]]
    return Task(candidates, _standard(target), images)


def _recorded_run(file: Path, side: float) -> Task:
    """Make a task of the spectra that an agent took on a topograph.

    Positions are (x, y) from the lower left corner, and the topograph is stored from its upper
    line down, so its lines are turned round here. Of all eight ways to lay the topograph under the
    positions, this one predicts the scalar best around the adsorbate: from descriptors alone an R²
    of 0.27, against 0.14 and below 0.04 for the others; it is also how the published program of
    that experiment read its scans. On the large area it is the best of the four in which x runs
    along a line (0.79, others below 0.35).

    Args:
        file: The file.
        side: Of the topograph [m].
    """
    topograph, position, scalar = _read(
        file,
        [
            "Measurement_001/STM Image/Image/Image",
            "Metadata_000/DKL Position/Position/Position",
            "Metadata_001/DKL Scalar/Scalar/Scalar",
        ],
    )
    if topograph.ndim != 2 or position.shape != (len(scalar), 2):
        raise DataError(f"{file} holds no topograph with a position and a scalar for each spectrum")
    image = topograph[::-1].copy()
    lines, pixels = image.shape
    frame = ScanFrame((side / 2, side / 2), (side, side), (pixels, lines))
    channel = (Channel("height", "m"),)
    everywhere = Candidates.of(ScanImage(frame, channel, image[None], image[None], 0.0, 0.0))
    x, y = NANOMETRE * position.T
    pixel = np.clip(x / side * pixels, 0, pixels - 1).astype(np.int64)
    line = np.clip(y / side * lines, 0, lines - 1).astype(np.int64)
    candidates = everywhere.select(line * pixels + pixel)
    return Task(candidates, _standard(scalar), image[None], train=len(scalar) // 2)


def _read(file: Path, paths: list[str]) -> list[FloatArray]:
    try:
        with h5py.File(file) as opened:
            return [np.asarray(opened[path], dtype=float) for path in paths]
    except FileNotFoundError as error:
        raise DataError(f"there is no file {file}") from error
    except (OSError, KeyError) as error:
        raise DataError(f"{file} is damaged or holds no such measurement: {error}") from error


def _standard(target: FloatArray) -> FloatArray:
    return np.asarray((target - target.mean()) / target.std())

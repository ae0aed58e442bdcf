"""The inner loops of the scanner over the samples of a line; compiled when first needed."""

import numpy as np

from spm_auto.instrument import FloatArray


def follow(
    commands: FloatArray,
    thresholds: FloatArray,
    weights: FloatArray,
    linear: float,
    states: FloatArray,
    extensions: FloatArray,
) -> None:
    """Let the play operators of each axis follow its commands.

    From one turn to the next the extension is straight in the command but for a kink where an
    operator begins to move, so only the turns need a look at all operators.

    Args:
        commands: In order [m], shape [axis, n].
        thresholds: Half the play of each operator [m], shape (k,).
        weights: How much each counts, shape (k,).
        linear: What follows without play.
        states: Of the operators [m], shape [axis, k]; changed in place.
        extensions: Takes the extension at each command [m], shape [axis, n].
    """
    operators = thresholds.size
    kinks, steepening = np.empty(operators), np.empty(operators)
    for axis in range(commands.shape[0]):
        state = states[axis]
        last, direction, moving = commands[axis, 0], 1.0, 0
        at = value = slope = 0.0  # last kink, extension there and slope beyond it
        for i in range(commands.shape[1]):
            here = commands[axis, i]
            if i == 0 or (here - last) * direction < 0:
                direction = 1.0 if here >= last else -1.0
                at, slope, moving = direction * last, linear, 0
                value = linear * at
                for k in range(operators):  # sorted by where they begin to move
                    state[k] = max(last - thresholds[k], min(last + thresholds[k], state[k]))
                    value += weights[k] * direction * state[k]
                    kink = direction * state[k] + thresholds[k]
                    place = k
                    while place > 0 and kinks[place - 1] > kink:
                        kinks[place] = kinks[place - 1]
                        steepening[place] = steepening[place - 1]
                        place -= 1
                    kinks[place], steepening[place] = kink, weights[k]
            way = direction * here
            while moving < operators and kinks[moving] < way:
                value += slope * (kinks[moving] - at)
                at = kinks[moving]
                slope += steepening[moving]
                moving += 1
            extensions[axis, i] = direction * (value + slope * (way - at))
            last = here
        for k in range(operators):
            state[k] = max(last - thresholds[k], min(last + thresholds[k], state[k]))


def creep_along(
    share: float,
    start: FloatArray,
    behind: FloatArray,
    left: FloatArray,
    response: FloatArray,
    extensions: FloatArray,
) -> None:
    """Add what the relaxors of both axes do along a line.

    Args:
        share: How much each relaxor adds.
        start: Command at the line's start [m], shape (2, 1).
        behind: Relaxors there less the command [m], shape (2, k).
        left: What is left of each relaxor's start at each sample, shape (k, n).
        response: What all of them add by the motion itself [m], shape (2, n).
        extensions: To be added to [m], shape (2, n).
    """
    relaxors, samples = left.shape
    for axis in range(2):
        steady = share * relaxors * start[axis, 0]
        for i in range(samples):
            extensions[axis, i] += steady + response[axis, i]
        for k in range(relaxors):
            amount = share * behind[axis, k]
            for i in range(samples):
                extensions[axis, i] += amount * left[k, i]


def shift(x: FloatArray, y: FloatArray, drift: FloatArray) -> None:
    """Add drift to the places along a line.

    Args:
        x: Of each sample [m], shape (n,); changed in place.
        y: Likewise.
        drift: Of x and y [m] at moments evenly spaced from the first sample to the last, shape
            (2, m); straight in between.
    """
    samples, parts = x.size, drift.shape[1] - 1
    step = parts / max(samples - 1, 1)
    for i in range(samples):
        part = min(int(i * step), parts - 1)
        share = i * step - part
        x[i] += (1 - share) * drift[0, part] + share * drift[0, part + 1]
        y[i] += (1 - share) * drift[1, part] + share * drift[1, part + 1]


def jitter(
    x: FloatArray, y: FloatArray, rng: np.random.Generator, memory: float, noise: float
) -> None:
    """Add the noise of the sensors to the places along a line.

    Args:
        x: Of each sample [m], shape (n,); changed in place.
        y: Likewise.
        rng: Where it comes from.
        memory: What the noise keeps from sample to sample.
        noise: Standard deviation of it [m].
    """
    fresh = noise * np.sqrt(1 - memory**2)
    off_x, off_y = noise * rng.standard_normal(), noise * rng.standard_normal()
    for i in range(x.size):
        x[i] += off_x
        y[i] += off_y
        off_x = memory * off_x + fresh * rng.standard_normal()
        off_y = memory * off_y + fresh * rng.standard_normal()


def heights(
    x: FloatArray,
    y: FloatArray,
    times: FloatArray,
    origin: float,
    slope_x: float,
    slope_y: float,
    curvature: float,
    rise: float,
    z: FloatArray,
) -> None:
    """Fill in what tilt, bow and drift add to the height [m].

    Args:
        x: Over the sample [m], shape (n,).
        y: Likewise.
        times: Instrument times [s], shape (n,).
        origin: Instrument time since which it drifts [s].
        slope_x: Of the sample.
        slope_y: Of the sample.
        curvature: Height over the square of the distance from the middle [1/m].
        rise: Speed of the drift in height [m/s].
        z: Takes the height [m], shape (n,).
    """
    for i in range(x.size):
        plane = slope_x * x[i] + slope_y * y[i]
        z[i] = plane + curvature * (x[i] * x[i] + y[i] * y[i]) + rise * max(times[i] - origin, 0.0)

"""The loop step by step, for what no filter can do: saturation, and currents that are held as such.

Both functions are compiled. They take the height that is wanted at each sample of a path, draw a
straight line between samples for the control steps, and go on from a state of six numbers: the last
wanted height, the piezo's position now and one step ago, the error behind the amplifier, the
integrator and the drive of the piezo.
"""

import math

from spm_auto.instrument import FloatArray

FLAT = 0.1  # range of the logarithm within a sample up to which its mean needs no exponentials


def follow_error(
    z_eq: FloatArray,
    noise: FloatArray,
    steps: int,
    loop: FloatArray,
    limits: FloatArray,
    decay: float,
    state: FloatArray,
    z: FloatArray,
    signal: FloatArray,
    closest: FloatArray,
    within: FloatArray,
) -> None:
    """Follow a surface with an error that is linear in height between two bounds.

    Args:
        z_eq: Height wanted at each sample [m], shape (n,).
        noise: Added to the error at each control step [m], shape (n * steps,) or (0,).
        steps: Control steps per sample.
        loop: Integral, proportional, smoothing, memory, echo, push.
        limits: Bounds of the error, range of the drive [m], longest way of it in a step [m].
        decay: Slope of the logarithm of the signal [1/m], 0 if the signal is the error itself.
        state: Changed in place.
        z: Takes the mean height over each sample [m].
        signal: Takes the mean of exp(decay x error), or of the error [m].
        closest: Takes the largest distance by which the tip was too close [m].
        within: Room for the errors of one sample, shape (steps,).
    """
    integral, proportional, smoothing, memory, echo, push = loop
    lower, upper, bottom, top, reach = limits
    before, now, last, seen, summed, drive = state
    # what the next drive waits for is kept short: a step takes as long as that chain
    forgetting, gain = 1.0 - smoothing, integral + proportional
    noisy = noise.size > 0
    n = z_eq.size
    inverse = 1.0 / steps
    k = 0
    for i in range(n):
        here = z_eq[i]
        rise = (here - before) * (inverse if i > 0 else 2 * inverse)
        fall = (z_eq[i + 1] - here) * inverse if i + 1 < n else 0.0
        total_z = total = squares = 0.0
        nearest, low, high = -math.inf, math.inf, -math.inf
        for j in range(steps):
            offset = j + 0.5 - 0.5 * steps
            wanted = here + offset * (rise if offset < 0 else fall)
            swing = memory * now - echo * last
            last = now
            now = swing + push * drive
            nearest = max(nearest, wanted - now)
            if noisy:
                wanted += noise[k]
                k += 1
            error = (wanted - swing) - push * drive
            if error < lower or error > upper:
                error = min(max(error, lower), upper)
            seen = forgetting * seen + smoothing * error
            target = summed + gain * seen
            summed += integral * seen
            if abs(target - drive) > reach or target < bottom or target > top:
                drive = min(max(target, drive - reach, bottom), drive + reach, top)
                if drive != target:  # the integrator waits for the piezo
                    summed = drive - proportional * seen
            else:
                drive = target
            total_z += now
            total += seen
            squares += seen * seen
            low = min(low, seen)
            high = max(high, seen)
            within[j] = seen
        z[i] = total_z * inverse
        closest[i] = nearest
        mean = total * inverse
        if decay == 0:
            signal[i] = mean
        elif decay * (high - low) < FLAT:
            variance = max(squares * inverse - mean * mean, 0.0)
            signal[i] = math.exp(decay * mean) * (1 + 0.5 * decay * decay * variance)
        else:
            total = 0.0
            for j in range(steps):
                total += math.exp(decay * within[j])
            signal[i] = total * inverse
        before = here
    state[0], state[1], state[2] = before, now, last
    state[3], state[4], state[5] = seen, summed, drive


def follow_current(
    z_eq: FloatArray,
    noise: FloatArray,
    shaking: FloatArray,
    steps: int,
    loop: FloatArray,
    limits: FloatArray,
    decay: float,
    logarithmic: bool,
    state: FloatArray,
    z: FloatArray,
    signal: FloatArray,
    closest: FloatArray,
) -> None:
    """Follow a surface with the current itself: it saturates, is smoothed, and only then compared.

    Args:
        z_eq: Height wanted at each sample [m], shape (n,).
        noise: Of the current, as a height [m] at each control step, shape (n * steps,) or (0,).
        shaking: Added to the wanted height at each control step [m], shape (n * steps,) or (0,).
        steps: Control steps per sample.
        loop: Integral, proportional, smoothing, memory, echo, push.
        limits: Bounds of the error, range of the drive [m], longest way of it in a step [m].
        decay: Slope of the logarithm of the current [1/m].
        logarithmic: Whether the logarithm of the current is held.
        state: Changed in place.
        z: Takes the mean height over each sample [m].
        signal: Takes the mean current in units of the set-point.
        closest: Takes the largest distance by which the tip was too close [m].
    """
    integral, proportional, smoothing, memory, echo, push = loop
    lower, upper, bottom, top, reach = limits
    before, now, last, seen, summed, drive = state
    floor, rail = math.exp(decay * lower), math.exp(decay * upper)
    current = math.exp(decay * seen) if logarithmic else 1 + decay * seen
    n = z_eq.size
    inverse = 1.0 / steps
    k = 0
    for i in range(n):
        here = z_eq[i]
        rise = (here - before) * (inverse if i > 0 else 2 * inverse)
        fall = (z_eq[i + 1] - here) * inverse if i + 1 < n else 0.0
        total_z = total = 0.0
        nearest = -math.inf
        for j in range(steps):
            offset = j + 0.5 - 0.5 * steps
            wanted = here + offset * (rise if offset < 0 else fall)
            if shaking.size > 0:
                wanted += shaking[k]
            position = memory * now - echo * last + push * drive
            last = now
            now = position
            error = wanted - position
            nearest = max(nearest, error)
            flows = math.exp(decay * min(error, upper))
            if noise.size > 0:
                flows += decay * noise[k]
            k += 1
            current += smoothing * (min(flows, rail) - current)
            seen = math.log(max(current, floor)) / decay if logarithmic else (current - 1) / decay
            summed += integral * seen
            target = summed + proportional * seen
            drive = min(max(target, drive - reach, bottom), drive + reach, top)
            if drive != target:  # the integrator waits for the piezo
                summed = drive - proportional * seen
            total_z += position
            total += current
        z[i] = total_z * inverse
        signal[i] = total * inverse
        closest[i] = nearest
        before = here
    state[0], state[1], state[2] = before, now, last
    state[3], state[4], state[5] = seen, summed, drive

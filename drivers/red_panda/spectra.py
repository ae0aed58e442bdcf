"""Spectra with the red panda: the tip held still by a busy firmware, or by an open loop."""

from collections.abc import Sequence

import numpy as np

from spm_auto.clock import Clock
from spm_auto.errors import InstrumentError
from spm_auto.instrument import Action, BiasWaveform, FloatArray, QualityFlag
from spm_auto.wire import red_panda as wire

from ..microscope import Swept
from ..sr830 import LockIn
from .calibration import Calibration
from .controller import Controller
from .tip import Tip

EDGE = wire.MIDDLE - 1 - wire.AVERAGED  # [counts] of the converter from which it is at its end


def sweep_closed(
    controller: Controller,
    calibration: Calibration,
    waveform: BiasWaveform,
    clock: Clock,
    action: Action,
) -> Swept:
    """Measure one bias after the other; between two of them the loop holds the current again.

    The firmware is busy with each and its loop does not run meanwhile, so that the tip stays where
    it is. A bias is applied for five readings only, and the next one follows after the dwell.

    Returns:
        The current [A], shape [1, point].
    """
    counts = []
    for bias in waveform.values:
        end = clock.now() + waveform.dwell
        counts.append(controller.measure(calibration.bias_counts(bias)))
        clock.wait(max(end - clock.now(), 0.0), action.stop)
        action.check()
    return Swept(_currents(counts, calibration), _saturated(counts))


def sweep_open(
    controller: Controller,
    calibration: Calibration,
    tip: Tip,
    lock_in: LockIn,
    waveform: BiasWaveform,
    clock: Clock,
    action: Action,
) -> Swept:
    """Open the loop, and wait for the lock-in at each bias; afterwards the loop is closed again.

    Returns:
        Current [A] and dI/dV [S], shape [2, point].

    Raises:
        InstrumentError: The loop could not be closed again, or does not open.
    """
    tip.check_can_open()
    counts, slopes, is_overloaded = [], [], False
    tip.is_open = True
    try:
        if controller.tell("CCOF").has_feedback:
            raise InstrumentError(f"{controller.name} does not open its loop")
        for bias in waveform.values:
            controller.set("BIAS", calibration.bias_counts(bias))
            clock.wait(max(waveform.dwell, lock_in.settings.wait), action.stop)
            action.check()
            counts.append(controller.reading())
            seen = lock_in.read()
            slopes.append(seen.in_phase)
            is_overloaded |= seen.is_overloaded
    finally:
        if not action.is_emergency:
            controller.set("BIAS", tip.bias)
            tip.close_loop(Action(action.number))  # also when it was interrupted
        tip.is_open = False
    flags = (QualityFlag.SATURATED,) if is_overloaded else _saturated(counts)
    return Swept(np.stack([_currents(counts, calibration)[0], np.array(slopes)]), flags)


def mean(swept: Sequence[Swept]) -> Swept:
    """Return the mean of several cycles, with what was wrong with any."""
    flags = tuple(sorted({flag for one in swept for flag in one.flags}))
    return Swept(np.mean([one.data for one in swept], axis=0), flags)


def _currents(counts: Sequence[int], calibration: Calibration) -> FloatArray:
    return np.array([counts], dtype=float) * calibration.current


def _saturated(counts: Sequence[int]) -> tuple[QualityFlag, ...]:
    largest = max(map(abs, counts), default=0)
    return (QualityFlag.SATURATED,) if largest >= EDGE else ()

"""Sweeps: which ones a procedure runs, and how others are stepped point by point."""

from collections.abc import Sequence

import numpy as np

from spm_auto.clock import Clock
from spm_auto.errors import OutOfStep, Refused, Unsupported
from spm_auto.instrument import Action, BiasWaveform, FloatArray
from spm_auto.wire import rhk as wire

from ..microscope import BIAS_STEP
from .program import Exchange, Program
from .settings import RhkSettings, SpectrumChannelSettings


def step_through(
    program: Program,
    waveform: BiasWaveform,
    channels: Sequence[SpectrumChannelSettings],
    clock: Clock,
    action: Action,
) -> FloatArray:
    """Step through a waveform and return the mean of its cycles, shape [channel, point].

    All of it is one conversation, in which every setting is read back: a strange answer would show.

    Raises:
        OutOfStep: An answer cannot be true.
        Refused: A bias was not set.
        Stopped: Somebody stopped it.
    """
    points = np.empty((waveform.cycles, len(waveform.values), len(channels)))
    with program.talk() as exchange:
        for cycle in range(waveform.cycles):
            for number, bias in enumerate(waveform.values):
                action.check()
                _set_bias(exchange, bias)
                clock.wait(waveform.dwell, action.stop)
                action.check()
                points[cycle, number] = [_signal(exchange, channel) for channel in channels]
    mean: FloatArray = points.mean(axis=0).swapaxes(0, 1)
    return mean


def _set_bias(exchange: Exchange, bias: float) -> None:
    exchange.done(wire.BIAS.set(bias))
    got = exchange.number(wire.BIAS.get())
    if not abs(got - bias) <= BIAS_STEP:
        raise Refused(f"the R9's bias was set to {bias:g} V and reads back {got:g} V")


def _signal(exchange: Exchange, channel: SpectrumChannelSettings) -> float:
    value = exchange.number(wire.channel(channel.signal))
    if abs(value) > channel.largest:
        raise OutOfStep(
            f"the signal {channel.signal} cannot be {value:g} {channel.unit}; the largest is "
            f"{channel.largest:g} {channel.unit}"
        )
    return value


def check_waveform(waveform: BiasWaveform, settings: RhkSettings) -> None:
    """Refuse what the window of the procedure is not set to.

    Raises:
        Unsupported: With what it is set to.
    """
    if settings.procedure_sweep is None:
        return
    runs = settings.procedure_sweep.waveform()
    is_same = len(runs.values) == len(waveform.values) and np.allclose(
        runs.bias, waveform.bias, rtol=0.0, atol=BIAS_STEP
    )
    if not is_same or waveform.cycles != runs.cycles or not _close(waveform.dwell, runs.dwell):
        raise Unsupported(
            f"the procedure {settings.spectroscopy_procedure!r} runs {_told(runs)}, as the lab "
            f"file says, and cannot be set from here; asked for was {_told(waveform)}"
        )


def _close(dwell: float, other: float) -> bool:
    return abs(dwell - other) <= 0.01 * other


def _told(waveform: BiasWaveform) -> str:
    low, high = min(waveform.values), max(waveform.values)
    return (
        f"{len(waveform.values)} points from {waveform.values[0]:g} to {waveform.values[-1]:g} V "
        f"within {low:g} to {high:g} V, {waveform.dwell:g} s each, {waveform.cycles} times"
    )

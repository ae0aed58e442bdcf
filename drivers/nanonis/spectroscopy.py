"""Bias spectra: setting them up, waiting for them, and putting their columns in order."""

import math
import re
from collections.abc import Sequence

import numpy as np

from spm_auto.errors import InstrumentError, OutOfStep
from spm_auto.instrument import BiasWaveform, FloatArray
from spm_auto.wire import nanonis as wire

from ..microscope import Swept
from .controller import Measured
from .conversation import Conversation
from .segments import is_there_and_back, segments_of
from .settings import NanonisSettings, SweepSettings

KEEP = math.nan
ON, OFF = 1, 2  # as a Set has it; the matching Get says 1 and 0
MARGIN = 1.5  # of the expected time
RIGHT_BIAS = 1e-4  # of the largest bias: how far a bias may be from the one asked for
RESOLUTION = 50e-6  # [V], or so far: that of the bias source


def dwell_of(waveform: BiasWaveform, sweep: SweepSettings) -> float:
    """Return the time spent on each point [s]."""
    return max(waveform.dwell, sweep.minimum_dwell)


def sweep_time(waveform: BiasWaveform, sweep: SweepSettings) -> float:
    """Return how long a spectrum takes [s], its averaging and settling included."""
    around = sweep.z_averaging + sweep.initial_settling + sweep.end_settling + sweep.z_control
    return len(waveform.values) * waveform.cycles * dwell_of(waveform, sweep) + around


def take_spectrum(
    talk: Conversation,
    settings: NanonisSettings,
    measured: Sequence[Measured],
    waveform: BiasWaveform,
) -> Swept:
    """Set a spectrum up, run it and return it in the order of the waveform.

    Raises:
        InstrumentError: The controller made something else of the settings or of the sweep.
        OutOfStep: Columns are missing, or have another length.
    """
    sweep = settings.sweep
    is_back = is_there_and_back(waveform.values)
    _set_up(talk, sweep, measured, waveform, is_back)
    expected = sweep_time(waveform, sweep)
    gave = talk.do(
        "BiasSpectr.Start",
        within=MARGIN * expected + settings.stall_timeout,
        halt="BiasSpectr.Stop",
        get_data=1,
        base="",
    )
    talk.action.check()
    columns = dict(zip(gave["names"], gave["data"], strict=False))
    if len(columns) != len(gave["data"]):
        raise OutOfStep(f"{len(columns)} names came with {len(gave['data'])} columns of a spectrum")
    there = waveform.values[: len(waveform.values) // 2] if is_back else waveform.values
    _check_bias(columns, there)
    data = [_column(columns, each, len(there), is_back) for each in measured]
    return Swept(np.array(data).reshape(len(measured), len(waveform.values)))


def _set_up(
    talk: Conversation,
    sweep: SweepSettings,
    measured: Sequence[Measured],
    waveform: BiasWaveform,
    is_back: bool,
) -> None:
    dwell = dwell_of(waveform, sweep)
    timing = (sweep.settle_share * dwell, (1 - sweep.settle_share) * dwell)
    pieces = segments_of(waveform.values)
    if is_back or len(pieces) == 1:
        points = len(waveform.values) // (2 if is_back else 1)
        talk.set("BiasSpectr.MLSMode", mode="Linear")
        talk.set("BiasSpectr.Limits", start=waveform.values[0], end=waveform.values[points - 1])
    else:
        points = len(waveform.values)
        talk.set("BiasSpectr.MLSMode", mode="MLS")
        _set_segments(talk, waveform, timing)
    talk.do(
        "BiasSpectr.PropsSet",
        save_all=OFF,
        sweeps=waveform.cycles,
        backward=ON if is_back else OFF,
        points=points,
        z_offset=KEEP,
        autosave=OFF,
        dialog=OFF,
    )
    talk.confirm(
        "BiasSpectr.Props", save_all=0, sweeps=waveform.cycles, backward=int(is_back), points=points
    )
    talk.set(
        "BiasSpectr.Timing",
        z_avg=sweep.z_averaging,
        z_offset=KEEP,
        init_settle=sweep.initial_settling,
        max_slew=KEEP,
        settle=timing[0],
        integrate=timing[1],
        end_settle=sweep.end_settling,
        z_ctrl_time=sweep.z_control,
    )
    talk.do(
        "BiasSpectr.AdvPropsSet",
        reset_bias=ON,
        z_hold=ON if sweep.z_hold else OFF,
        record_z=OFF,
        lockin_run=0,
    )
    talk.confirm("BiasSpectr.AdvProps", reset_bias=1, z_hold=int(sweep.z_hold))
    talk.set("BiasSpectr.Chs", channels=tuple(each.number for each in measured))


def _set_segments(talk: Conversation, waveform: BiasWaveform, timing: tuple[float, float]) -> None:
    pieces = segments_of(waveform.values)
    same = np.ones(len(pieces))
    values: wire.Values = {
        "bias_start": np.array([piece.start for piece in pieces]),
        "bias_end": np.array([piece.end for piece in pieces]),
        "init_settle": 0.0 * same,
        "settle": timing[0] * same,
        "integrate": timing[1] * same,
        "steps": tuple(piece.points for piece in pieces),
        "lockin_run": (0,) * len(pieces),
    }
    talk.do("BiasSpectr.MLSLockinPerSegSet", on=0)
    talk.do("BiasSpectr.MLSValsSet", **values)
    said = talk.do("BiasSpectr.MLSValsGet")
    for name, value in values.items():
        if len(said[name]) != len(pieces) or not np.allclose(said[name], value, 1e-6, 1e-30):
            raise InstrumentError(
                f"BiasSpectr.MLSValsSet: the controller made {name} = {said[name]!r} of {value!r}"
            )


def _check_bias(columns: dict[str, FloatArray], asked: Sequence[float]) -> None:
    """Refuse a sweep through other biases than were asked for."""
    bias = next((v for name, v in columns.items() if name.startswith("Bias calc")), None)
    if bias is None:
        raise OutOfStep(f"a spectrum came without 'Bias calc (V)', with {', '.join(columns)}")
    wanted = np.array(asked)
    if bias.shape != wanted.shape:
        raise InstrumentError(
            f"the controller swept {len(bias)} points, {len(wanted)} were asked for"
        )
    off = float(np.abs(bias - wanted).max())
    if not off <= max(RIGHT_BIAS * float(np.abs(wanted).max()), RESOLUTION):
        raise InstrumentError(f"the controller swept other biases than asked for, {off:g} V away")


def _column(
    columns: dict[str, FloatArray], measured: Measured, points: int, is_back: bool
) -> FloatArray:
    """Return a channel as it was measured in time; the way back comes in the order of the bias."""
    there = _named(columns, measured.signal, points)
    if is_back:
        back = _named(columns, backward(measured.signal), points)
        there = np.concatenate([there, back[::-1]])
    return there * measured.scale


def _named(columns: dict[str, FloatArray], name: str, points: int) -> FloatArray:
    if name not in columns:
        raise OutOfStep(f"a spectrum came without {name!r}, with {', '.join(columns)}")
    if columns[name].shape != (points,):
        raise OutOfStep(f"{name!r} came with {columns[name].shape} points, expected {points}")
    return columns[name]


def backward(signal: str) -> str:
    """Return what the column of the way back is named: "Current [bwd] (A)"."""
    return re.sub(r"( \([^()]*\))?$", r" [bwd]\1", signal, count=1)

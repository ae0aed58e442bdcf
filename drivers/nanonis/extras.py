"""What only some microscopes can: force curves, conditioning the tip, changing the feedback."""

import math

import numpy as np

from spm_auto.errors import InstrumentError, LimitExceeded, OutOfStep
from spm_auto.instrument import (
    AcquireForceCurve,
    ConditionTip,
    FloatArray,
    ForceCurve,
    SetFeedback,
)
from spm_auto.wire import nanonis as wire

from .controller import Measured
from .conversation import Conversation, compare
from .settings import DriftSettings, ModulationSettings, NanonisSettings
from .spectroscopy import KEEP, MARGIN, OFF, ON, backward

ABOVE = 0  # of ZSpectr.RetractSet
HOLD, ABSOLUTE = 1, 2  # of Bias.Pulse
POKE_PARTS = 5  # of a poke: down, settle, up, settle, wait


def ramp_bias(talk: Conversation, bias: float, settings: NanonisSettings) -> None:
    """Change the bias in steps and read it back.

    Raises:
        InstrumentError: Another one is there.
        Stopped: Between two steps; the bias stays at the last.
    """
    now: float = talk.do("Bias.Get")["bias"]
    steps = max(1, math.ceil(abs(bias - now) / settings.bias_step - 1e-9))
    for value in np.linspace(now, bias, steps + 1)[1:]:
        talk.action.check()
        talk.do("Bias.Set", bias=float(value))
        talk.clock.wait(settings.bias_pause, talk.action.stop)
    talk.confirm("Bias.", bias=bias)


def set_feedback(talk: Conversation, instruction: SetFeedback, settings: NanonisSettings) -> None:
    """Change bias, set-point and gain, each read back.

    The loop's bandwidth is the integral gain I [m/s] times how steeply the controlled signal
    depends on z. The proportional gain P stays; the time constant is P / I.
    """
    if instruction.gain is not None:
        p, integral = talk.do("ZCtrl.GainGet")["p"], instruction.gain / settings.loop_slope
        if not p > 0:
            raise InstrumentError(f"the z controller has a proportional gain of {p:g}; set one")
        talk.do("ZCtrl.GainSet", p=p, time_const=p / integral, i=integral)
        talk.confirm("ZCtrl.Gain", i=integral)
    if instruction.bias is not None:
        ramp_bias(talk, float(instruction.bias), settings)
    if instruction.setpoint is not None:
        talk.set("ZCtrl.Setpnt", setpoint=float(instruction.setpoint))


def check_feedback(instruction: SetFeedback) -> None:
    """Refuse a gain of zero, which has no time constant.

    Raises:
        LimitExceeded: It is zero.
    """
    if instruction.gain == 0:
        raise LimitExceeded("gain", 0.0, (math.ulp(0.0), math.inf), "1/s", "a time constant")


def condition(talk: Conversation, instruction: ConditionTip, settings: NanonisSettings) -> None:
    """Pulse the bias, or poke the tip into the surface and pull it out again."""
    duration = instruction.duration
    within = MARGIN * 2 * POKE_PARTS * duration + settings.stall_timeout
    if instruction.bias:
        pulse: wire.Values = {
            "width": duration,
            "bias": instruction.bias,
            "z_hold": HOLD,
            "abs_rel": ABSOLUTE,
        }
        talk.do("Bias.Pulse", within=within, wait=1, **pulse)
        return
    poke: wire.Values = {
        "switch_off_delay": duration,
        "change_bias": OFF,
        "bias": 0.0,
        "tip_lift": -instruction.depth,
        "lift_time1": duration,
        "bias_lift": 0.0,
        "bias_settle": duration,
        "lift_height": 2 * instruction.depth,
        "lift_time2": duration,
        "end_wait": duration,
        "restore_fb": ON,
    }
    talk.do("TipShaper.PropsSet", **poke)
    talk.confirm("TipShaper.Props", **{**poke, "change_bias": 0, "restore_fb": 1})
    talk.do("TipShaper.Start", within=within, wait=1, timeout=round(1e3 * within))


def modulate(talk: Conversation, wanted: ModulationSettings) -> None:
    """Switch the lock-in's modulation on, and read it back."""
    settings: tuple[tuple[str, wire.Values], ...] = (
        ("ModAmp", {"amp": wanted.amplitude}),
        ("ModPhasFreq", {"freq": wanted.frequency}),
        ("ModOnOff", {"on": 1}),
    )
    for name, values in settings:
        talk.do(f"LockIn.{name}Set", mod=wanted.modulator, **values)
        said = talk.do(f"LockIn.{name}Get", mod=wanted.modulator)
        compare(f"LockIn.{name}", said, values)


def follow(talk: Conversation, drift: DriftSettings) -> None:
    """Switch drift compensation on, and read it back."""
    velocity: wire.Values = {"vx": drift.x, "vy": drift.y, "vz": drift.z}
    if wire.profile(talk.lines.action.release) == wire.OLD:
        talk.set("Piezo.DriftComp", on=1, **velocity)
        return
    limit: wire.Values = {"sat_limit": drift.saturation}
    talk.do("Piezo.DriftCompSet", state=ON, **velocity, **limit)
    talk.confirm("Piezo.DriftComp", on=1, **velocity, **limit)


def curve_time(instruction: AcquireForceCurve, settings: NanonisSettings) -> float:
    """Return how long a force curve takes [s]."""
    sweep = settings.sweep
    around = sweep.z_averaging + sweep.initial_settling + sweep.end_settling + sweep.z_control
    return 1 / instruction.rate + around


def take_force_curve(
    talk: Conversation,
    settings: NanonisSettings,
    force: Measured,
    instruction: AcquireForceCurve,
) -> ForceCurve:
    """Sweep z towards the sample until the force is reached, and back.

    The sweep begins as far above the surface as the curve is long and ends where the z loop had
    held the tip at the latest; the auto-retract of the controller turns it back at the trigger.
    """
    sweep, points = settings.sweep, instruction.points
    dwell = 0.5 / instruction.rate / points
    talk.do(
        "ZSpectr.PropsSet", backward=ON, points=points, sweeps=1, autosave=OFF, dialog=OFF,
        save_all=OFF,
    )  # fmt: skip
    talk.confirm("ZSpectr.Props", backward=1, points=points, sweeps=1)
    distance = float(instruction.distance)
    talk.set("ZSpectr.Range", z_offset=distance, z_distance=-distance)
    talk.set(
        "ZSpectr.Timing",
        z_avg=sweep.z_averaging,
        init_settle=sweep.initial_settling,
        max_slew=KEEP,
        settle=sweep.settle_share * dwell,
        integrate=(1 - sweep.settle_share) * dwell,
        end_settle=sweep.end_settling,
        z_ctrl_time=sweep.z_control,
    )
    threshold = instruction.trigger / force.scale
    guard: wire.Values = {"threshold": threshold, "signal": force.number}
    talk.do("ZSpectr.RetractSet", enable=ON, compare=ABOVE, **guard)
    talk.confirm("ZSpectr.Retract", enable=1, compare=ABOVE, **guard)
    talk.set("ZSpectr.Chs", channels=(force.number,))
    within = MARGIN * curve_time(instruction, settings) + settings.stall_timeout
    gave = talk.do("ZSpectr.Start", within=within, halt="ZSpectr.Stop", get_data=1, base="")
    talk.action.check()
    columns = dict(zip(gave["names"], gave["data"], strict=False))
    there = _curve(columns, force.signal, points) * force.scale
    again = _curve(columns, backward(force.signal), points) * force.scale
    extension = np.linspace(0.0, distance, points)
    return ForceCurve(0.0, 0.0, extension, (force.channel,), there[None], again[None], 0.0, 0.0)


def _curve(columns: dict[str, FloatArray], name: str, points: int) -> FloatArray:
    if name not in columns:
        raise OutOfStep(f"a force curve came without {name!r}, with {', '.join(columns)}")
    if columns[name].shape != (points,):
        raise InstrumentError(
            f"{name!r} came with {len(columns[name])} of {points} points of a force curve"
        )
    return columns[name]

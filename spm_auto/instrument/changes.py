"""What has changed at an instrument since a run was broken off, in words for whoever resumes it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..units import format as format_quantity
from .exposure import Exposure
from .limits import Limits, NoGoZone
from .protocol import Capabilities, InstrumentState, Status
from .results import Channel

_BIAS_STEP = 2e-3  # [V] by which a bias may be read back otherwise; the exam allows as much
_DIGITS = 6
_WINDOWS = (
    ("x", "x", "m"),
    ("y", "y", "m"),
    ("bias", "the bias", "V"),
    ("stage_x", "the stage's x", "m"),
    ("stage_y", "the stage's y", "m"),
)
_HIGHEST = (
    ("scan_speed", "the scan speed", "m/s"),
    ("spectrum_duration", "the duration of a spectrum", "s"),
    ("bias_step", "the step of the bias", "V"),
    ("bias_slew", "the slew of the bias", "V/s"),
    ("least_bias", "the least bias of the z loop", "V"),
    ("gain", "the gain", "1/s"),
    ("force", "the force", "N"),
    ("depth", "the depth of a poke", "m"),
    ("step", "the step of the probe", "m"),
    ("spectra", "the spectra per load", "1"),
    ("stage_step", "the step of the stage", "m"),
)
_EXPOSURE = (
    ("radius", "the radius of an exposed area", "m"),
    ("bias_time", "the exposure of an area", "V s"),
    ("spectra", "the spectra of an area", "1"),
    ("pulses", "the pulses of an area", "1"),
    ("taps", "the taps of an area", "1"),
)
_NOT_READY = {
    InstrumentState.EMPTY: "the instrument is not loaded",
    InstrumentState.LATCHED: "the instrument is latched after an emergency stop",
    InstrumentState.CLOSED: "the instrument is closed",
    InstrumentState.LOST: "the instrument does not answer",
    InstrumentState.SCANNING: "the instrument is scanning",
    InstrumentState.SPECTROSCOPY: "the instrument is taking a spectrum",
}


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of an instrument from a run that was broken off; what is None is not known.

    Attributes:
        name: Its name.
        image_channels: Channels that were scanned.
        spectrum_channels: Channels of the spectra.
        limits: What was allowed, narrowed to the reach of the instrument.
        position: Where the probe stood at the end (x, y), as read back [m].
        bias: Tip-sample bias at the end [V].
        stage: Where the coarse stage stood at the end (x, y) [m].
    """

    name: str
    image_channels: tuple[Channel, ...] = ()
    spectrum_channels: tuple[Channel, ...] | None = None
    limits: Limits | None = None
    position: tuple[float, float] | None = None
    bias: float | None = None
    stage: tuple[float, float] | None = None


def what_changed(
    before: Remembered, capabilities: Capabilities, status: Status, limits: Limits
) -> tuple[str, ...]:
    """Say what is otherwise than when a run was broken off; nothing is moved.

    Args:
        before: What the run's journal tells.
        capabilities: What the instrument has now.
        status: What it reads back now.
        limits: What is allowed now, narrowed to the reach of the instrument.

    Returns:
        Each difference in one line, the most serious first; none when all is as it was.
    """
    return (
        *_names(before, capabilities),
        *_channels(before, capabilities),
        *(_limits(before.limits, limits) if before.limits else ()),
        *_state(status),
        *_position(before, status, capabilities.position_accuracy),
        *_bias(before, status),
        *_stage(before, status, capabilities.stage_accuracy),
    )


def _names(before: Remembered, capabilities: Capabilities) -> Iterator[str]:
    if capabilities.name != before.name:
        yield f"the instrument is {capabilities.name!r}; the run was made on {before.name!r}"


def _channels(before: Remembered, capabilities: Capabilities) -> Iterator[str]:
    units = {channel.name: channel.unit for channel in capabilities.image_channels}
    for name, unit in ((channel.name, channel.unit) for channel in before.image_channels):
        if name not in units:
            yield f"channel {name!r} was scanned; now there is {', '.join(units)}"
        elif units[name] != unit:
            yield f"channel {name!r} was in {unit!r}, now in {units[name]!r}"
    then, now = before.spectrum_channels, capabilities.spectrum_channels
    if then is not None and then != now:
        yield f"a spectrum had {_listed(then)}, now it has {_listed(now)}"


def _limits(before: Limits, now: Limits) -> Iterator[str]:
    for name, what, unit in _WINDOWS:
        window, other = getattr(before, name), getattr(now, name)
        if window != other:
            yield f"the limits of {what} were {_window(window, unit)}, now {_window(other, unit)}"
    for name, what, unit in _HIGHEST:
        highest, other = getattr(before, name), getattr(now, name)
        if highest != other:
            yield f"the limit of {what} was {_said(highest, unit)}, now {_said(other, unit)}"
    yield from _more_windows(before, now)
    yield from _exposures(before.exposure, now.exposure)
    was, is_now = ({_key(z): z for z in limits.no_go} for limits in (before, now))
    yield from (f"{_zone(is_now[key])} is new" for key in sorted(is_now.keys() - was.keys()))
    yield from (f"{_zone(was[key])} is gone" for key in sorted(was.keys() - is_now.keys()))


def _more_windows(before: Limits, now: Limits) -> Iterator[str]:
    then, other = (limits.setpoint_unit for limits in (before, now))
    if (before.setpoint, then) != (now.setpoint, other):
        was, is_now = _window(before.setpoint, then), _window(now.setpoint, other)
        yield f"the limits of the setpoint were {was}, now {is_now}"
    if before.pulse != now.pulse:
        was, is_now = (
            "those of the bias" if limits.pulse is None else _window(limits.pulse, "V")
            for limits in (before, now)
        )
        yield f"the limits of a pulse were {was}, now {is_now}"


def _exposures(before: Exposure | None, now: Exposure | None) -> Iterator[str]:
    if before is None or now is None:
        if before is not now:
            yield f"a limit of what an area may bear is {'new' if before is None else 'gone'}"
        return
    for name, what, unit in _EXPOSURE:
        then, other = getattr(before, name), getattr(now, name)
        if then != other:
            yield f"the limit of {what} was {_said(then, unit)}, now {_said(other, unit)}"


def _state(status: Status) -> Iterator[str]:
    if status.state in _NOT_READY:
        yield _NOT_READY[status.state]
    if not status.is_engaged:
        yield "the tip is withdrawn"


def _position(before: Remembered, status: Status, accuracy: float) -> Iterator[str]:
    if before.position is None:
        return
    # the ranges are metres at most, so that this is their rounding
    if not math.dist(status.position, before.position) <= accuracy + 1e-15:
        yield (
            f"the probe stands at {_point(*status.position)}; "
            f"when the run ended it stood at {_point(*before.position)}"
        )


def _bias(before: Remembered, status: Status) -> Iterator[str]:
    if before.bias is not None and not abs(status.bias - before.bias) <= _BIAS_STEP:
        then, now = _said(before.bias, "V"), _said(status.bias, "V")
        yield f"the bias is {now}; when the run ended it was {then}"


def _stage(before: Remembered, status: Status, accuracy: float) -> Iterator[str]:
    if before.stage is None:
        return
    if status.stage is None:
        yield f"the stage does not say where it is; the run left it at {_point(*before.stage)}"
    elif not math.dist(status.stage, before.stage) <= accuracy + 1e-12:
        now, then = _point(*status.stage), _point(*before.stage)
        yield f"the stage stands at {now}; the run left it at {then}"


def _listed(channels: Sequence[Channel]) -> str:
    return ", ".join(f"{channel.name} [{channel.unit}]" for channel in channels)


def _window(window: tuple[float, float], unit: str) -> str:
    return f"{_said(window[0], unit)} to {_said(window[1], unit)}"


def _point(x: float, y: float) -> str:
    return f"({_said(x, 'm')}, {_said(y, 'm')})"


def _key(zone: NoGoZone) -> tuple[float, ...]:
    return (zone.x, zone.y, zone.radius, *(zone.stage or ()))


def _zone(zone: NoGoZone) -> str:
    where = "" if zone.stage is None else f" with the stage at {_point(*zone.stage)}"
    return (
        f"a no-go zone of radius {_said(zone.radius, 'm')} around {_point(zone.x, zone.y)}{where}"
    )


def _said(value: float, unit: str) -> str:
    # what is counted has no unit, nor has a set-point that nobody has said anything of
    return f"{value:g}" if unit in ("1", "") else format_quantity(value, unit, _DIGITS)

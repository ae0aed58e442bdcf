"""Faults: what befalls a microscope, asked by it as its instructions go on."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np

from spm_auto.clock import Clock
from spm_auto.errors import ConnectionLost, InstrumentError, NoReply
from spm_auto.instrument import (
    Capabilities,
    Channel,
    FloatArray,
    ForceCurve,
    QualityFlag,
    ScanLine,
    Spectrum,
)
from spm_auto.units import format_duration

from ..path import Path
from ..randomness import RandomStreams
from ..timing import Point
from .dangers import Dangers, DangerState
from .garbling import garbled, garbled_bytes, truncated, truncated_bytes
from .kinds import (
    DroppedConnection,
    FaultSettings,
    Garbage,
    Hang,
    LateReply,
    Rail,
    RailedFeedback,
    SaturatedPreamp,
    StuckAxis,
    TipChange,
    TruncatedReply,
)

Kind = TypeVar("Kind", bound=FaultSettings)


class Faults:
    """The faults of one microscope, asked by it as its instructions go on.

    Args:
        faults: In any order; none makes a microscope that never fails.
        streams: Where garbage comes from.

    Attributes:
        dangers: Those that are about the tip.
    """

    def __init__(
        self, faults: tuple[FaultSettings, ...] = (), streams: RandomStreams | None = None
    ) -> None:
        self._faults = faults
        self._streams = streams or RandomStreams(0)
        self._mended = -1  # number of the last load
        self.dangers = Dangers(faults)

    @property
    def is_loaded(self) -> bool:
        """Whether the microscope was loaded before."""
        return self._mended >= 0

    def check(self, capabilities: Capabilities) -> None:
        """Refuse a fault of a channel that the instrument does not have.

        Raises:
            InstrumentError: With the channels that it has.
        """
        channels = (*capabilities.image_channels, *capabilities.spectrum_channels)
        names = [channel.name for channel in channels]
        for fault in self._faults:
            if isinstance(fault, Rail) and fault.channel and fault.channel not in names:
                known = ", ".join(dict.fromkeys(names))
                raise InstrumentError(
                    f"there is no channel {fault.channel!r} to fail; known: {known}"
                )

    def before(
        self,
        number: int,
        clock: Clock,
        stop: threading.Event,
        loading: bool = False,
        scanning: bool = False,
    ) -> None:
        """Let happen what befalls an instruction as it begins; a stop ends it at once.

        Args:
            number: Of the instruction.
            clock: Where time passes.
            stop: Set when the instruction must end; the caller looks at it afterwards.
            loading: Whether it is a load, which mends what failed earlier.
            scanning: Whether it is a scan, whose faults may wait for their line.

        Raises:
            ConnectionLost: The connection is broken.
            NoReply: It hung, and nobody stopped it.
        """
        if loading:
            self._mended = number
        self.dangers.begin(number, clock.now(), loading, scanning)
        for broken in self._of(DroppedConnection):
            struck = number == broken.action and not (scanning and broken.at is not None)
            if struck or self._mended <= broken.action < number:
                raise ConnectionLost("the connection to the microscope is broken")
        self._pass_time(number, None, clock, stop, scanning)

    def before_line(self, number: int, line: int, clock: Clock, stop: threading.Event) -> None:
        """Let happen what befalls a line of a scan; otherwise as `before`."""
        self.dangers.begin_line(number, line, clock.now())
        for broken in self._of(DroppedConnection):
            if (broken.action, broken.at) == (number, line):
                raise ConnectionLost("the connection to the microscope broke while it was scanning")
        self._pass_time(number, line, clock, stop, scanning=True)

    def of_tip(self, number: int) -> float | None:
        """Return how blunt the tip becomes, in a good one's units; None: it stays."""
        return next((change.blur for change in self._at(number, TipChange)), None)

    def reached(self, number: int, here: Point, target: Point) -> Point:
        """Return where the scanner comes to stand when it is sent from here to a target [m]."""
        x_is_stuck, y_is_stuck = self._is_stuck(number, "x"), self._is_stuck(number, "y")
        return here[0] if x_is_stuck else target[0], here[1] if y_is_stuck else target[1]

    def of_path(self, number: int, path: Path, here: Point) -> Path:
        """Return the path of a line that starts here [m]."""
        if not self._faults:
            return path
        if self._is_stuck(number, "x"):
            path = replace(path, x=np.full_like(path.x, here[0]))
        if self._is_stuck(number, "y"):
            path = replace(path, y=np.full_like(path.y, here[1]))
        return path

    def of_line(self, number: int, line: ScanLine, channels: tuple[Channel, ...]) -> ScanLine:
        """Return what arrives of a line with these channels."""
        if not self._faults:
            return line
        for rail in self._at(number, Rail):
            if line.index >= (rail.at or 0):
                both = (line.forward.copy(), line.backward.copy())
                for data in both:
                    _put_at_rail(data, channels, rail, 0)
                line = replace(line, forward=both[0], backward=both[1])
        if self.dangers.is_stuck():
            both = (line.forward.copy(), line.backward.copy())
            for data in both:
                _put_at_rail(data, channels, RailedFeedback(action=number), 0)
            line = replace(line, forward=both[0], backward=both[1])
        for cut in self._at(number, TruncatedReply):
            if cut.at in (None, line.index):
                kept = truncated(line.forward, cut.keep), truncated(line.backward, cut.keep)
                line = replace(line, forward=kept[0], backward=kept[1])
        for bad in self._at(number, Garbage):
            if bad.at in (None, line.index):
                rng = self._streams.stream("garbage", number, line.index)
                garbage = garbled(line.forward, rng), garbled(line.backward, rng)
                line = replace(line, forward=garbage[0], backward=garbage[1])
        return line

    def of_spectrum(self, number: int, spectrum: Spectrum) -> Spectrum:
        """Return what arrives of a spectrum."""
        if not self._faults:
            return spectrum
        data, flags = spectrum.data, spectrum.flags
        for rail in self._at(number, Rail):
            data = data.copy()
            is_there = _put_at_rail(data, spectrum.channels, rail, rail.at or 0)
            if is_there and isinstance(rail, SaturatedPreamp):
                flags = (*flags, QualityFlag.SATURATED)
        bias = spectrum.bias
        for cut in self._at(number, TruncatedReply):
            data, bias = truncated(data, cut.keep), truncated(bias, cut.keep)
        for _ in self._at(number, Garbage):
            data = garbled(data, self._streams.stream("garbage", number))
        return replace(spectrum, data=data, bias=bias, flags=flags)

    def of_force_curve(self, number: int, curve: ForceCurve) -> ForceCurve:
        """Return what arrives of a force curve."""
        if not self._faults:
            return curve
        approach, retract, extension = curve.approach, curve.retract, curve.extension
        flags = curve.flags
        for rail in self._at(number, Rail):
            approach, retract = approach.copy(), retract.copy()
            is_there = _put_at_rail(approach, curve.channels, rail, rail.at or 0)
            _put_at_rail(retract, curve.channels, rail, rail.at or 0)
            if is_there and isinstance(rail, SaturatedPreamp):
                flags = (*flags, QualityFlag.SATURATED)
        for cut in self._at(number, TruncatedReply):
            approach, retract = truncated(approach, cut.keep), truncated(retract, cut.keep)
            extension = truncated(extension, cut.keep)
        for _ in self._at(number, Garbage):
            rng = self._streams.stream("garbage", number)
            approach, retract = garbled(approach, rng), garbled(retract, rng)
        return replace(curve, approach=approach, retract=retract, extension=extension, flags=flags)

    def of_reply(self, number: int, reply: bytes) -> bytes:
        """Return the bytes that arrive of a reply, for servers that speak a wire protocol."""
        for cut in self._at(number, TruncatedReply):
            reply = truncated_bytes(reply, cut.keep)
        for _ in self._at(number, Garbage):
            reply = garbled_bytes(reply, self._streams.stream("garbage", number))
        return reply

    def snapshot(self) -> DangerState:
        """Return everything changeable; the number of the last load is part of it."""
        return self.dangers.state

    def restore(self, snapshot: DangerState) -> None:
        """Go back to a snapshot."""
        self._mended, self.dangers.state = snapshot.mended, snapshot

    def _of(self, kind: type[Kind]) -> Iterator[Kind]:
        return (fault for fault in self._faults if isinstance(fault, kind))

    def _at(self, number: int, kind: type[Kind]) -> Iterator[Kind]:
        return (fault for fault in self._of(kind) if fault.action == number)

    def _is_stuck(self, number: int, axis: str) -> bool:
        stuck = (fault for fault in self._of(StuckAxis) if fault.axis == axis)
        return any(self._mended <= fault.action <= number for fault in stuck)

    def _pass_time(
        self, number: int, line: int | None, clock: Clock, stop: threading.Event, scanning: bool
    ) -> None:
        for late in self._at(number, LateReply):
            if (late.at if scanning else None) == line:
                clock.wait(late.delay, stop)
        for hang in self._at(number, Hang):
            is_now = (hang.at if scanning else None) == line
            if is_now and not clock.wait(hang.deadline, stop):
                waited = format_duration(hang.deadline)
                raise NoReply(f"the microscope did not answer within {waited}")


def _put_at_rail(data: FloatArray, channels: tuple[Channel, ...], rail: Rail, first: int) -> bool:
    """Put a channel at its rail from a point on, in place; say whether it is among the channels."""
    names = [channel.name for channel in channels]
    if rail.channel and rail.channel not in names:
        return False
    data[names.index(rail.channel) if rail.channel else 0, first:] = rail.rail
    return True

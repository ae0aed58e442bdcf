"""Firmware: the controller's program; it does one thing at a time and hears nothing meanwhile."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from spm_auto.wire import red_panda as wire

from ..service import LOOK_UP, Conversation
from ..wire_faults import WireFaults
from .head import Head
from .port import Port

RAMP_TIME = 0.06  # [s] of the z DAC over its range at each try of an approach
PUSHED = 300  # [counts] that a setting is off when a fault wants it so
LOW_CONTACT = 20000  # [counts]: a contact in the lower half, where closing the loop is a crash


class Firmware:
    """The program and its memory; it stays when a client leaves, as it does when a cable is pulled.

    Args:
        head: What its commands change.
        faults: What goes wrong.
        silence: After which the number reader gives up, on the wall clock [s].
        pass_time: Of one pass of the loop, which is a sample or a step of a motion [s].
        surface_steps: Of the motor from where it stands at first to the sample.
        low_contacts: How many approaches find the sample in the lower half of the z range.

    Attributes:
        heard: The commands that were understood, in order.
    """

    def __init__(
        self,
        head: Head,
        faults: WireFaults,
        silence: float = 1.0,
        pass_time: float = 20e-6,
        surface_steps: int = 20,
        low_contacts: int = 0,
    ) -> None:
        self.head, self.faults = head, faults
        self.silence, self.pass_time = silence, pass_time
        self.heard: deque[str] = deque(maxlen=10000)
        self._surface_steps, self._low_contacts = surface_steps, low_contacts
        self._approach = (0, 0, 0)  # reading to reach, steps each time, where it gives up
        self._swept: list[tuple[int, int]] = []
        self._lock = threading.Lock()

    def serve(self, conversation: Conversation) -> None:
        """Run the main loop as long as a client is there."""
        port = Port(conversation, self.silence)
        with self._lock:
            while True:
                if port.wait(0.0 if self.head.status.is_approaching else LOOK_UP):
                    letters = bytes(port.read() & 0xFF for _ in range(wire.NAME_LENGTH))
                    self._command(letters.decode("latin-1"), port, conversation)
                if self.head.status.is_approaching:
                    self._try(conversation)

    def _command(self, name: str, port: Port, conversation: Conversation) -> None:
        if name not in wire.ARGUMENTS:
            return
        read = port.decimal if name == "PIDS" else port.number
        values = [read() for _ in range(wire.ARGUMENTS[name])]
        whole = [int(value) for value in values]
        self.heard.append(" ".join([name, *map(str, whole)]))
        if self.faults.strike(name, "meddled"):
            self.head.set(
                bias=self.head.status.bias + 2 * PUSHED, x=self.head.status.x + 2 * PUSHED
            )
        if whole and name not in ("PIDS", "IVME") and self.faults.strike(name, "coerced"):
            whole[0] += PUSHED
        match name:
            case "GSTS":
                self._answer(conversation, name, self.head.now().encode())
            case "ADCR":
                # its loop has gone round often since the last command
                self.head.readings.extend([self.head.sample()] * wire.AVERAGED)
                self._answer(conversation, name, str(self.head.mean()))
            case "BIAS":
                self.head.set(bias=whole[0])
            case "DACX":
                self.head.set(x=whole[0])
            case "DACY":
                self.head.set(y=whole[0])
            case "DACZ":
                self.head.set_z(whole[0])
            case "MTMV":
                self.head.turn(whole[0])
            case "APRH":
                self._approach = whole[0], whole[1], self.head.status.steps + wire.MOST_STEPS
                self.head.status = replace(self.head.status, is_approaching=True)
            case "CCON":
                self.head.close_loop(whole[0])
            case "CCOF":
                self.head.open_loop()
            case "PIDS":
                self.head.gains = values[0], values[1]
            case "IVME":
                self._sweep(*whole)
            case "IVGE":
                pairs = tuple(number for pair in self._swept for number in pair)
                self._answer(conversation, name, wire.Row("IV", 0, pairs).encode())
            case "SCST":
                self._scan(conversation, *whole)
            case "STOP":
                self.head.open_loop()
                self.head.status = replace(self.head.status, is_approaching=False)
            case "RSET":
                self.head.open_loop()
                self.head.set_z(0)
                self.head.status = wire.Status(time=self.head.status.time)

    def _answer(self, conversation: Conversation, name: str, line: str) -> None:
        conversation.reply(line.encode("ascii") + wire.END, name)

    def _try(self, conversation: Conversation) -> None:
        """Make one step towards the sample, then look for it with the z DAC."""
        target, steps, last = self._approach
        if self.head.status.steps >= last:
            self.head.status = replace(self.head.status, is_approaching=False)
            return
        self.head.turn(steps)
        with self.head.lasting(RAMP_TIME):
            if self.head.status.steps < self._surface_steps:
                self.head.status = replace(self.head.status, z=wire.Z_RANGE[1])
                return
            if self.head.status.bias <= wire.MIDDLE:
                self.head.crash("an approach with a current that is not positive")
                return
        self._low_contacts, is_low = max(self._low_contacts - 1, 0), self._low_contacts > 0
        self.head.junction.engage(self.head.status.x, self.head.status.y)
        surface = LOW_CONTACT if is_low else self.head.junction.held()[0]
        self.head.surface = surface
        self.head.readings.extend([target + 1] * wire.AVERAGED)
        self.head.junction.station.switch_feedback(on=False)
        self.head.status = replace(
            self.head.status, z=surface, adc=target + 1, is_approaching=False
        )
        conversation.send(f"{wire.APPROACHED}\r\n{target + 1}\r\n".encode("ascii"))

    def _sweep(self, start: int, end: int, step: int) -> None:
        self._swept, bias = [], start
        with self.head.lasting(self.pass_time * len(range(start, end, step or 1))):
            while bias < end and len(self._swept) < wire.MOST_BIASES:
                self.head.sample(bias)
                self._swept.append((bias, self.head.mean()))
                bias += step
        if self.head.is_held:
            with self.head.junction.tolerant():
                self.head.junction.station.switch_feedback(on=True)

    def _scan(
        self,
        conversation: Conversation,
        x_start: int,
        x_end: int,
        columns: int,
        y_start: int,
        y_end: int,
        rows: int,
        samples: int,
    ) -> None:
        if min(columns, rows, samples) < 1 or rows > wire.MOST_PIXELS:
            return  # the real one would overrun its memory
        is_line = columns * rows > 1 and self.head.is_held
        self._go(x_start, y_start, is_line)
        xs = wire.steps(x_start, x_end, columns)
        step = (y_end - y_start) / rows
        ys = [y_start + step * (row + (samples - 1) / (2 * samples)) for row in range(rows)]
        way = 2 * rows * samples * self.pass_time
        if rows == 1:
            with self.head.lasting(columns * way):
                pairs = self._measured(xs, [float(y_start)] * columns, columns * way)
            for index, pair in enumerate(pairs):
                self._send_line(conversation, index, [pair])
        else:
            for index, x in enumerate(xs):
                with self.head.lasting(way):
                    pairs = self._measured([x] * rows, ys, way / 2)
                self._send_line(conversation, index, pairs)
        self.head.status = replace(self.head.status, x=xs[-1], y=y_start)
        if self.faults.strike("SCST", "stuck"):
            while True:
                conversation.some()
        with self.head.junction.tolerant():
            if self.head.surface is not None:
                self.head.junction.move(xs[-1], y_start)
        self._answer(conversation, "SCST", wire.DONE)

    def _measured(
        self, x: Sequence[float], y: Sequence[float], duration: float
    ) -> list[tuple[int, int]]:
        """Return error or current, and z of each point along a line."""
        if not self.head.is_held:
            adc = self.head.sample() if self.head.surface is not None else 0
            return [(adc, self.head.status.z)] * len(x)
        z, current = [self.head.status.z] * len(x), [self.head.status.adc] * len(x)
        with self.head.junction.tolerant():
            z, current = self.head.junction.line(x, y, duration)
        target = wire.log_of(self.head.target)
        self.head.status = replace(self.head.status, z=z[-1], adc=current[-1])
        self.head.surface = z[-1]
        return [(int(target - wire.log_of(c)), h) for h, c in zip(z, current, strict=True)]

    def _send_line(
        self, conversation: Conversation, index: int, pairs: list[tuple[int, int]]
    ) -> None:
        errors, heights = zip(*pairs, strict=True)
        self._answer(conversation, "SCST", wire.Row("A", index, errors).encode())
        self._answer(conversation, "SCST", wire.Row("Z", index, heights).encode())

    def _go(self, x: int, y: int, is_line: bool) -> None:
        """Move count by count to the start of a scan; a line takes the tip there itself."""
        way = abs(x - self.head.status.x) + abs(y - self.head.status.y)
        with self.head.lasting(way * self.pass_time):
            if is_line:
                self.head.status = replace(self.head.status, x=x, y=y)
            else:
                self.head.set(x=x, y=y)

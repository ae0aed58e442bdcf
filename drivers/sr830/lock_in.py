"""LockIn: an SR830 that measures dI/dV beside a microscope which moves tip and bias."""

import math
import threading
from dataclasses import dataclass

from spm_auto.errors import InstrumentError, OutOfStep
from spm_auto.wire import sr830 as wire

from ..transport import Connection, Link, Talk, open_serial
from .settings import LockInSettings

SAME = 1e-3  # share by which a setting may read back otherwise: the device rounds to its digits


@dataclass(frozen=True, slots=True)
class Demodulated:
    """What the lock-in showed at one moment.

    Attributes:
        in_phase: dI/dV [S].
        quadrature: The same of the other phase [S].
        is_overloaded: Whether input, filter or output were at their end since the last look.
    """

    in_phase: float
    quadrature: float
    is_overloaded: bool


class LockIn:
    """A lock-in amplifier at a serial line. Nothing is acknowledged: each setting is read back.

    Args:
        settings: How it is reached, set and wired.
    """

    def __init__(self, settings: LockInSettings) -> None:
        self.settings = settings

        def opened() -> Link:
            return open_serial(
                settings.port, settings.baudrate, settings.record, rtscts=settings.rtscts
            )

        self._line = Connection(
            f"SR830 at {settings.port}",
            opened,
            self._greet,
            timeout=settings.reply_timeout,
        )

    def ready(self) -> None:
        """Set it as the lab file says, and read back that it is so.

        Raises:
            InstrumentError: It does not answer, or keeps a setting otherwise.
        """
        settings = self.settings
        wanted = {
            "FMOD": 1.0,
            "HARM": 1.0,
            "FREQ": settings.frequency,
            "PHAS": math.degrees(settings.phase),
            "SLVL": settings.sine,
            "OFLT": float(wire.nearest_above(settings.time_constant, wire.TIME_CONSTANTS)),
            "OFSL": float(wire.SLOPES.index(settings.slope)),
            "SENS": float(wire.nearest_above(settings.sensitivity, wire.SENSITIVITIES)),
        }
        with self._line.talk(settings.reply_timeout) as talk:
            for word, value in wanted.items():
                self._tell(talk, word, value)
                (shown,) = self._ask(talk, word, 1)
                if abs(shown - value) > SAME * max(abs(value), 1.0):
                    raise InstrumentError(
                        f"{self._line.name}: {word} was set to {value:g} and reads back {shown:g}"
                    )
            self._ask(talk, "LIAS", 1)  # what was overloaded before is not ours

    def read(self) -> Demodulated:
        """Read dI/dV, and whether it can be trusted; the caller has waited.

        Raises:
            InstrumentError: It does not answer, or has lost its reference.
        """
        with self._line.talk(self.settings.reply_timeout) as talk:
            self._ask(talk, "LIAS", 1)  # what the step of the bias has overloaded is over
            x, y = self._ask(talk, "SNAP", 2, wire.SNAPPED["x"], wire.SNAPPED["y"])
            (number,) = self._ask(talk, "LIAS", 1)
        flags = int(number)
        if flags & wire.UNLOCKED:
            raise InstrumentError(f"{self._line.name} has lost its reference")
        volts = self.settings.modulation * self.settings.gain
        return Demodulated(x / volts, y / volts, bool(flags & wire.OVERLOADS))

    def close(self) -> None:
        """Let go of the line; safe to call twice."""
        self._line.close()

    def _greet(self, talk: Talk) -> None:
        """Drop what is left from before, direct answers to this line, and see who is there."""
        talk.link.send(wire.END, talk.patience)
        talk.link.drain(self.settings.pause)
        self._tell(talk, "OUTX", 0)
        talk.link.send(wire.command("*IDN?"), talk.patience)
        name = talk.link.receive_until(wire.END, talk.patience).decode("ascii", "replace")
        if wire.MODEL not in name:
            raise OutOfStep(f"{self._line.name} is to be an {wire.MODEL}, got {name.strip()!r}")

    def _tell(self, talk: Talk, word: str, value: float) -> None:
        talk.link.send(wire.command(word, value), talk.patience)
        if self.settings.pause:
            threading.Event().wait(self.settings.pause)

    def _ask(self, talk: Talk, word: str, count: int, *values: float) -> tuple[float, ...]:
        extra = talk.link.drain()
        if extra:
            raise OutOfStep(f"{self._line.name} said {extra[:60]!r} and was not asked")
        talk.link.send(wire.command(f"{word}?", *values), talk.patience)
        said = talk.link.receive_until(wire.END, talk.patience)
        return wire.parse_numbers(said.decode("ascii", "replace"), count)

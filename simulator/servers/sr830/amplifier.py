"""Amplifier: an emulated SR830 that measures the slope of a simulated junction's current."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from spm_auto.clock import Clock
from spm_auto.wire import sr830 as wire

# what can be set: word, value after power-on, lowest and highest; whole numbers where they are
SETTINGS: dict[str, tuple[float, float, float]] = {
    "FMOD": (1, 0, 1), "FREQ": (1000.0, 1e-3, 102e3), "PHAS": (0.0, -360.0, 729.99),
    "SLVL": (1.0, 4e-3, 5.0), "HARM": (1, 1, 19999), "RSLP": (0, 0, 2), "ISRC": (0, 0, 3),
    "IGND": (0, 0, 1), "ICPL": (0, 0, 1), "ILIN": (0, 0, 3), "SENS": (26, 0, 26),
    "RMOD": (1, 0, 2), "OFLT": (10, 0, 19), "OFSL": (1, 0, 3), "SYNC": (0, 0, 1),
    "SRAT": (4, 0, 14), "SEND": (1, 0, 1), "TSTR": (0, 0, 1), "OUTX": (1, 0, 1), "FAST": (0, 0, 2),
    "KCLK": (1, 0, 1), "ALRM": (1, 0, 1), "OVRM": (1, 0, 1),
}  # fmt: skip
DECIMAL = ("FREQ", "PHAS", "SLVL")
INDEXED: dict[str, tuple[int, tuple[float, ...]]] = {  # settings of each of so many channels
    "AUXV": (4, (0.0,)), "DDEF": (2, (0, 0)), "OEXP": (3, (0.0, 0)), "LIAE": (8, (0,)),
}  # fmt: skip
PLAIN = ("AGAN", "ARSV", "APHS", "*CLS", "*RST", "STRT", "STRD", "PAUS", "REST", "TRIG", "LOCL")
OVER = 1.09  # of full scale, where the output is at its end
BEEP = 2 + 32  # *ESR bit 5: a command that it does not know


@dataclass(frozen=True, slots=True)
class Wiring:
    """How the amplifier is joined to the junction.

    Attributes:
        divider: Of its sine on the way to the bias: volts of the output per volt at the junction.
        gain: Of the preamplifier [V/A].
        phase: By which the current lags behind the sine [rad].
    """

    divider: float = 100.0
    gain: float = 100e6
    phase: float = 0.0


class Amplifier:
    """Settings and signal of a lock-in; one client after the other asks it.

    Args:
        slope: Returns dI/dV of the junction now [S].
        clock: Instrument time.
        wiring: Between junction and amplifier.
    """

    def __init__(self, slope: Callable[[], float], clock: Clock, wiring: Wiring) -> None:
        self._slope, self._clock, self._wiring = slope, clock, wiring
        self._lock = threading.Lock()
        self._since = clock.now()
        self._output = (0.0, 0.0)
        self._flags = 0
        self._errors = 0
        self._memory: dict[int, dict[str, float]] = {}
        self._reset()

    def answer(self, line: str) -> list[tuple[str, str]]:
        """Carry out a line of commands; returns word and answer of each query."""
        with self._lock:
            answers = []
            for request in wire.parse_requests(line):
                said = None if request is None else self._carry_out(request)
                if request is None or (said is None and not self._is_done):
                    self._errors |= BEEP
                elif said is not None:
                    answers.append((request.word, said))
            return answers

    def _reset(self) -> None:
        self._set = {word: value for word, (value, _, _) in SETTINGS.items()}
        self._channels = {
            (word, n): values
            for word, (count, values) in INDEXED.items()
            for n in range(1, count + 1)
        }
        self._is_done = True

    def _carry_out(self, request: wire.Request) -> str | None:
        """Do what is asked; `_is_done` says whether it was understood."""
        word, values = request.word, request.values
        self._is_done = True
        if request.is_query:
            said = self._query(word, values)
            self._is_done = said is not None
            return said
        if word in SETTINGS and len(values) == 1:
            self._is_done = self._change(word, values[0])
        elif word in INDEXED and len(values) == 1 + len(INDEXED[word][1]):
            key = (word, int(values[0]))
            is_expanded = word != "OEXP" or values[2] in (0, 1, 2)
            self._is_done = key in self._channels and is_expanded
            if self._is_done:
                self._channels[key] = values[1:]
        elif word in ("SSET", "RSET") and len(values) == 1:
            self._remember(word, int(values[0]))
        elif word == "AOFF" and len(values) == 1 and values[0] in (1, 2, 3):
            self._offset(int(values[0]))
        else:
            self._is_done = word in PLAIN and not values
            self._plain(word)
        return None

    def _plain(self, word: str) -> None:
        x, y = self._signal()
        magnitude = math.hypot(x, y)
        match word:
            case "*RST":
                self._reset()
            case "*CLS":
                self._flags = self._errors = 0
            case "APHS":
                self._set["PHAS"] += math.degrees(math.atan2(y, x))
                self._settle()
            case "AGAN":
                self._set["SENS"] = wire.nearest_above(1.15 * magnitude, wire.SENSITIVITIES)

    def _change(self, word: str, value: float) -> bool:
        _, low, high = SETTINGS[word]
        if word not in DECIMAL:
            value = int(value)
        if not low <= value <= high:
            return False
        self._signal()  # what the filter shows until now goes on from here
        self._set[word] = value
        return True

    def _query(self, word: str, values: tuple[float, ...]) -> str | None:
        index = int(values[0]) if values else 0
        if word in SETTINGS and not values:
            value = self._set[word]
            return f"{value:g}" if word in DECIMAL else str(int(value))
        if word in INDEXED and (word, index) in self._channels:
            return ",".join(f"{value:g}" for value in self._channels[word, index])
        match word:
            case "*IDN":
                return f"{wire.MAKER},{wire.MODEL},s/n00001,ver1.07"
            case "OUTP" if 1 <= index <= 4:
                return f"{self._shown()[index]:g}"
            case "OUTR" if index in (1, 2):
                return f"{self._shown()[9 + index]:g}"
            case "OAUX" if 1 <= index <= 4:
                return f"{self._shown()[4 + index]:g}"
            case "SNAP" if 2 <= len(values) <= 6:
                shown = self._shown()
                if all(int(value) in shown for value in values):
                    return ",".join(f"{shown[int(value)]:g}" for value in values)
            case "LIAS":
                flags, self._flags = self._flags | self._overload(), 0
                return str(flags >> index & 1 if values else flags)
            case "*ESR":
                errors, self._errors = self._errors, 0
                return str(errors)
            case "*STB":
                return str(2 + (8 if self._flags else 0) + (32 if self._errors else 0))
            case "ERRS":
                return "0"
            case "SPTS":
                return "0"
        return None

    def _shown(self) -> dict[int, float]:
        """Return what SNAP can ask for, by its number."""
        x, y = self._signal()
        self._flags |= self._overload()
        full = wire.SENSITIVITIES[int(self._set["SENS"])] * OVER
        x, y = (max(-full, min(full, value)) for value in (x, y))
        aux = {4 + n: 0.0 for n in range(1, 5)}
        magnitude, angle = math.hypot(x, y), math.degrees(math.atan2(y, x))
        values = {1: x, 2: y, 3: magnitude, 4: angle, **aux, 9: self._set["FREQ"]}
        first, second = self._channels["DDEF", 1][0], self._channels["DDEF", 2][0]
        return {**values, 10: magnitude if first == 1 else x, 11: angle if second == 1 else y}

    def _signal(self) -> tuple[float, float]:
        """Return X and Y [V], as the low-pass lets them through after the last look."""
        from scipy.special import gammaincc

        wiring, now = self._wiring, self._clock.now()
        modulation = self._set["SLVL"] / wiring.divider
        magnitude = self._slope() * modulation * wiring.gain if self._set["HARM"] == 1 else 0.0
        angle = -wiring.phase - math.radians(self._set["PHAS"])
        target = magnitude * math.cos(angle), magnitude * math.sin(angle)
        constants = (now - self._since) / wire.TIME_CONSTANTS[int(self._set["OFLT"])]
        rest = float(gammaincc(int(self._set["OFSL"]) + 1, constants))
        x, y = (new + rest * (old - new) for old, new in zip(self._output, target, strict=True))
        self._output, self._since = (x, y), now
        return x, y

    def _settle(self) -> None:
        self._since = -math.inf
        self._signal()

    def _overload(self) -> int:
        full = wire.SENSITIVITIES[int(self._set["SENS"])] * OVER
        return 4 if math.hypot(*self._output) > full else 0

    def _offset(self, channel: int) -> None:
        x, y = self._signal()
        value = (x, y, math.hypot(x, y))[channel - 1]
        full = wire.SENSITIVITIES[int(self._set["SENS"])]
        self._channels["OEXP", channel] = (100 * value / full, self._channels["OEXP", channel][1])

    def _remember(self, word: str, number: int) -> None:
        if word == "SSET":
            self._memory[number] = dict(self._set)
        elif number in self._memory:
            self._set = dict(self._memory[number])

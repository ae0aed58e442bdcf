"""A Nanonis controller as a script: it remembers what is set and answers as it is told to.

There are no sockets and no simulation in it; what a driver says is kept, with the port it came by.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from spm_auto.drivers.nanonis.line import Line, Lines
from spm_auto.drivers.transport import Link, Patience
from spm_auto.errors import ConnectionLost
from spm_auto.wire import nanonis as wire

NAMES = ("Current (A)", "Z (m)", "Bias (V)", "LI Demod 1 X (A)", "Lateral phase (deg)")
SIGNALS = (*NAMES, *(f"Input {n} (V)" for n in range(6, 129)))
SLOTS = (1, 0, 3)
FLAGS = {"continuous": 2, "bouncy": 2, "save_all": 2, "backward": 2, "autosave": 2, "dialog": 2}
FLAGS |= {"reset_bias": 2, "z_hold": 2, "record_z": 2, "lockin_run": 2, "change_bias": 2}
Answer = Callable[[dict[str, Any]], dict[str, Any] | bytes | str | None]


class FakeController:
    """Answers; whatever is set can be read back, and what was never set is zero.

    Attributes:
        heard: Role of the connection, command and values of each request.
        answers: What to answer instead: values, raw bytes, an error's text, or None for silence.
        refuses: Roles whose connections cannot be opened.
    """

    def __init__(self, release: int = wire.NEW) -> None:
        self.release = release
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        self.refuses: set[str] = set()
        self.memory: dict[str, dict[str, Any]] = {"ZCtrl.Limits": {"high": 1e-7, "low": -1e-7}}
        self.status = 1
        self.opened: list[str] = []
        self.answers: dict[str, Answer] = {
            "Util.VersionGet": lambda _: {
                "product": "Nanonis", "version": "fake", "host_release": release, "rt_release": 0
            },
            "Signals.NamesGet": lambda _: {"names": SIGNALS},
            "Signals.InSlotsGet": lambda _: {"names": NAMES[:4], "indexes": SLOTS},
            "Signals.RangeGet": lambda _: {"max": 10.0, "min": -10.0},
            "Piezo.RangeGet": lambda _: {"x": 2e-6, "y": 1e-6, "z": 2e-7},
            "ZCtrl.StatusGet": lambda _: {"status": self.status},
            "ZCtrl.OnOffGet": lambda _: {"on": int(self.status == 2)},
            "AutoApproach.OnOffSet": self._approach,
            "ZCtrl.Withdraw": self._withdraw,
            "FolMe.XYPosGet": lambda _: {"x": 0.0, "y": 0.0, **self.memory.get("FolMe.XYPos", {})},
            "BiasSpectr.Start": lambda _: spectrum(self),
        }  # fmt: skip

    def lines(self, timeout: float = 0.3) -> Lines:
        """Return connections to it."""
        roles = ("action", "supervision", "stop")
        return Lines(
            *(Line(role, lambda role=role: self._open(role), timeout, 1) for role in roles)
        )

    def commands(self, role: str = "") -> list[str]:
        """Return the commands heard, those of one connection or all."""
        return [command for by, command, _ in self.heard if role in ("", by)]

    def last(self, command: str) -> dict[str, Any]:
        """Return the values of the latest such request."""
        return [values for _, said, values in self.heard if said == command][-1]

    def answer(self, role: str, header: wire.Header, body: bytes) -> bytes:
        """Return the reply to a request, as bytes."""
        request = wire.decode_request(header, body, self.release)
        if request.command is None:
            return wire.encode_reply(header.name, error="no such command", release=self.release)
        name = request.command.name
        self.heard.append((role, name, request.values))
        special = self.answers.get(name)
        if special is None:
            values = self._usual(request)
        else:
            said = special(request.values)
            if said is None:
                return b""
            if isinstance(said, bytes):
                return said
            if isinstance(said, str):
                return wire.encode_reply(header.name, error=said, release=self.release)
            values = said
        known = {field.name for field in request.command.reply}
        kept = {name: value for name, value in values.items() if name in known}
        return wire.encode_reply(header.name, kept, release=self.release)

    def _usual(self, request: wire.Request) -> dict[str, Any]:
        command = request.command
        assert command is not None
        name = command.name[:-3]
        if command.name.endswith("Set"):
            is_scan = name in ("Scan.Props", "BiasSpectr.Props", "BiasSpectr.AdvProps")
            self.memory[name] = {
                key: int(value == 1) if key in FLAGS and is_scan else value
                for key, value in request.values.items()
            }
        zeros = {field.name: _zero(field.kind) for field in command.reply}
        return zeros | self.memory.get(name, {})

    def _approach(self, values: dict[str, Any]) -> dict[str, Any]:
        self.status = 2 if values["run"] else self.status
        return {}

    def _withdraw(self, _: dict[str, Any]) -> dict[str, Any]:
        self.status = 1
        return {}

    def _open(self, role: str) -> Link:
        if role in self.refuses:
            raise ConnectionLost(f"{role} is not there")
        self.opened.append(role)
        return FakeLink(self, role)


class FakeLink(Link):
    """A connection to it, without a wire."""

    def __init__(self, controller: FakeController, role: str) -> None:
        super().__init__(role)
        self._controller, self._role = controller, role
        self._sent = self._came = b""
        self.is_open = True

    def send(self, data: bytes, patience: Patience) -> None:
        """Hear it, and answer each whole request."""
        self._sent += data
        while len(self._sent) >= wire.HEADER:
            header = wire.read_header(self._sent)
            size = wire.HEADER + header.size
            body = self._sent[wire.HEADER : size]
            self._sent = self._sent[size:]
            self._came += self._controller.answer(self._role, header, body)

    def _some(self, wait: float) -> bytes:
        came, self._came = self._came, b""
        if not came:
            time.sleep(min(wait, 1e-3))
        return came

    def close(self) -> None:
        """Forget what has come."""
        self._came = b""
        self.is_open = False


class ScriptedScan:
    """A scan whose lines come one with each look at its status.

    Args:
        controller: Over which it is seen.
        lines: How many there are.
        pixels: On a line.
        until: How many come before it stops.
        goes_on: Whether it still says that it runs then.
    """

    def __init__(
        self,
        controller: FakeController,
        lines: int = 4,
        pixels: int = 16,
        until: int | None = None,
        goes_on: bool = False,
    ) -> None:
        self.lines, self.pixels = lines, pixels
        self.until = lines if until is None else until
        self.goes_on, self.done, self.is_running = goes_on, 0, False
        self.is_old = controller.release == wire.OLD
        controller.answers["Scan.Action"] = self._action
        controller.answers["Scan.StatusGet"] = self._status
        controller.answers["Scan.WaitEndOfLine"] = lambda _: {
            "timed_out": 0, "line": self.done, "movement": 1, "pass": 1
        }  # fmt: skip
        controller.answers["Scan.FrameDataGrab"] = self._grab

    def _action(self, values: dict[str, Any]) -> dict[str, Any]:
        self.is_running = values["action"] == 0
        if self.is_running:
            self.done = 0
        else:
            self.goes_on = False
        return {}

    def _status(self, _: dict[str, Any]) -> dict[str, Any]:
        if self.is_running and self.done < self.until:
            self.done += 1
        elif not self.goes_on:
            self.is_running = False
        return {"running": int(self.is_running)}

    def _grab(self, values: dict[str, Any]) -> dict[str, Any]:
        line, pixel = np.mgrid[: self.lines, : self.pixels]
        image = 1000.0 * values["channel"] + 100.0 * (not values["forward"]) + line + pixel / 64
        image[self.done :] = np.nan
        number = values["channel"]
        name = SIGNALS[SLOTS[number] if self.is_old else number]
        return {"name": name, "data": image[::-1], "direction": 1}  # row 0 is the upper edge


def spectrum(controller: FakeController) -> dict[str, Any]:
    """Return what a real sweep of the present settings gives: channel k is k plus the bias."""
    memory = controller.memory
    props, channels = memory["BiasSpectr.Props"], memory["BiasSpectr.Chs"]["channels"]
    if memory["BiasSpectr.MLSMode"]["mode"] == "MLS":
        pieces = memory["BiasSpectr.MLSVals"]
        ends = zip(pieces["bias_start"], pieces["bias_end"], pieces["steps"], strict=True)
        bias = np.concatenate([np.linspace(*piece) for piece in ends])
    else:
        limits = memory["BiasSpectr.Limits"]
        bias = np.linspace(limits["start"], limits["end"], props["points"])
    columns = {"Bias calc (V)": bias}
    for back in range(1 + props["backward"]):
        for channel in channels:
            name = SIGNALS[channel].replace(" (", " [bwd] (" if back else " (")
            columns[name] = 10.0 * channel + bias + 100.0 * back
    data = np.array(list(columns.values()))
    return {"names": tuple(columns), "data": data, "params": np.zeros(0)}


def _zero(kind: str) -> Any:
    if kind in ("H", "h", "I", "i", "f", "d"):
        return 0
    return "" if kind == "str" else np.zeros((0, 0)) if kind == "mat" else ()

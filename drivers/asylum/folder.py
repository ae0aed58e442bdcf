"""FolderIgor: command files that Igor opens, and readouts that it saves.

Igor confirms nothing by itself, and may execute a file late, or never while a dialog is open. So
each exchange has a number of its own: in the names of its two files, and in front of and behind the
values of the readout. A readout counts when both numbers are there. A command file that was not
confirmed in time is deleted, so that it cannot be executed later.
"""

import contextlib
import secrets
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath, PureWindowsPath

from spm_auto.errors import ConnectionLost, NoReply, OutOfStep
from spm_auto.wire.igor import Call, command_file, parse_readout

from ..transport import SLICE, Patience, TcpLink
from .igor import Igor, Recording

Check = Callable[[], None]
Tell = Callable[[Path, Patience], Check]  # tells Igor of a file; returns what to look at meanwhile

FIRST_PAUSE = 1e-3  # [s] before the second look at the folder
GROWTH = 1.5
NONCES = 10**6


class FolderIgor(Igor):
    """Igor, told by files.

    Args:
        folder: Of the exchange, as this computer sees it.
        tell: Tells Igor that there is a file to be opened.
        seen_as: The same folder as Igor sees it, with backslashes; empty for the same.
        recording: Of the wire.
    """

    def __init__(
        self, folder: Path, tell: Tell, seen_as: str = "", recording: Recording | None = None
    ) -> None:
        self._folder = folder
        self._tell = tell
        self._seen_as: PurePath = PureWindowsPath(seen_as) if seen_as else folder
        self._recording = recording or Recording(None)
        self._lock = threading.Lock()
        self._nonce = secrets.randbelow(NONCES)

    def exchange(
        self, actions: Sequence[Call], questions: Sequence[Call], patience: Patience
    ) -> tuple[float, ...]:
        """Write a command file, have it opened, and wait for its own readout."""
        nonce = self._next()
        command = self._folder / f"ask_{nonce:06d}.arcmd"
        readout = self._folder / f"readout_{nonce:06d}.txt"
        scratch = readout.with_suffix(".tmp")
        for old in (readout, scratch):
            _remove(old)
        text = command_file(
            actions,
            questions,
            nonce,
            str(self._seen_as / scratch.name),
            str(self._seen_as / readout.name),
        )
        self._recording.note(">", text.encode())
        try:
            self._write(command, text)
            check = self._tell(command, patience)
            return self._answer(readout, nonce, len(questions), check, patience)
        finally:
            for used in (command, readout, scratch):
                _remove(used)

    def aside(self) -> Igor:
        """Return itself: exchanges have files of their own and do not wait for one another."""
        return self

    def close(self) -> None:
        """Close the recording; there is nothing else to let go of."""
        self._recording.close()

    def _next(self) -> int:
        with self._lock:
            self._nonce = (self._nonce + 1) % NONCES
            return self._nonce

    def _write(self, command: Path, text: str) -> None:
        unfinished = command.with_suffix(".new")
        try:
            unfinished.write_text(text, encoding="utf-8", newline="\n")
            unfinished.replace(command)
        except OSError as error:
            raise ConnectionLost(
                f"{command} cannot be written, so that Igor can be told nothing: {error}"
            ) from error

    def _answer(
        self, readout: Path, nonce: int, count: int, check: Check, patience: Patience
    ) -> tuple[float, ...]:
        pause, found = FIRST_PAUSE, b""
        while True:
            # not there yet, or locked by whoever writes it
            with contextlib.suppress(OSError):
                found = readout.read_bytes()
                values = _values(found, nonce, count)
                if values is not None:
                    self._recording.note("<", found)
                    return values
            check()
            try:
                patience.check(f"Igor has not confirmed command {nonce}; is a dialog open?")
            except NoReply as error:
                if not found:
                    raise
                self._recording.note("<", found)
                raise OutOfStep(
                    f"Igor left a readout of {len(found)} bytes that does not answer command "
                    f"{nonce}: expected {count + 2} numbers, the first and last {nonce}"
                ) from error
            threading.Event().wait(min(pause, patience.slice()))
            pause = min(pause * GROWTH, SLICE)


class Program:
    """Starts a program with the file, which hands it to the running Igor.

    The program is never ended from here: where no Igor ran before, it is Igor itself.

    Args:
        command: The program and what comes before the file's path.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._running: list[subprocess.Popen[bytes]] = []

    def __call__(self, file: Path, patience: Patience) -> Check:  # noqa: ARG002  starts at once
        """Start it, and return what says whether it failed.

        Raises:
            ConnectionLost: It cannot be started.
        """
        self._running = [child for child in self._running if child.poll() is None]
        try:
            child = subprocess.Popen(
                [*self._command, str(file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise ConnectionLost(f"{self._command[0]} cannot be started: {error}") from error
        self._running.append(child)

        def check() -> None:
            if child.poll():
                raise ConnectionLost(
                    f"{self._command[0]} ended with exit code {child.returncode}; "
                    f"expected 0 for a file that Igor was told of"
                )

        return check


class Listener:
    """Tells the file's path to whoever listens on a port, who has it opened.

    Args:
        host: Where.
        port: Number.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    def __call__(self, file: Path, patience: Patience) -> Check:
        """Tell it, and wait for the word that it was understood.

        Raises:
            ConnectionLost: Nobody listens there.
        """
        link = TcpLink(self._host, self._port)
        try:
            link.send(f"{file}\n".encode(), patience)
            link.receive_until(b"\n", patience)
        finally:
            link.close()
        return lambda: None


def _values(content: bytes, nonce: int, count: int) -> tuple[float, ...] | None:
    """Return the answers of a readout that is complete and answers this question."""
    try:
        first, *values, last = parse_readout(content)
    except ValueError:
        return None
    return tuple(values) if first == last == nonce and len(values) == count else None


def _remove(path: Path) -> None:
    """Remove a file; one that somebody holds open stays, and its number does not come again."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)

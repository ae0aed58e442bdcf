"""FolderServer: the door by which a path is handed to Igor, which opens the file when it can."""

import queue
import threading
from pathlib import Path

from spm_auto.wire.igor import parse_line

from ..service import LOOPBACK, Conversation, Service
from ..wire_faults import ON_THE_LINE, WireFault, WireFaults
from .igor import FakeIgor, IgorError

SCRATCH = ".tmp"
LOOK_UP = 0.1  # [s] between looks at whether it ends
Job = tuple[Path, threading.Event]


class FolderServer:
    """Executes command files, one after the other, when somebody has said where they are.

    Whoever connects sends the path of a file and the end of a line; the answer is ``told`` at once,
    as from the program that hands a file to the running Igor, and ``done`` when it was executed.

    Args:
        igor: Executes them.
        faults: What goes wrong.
        host: Where to listen.
        port: Number; 0 takes a free one.

    Raises:
        InstrumentError: The port is not free.
    """

    def __init__(
        self, igor: FakeIgor, faults: WireFaults, host: str = LOOPBACK, port: int = 0
    ) -> None:
        self._igor = igor
        self._faults = faults
        self._waiting: queue.Queue[Job | None] = queue.Queue()  # None at the end
        self._ending = threading.Event()
        self._has_dialog = False
        self._before = b""
        self._fault: WireFault | None = None
        self._service = Service(self._serve, host, port)
        self.port = self._service.port
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def open(self, path: Path) -> None:
        """Open a command file and execute its lines, or do what a fault makes of it."""
        if self._has_dialog and self._faults.struck:
            return
        self._has_dialog = False
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, ValueError) as error:  # gone, or no text
            self._igor.refused.append(f"{path.name}: {error}")
            return
        name = _first_name(lines)
        self._fault = self._faults.strike(name, *ON_THE_LINE, "error", "meddled")
        match self._fault.kind if self._fault else "":
            case "silent" | "unplugged" | "error":
                return
            case "half_open":
                self._has_dialog = True
                return
            case "late":
                self._ending.wait(self._fault.delay if self._fault else 0.0)
                if not path.exists():
                    return
            case "meddled":
                self._igor.meddle()
        self._execute(lines)

    def close(self) -> None:
        """End; safe to call twice."""
        self._ending.set()
        self._waiting.put(None)
        self._service.close()
        self._thread.join()

    def _execute(self, lines: list[str]) -> None:
        """Execute line by line, until one cannot be."""
        for line in lines:
            try:
                statement = parse_line(line)
                if statement is not None:
                    self._igor.execute(statement, self._leave)
            except ValueError as error:
                self._igor.refused.append(f"{line}: {error}")
                return
            except IgorError:
                return

    def _leave(self, path: Path, content: bytes) -> None:
        if path.suffix == SCRATCH:
            path.write_bytes(content)
            return
        before, self._before = self._before, content
        match self._fault.kind if self._fault else "":
            case "closed":
                return
            case "split":
                with path.open("wb") as file:
                    for byte in range(0, len(content), 7):
                        file.write(content[byte : byte + 7])
                        file.flush()
                        self._ending.wait(1e-3)
            case "truncated":
                path.write_bytes(content[: len(content) // 2])
            case "doubled":
                path.write_bytes(content + content)
            case "garbage":
                path.write_bytes(bytes(byte ^ 0xA5 for byte in content))
            case "stale":
                path.write_bytes(before or content[::-1])
            case _:
                path.write_bytes(content)

    def _serve(self, conversation: Conversation) -> None:
        path = Path(conversation.receive_until(b"\n").decode("utf-8").strip())
        done = threading.Event()
        self._waiting.put((path, done))
        conversation.send(b"told\n")
        while not done.wait(LOOK_UP):
            if self._ending.is_set():
                return
        conversation.send(b"done\n")

    def _run(self) -> None:
        while (job := self._waiting.get()) is not None:
            path, done = job
            self.open(path)
            done.set()


def _first_name(lines: list[str]) -> str:
    """Return what the first line calls or makes, which faults go by."""
    for line in lines:
        try:
            statement = parse_line(line)
        except ValueError:
            return ""
        if statement is not None:
            return getattr(statement, "name", "")
    return ""

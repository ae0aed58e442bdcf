"""Wire recordings: every byte that went over a link, as lines of JSON, and their replay."""

import json
import time
from pathlib import Path
from typing import Literal

from spm_auto.errors import ConnectionLost, DataError, OutOfStep

from .link import Link
from .patience import Patience

Way = Literal[">", "<", "x"]  # sent, received, the other end gone


class RecordingLink(Link):
    """A link that writes down what passes over it, verbatim.

    Each line of the file is ``{"t": seconds, "way": ">" or "<", "hex": bytes}``.

    Args:
        link: What is recorded.
        path: The file; a recording that is there goes on.
    """

    def __init__(self, link: Link, path: Path) -> None:
        super().__init__(link.name)
        self._link = link
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise DataError(f"{path}: the wire cannot be recorded there: {error}") from error

    def send(self, data: bytes, patience: Patience) -> None:
        """Send all of it, and write it down before."""
        self._note(">", data)
        self._link.send(data, patience)

    def _some(self, wait: float) -> bytes:
        try:
            more = self._link._some(wait)
        except ConnectionLost:
            self._note("x", b"")
            raise
        if more:
            self._note("<", more)
        return more

    def close(self) -> None:
        """Close the link and the file."""
        self._link.close()
        self._file.close()

    def _note(self, way: Way, data: bytes) -> None:
        line = {"t": round(time.monotonic(), 6), "way": way, "hex": data.hex()}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


class ReplayLink(Link):
    """A link that answers as a recording did, to exactly the same words.

    Args:
        path: A file of `RecordingLink`.

    Raises:
        DataError: It is no recording.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"replay of {path.name}")
        self._sent = bytearray()
        try:
            lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            self._script = [(line["way"], bytes.fromhex(line["hex"])) for line in lines]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: not a recording of a wire: {error}") from error

    def send(self, data: bytes, patience: Patience) -> None:  # noqa: ARG002  answers at once
        """Compare with what was sent then.

        Raises:
            OutOfStep: It is not the same.
        """
        self._sent += data
        while self._sent and self._script and self._script[0][0] == ">":
            expected = self._script[0][1]
            said = bytes(self._sent[: len(expected)])
            if not expected.startswith(said):
                raise OutOfStep(f"{self.name}: sent {said!r}, the recording has {expected!r}")
            if len(said) < len(expected):
                return
            del self._sent[: len(expected)]
            del self._script[0]
        if self._sent:
            raise OutOfStep(f"{self.name}: sent {bytes(self._sent)!r}, the recording has nothing")

    def _some(self, wait: float) -> bytes:  # noqa: ARG002  what is there is there
        if self._script and self._script[0][0] == "<":
            return self._script.pop(0)[1]
        if self._script and self._script[0][0] == "x":
            raise ConnectionLost(f"{self.name}: the other end was gone here")
        return b""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

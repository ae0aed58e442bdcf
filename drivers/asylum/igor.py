"""Igor: the running program, whichever way it is told something."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from spm_auto.errors import DataError
from spm_auto.instrument import Action
from spm_auto.wire.igor import Call

from ..transport import Patience


class Igor(ABC):
    """The running Igor. Everything that it is told, it confirms."""

    @abstractmethod
    def exchange(
        self, actions: Sequence[Call], questions: Sequence[Call], patience: Patience
    ) -> tuple[float, ...]:
        """Call functions for what they do, then others for the numbers that they return.

        Args:
            actions: Called first, in this order.
            questions: Called afterwards.
            patience: The deadline of all of it.

        Returns:
            The numbers, in the order of the questions; NaN for what Igor does not know.

        Raises:
            ConnectionLost: Igor cannot be told anything.
            NoReply: It did not confirm in time; what was told may have been done or not.
            OutOfStep: It answered something else.
            Refused: It said that it will not.
        """

    @abstractmethod
    def aside(self) -> "Igor":
        """Return another way to the same Igor, which does not wait for this one."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it; safe to call twice."""

    def execute(self, calls: Sequence[Call], patience: Patience) -> None:
        """Call functions for what they do, and wait until that is confirmed."""
        self.exchange(calls, (), patience)

    def read(self, calls: Sequence[Call], patience: Patience) -> tuple[float, ...]:
        """Call functions for the numbers that they return."""
        return self.exchange((), calls, patience)


class Ask(Protocol):
    """Tells Igor to act, then asks it, within a deadline; ends when the instruction must end."""

    def __call__(
        self,
        questions: Sequence[Call],
        actions: Sequence[Call] = (),
        action: Action | None = None,
    ) -> tuple[float, ...]:
        """Return the answers; see `Igor.exchange`."""


class Recording:
    """Writes down what passes over the wire, in lines as `RecordingLink` does.

    Args:
        path: The file; without one nothing is written.
    """

    def __init__(self, path: Path | None) -> None:
        try:
            self._file = path.open("a", encoding="utf-8") if path else None
        except OSError as error:
            raise DataError(f"{path}: the wire cannot be recorded there: {error}") from error

    def note(self, way: Literal[">", "<"], data: bytes) -> None:
        """Write down what was sent or received."""
        if self._file is not None and not self._file.closed:
            line = {"t": round(time.monotonic(), 6), "way": way, "hex": data.hex()}
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._file is not None:
            self._file.close()

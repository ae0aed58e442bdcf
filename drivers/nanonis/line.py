"""Line: one connection to a Nanonis controller, a command and its reply at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spm_auto.errors import OutOfStep, Refused
from spm_auto.wire import nanonis as wire

from ..transport import Connection, Link, Meanwhile


class Line:
    """A connection to one port of the controller.

    A reply must fit to the byte. What does not, or does not come in time, closes the connection,
    since no reply says which request it belongs to.

    Args:
        name: Of the controller and the port, for messages.
        open_link: Opens a new link to it.
        timeout: How long an answer may take that is due at once [s].
        attempts: How often opening a connection is tried.
    """

    def __init__(
        self, name: str, open_link: Callable[[], Link], timeout: float, attempts: int = 3
    ) -> None:
        self.name = name
        self.release = wire.NEW
        self._timeout = timeout
        self._connection = Connection(name, open_link, attempts=attempts, timeout=timeout)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connection.is_open

    @property
    def losses(self) -> int:
        """How often the connection was given up."""
        return self._connection.losses

    def ask(
        self,
        command: str,
        /,
        *,
        within: float | None = None,
        meanwhile: Meanwhile | None = None,
        **values: Any,
    ) -> wire.Values:
        """Send a command and return the values of its reply.

        Args:
            command: Its name.
            within: How long the answer may take [s]; without it what is usual.
            meanwhile: Called at least every 50 ms while waiting.
            **values: Its arguments, as the tables name them.

        Raises:
            Refused: The controller answered with an error.
            OutOfStep: Something else came than the reply.
            NoReply: Nothing came in time.
            ConnectionLost: The controller cannot be reached.
        """
        request = wire.encode_request(command, self.release, **values)
        with self._connection.talk(within or self._timeout, meanwhile) as talk:
            if surplus := talk.link.drain():
                raise OutOfStep(f"{self.name} sent {len(surplus)} bytes that nobody asked for")
            talk.link.send(request, talk.patience)
            header = wire.read_header(talk.link.receive(wire.HEADER, talk.patience))
            body = talk.link.receive(header.size, talk.patience)
            reply = wire.decode_reply(command, header, body, self.release)
            if reply.error:
                raise Refused(f"{self.name} refused {command}: {reply.error}")
        return reply.values

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Lines:
    """The connections to a controller.

    Attributes:
        action: For the instruction in progress; it may be blocked.
        supervision: For reading back, and for ending an instruction.
        stop: For withdrawing the tip; the same as supervision where there are two ports only.
    """

    action: Line
    supervision: Line
    stop: Line

    def each(self) -> tuple[Line, ...]:
        """Return each connection once."""
        return tuple(dict.fromkeys((self.action, self.supervision, self.stop)))

    def close(self) -> None:
        """Close all."""
        for line in self.each():
            line.close()

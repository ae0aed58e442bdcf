"""ZmqIgor: calls of functions as messages to the server that runs inside Igor."""

import contextlib
import threading
from collections.abc import Sequence
from typing import Any

from spm_auto.errors import ConnectionLost, OutOfStep, PluginError, Refused
from spm_auto.wire.igor import Call, parse_reply, request

from ..transport import SLICE, Patience
from .igor import Igor, Recording

LARGEST_REPLY = 1 << 20  # bytes


class ZmqIgor(Igor):
    """Igor, called over ZeroMQ-XOP; one call at a time.

    A call that is not answered in time closes the socket: what comes later over it answers nothing.

    Args:
        address: Of the server, such as ``tcp://127.0.0.1:5555``.
        recording: Of the wire.

    Raises:
        PluginError: pyzmq is not installed.
    """

    def __init__(self, address: str, recording: Recording | None = None) -> None:
        try:
            import zmq
        except ImportError as error:
            raise PluginError(
                "ZeroMQ needs the package pyzmq: pip install 'spm_auto[drivers]'"
            ) from error
        self._zmq = zmq
        self._address = address
        self._recording = recording or Recording(None)
        self._lock = threading.Lock()
        self._socket: Any = None
        self._count = 0

    def exchange(
        self, actions: Sequence[Call], questions: Sequence[Call], patience: Patience
    ) -> tuple[float, ...]:
        """Call the functions one after the other."""
        while not self._lock.acquire(timeout=SLICE):
            patience.check("another call goes on")
        try:
            for call in actions:
                self._call(call, patience)
            return tuple(self._number(call, patience) for call in questions)
        except Refused:
            raise
        except BaseException:
            self._give_up()
            raise
        finally:
            self._lock.release()

    def aside(self) -> Igor:
        """Return another client of the same server."""
        return ZmqIgor(self._address, self._recording)

    def close(self) -> None:
        """Close the socket and the recording."""
        with self._lock:
            self._give_up()
        self._recording.close()

    def _number(self, call: Call, patience: Patience) -> float:
        value = self._call(call, patience)
        if not isinstance(value, float):
            raise OutOfStep(f"Igor's {call.name} returned {value!r}, expected a number")
        return value

    def _call(self, call: Call, patience: Patience) -> float | str | None:
        self._count += 1
        identity = str(self._count)
        message = request(call, identity)
        self._recording.note(">", message)
        socket = self._opened()
        try:
            socket.send_multipart([b"", message], flags=self._zmq.NOBLOCK)
            while not socket.poll(int(patience.slice() * 1000)):
                patience.check(f"Igor has not answered {call.name}; is a dialog open?")
            answer = socket.recv_multipart()[-1]
        except self._zmq.ZMQError as error:
            raise ConnectionLost(f"{self._address} takes no message: {error}") from error
        self._recording.note("<", answer)
        try:
            reply = parse_reply(answer)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise OutOfStep(
                f"Igor answered {call.name} with no message of ours: {error}"
            ) from error
        if reply.identity != identity:
            raise OutOfStep(
                f"Igor answered message {reply.identity!r}, expected {identity!r} ({call.name})"
            )
        if reply.error:
            raise Refused(f"Igor's {call.name}: error {reply.error}: {reply.message}")
        return reply.value

    def _opened(self) -> Any:
        if self._socket is None:
            socket: Any = self._zmq.Context.instance().socket(self._zmq.DEALER)
            socket.setsockopt(self._zmq.LINGER, 0)
            socket.setsockopt(self._zmq.MAXMSGSIZE, LARGEST_REPLY)
            socket.setsockopt(self._zmq.RECONNECT_IVL, 20)
            socket.connect(self._address)
            self._socket = socket
        return self._socket

    def _give_up(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(self._zmq.ZMQError):
                self._socket.close(linger=0)
            self._socket = None

"""ZmqServer: the server of ZeroMQ-XOP inside Igor, which calls functions for messages."""

import threading

from spm_auto.errors import InstrumentError, PluginError
from spm_auto.wire.igor import Call, Reply, parse_request, reply

from ..service import LOOPBACK
from ..wire_faults import ON_THE_LINE, WireFaults
from .igor import FakeIgor, IgorError

LOOK_UP = 20  # [ms] between looks at whether it ends
NO_FUNCTION = 100  # the error codes are our own; only 0 has a meaning that matters
NOT_UNDERSTOOD = 101


class ZmqServer:
    """Answers calls of functions, one after the other.

    Args:
        igor: Whose functions.
        faults: What goes wrong.
        host: Where to listen.
        port: Number; 0 takes a free one.

    Raises:
        PluginError: pyzmq is not installed.
        InstrumentError: The port is not free.
    """

    def __init__(
        self, igor: FakeIgor, faults: WireFaults, host: str = LOOPBACK, port: int = 0
    ) -> None:
        try:
            import zmq
        except ImportError as error:
            raise PluginError(
                "ZeroMQ needs the package pyzmq: pip install 'spm_auto[drivers]'"
            ) from error
        self._igor = igor
        self._faults = faults
        self._ending = threading.Event()
        self._dead: set[bytes] = set()
        self._before = b""
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        try:
            if port:
                self._socket.bind(f"tcp://{host}:{port}")
                self.port = port
            else:
                self.port = self._socket.bind_to_random_port(f"tcp://{host}")
        except zmq.ZMQError as error:
            self._context.destroy(linger=0)
            raise InstrumentError(f"cannot listen on {host}:{port}: {error}") from error
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; safe to call twice."""
        self._ending.set()
        self._thread.join()
        self._context.destroy(linger=0)

    def _run(self) -> None:
        while not self._ending.is_set():
            if not self._socket.poll(LOOK_UP):
                continue
            identity, *_, data = self._socket.recv_multipart()
            for answer in self._answers(identity, data):
                self._socket.send_multipart([identity, b"", answer])

    def _answers(self, client: bytes, data: bytes) -> list[bytes]:
        if client in self._dead:
            return []
        try:
            call, number = parse_request(data)
        except (ValueError, TypeError) as error:
            return [reply(Reply("", NOT_UNDERSTOOD, str(error)))]
        fault = self._faults.strike(call.name, *ON_THE_LINE, "error", "meddled")
        kind = fault.kind if fault else ""
        if kind in ("silent", "unplugged"):
            return []
        if kind == "half_open":
            self._dead.add(client)
            return []
        if kind == "late":
            self._ending.wait(fault.delay if fault else 0.0)
        if kind == "meddled":
            self._igor.meddle()
        answer = reply(Reply(number, 1, "not now")) if kind == "error" else self._call(call, number)
        before, self._before = self._before, answer
        return {
            "closed": [],
            "truncated": [answer[: len(answer) // 2]],
            "garbage": [bytes(byte ^ 0xA5 for byte in answer)],
            "doubled": [answer, answer],
            "stale": [before or answer[::-1]],
        }.get(kind, [answer])

    def _call(self, call: Call, number: str) -> bytes:
        try:
            return reply(Reply(number, value=self._igor.call(call)))
        except IgorError as error:
            return reply(Reply(number, NO_FUNCTION, str(error)))

"""A siege: a process of its own in which a thousand connections knock at the doors of a server.

Each says nothing, half a greeting, noise, or the beginning of a handshake, and comes again as soon
as it was hung up on; with them a few clients of the right kind with keys that nobody knows.
"""

import contextlib
import json
import random
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from spm_auto.server import Identity
from spm_auto.server.connection import Connection
from spm_auto.server.wire import Ask

CONNECTIONS = 1000
READY = "all of them knock"
_GREETING = b"\xff\0\0\0\0\0\0\0\1\x7f\3\0CURVE".ljust(64, b"\0")
_SAID = (b"", b"\xff\0\0", random.Random(1).randbytes(400), _GREETING, _GREETING + bytes(300))
_WITH_KEYS = 20  # of them are clients of the right kind
_STEP = 0.05  # [s]
_AT_ONCE = 100  # that come again in a step, which is 2000 a second
_PATIENCE = 30.0  # [s] for all to be there


@contextlib.contextmanager
def besieged(
    ports: Sequence[int], server_public: str, connections: int = CONNECTIONS
) -> Iterator[None]:
    """Have a server besieged while the block runs.

    Args:
        ports: Its doors on this computer, knocked at in turn.
        server_public: Its public key, which is no secret.
        connections: How many there are at a time.
    """
    what = json.dumps({"ports": list(ports), "public": server_public, "count": connections})
    with subprocess.Popen(
        [sys.executable, __file__, what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    ) as knocking:
        try:
            assert knocking.stdout is not None
            assert knocking.stdout.readline().strip() == READY
            yield
            assert knocking.poll() is None, "the siege has ended by itself"
        finally:
            knocking.kill()


def withdrawals(
    address: str, identity: Identity, server_public: str, count: int = 300, pause: float = 0.02
) -> tuple[float, list[float]]:
    """Withdraw again and again over one connection that is made now.

    Args:
        address: Of the door for safety.
        identity: Whose key it is; any known one will do.
        server_public: Key of the server.
        count: How often.
        pause: Between two of them [s].

    Returns:
        How long it took to be let in, and each time until the tip was confirmed up [s].
    """
    import zmq

    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    connection = Connection(context, address, identity, server_public)
    took, never = [], threading.Event()
    try:
        begun = time.perf_counter()
        connection.open()
        let_in = time.perf_counter() - begun
        for _ in range(count):
            begun = time.perf_counter()
            connection.ask(Ask.WITHDRAW, within=20.0).result()
            took.append(time.perf_counter() - begun)
            never.wait(pause)
    finally:
        connection.close()
        context.destroy(linger=0)
    return let_in, took


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of the others does not exceed."""
    return sorted(values)[max(0, round(share * len(values)) - 1)]


class _Crowd:
    """Bare connections, each of which comes again when it was hung up on."""

    def __init__(self, ports: Sequence[int], count: int) -> None:
        self._ports, self._selector = ports, selectors.DefaultSelector()
        self._came = 0
        self._missing = count

    def step(self) -> int:
        """Let some come again, and see who was hung up on; return how many are missing."""
        for _ in range(min(self._missing, _AT_ONCE)):
            self._come()
        for key, _ in self._selector.select(_STEP):
            bare = key.fileobj
            assert isinstance(bare, socket.socket)
            try:
                is_over = not bare.recv(4096)
            except OSError:
                is_over = True
            if is_over:
                self._selector.unregister(bare)
                bare.close()
                self._missing += 1
        return self._missing

    def _come(self) -> None:
        self._came += 1
        bare = socket.socket()
        bare.settimeout(1.0)
        try:
            bare.connect(("127.0.0.1", self._ports[self._came % len(self._ports)]))
            bare.sendall(_SAID[self._came % len(_SAID)])
        except OSError:
            bare.close()
            return
        self._selector.register(bare, selectors.EVENT_READ)
        self._missing -= 1


def _knock(ports: Sequence[int], public: str, count: int) -> None:
    import zmq

    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    for number in range(_WITH_KEYS):
        client = context.socket(zmq.DEALER)
        key, secret = zmq.curve_keypair()
        client.curve_publickey, client.curve_secretkey = key, secret
        client.curve_serverkey = public.encode()
        client.reconnect_ivl = 50
        client.connect(f"tcp://127.0.0.1:{ports[number % len(ports)]}")
    crowd = _Crowd(ports, count)
    fewest = count
    end = time.monotonic() + _PATIENCE
    # some are always about to come again
    while fewest > count // 10 and time.monotonic() < end:
        fewest = min(fewest, crowd.step())
    sys.stdout.write(f"{READY if fewest <= count // 10 else f'{fewest} are missing'}\n")
    sys.stdout.flush()
    while True:
        crowd.step()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    _knock(given["ports"], given["public"], given["count"])

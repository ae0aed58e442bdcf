"""A door whose queue nobody empties, and a client that fills it and leaves: run as a process."""

import sys
import time
from pathlib import Path

import zmq

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parent.parent.parent)

from spm_auto.server import new_identity
from spm_auto.server.sockets import BEAT, Door, dial


class Everybody:
    """Lets everybody in."""

    def callback(self, domain: str, key: bytes) -> bool:
        return True


def main() -> None:
    """Fill the queue, leave, and be there for longer than two signs of life are apart."""
    server, client = new_identity("bench"), new_identity("eve")
    door = Door(zmq.ROUTER, "tcp://127.0.0.1", 0, server, Everybody(), 4096, print)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = dial(context, door.address, client, server.public, 10.0)
    while socket.poll(300, zmq.POLLOUT):
        socket.send(bytes(4000), zmq.NOBLOCK)
    socket.close(linger=0)
    context.destroy(linger=0)
    time.sleep(2.5e-3 * BEAT)
    door.close()
    sys.stdout.write("still there\n")


if __name__ == "__main__":
    main()

"""The tip comes up at once, whoever knocks at the doors."""

import contextlib
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import zmq
from attackers import serving
from siege import CONNECTIONS, besieged, percentile, withdrawals

from spm_auto.data import AccessDenied
from spm_auto.server.wire import LARGEST_AT_SAFETY, Ask, Request, pack_request

pytestmark = pytest.mark.chaos  # they take long, and measure

ALLOWED = 0.2  # [s]
HANDSHAKE = 3.0  # [s] for somebody who is let in


def test_a_withdrawal_takes_less_than_200_ms_while_a_thousand_connections_knock(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as site:
        safety, public = site.people["safety"], site.identity.public
        address = site.server.addresses["safety"]
        with besieged([site.port(door) for door in site.server.addresses], public):
            let_in, took = withdrawals(address, safety, public)
            with contextlib.closing(site.client("observer")) as client:
                client.done(Ask.STATUS)  # the other door is open as well
        with site.written:
            denied = [each.event for each in site.records if isinstance(each.event, AccessDenied)]
    median, most = 1e3 * percentile(took, 0.5), 1e3 * percentile(took, 0.99)
    knocks = sum(
        int(number) for each in denied for number in re.findall(r"(\d+) had", each.message)
    )
    figures = f"let in after {1e3 * let_in:.0f} ms; up after {median:.1f} ms, p99 {most:.1f} ms"
    print(f"{figures}; {knocks} knocks in {len(denied)} lines of the journal")  # noqa: T201
    assert knocks > CONNECTIONS
    assert percentile(took, 0.99) < ALLOWED
    assert site.driver.calls == ["emergency stop"] * len(took) + ["interrupt", "close"]
    assert len(denied) < 100  # a siege does not fill the disk


@pytest.mark.parametrize("what", ["beats", "what cannot be read"])
def test_a_withdrawal_does_not_wait_behind_the_flood_of_somebody_with_a_key(
    tmp_path: Path, what: str
) -> None:
    beat = pack_request(Request(1, Ask.BEAT))
    flood = (
        beat
        if what == "beats"
        else [b"\x91" * 400 + b"\xdc\xff\xff" + bytes(LARGEST_AT_SAFETY - 500)]
    )
    sent = [0]
    over = threading.Event()
    with serving(tmp_path) as site, contextlib.closing(site.client("observer", "safety")) as eve:

        def pour() -> None:
            while not over.is_set():
                if eve.socket.poll(10, zmq.POLLOUT):
                    eve.send(*flood)
                    sent[0] += 1
                while eve.receive(0) is not None:
                    pass

        pouring = threading.Thread(target=pour)
        pouring.start()
        try:
            address = site.server.addresses["safety"]
            _, took = withdrawals(address, site.people["safety"], site.identity.public, 50)
        finally:
            over.set()
            pouring.join()
    assert sent[0] > len(took)
    assert percentile(took, 0.99) < ALLOWED


def test_who_fills_a_queue_that_nobody_empties_and_leaves_does_not_end_the_server() -> None:
    script = Path(__file__).with_name("filling.py")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.split("\n")[-2]) == (0, "still there"), done.stderr

"""Whoever has a key hears how the instrument is, each line of a scan, and what is written down."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from served import Served, served

from spm_auto.data import CommandGiven, Record
from spm_auto.instrument import InstrumentState, Level, Load, Scan, ScanFrame, ScanLine
from spm_auto.server import Listener, Overheard, Role, new_identity

PATIENCE = 10.0  # [s] until a test that hangs fails; none waits that long
FRAME = ScanFrame((0.0, 0.0), (4e-7, 2e-7), (16, 8))
Heard = TypeVar("Heard", Overheard, ScanLine, Record)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as bench:
        yield bench


@pytest.fixture
def listener(bench: Served) -> Iterator[Listener]:
    eve = bench.key("eve", Role.OBSERVER, Level.WATCH)
    listener = Listener(bench.server.addresses["telemetry"], eve, bench.public)
    with contextlib.closing(listener):
        wait_for(listener, Overheard)  # from here on nothing is missed
        yield listener


def wait_for(
    listener: Listener, kind: type[Heard], is_it: Callable[[Heard], bool] = lambda _: True
) -> Heard:
    """Return the next of a kind that is as wanted."""
    while True:
        heard = listener.next(PATIENCE)
        assert heard is not None, "nothing was told in time"
        if isinstance(heard, kind) and is_it(heard):
            return heard


def test_it_hears_state_and_owner(bench: Served, listener: Listener) -> None:
    bench.client(bench.key("alice")).load(Load())
    heard = wait_for(listener, Overheard, lambda each: each.owner == "alice")
    assert heard.status.state is InstrumentState.READY
    assert heard.vitals is not None
    assert heard.trip is None


def test_it_hears_each_line_as_it_was_measured(bench: Served, listener: Listener) -> None:
    alice = bench.client(bench.key("alice"))
    alice.load(Load())
    lines = list(alice.scan(Scan(FRAME)))
    heard = [wait_for(listener, ScanLine) for _ in lines]
    assert [each.index for each in heard] == list(range(8))
    assert [each.forward.tobytes() for each in heard] == [each.forward.tobytes() for each in lines]


def test_it_hears_who_gives_which_command(bench: Served, listener: Listener) -> None:
    bench.client(bench.key("alice")).load(Load("film"))
    record = wait_for(listener, Record, lambda each: isinstance(each.event, CommandGiven))
    assert isinstance(record.event, CommandGiven)
    assert (record.event.who, record.event.instruction) == ("alice", Load("film"))


def test_without_a_known_key_nothing_is_heard(bench: Served) -> None:
    address = bench.server.addresses["telemetry"]
    with contextlib.closing(Listener(address, new_identity("mallory"), bench.public)) as deaf:
        assert deaf.next(1.0) is None


def test_a_listener_who_does_not_listen_holds_nobody_up(bench: Served, listener: Listener) -> None:
    alice = bench.client(bench.key("alice"))
    alice.load(Load())
    for _ in range(30):  # far more lines than its queue has room for
        assert len(list(alice.scan(Scan(FRAME)))) == 8
    assert listener.next(PATIENCE) is not None

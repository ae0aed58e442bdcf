"""Whatever is said at a door, nothing comes of it but a refusal, and the next one is served."""

import contextlib
import os
import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from attackers import PATIENCE, Site, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from spm_auto.data import CommandEnded, CommandGiven, Outcome
from spm_auto.instrument import PositionProbe
from spm_auto.server.sockets import HANDSHAKE
from spm_auto.server.wire import (
    LARGEST,
    LARGEST_AT_SAFETY,
    VERSION,
    Ask,
    Request,
    pack_request,
    read_answer,
)

ROUTERS = ("command", "safety")
DOORS = (*ROUTERS, "telemetry")
OVER = 1e-3 * HANDSHAKE + PATIENCE  # [s] in which everybody is hung up on


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give one server to whom everything is said, one after the other."""
    with serving(tmp_path_factory.mktemp("garbage")) as site:
        yield site


def table(**fields: Any) -> bytes:
    """Pack a request in which some fields are others."""
    plain = {"v": VERSION, "n": 1, "ask": "perform", "token": "", "value": None}
    packed: bytes = msgpack.packb({**plain, **fields}, use_bin_type=True)
    return packed


def refused(site: Site, *frames: bytes, door: str = "command", name: str = "operator") -> str:
    """Say something in a session of its own; return kind and words of the refusal."""
    with contextlib.closing(site.client(name, door)) as client:
        client.send(*frames)
        answer = client.receive()
        assert answer is not None, "no answer: the desk is gone"
        value = read_answer(answer).value
        assert isinstance(value, tuple), value
        return f"{value[0]}: {value[1]}"


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("door", ROUTERS)
def test_a_pickle_is_not_opened(site: Site, door: str, tmp_path: Path) -> None:
    payload = pickle.dumps(Bomb(tmp_path / "opened"))
    for frames in ((payload,), (table(value=payload),), (table(), payload), (table(ask=payload),)):
        refused(site, *frames, door=door)
    assert not (tmp_path / "opened").exists()
    pickle.loads(payload)  # it would have gone off
    assert (tmp_path / "opened").exists()
    site.check_unharmed()


def nested(opening: bytes, depth: int, end: bytes = b"\xc0") -> bytes:
    return opening * depth + end


BOMBS = {
    "nothing": b"",
    "no msgpack": b"\xc1" * 100,
    "half a message": table()[:-3],
    "two messages": table() + table(),
    "a number": msgpack.packb(3),
    "a list": msgpack.packb([1, 2, 3]),
    "lists a thousand deep": nested(b"\x91", 1000),
    "lists a million deep": nested(b"\x91", 1_000_000),
    "tables a thousand deep": nested(b"\x81\xa1a", 1000),
    "a list of four billion": b"\xdd\xff\xff\xff\xff" + bytes(1000),
    "a table of four billion": b"\xdf\xff\xff\xff\xff" + bytes(1000),
    "bytes of four billion": b"\xc6\xff\xff\xff\xff" + bytes(1000),
    "a text of four billion": b"\xdb\xff\xff\xff\xff" + bytes(1000),
    "long lists in long lists": nested(b"\xdd\x00\x0f\x00\x00", 500) + bytes(1_000_000),
    "an extension": msgpack.packb(msgpack.ExtType(5, b"abc")),
    "a table with lists as keys": b"\x81\x91\x01\x02",
    "a key twice": b"\x82\xa1v\x01\xa1v\x02",
    "a text that is none": b"\x81\xa1v\xa2\xff\xfe",
}


@pytest.mark.parametrize(
    ("what", "door"),
    [
        (what, door)
        for door, largest in (("command", LARGEST), ("safety", LARGEST_AT_SAFETY))
        for what, bomb in BOMBS.items()
        if len(bomb) <= largest
    ],
)
def test_a_message_that_cannot_be_read_is_refused(site: Site, what: str, door: str) -> None:
    assert refused(site, BOMBS[what], door=door).startswith("OutOfStep: ")
    site.check_unharmed()


def test_a_small_message_does_not_take_much_memory(site: Site) -> None:
    tracemalloc.start()
    try:
        for bomb in BOMBS.values():
            refused(site, bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100e6


@pytest.mark.parametrize("door", ROUTERS)
def test_what_cannot_be_read_is_written_down_with_who_said_it(tmp_path: Path, door: str) -> None:
    with serving(tmp_path) as site:
        for what in ("nothing", "no msgpack", "lists a thousand deep", "an extension"):
            said = refused(site, BOMBS[what], door=door, name="scanner")
            site.denied("scanner", said.partition(": ")[2])
        said = refused(site, table(ask="__class__"), door=door)
        site.denied("operator", "asks for something that is not known")
        site.check_unharmed()


ARRAY = {"~array": "<f8", "shape": [2], "frame": 0}
ODD_FIELDS: dict[str, dict[str, Any]] = {
    "another version": {"v": VERSION + 1},
    "no version": {"v": None},
    "an array as version": {"v": ARRAY},
    "a list as version": {"v": [1, 2]},
    "a text as number": {"n": "1"},
    "a truth as number": {"n": True},
    "a fraction as number": {"n": 1.5},
    "an array as number": {"n": ARRAY},
    "a number as token": {"token": 5},
    "a long token": {"token": "a" * 1000},
    "a table as ask": {"ask": {"a": 1}},
    "a list as ask": {"ask": ["perform"]},
    "an array as ask": {"ask": ARRAY},
    "nothing as ask": {"ask": None},
    "an attribute as ask": {"ask": "__class__"},
    "a method as ask": {"ask": "close"},
    "a private name as ask": {"ask": "_serve_at_once"},
    "an import as ask": {"ask": "os.system"},
}


@pytest.mark.parametrize("door", ROUTERS)
@pytest.mark.parametrize("what", ODD_FIELDS)
def test_a_request_with_a_field_that_is_none_is_refused(site: Site, what: str, door: str) -> None:
    said = refused(site, table(**ODD_FIELDS[what]), np.zeros(2).tobytes(), door=door)
    assert said.startswith("OutOfStep: ")
    site.check_unharmed()


def kind(name: Any, /, **fields: Any) -> dict[str, Any]:
    return {"~kind": name, **fields}


NO_INSTRUCTIONS: dict[str, Any] = {
    "nothing": None,
    "a text": "load",
    "an attribute": "__class__",
    "a kind that there is not": kind("Explode"),
    "a class of Python": kind("object"),
    "a name with dots": kind("os.system", command="x"),
    "a dunder": kind("__class__"),
    "a method of the instrument": kind("close"),
    "what is behind the guard": kind("_instrument"),
    "the guard": kind("GuardedInstrument"),
    "a list as kind": kind(["Load"]),
    "an event": kind("RunPaused"),
    "a record": kind("Record", seq=1, time=0.0, event=None),
    "a value": kind("Channel", name="a", unit="m"),
    "a field too many": kind("PositionProbe", x=0.0, y=0.0, z=0.0),
    "a field too few": kind("PositionProbe", x=0.0),
    "a private field": kind("PositionProbe", x=0.0, y=0.0, __class__="x"),
    "a text as place": kind("PositionProbe", x="0", y="0"),
    "a list as place": kind("PositionProbe", x=[0.0], y=[0.0]),
    "a table as place": kind("PositionProbe", x={"a": 1}, y=0.0),
    "an array as place": kind("PositionProbe", x=ARRAY, y=0.0),
    "an extension as place": kind("PositionProbe", x=msgpack.ExtType(1, b"x"), y=0.0),
    "bytes as place": kind("PositionProbe", x=b"0", y=0.0),
    "no number as place": kind("PositionProbe", x=float("nan"), y=0.0),
    "infinity as place": kind("PositionProbe", x=0.0, y=float("inf")),
    "a place out of reach": kind("PositionProbe", x=1.0, y=0.0),
    "a scan of nothing": kind("Scan", frame=None),
    "a scan of a text": kind("Scan", frame="everything"),
    "a word that there is not": {"~word": "Magic", "value": "x"},
    "an array of objects": {"~array": "|O", "shape": [1], "frame": 0},
    "an array of strings": {"~array": "<U8", "shape": [1], "frame": 0},
    "an array larger than what came": {"~array": "<f8", "shape": [2**40], "frame": 0},
    "an array of a negative shape": {"~array": "<f8", "shape": [-1], "frame": 0},
    "an array of no shape": {"~array": "<f8", "shape": "ab", "frame": 0},
    "an array in a frame that did not come": {"~array": "<f8", "shape": [2], "frame": 7},
    "an array in the frame of a text": {"~array": "<f8", "shape": [2], "frame": "0"},
    "an empty array of a huge shape": {"~array": "<f8", "shape": [0, 2**62, 4], "frame": 0},
}


@pytest.mark.parametrize("what", NO_INSTRUCTIONS)
def test_the_owner_of_the_instrument_moves_nothing_with_what_is_no_instruction(
    site: Site, what: str
) -> None:
    with contextlib.closing(site.client("operator")) as client:
        token = client.done(Ask.TAKE, False)
        client.send(table(n=2, token=token, value=NO_INSTRUCTIONS[what]), np.zeros(2).tobytes())
        answer = client.receive()
        assert answer is not None, "no answer: the desk or the hands are gone"
        assert isinstance(read_answer(answer).value, tuple)
        client.number = 2
        client.done(Ask.RELEASE, None, token)
    site.check_unharmed()


@pytest.mark.parametrize(
    ("ask", "door"),
    [(ask, door) for door in ROUTERS for ask in Ask if ask not in (Ask.WITHDRAW, Ask.TAKE)],
)
@pytest.mark.parametrize("value", [{"count": [], "seconds": {}}, ARRAY, [[]], "x", -1, 1e308])
def test_no_question_with_an_odd_value_silences_a_desk(
    site: Site, ask: Ask, door: str, value: Any
) -> None:
    with contextlib.closing(site.client("operator", door)) as client:
        client.send(table(ask=str(ask), value=value), np.zeros(2).tobytes())
        assert client.receive() is not None
    assert set(site.driver.calls) <= {"interrupt"}
    site.driver.calls.clear()
    site.check_unharmed()


def test_whoever_takes_control_with_an_odd_word_counts_as_a_program_by_itself(site: Site) -> None:
    """The controller's own guard must be armed then, which this one's cannot be."""
    for value in (None, 0, "", [], ARRAY, {"a": 1}):
        with contextlib.closing(site.client("operator")) as client:
            client.send(table(ask="take", value=value), np.zeros(2).tobytes())
            answer = client.receive()
            assert answer is not None
            token = read_answer(answer).value
            client.number = 1
            move = PositionProbe(1e-6, 0.0)
            assert client.refused(Ask.PERFORM, move, token).startswith("Unprotected")
            client.done(Ask.RELEASE, None, token)
    site.check_unharmed()


@pytest.mark.parametrize(("door", "largest"), [("command", LARGEST), ("safety", LARGEST_AT_SAFETY)])
def test_a_message_that_is_too_large_ends_the_session_of_who_sent_it(
    site: Site, door: str, largest: int
) -> None:
    with contextlib.closing(site.client("operator", door)) as client:
        client.send(bytes(largest - 1000))
        assert client.receive() is not None  # refused, but heard
        client.send(bytes(largest + 1000))
        client.send(*pack_request(Request(5, Ask.BEAT)))
        assert client.receive(1000) is None
    site.check_unharmed()


def test_a_message_of_many_frames_is_answered_like_any_other(site: Site) -> None:
    with contextlib.closing(site.client("operator")) as client:
        client.send(table(), *[b"x"] * 10_000)
        assert client.receive() is not None
    site.check_unharmed()


PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
WORDS = st.sampled_from(["~kind", "~array", "~word", "shape", "frame", "value", "x", "y", "Load"])
TREES = st.recursive(
    PLAIN | st.binary() | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS | st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=60)
@given(fields=st.dictionaries(st.sampled_from(["v", "n", "ask", "token", "value"]), TREES))
def test_no_request_whatever_silences_a_desk(site: Site, fields: dict[str, Any]) -> None:
    for door in ROUTERS:
        with contextlib.closing(site.client("operator", door)) as client:
            client.send(table(**fields), b"12345678")
            assert client.receive() is not None
    assert site.driver.calls == []


@settings(max_examples=60)
@given(frames=st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_no_bytes_whatever_silence_a_desk(site: Site, frames: list[bytes]) -> None:
    for door in ROUTERS:
        with contextlib.closing(site.client("observer", door)) as client:
            client.send(*frames)
            assert client.receive() is not None
    assert site.driver.calls == []


def test_after_all_of_that_nothing_was_ever_carried_out(site: Site) -> None:
    """Runs last of this file, on the server that heard all of it; alone it proves less."""
    with site.written:
        events = [record.event for record in site.records]
    given = {event.number for event in events if isinstance(event, CommandGiven)}
    ended = [event for event in events if isinstance(event, CommandEnded) and event.number >= 0]
    assert {event.number for event in ended} == given
    assert {event.outcome for event in ended} <= {Outcome.REFUSED}
    with contextlib.closing(site.client("operator")) as client:
        token = client.done(Ask.TAKE, False)
        client.done(Ask.PERFORM, PositionProbe(1e-6, 0.0), token)
        client.done(Ask.RELEASE, None, token)
    assert site.driver.calls == ["position probe"]

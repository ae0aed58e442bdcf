"""The Nanonis protocol as bytes: every command there and back, and the rules that clients force."""

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spm_auto.errors import OutOfStep
from spm_auto.wire.nanonis import (
    HEADER,
    MIDDLE,
    NEW,
    OLD,
    Command,
    Field,
    Malformed,
    commands,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
    find,
    read_header,
    to_text,
)

RELEASES = (OLD, MIDDLE, NEW)
BITS = {"H": (0, 2**16 - 1), "h": (-(2**15), 2**15 - 1), "I": (0, 2**32 - 1)}
FLOAT32 = st.floats(width=32)
WORD = st.text(st.characters(max_codepoint=126, min_codepoint=32), max_size=6)


def _value(kind: str, n: int) -> st.SearchStrategy:
    whole = st.integers(*BITS.get(kind[-1], (-(2**31), 2**31 - 1)))
    match kind:
        case "f":
            return FLOAT32
        case "d":
            return st.floats()
        case "str":
            return WORD
        case "ai":
            return st.lists(whole, min_size=n, max_size=n).map(tuple)
        case "af" | "*f":
            return st.lists(FLOAT32, min_size=n, max_size=n).map(np.array)
        case "*I" | "*i":
            return st.lists(whole, min_size=n, max_size=n).map(tuple)
        case "strs" | "items" | "*items" | "*strs":
            return st.lists(WORD, min_size=n, max_size=n).map(tuple)
        case "mat":
            return st.integers(0, 3).map(lambda m: np.arange(m * n, dtype=float).reshape(m, n))
        case "smat":
            row = st.lists(WORD, min_size=n, max_size=n).map(tuple)
            return st.lists(row, max_size=2).map(tuple)
        case _:
            return whole


@st.composite
def _values(draw: st.DrawFn, fields: tuple[Field, ...]) -> dict:
    n = draw(st.integers(0, 3))
    return {f.name: n if f.name == "n" else draw(_value(f.kind, n)) for f in fields}


def _split(message: bytes) -> tuple:
    header = read_header(message[:HEADER])
    assert len(message) == HEADER + header.size
    return header, message[HEADER:]


def _assert_same(values: dict, expected: dict) -> None:
    assert list(values) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(values[name], value, err_msg=name)


ALL = [(release, command) for release in RELEASES for command in commands(release)]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_every_request_and_reply_of_every_release_comes_back_as_it_was_sent(data) -> None:
    release, command = data.draw(st.sampled_from(ALL))
    values = data.draw(_values(command.request))
    request = decode_request(
        *_split(encode_request(command.name, release, **values)), release=release
    )
    assert request.command == command
    _assert_same(request.values, values)
    values = data.draw(_values(command.reply))
    reply = decode_reply(
        command.name, *_split(encode_reply(command.name, values, release=release)), release=release
    )
    _assert_same(reply.values, values)
    assert reply.error == ""


@pytest.mark.parametrize("release", RELEASES)
def test_an_error_stands_behind_the_values_of_every_command(release: int) -> None:
    for command in commands(release):
        message = encode_reply(command.name, error="no such µm", release=release)
        reply = decode_reply(command.name, *_split(message), release=release)
        assert reply.error == "no such ?m"
        assert list(reply.values) == [field.name for field in command.reply]


def test_the_tables_have_all_commands_of_the_document_and_the_two_that_it_lacks() -> None:
    assert len(commands(NEW)) == 246
    assert len(commands(MIDDLE)) == 243
    assert len(commands(OLD)) == 234


def test_the_worked_example_is_right_to_the_byte() -> None:
    request = encode_request("FolMe.XYPosGet", newest=1)
    name = b"FolMe.XYPosGet".ljust(32, b"\0")
    assert request == name + bytes.fromhex("00000004 0001 0000 00000001")
    reply = encode_reply("FolMe.XYPosGet", {"x": 5e-9, "y": 0.0})
    assert reply == name + bytes.fromhex(
        "00000018 00000000 3E35798EE2308C3A 0000000000000000 00000000 00000000"
    )
    assert encode_reply("Bias.Set")[HEADER:] == bytes(8)


def test_the_size_of_a_list_of_texts_counts_the_sizes_in_it() -> None:
    body = encode_reply("Signals.NamesGet", {"names": ("Z (m)", "Bias (V)")})[HEADER:]
    assert struct.unpack(">ii", body[:8]) == (4 + 5 + 4 + 8, 2)


def test_a_wrong_size_of_a_list_of_texts_is_ignored() -> None:
    values = {"continuous": 0, "bouncy": 0, "autosave": 3, "series": "a", "comment": ""}
    message = encode_request("Scan.PropsSet", **values, modules=("a", "bc"), autopaste=3)
    size = struct.pack(">i", 11)
    assert message.count(size) == 1
    header, body = _split(message.replace(size, struct.pack(">i", 8)))
    assert decode_request(header, body).values["modules"] == ("a", "bc")


def test_names_are_found_whatever_their_case_and_echoed_as_they_came() -> None:
    header, body = _split(encode_request("Bias.Get"))
    lower = bytes(header.name).lower()
    request = decode_request(type(header)(lower, 0), body)
    assert request.command == find("Bias.Get")
    assert encode_reply(lower, {"bias": 1.0})[:32] == lower


def test_arguments_left_out_at_the_end_are_missing_and_more_are_ignored() -> None:
    header, body = _split(encode_request("Motor.StartMove", direction=4, steps=9, group=0, wait=1))
    assert decode_request(header, body[:6]).values == {"direction": 4, "steps": 9}
    assert decode_request(header, body + b"more").values["wait"] == 1
    with pytest.raises(Malformed, match="steps: needs 2 bytes, 1 are left"):
        decode_request(header, body[:5])


def test_an_unknown_command_is_read_without_values_and_answered_with_an_error_alone() -> None:
    header, body = _split(encode_request("Scan.XYPosGet", newest=1))
    request = decode_request(header, body, OLD)
    assert (request.command, request.values) == (None, {})
    message = encode_reply(header.name, error="unknown", release=OLD)
    assert message[HEADER:] == struct.pack(">Ii", 1, 7) + b"unknown"
    reply = decode_reply("Scan.XYPosGet", *_split(message))
    assert (reply.values, reply.error) == ({}, "unknown")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: m.replace(b"XYPosGet", b"SpeedGet"), "the reply is to 'FolMe.SpeedGet'"),
        (lambda m: m[:-1], "needs 4 bytes, 3 are left"),
        (lambda m: m + b"\0", "1 of 25 bytes are left over"),
        (lambda m: m[:-4] + b"\xff" * 4, "a count of -1"),
        (lambda m: m[:HEADER] + bytes(3), "x: needs 8 bytes, 3 are left"),
    ],
)
def test_a_reply_that_does_not_fit_is_out_of_step(change, why: str) -> None:
    message = change(encode_reply("FolMe.XYPosGet", {"x": 0.0, "y": 0.0}))
    header = read_header(message[:HEADER])
    with pytest.raises(OutOfStep, match=why):
        decode_reply("FolMe.XYPosGet", header, message[HEADER:])


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(commands(NEW)), st.binary(max_size=64))
def test_garbage_is_read_or_refused_and_never_anything_else(command: Command, body: bytes) -> None:
    header, _ = _split(encode_reply(command.name, error="x"))
    with contextlib.suppress(OutOfStep):
        decode_reply(command.name, header, body)
    with contextlib.suppress(Malformed):
        decode_request(header, body)


@pytest.mark.parametrize("size", [-1, 2**31 - 1])
def test_an_absurd_size_is_out_of_step(size: int) -> None:
    with pytest.raises(OutOfStep, match="announces"):
        read_header(b"Bias.Get".ljust(32, b"\0") + struct.pack(">iHH", size, 1, 0))


@pytest.mark.parametrize(
    ("command", "values", "why"),
    [
        ("Bias.Set", {}, r"expected the values \['bias'\], got \[\]"),
        ("Bias.Set", {"bias": 1e300}, "bias of 1e.300 is no f"),
        ("Bias.Set", {"bias": 1.0, "x": 1}, "got"),
        ("Bias.RangeSet", {"range_index": -1}, "range_index of -1 is no H"),
        ("BiasSpectr.MLSModeSet", {"mode": "Ü"}, "is no str"),
        ("Marks.Nothing", {}, "release 14718 has no command 'Marks.Nothing'"),
    ],
)
def test_a_wrong_value_is_refused_before_it_is_sent(command: str, values: dict, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        encode_request(command, **values)


def test_segments_count_themselves() -> None:
    steps = dict.fromkeys(("bias_start", "bias_end", "init_settle", "settle"), (0.0, 1.0))
    message = encode_request(
        "BiasSpectr.MLSValsSet", **steps, integrate=(1, 2), steps=(3, 4), lockin_run=(0, 1)
    )
    assert decode_request(*_split(message)).values["n"] == 2
    with pytest.raises(ValueError, match="one length"):
        encode_request(
            "BiasSpectr.MLSValsSet", **steps, integrate=(1,), steps=(3, 4), lockin_run=(0, 1)
        )


def test_texts_are_read_whatever_their_encoding() -> None:
    assert to_text("Größe".encode()) == "Größe"
    assert to_text("Größe".encode("cp1252")) == "Größe"
    assert to_text(b"\x81\xff") == "\x81ÿ"

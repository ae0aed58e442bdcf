"""Igor's command lines, readouts, messages and waves: what is written, and what is read again."""

import io
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from igor2 import binarywave

from spm_auto.wire import igor

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


def test_a_command_file_acts_then_reads_then_leaves_an_answer_under_its_number() -> None:
    text = igor.command_file(
        [igor.pv("XOffset", 1e-7), igor.control("UpScan_0", "MasterPanel")],
        [igor.gv("ScanSize"), igor.td_read("PIDSLoop.0.Setpoint")],
        123456,
        "C:\\lab\\r.tmp",
        "C:\\lab\\r.txt",
    )
    assert text.splitlines() == [
        'PV("XOffset",1e-07)',
        'ARExecuteControl("UpScan_0","MasterPanel",0,"")',
        "Make/D/O/N=(4) ReadOut",
        "ReadOut[0] = 123456",
        'ReadOut[1] = GV("ScanSize")',
        'ReadOut[2] = td_ReadValue("PIDSLoop.0.Setpoint")',
        "ReadOut[3] = 123456",
        'Save/O/G/J ReadOut as "C:\\\\lab\\\\r.tmp"',
        'MoveFile/O "C:\\\\lab\\\\r.tmp" as "C:\\\\lab\\\\r.txt"',
    ]


@given(st.lists(st.one_of(NUMBERS, TEXTS), max_size=5))
def test_a_call_as_text_is_read_as_the_same_call(params: list[float | str]) -> None:
    call = igor.Call("Anything", tuple(params))
    assert igor.parse_line(igor.text_of(call)) == call


@pytest.mark.parametrize(
    ("line", "statement"),
    [
        ("Make/N = (3)/O ReadOut // change N", igor.Make("ReadOut", 3)),
        ('ReadOut[1] = GV("A")', igor.Assign("ReadOut", 1, igor.gv("A"))),
        ("ReadOut[0] = 7", igor.Assign("ReadOut", 0, 7.0)),
        ('Save/O/G/J ReadOut as "C:\\\\a b\\\\r.txt"', igor.Save("ReadOut", "C:\\a b\\r.txt")),
        ('MoveFile/O "/a/r.tmp" as "/a/r.txt"', igor.MoveFile("/a/r.tmp", "/a/r.txt")),
        ('ChangeName("http://x")', igor.Call("ChangeName", ("http://x",))),
        ("SingleForce()", igor.Call("SingleForce")),
        ("// nothing", None),
    ],
)
def test_the_forms_that_others_write_are_read(line: str, statement: object) -> None:
    assert igor.parse_line(line) == statement


@pytest.mark.parametrize("line", ["Delete everything", 'PV("A" 1)', 'PV("A",1', "ReadOut[0] = x"])
def test_what_is_no_form_that_is_known_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        igor.parse_line(line)


def test_a_text_of_two_lines_cannot_smuggle_in_a_command() -> None:
    with pytest.raises(ValueError, match="one line"):
        igor.Call("ChangeName", ('a")\nPV("ScanSize",1',))


def test_a_line_that_igor_would_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="400 characters"):
        igor.command_file([igor.Call("ChangeName", ("x" * 400,))], [], 1, "a", "b")


def test_a_readout_is_numbers_one_a_line_and_nothing_half() -> None:
    content = igor.readout_text([123456, 1.5e-7, math.nan])
    assert content == b"123456\r1.5e-07\rNaN\r"
    first, second, third = igor.parse_readout(content)
    assert (first, second) == (123456, 1.5e-7)
    assert math.isnan(third)
    for cut in range(1, len(content)):
        try:
            values = igor.parse_readout(content[:cut])
        except ValueError:
            continue
        assert len(values) < 3  # whole lines only


@given(st.floats(allow_nan=False), st.text(max_size=30))
def test_a_message_is_read_as_it_was_written(number: float, text: str) -> None:
    for value in (number, text):
        assert igor.parse_reply(igor.reply(igor.Reply("7", value=value))).value == value


def test_a_request_is_as_the_documentation_says() -> None:
    data = igor.request(igor.gv("ScanSize"), "7")
    assert data == (
        b'{"version":1,"messageID":"7","CallFunction":{"name":"GV","params":["ScanSize"]}}'
    )
    assert igor.parse_request(data) == (igor.gv("ScanSize"), "7")
    answer = igor.parse_reply(b'{"errorCode":{"value":12,"msg":"no"},"messageID":"7"}')
    assert (answer.error, answer.message) == (12, "no")


def test_a_message_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="1024 bytes"):
        igor.request(igor.Call("PS", ("BaseName", "x" * 1024)), "1")


def test_a_wave_is_read_by_another_reader_with_data_labels_and_note() -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    content = igor.wave_bytes(values, ["A", "B", "C", "D"], {"ScanSize": 1e-6}, "Image0")
    wave = binarywave.load(io.BytesIO(content))["wave"]
    np.testing.assert_array_equal(wave["wData"], values)
    assert [bytes(label) for label in wave["labels"][2][1:]] == [b"A", b"B", b"C", b"D"]
    assert wave["note"] == b"ScanSize: 1e-06\r"
    assert sum(struct.unpack("<192h", content[:384])) % 65536 == 0
    np.testing.assert_array_equal(igor.wave_values(content), values)
    with pytest.raises(ValueError):
        igor.wave_values(content[:400])

"""RHK R9: requests and answers as text."""

import math

import pytest

from spm_auto.wire import rhk as wire


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (wire.BIAS.set(1e-9), "SetSWParameter, STM Bias, Value, 1e-09"),
        (wire.BIAS.get(), "GetSWParameter, STM Bias, Value"),
        (
            wire.controller("Set Point").set(-5e-11),
            "SetHWSubParameter, Z PI Controller 1, Set Point, Value, -5e-11",
        ),
        (
            wire.tip_control("Z PI Controller").set(wire.RETRACT),
            "SetHWParameter, Z PI Controller, Tip Control, Retract",
        ),
        (
            wire.LINES.set(256),
            "SetSWSubItemParameter, Scan Area Window, Scan Settings, Lines Per Frame, 256",
        ),
        (
            wire.saving("File Name", wire.SPECTRA_WINDOW).get(),
            "GetSWSubItemParameter, dI/dV Spectroscopy, MeasureSave, File Name",
        ),
        (wire.start(wire.IMAGE_SCAN), "StartProcedure, Image Scan"),
        (wire.channel("z0-src"), "ReadChannelValue, z0-src"),
    ],
)
def test_a_request_is_the_line_that_the_clients_send(request_: str, line: str) -> None:
    assert request_ == line
    assert wire.encode(request_) == line.encode("ascii") + b"\n"


@pytest.mark.parametrize("value", [1e-9, -1.2345678901234567e-7, 0.0, 3.0])
def test_a_number_is_read_back_as_the_same(value: float) -> None:
    asked = wire.parse(wire.TIP_X.set(value))
    assert asked.parameter == wire.TIP_X
    assert wire.number(asked.value) == value


def test_what_would_break_the_line_is_not_sent() -> None:
    for value in ("a, b", "a\nb", math.nan, math.inf):
        with pytest.raises(ValueError, match="sent"):
            wire.BIAS.set(value)


def test_a_path_with_a_comma_is_read_as_one_value() -> None:
    line = "SetSWSubItemParameter, Scan Area Window, MeasureSave, Save Path, C:\\a, b"
    assert wire.parse(line).value == "C:\\a, b"


@pytest.mark.parametrize(
    "line",
    ["", "Hello", "GetSWParameter, STM Bias", "SetSWParameter, STM Bias, Value", "StartProcedure"],
)
def test_what_is_no_request_is_said_to_be_none(line: str) -> None:
    with pytest.raises(ValueError, match=r"known|needs"):
        wire.parse(line)


@pytest.mark.parametrize("answer", ["Done", "", "nan", "1.5e", "Error"])
def test_an_answer_that_is_no_number_is_refused(answer: str) -> None:
    with pytest.raises(ValueError, match=r"float|finite"):
        wire.number(answer)


def test_an_answer_is_read_with_and_without_an_end() -> None:
    assert wire.decode(b"Done") == wire.decode(b"Done\r\n") == wire.DONE

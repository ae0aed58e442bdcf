"""What goes over the server's wire comes back as it was; anything else is refused."""

import contextlib
import math
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_auto.errors import LimitExceeded, OutOfStep, SpmError
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    Channel,
    ConditionTip,
    ForceCurve,
    Instruction,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanLine,
    SetFeedback,
    Status,
    Vitals,
)
from spm_auto.server.wire import (
    Answer,
    Ask,
    Request,
    Said,
    capabilities_table,
    failed,
    pack_answer,
    pack_request,
    read_answer,
    read_capabilities,
    read_instruction,
    read_request,
    read_status,
    read_vitals,
    status_table,
    vitals_table,
)

INSTRUCTIONS: tuple[Instruction, ...] = (
    Load("film"),
    Scan(ScanFrame((1e-7, -2e-7), (5e-7, 3e-7), (4, 3), 0.3), ("height",), 2.0, "zoom"),
    PositionProbe(1e-9, math.nan),
    AcquireSpectrum(0.0, 1e-9, BiasWaveform.triangle(8.5, points=64)),
    AcquireForceCurve(1e-9, 2e-9),
    ConditionTip(0.0, 0.0, bias=3.0),
    SetFeedback(setpoint=1e-10),
)


def sent(value: Any) -> Any:
    return read_answer(pack_answer(Answer(1, Said.DONE, value, 2.0))).value


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=lambda each: type(each).__name__)
def test_an_instruction_arrives_as_it_was_given(instruction: Instruction) -> None:
    request = read_request(pack_request(Request(3, Ask.PERFORM, instruction, "token")))
    assert (request.number, request.ask, request.token) == (3, Ask.PERFORM, "token")
    assert repr(read_instruction(request.value)) == repr(instruction)  # NaN is not equal to itself


def test_arrays_come_back_to_the_last_bit() -> None:
    odd = np.array([[0.1, math.nan, -0.0], [math.inf, -math.inf, 5e-324]])
    line = sent(ScanLine(3, odd, odd[:, ::-1], 1.5))
    assert line.forward.tobytes() == odd.tobytes()
    assert line.backward.tobytes() == odd[:, ::-1].tobytes()
    channel = (Channel("force", "N"), Channel("deflection", "m"))
    curve = sent(ForceCurve(0.0, 1.0, np.arange(3.0), channel, odd, -odd, 1.0, 2.0))
    assert curve.retract.tobytes() == (-odd).tobytes()


def test_what_an_instrument_has_and_feels_comes_back() -> None:
    has = Capabilities(
        name="bench",
        image_channels=(Channel("height", "m"),),
        spectrum_channels=(Channel("current", "A"),),
        x_range=(-1e-6, 1e-6),
        y_range=(-2e-6, 2e-6),
        bias_range=(-10.0, 10.0),
        position_accuracy=1e-10,
        is_simulated=False,
        instructions=frozenset({ConditionTip, SetFeedback}),
        has_vitals=True,
    )
    assert read_capabilities(sent(capabilities_table(has))) == has
    status = Status(InstrumentState.SCANNING, (1e-9, 2e-9), -0.5, True, 12.5)
    assert read_status(sent(status_table(status))) == status
    vitals = Vitals(1.0, 2e-9, "A", 5e-9, 1e-8, (-1e-7, 1e-7), True, 0.1, True, "SafeTip")
    assert read_vitals(sent(vitals_table(vitals))) == vitals


def test_an_error_is_raised_as_it_was_at_the_server() -> None:
    error = LimitExceeded("bias", 12.0, (-10.0, 10.0), "V", "a pulse")
    answer = read_answer(pack_answer(failed(7, error, 1.0)))
    with pytest.raises(LimitExceeded, match=r"bias of 12 V is outside -10 to 10 V") as caught:
        answer.result()
    assert caught.value.allowed == (-10.0, 10.0)


def test_an_error_of_a_kind_that_is_none_of_ours_becomes_one() -> None:
    answer = Answer(1, Said.ERROR, ("SystemExit", "boo", {"code": 3}))
    with pytest.raises(SpmError, match="boo"):
        answer.result()


def test_another_version_is_refused_with_both_numbers() -> None:
    frames = pack_request(Request(1, Ask.HELLO, version=2))
    with pytest.raises(OutOfStep, match="speaks version 1 of its protocol, the client 2"):
        read_request(frames)
    answer = msgpack.packb({"v": 9, "n": 1, "said": "done", "value": None, "time": 0.0})
    with pytest.raises(OutOfStep, match="speaks version 9, this program 1"):
        read_answer([answer])


@pytest.mark.parametrize(
    "table",
    [
        {"v": 1, "n": 1, "ask": "__class__", "token": "", "value": None},
        {"v": 1, "n": 1, "ask": "close", "token": "", "value": None},
        {"v": 1, "n": True, "ask": "hello", "token": "", "value": None},
        {"v": 1, "n": "1", "ask": "hello", "token": "", "value": None},
        {"v": 1, "n": 1, "ask": "hello", "token": "x" * 65, "value": None},
        {"v": 1, "n": 1, "ask": ["hello"], "token": "", "value": None},
        {"v": 1, "n": 1, "ask": "hello", "value": None},
        {"v": 1, "n": 1, "ask": "perform", "token": "", "value": {"~kind": "Popen"}},
        {"v": 1, "n": 1, "ask": "perform", "token": "", "value": {"~array": "|O", "shape": [1]}},
        {"v": 1, "n": 1, "ask": {"a": 1}, "token": "", "value": None},
        [1, 2, 3],
    ],
    ids=lambda table: str(table)[:60],
)
def test_a_request_that_is_none_is_refused(table: Any) -> None:
    with pytest.raises(OutOfStep):
        read_request([msgpack.packb(table)])


@pytest.mark.parametrize("value", [None, 3, {"x": 1.0}, Status, ScanFrame((0, 0), (1, 1))])
def test_what_is_no_instruction_is_not_carried_out(value: Any) -> None:
    with pytest.raises(OutOfStep, match="expected an instruction"):
        read_instruction(value)


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_any_bytes_are_a_request_or_refused(frames: list[bytes]) -> None:
    with contextlib.suppress(OutOfStep):
        assert isinstance(read_request(frames), Request)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_byte_is_a_request_or_refused(place: int, byte: int) -> None:
    frames = pack_request(Request(1, Ask.PERFORM, INSTRUCTIONS[1], "token"))
    header = bytearray(frames[0])
    header[place % len(header)] = byte
    with contextlib.suppress(OutOfStep):
        assert isinstance(read_request([bytes(header)]), Request)


def test_an_array_of_another_length_is_refused() -> None:
    frames = pack_answer(Answer(1, Said.DONE, np.arange(4.0), 0.0))
    with pytest.raises(OutOfStep, match="an array came with 24 bytes"):
        read_answer([frames[0], frames[1][:-8]])

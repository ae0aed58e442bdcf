"""A record survives the way to bytes and back; bytes that are no record are refused."""

import dataclasses
import math
from typing import Any, get_args

import msgpack
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spm_auto.data import (
    AccessDenied,
    Acknowledged,
    AgentAnswered,
    AgentPrepared,
    Alarm,
    CommandEnded,
    CommandGiven,
    CostsEstimated,
    DurationsEstimated,
    Event,
    FeedbackSet,
    Finding,
    FinishReason,
    ForceCurveAcquired,
    InstructionFailed,
    Intervention,
    Judged,
    LeaseChanged,
    LineAcquired,
    LoadFinished,
    ModelFitted,
    Outcome,
    PointChosen,
    ProbePositioned,
    Record,
    RunContinued,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    SampleFound,
    SampleSought,
    ScanFinished,
    ScanStarted,
    ServerStarted,
    ServerStopped,
    SpectraDoubted,
    SpectrumAcquired,
    SpectrumScored,
    StageMoved,
    StepStarted,
    TipConditioned,
    TipWithdrawn,
    Verdict,
    Waited,
)
from spm_auto.data.codec import decode, encode
from spm_auto.errors import DataError
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    ConditionTip,
    ForceCurve,
    Load,
    MoveStage,
    PositionProbe,
    QualityFlag,
    Scan,
    ScanFrame,
    ScanLine,
    SetFeedback,
    Spectrum,
)

FRAME = ScanFrame((1e-7, -2e-7), (5e-7, 3e-7), (4, 3), 0.3)
CHANNELS = (Channel("height", "m"), Channel("phase", "rad"))
ODD = np.array([[0.1, math.nan, -0.0], [math.inf, -math.inf, 5e-324]])
WAVEFORM = BiasWaveform.triangle(8.5, 8)
FLAGS = (QualityFlag.SATURATED, QualityFlag.NOT_SETTLED)

EVENTS: tuple[Event, ...] = (
    Waited(1.5),
    Finding("drift", "it drifts", {"velocity": (1e-12, 0.0), "map": np.arange(3.0)}),
    Judged("point", "measure there?", Verdict.EDITED, "Ada", "too near", {"x": 1e-9}),
    RunStarted(
        "uid",
        "Müller's µm ⟂",
        "a = 1",
        "b = 2",
        "bench",
        2**63,
        {"numpy": "2"},
        {"limits": {"x": (-math.inf, 1e-6), "no_go": ()}, "none": None, "on": True},
    ),
    StepStarted(1, "explore"),
    LoadFinished(Load("film")),
    ScanStarted(Scan(FRAME, ("height",), 2.0, "zoom"), CHANNELS),
    LineAcquired(ScanLine(2, ODD, ODD[:, ::-1], 1.5)),
    ScanFinished(True),
    ProbePositioned(PositionProbe(1e-7, 2e-7), 1.1e-7, 2e-7),
    SpectrumAcquired(
        AcquireSpectrum(1e-7, 2e-7, WAVEFORM),
        Spectrum(1e-7, 2e-7, np.arange(3.0), CHANNELS, ODD, 1.0, 2.0, FLAGS),
    ),
    ForceCurveAcquired(
        AcquireForceCurve(1e-7, 2e-7, trigger=5e-9),
        ForceCurve(1e-7, 2e-7, np.arange(3.0), CHANNELS, ODD, ODD[:, ::-1], 1.0, 2.0, FLAGS),
    ),
    TipConditioned(ConditionTip(0.0, 1e-7, depth=2e-9), 1e-10, 1e-7),
    FeedbackSet(SetFeedback(bias=0.1, gain=None), 0.0999),
    StageMoved(MoveStage(1e-3, -2e-3), 1.000001e-3, -2e-3),
    SpectraDoubted(10.0, 20.0, "the tip shows 40 % of what it showed at first"),
    PointChosen(7, 1e-7, 2e-7, math.nan, "at random", math.nan, 0.1, math.inf, -1),
    SpectrumScored(7, "loop_area", 0.5, math.nan, "", 1e-7, 2e-7, 8.5, 1.0, "V"),
    SpectrumScored(
        7, "a", 0.5, 0.1, "", 0.0, 0.0, 8.5, 1.0, "V", {"b": (math.nan, math.nan, "flat", "1")}
    ),
    ModelFitted(
        3,
        FRAME,
        np.arange(4, dtype=np.float32),
        np.ones(4, dtype=np.float32),
        np.arange(8, dtype=np.int32).reshape(4, 2),
        {"noise": 0.1},
        "gp",
    ),
    ModelFitted(
        3,
        FRAME,
        np.arange(4, dtype=np.float32),
        np.ones(4, dtype=np.float32),
        np.arange(8, dtype=np.int32).reshape(4, 2),
        {},
        "deep kernel",
        bias=np.arange(4, dtype=np.float32),
        noise=np.ones(4, dtype=np.float32),
    ),
    CostsEstimated((0.5, 1.0), 0.1, 2e6),
    DurationsEstimated((1e-7, 0.0), (0.5, 1.0)),
    DurationsEstimated(None, ()),
    InstructionFailed(
        PositionProbe(1.0, 0.0), "LimitExceeded", "x of 1 m", {"allowed": (-1e-6, 1e-6)}
    ),
    InstructionFailed(ConditionTip(0.0, 0.0, bias=3.0), "NoReply", "no answer within 2 s"),
    AgentPrepared(2.5),
    AgentAnswered(0.25, 0.0),
    AgentAnswered(
        0.25,
        0.0,
        PointChosen(7, 1e-7, 2e-7, math.nan, "at random", math.nan, 0.1, math.inf, -1),
        {"draws": 3, "names": ("a", "b"), "models": ({"raw": ODD, "empty": np.zeros(0)},)},
        late=1,
        reconsidered=PointChosen(8, 1e-7, 2e-7, 4.0, "why", 1.0, 0.1, 2.0, 7),
        is_refitted=True,
    ),
    Intervention("operator", "paused", "lunch"),
    Intervention(
        "Ada", "stay out", "a scratch", "forbid_region", {"center": (1e-7, 0.0), "radius": 2e-7}
    ),
    Alarm("look here"),
    RunPaused(),
    RunResumed(),
    RunFinished(FinishReason.EMERGENCY, "stopped", "line 1\nline 2"),
    RunContinued(("the tip is withdrawn",), "12 bytes", {"numpy": "2"}),
    SampleSought(),
    SampleFound(3e-9, -1e-9, 2e-10, "by the phase"),
    ServerStarted("uid", "schema_version = 1", "bench", {"command": "tcp://127.0.0.1:1"}, {}),
    CommandGiven("alice", 3, PositionProbe(1e-9, math.nan)),
    CommandEnded("alice", 3, Outcome.REFUSED, "x of nan m is outside"),
    LeaseChanged("alice", "lost", "silent for 5 s"),
    TipWithdrawn("server", False, "NOT CONFIRMED", 10.0),
    Acknowledged("bob", "crash"),
    AccessDenied("mallory", "an unknown key"),
    ServerStopped("Ctrl-C"),
)


def identical(a: Any, b: Any) -> bool:
    """Say whether two values are the same to the last bit, types and NaN included."""
    if isinstance(a, np.ndarray):
        return (
            isinstance(b, np.ndarray)
            and (a.dtype, a.shape) == (b.dtype, b.shape)
            and a.tobytes() == b.tobytes()
        )
    if type(a) is not type(b):
        return False
    if dataclasses.is_dataclass(a):
        names = [field.name for field in dataclasses.fields(a)]
        return all(identical(getattr(a, name), getattr(b, name)) for name in names)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(identical(a[key], b[key]) for key in a)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    return bool(a == b) or (a != a and b != b)


def there_and_back(event: Event) -> Event:
    return decode(*encode(Record(3, 1.7e9, 12.5, event))).event


def settings_back(**settings: Any) -> Any:
    back = there_and_back(RunStarted("uid", "", "", "", "", 0, {}, settings))
    assert isinstance(back, RunStarted)
    return back.settings


def refused(tree: Any, body: bytes = b"") -> bool:
    with pytest.raises(DataError):
        decode(msgpack.packb(tree), body)
    return True


def test_there_is_an_example_of_every_event() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_to_the_last_bit(event: Event) -> None:
    record = Record(3, 1.7e9, 12.5, event)
    assert identical(decode(*encode(record)), record)


def test_a_quality_flag_and_a_finish_reason_come_back_as_what_they_were() -> None:
    spectrum = next(event for event in EVENTS if isinstance(event, SpectrumAcquired))
    back = there_and_back(spectrum)
    assert isinstance(back, SpectrumAcquired)
    assert all(isinstance(flag, QualityFlag) for flag in back.spectrum.flags)
    finished = there_and_back(next(event for event in EVENTS if isinstance(event, RunFinished)))
    assert isinstance(finished, RunFinished)
    assert isinstance(finished.reason, FinishReason)


@given(
    st.lists(st.floats(width=64), max_size=12),
    st.floats(),
    st.integers(min_value=-(2**63), max_value=2**64 - 1),
    st.text(st.characters(codec="utf-8")),
)
def test_whatever_the_numbers_are_they_come_back(
    values: list[float], number: float, whole: int, text: str
) -> None:
    settings = {"values": np.array(values, dtype=float), "x": number, "n": whole, "text": text}
    assert identical(dict(settings_back(**settings)), settings)


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<i8", ">i4", "|b1", "|u1"])
def test_an_array_keeps_its_numbers_whatever_its_byte_order_and_layout(dtype: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)[::2, ::-1]
    back = settings_back(a=array)["a"]
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


def test_several_arrays_of_odd_lengths_do_not_run_into_one_another() -> None:
    arrays = {"a": np.arange(3, dtype=np.uint8), "b": np.arange(5.0), "c": np.zeros((0, 2))}
    back = settings_back(**arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].shape == array.shape


def test_an_array_of_four_million_numbers_comes_back() -> None:
    array = np.random.default_rng(0).standard_normal((2, 1000, 2000))
    assert settings_back(a=array)["a"].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "value",
    [np.array(["text", None], dtype=object), np.array([1 + 1j]), object(), {1, 2}, b"bytes"],
    ids=["objects", "complex", "object", "set", "bytes"],
)
def test_what_the_journal_does_not_know_is_not_written(value: Any) -> None:
    with pytest.raises(TypeError, match="the journal does not store"):
        encode(Record(0, 0.0, 0.0, RunStarted("", "", "", "", "", 0, {}, {"value": value})))


@pytest.mark.parametrize(
    "tree",
    [
        {"~kind": "Popen", "args": ["true"]},
        {"~word": "Popen", "value": "completed"},
        {"~word": "FinishReason", "value": "exploded"},
        {"~kind": "Alarm"},
        {"~kind": "Alarm", "message": "", "more": 1},
        {"~kind": ["Alarm"]},
        {"~array": "|O", "shape": [1], "offset": 0},
        {"~array": "<c16", "shape": [1], "offset": 0},
        {"~array": "<f8", "shape": [2], "offset": 0},
        {"~array": "<f8", "shape": [1], "offset": 1},
        {"~array": "<f8", "shape": [1], "offset": -8},
        {"~array": "<f8", "shape": [2**40, 2**40], "offset": 0},
        {"~array": "<f8", "shape": [1], "offset": 2**63},
        {"~array": "<f8", "shape": [-1], "offset": 0},
        {"~array": "<f8", "shape": [1.0], "offset": 0},
        {"~array": "<f8", "shape": "8", "offset": 0},
        {"~array": "<f8"},
        {"~kind": "ScanFrame", "center": [0, 0], "size": [0, 0], "pixels": [4, 4], "angle": 0},
        {
            "~kind": "Spectrum",
            "x": 0,
            "y": 0,
            "bias": [0],
            "channels": [],
            "data": 1,
            "start_time": 0,
            "end_time": 0,
        },
        [],
        {},
        None,
        7,
    ],
    ids=str,
)
def test_what_is_no_record_is_refused(tree: Any) -> None:
    assert refused(tree, b"12345678")
    assert refused(
        {"~kind": "Record", "number": 0, "utc": 0.0, "time": 0.0, "event": tree}, b"12345678"
    )


@given(st.binary(max_size=200), st.binary(max_size=64))
@example(b"\x91" * 511 + b"\x90", b"")  # lists in lists, as deep as msgpack goes
@example(b"\x91" * 100_000, b"")
@example(b"\xc1", b"")
@example(b"\xdf\xff\xff\xff\xff", b"")  # a map that says it has 4 milliard keys
@example(b"\xc6\xff\xff\xff\xff", b"")
@example(b"\xa1\xff", b"")
@example(b"\xd7\xff" + bytes(8), b"")
def test_garbage_is_refused_as_damaged_data_and_nothing_else(header: bytes, body: bytes) -> None:
    with pytest.raises(DataError):
        decode(header, body)


HEADERS = [encode(Record(0, 1.0, 2.0, event)) for event in EVENTS]


@given(st.sampled_from(HEADERS), st.data())
def test_a_record_with_some_bytes_changed_decodes_or_is_refused(
    encoded: tuple[bytes, bytes], data: st.DataObject
) -> None:
    header, body = bytearray(encoded[0]), encoded[1]
    for _ in range(data.draw(st.integers(1, 3))):
        header[data.draw(st.integers(0, len(header) - 1))] = data.draw(st.integers(0, 255))
    body = body[: data.draw(st.integers(0, len(body)))]
    try:
        record = decode(bytes(header), body)
    except DataError:
        return
    assert isinstance(record, Record)


@pytest.mark.parametrize("text", ["\udcff", "caf\udce9.h5"])
def test_a_file_name_that_is_no_unicode_is_written_with_its_bytes_shown(text: str) -> None:
    back = there_and_back(Alarm(text))
    assert isinstance(back, Alarm)
    assert back.message == text.replace("\udcff", "\\udcff").replace("\udce9", "\\udce9")


def test_a_single_number_in_an_array_keeps_its_shape() -> None:
    assert settings_back(a=np.array(3.0))["a"].shape == ()


@pytest.mark.parametrize("settings", [{"~kind": "Load"}, {"~word": "x"}, {"~array": 1}])
def test_a_table_that_would_be_read_as_something_else_is_not_written(settings: Any) -> None:
    with pytest.raises(TypeError, match="the journal does not store"):
        encode(Record(0, 0.0, 0.0, RunStarted("", "", "", "", "", 0, {}, {"inner": settings})))


def test_a_whole_number_beyond_64_bits_is_not_written() -> None:
    with pytest.raises(TypeError, match="the journal does not store"):
        encode(Record(0, 0.0, 0.0, StepStarted(2**64, "")))


def test_lists_in_lists_without_end_are_refused() -> None:
    with pytest.raises(DataError):
        decode(b"\x91" * 511 + b"\x90", b"")


@pytest.mark.parametrize(
    ("event", "added"),
    [
        (Intervention("Ada", "stay out", "a scratch"), ("kind", "values")),
        (Alarm("the tip may have changed"), ("cause",)),
    ],
)
def test_a_journal_from_before_interventions_had_values_is_read(
    event: Event, added: tuple[str, ...]
) -> None:
    header, body = encode(Record(3, 1.0, 2.0, event))
    tree = msgpack.unpackb(header)
    for name in added:
        del tree["event"][name]
    assert decode(msgpack.packb(tree), body).event == event

"""Form: whether an instruction is made of what it should be; text is no number, nor is None."""

from collections.abc import Iterable, Iterator
from typing import get_args

import numpy as np

from ..errors import Malformed
from .frame import ScanFrame
from .instructions import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instruction,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    SetFeedback,
)

_KINDS = frozenset(get_args(Instruction))
_WHOLE = (int, np.integer)
_NUMBER = (*_WHOLE, float, np.floating)
_LARGEST = 2**63  # a whole number beyond it may be none any more where it is turned into a float
Named = tuple[str, object]
Types = tuple[type, ...]


def check_form(instruction: Instruction) -> None:
    """Refuse what is no instruction, or one with something else in the place of a number.

    The values of Python's and numpy's own number types are numbers; truth values are none.

    Raises:
        Malformed: It names the place and what stands there.
    """
    kind = type(instruction)
    if kind not in _KINDS:
        raise Malformed(f"{_shown(instruction)} is no instruction")
    match instruction:
        case Load(sample=sample):
            _check_texts(kind, [("sample", sample)])
        case Scan(frame=frame, channels=channels, line_rate=rate, purpose=purpose):
            if type(frame) is not ScanFrame:
                raise Malformed(f"Scan.frame must be a ScanFrame, got {_shown(frame)}")
            _check_numbers(kind, [("line_rate", rate), *_numbers_of(frame)])
            _check_pair("frame.pixels", frame.pixels, _WHOLE, "a whole number")
            if not isinstance(channels, tuple | list):
                raise Malformed(f"Scan.channels must be names, got {_shown(channels)}")
            _check_texts(kind, [("purpose", purpose), *(("channels", name) for name in channels)])
        case PositionProbe() | MoveStage():
            _check_numbers(kind, _named(instruction, "x", "y"))
        case AcquireSpectrum(waveform=waveform):
            _check_numbers(kind, _named(instruction, "x", "y"))
            _check_waveform(waveform)
        case AcquireForceCurve(points=points):
            numbers = _named(instruction, "x", "y", "trigger", "distance", "rate")
            _check_numbers(kind, numbers)
            _check(kind.__name__, "points", points, _WHOLE, "a whole number")
        case ConditionTip():
            _check_numbers(kind, _named(instruction, "x", "y", "bias", "depth", "duration"))
        case SetFeedback():
            given = _named(instruction, "bias", "setpoint", "gain")
            _check_numbers(kind, [(name, value) for name, value in given if value is not None])


def _check_waveform(waveform: BiasWaveform) -> None:
    if type(waveform) is not BiasWaveform:
        raise Malformed(f"AcquireSpectrum.waveform must be one, got {_shown(waveform)}")
    if not isinstance(waveform.values, tuple | list):
        raise Malformed(f"BiasWaveform.values must be numbers, got {_shown(waveform.values)}")
    if set(map(type, waveform.values)) != {float}:  # what there is most of is asked for first
        _check_numbers(BiasWaveform, (("values", value) for value in waveform.values))
    _check_numbers(BiasWaveform, [("dwell", waveform.dwell)])
    _check("BiasWaveform", "cycles", waveform.cycles, _WHOLE, "a whole number")


def _numbers_of(frame: ScanFrame) -> Iterator[Named]:
    for name in ("center", "size"):
        _check_pair(f"frame.{name}", getattr(frame, name), _NUMBER, "a number")
    yield "frame.angle", frame.angle


def _check_pair(name: str, pair: object, kind: Types, what: str) -> None:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise Malformed(f"Scan.{name} must be two numbers, got {_shown(pair)}")
    for value in pair:
        _check("Scan", name, value, kind, what)


def _named(instruction: Instruction, *names: str) -> list[Named]:
    return [(name, getattr(instruction, name)) for name in names]


def _check_numbers(kind: type, numbers: Iterable[Named]) -> None:
    for name, value in numbers:
        _check(kind.__name__, name, value, _NUMBER, "a number")


def _check_texts(kind: type, texts: Iterable[Named]) -> None:
    for name, value in texts:
        _check(kind.__name__, name, value, (str,), "text")


def _check(owner: str, name: str, value: object, kind: Types, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, kind):
        raise Malformed(f"{owner}.{name} must be {what}, got {_shown(value)}")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise Malformed(f"{owner}.{name} is beyond {_LARGEST:g}, which nothing here can be")


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:60] + '…'} ({type(value).__name__})"

"""Handwork: instructions that a human gives, as text: for a wire and for the record.

The text is JSON, a list of tables. What is done at one point after the other is one table:

    [{"do": "acquire_spectrum", "points": [[1e-07, 0.0], [2e-07, 0.0]],
      "waveform": {"values": [0.0, 1.0], "dwell": 0.008, "cycles": 1}}]
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from ..errors import RecipeError
from ..instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instruction,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
    check_form,
)

MOST = 10_000  # instructions at once
_MOST_TEXT = 200  # characters of a name
Pair = tuple[float, float]
Points = Annotated[tuple[Pair, ...], Field(min_length=1, max_length=MOST)]
Name = Annotated[str, Field(max_length=_MOST_TEXT)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def given(self) -> dict[str, Any]:
        """Return what was given, under the names that an instruction has for it."""
        return {name: getattr(self, name) for name in self.model_fields_set - {"do", "points"}}


class _Frame(_Table):
    center: Pair
    size: Pair
    pixels: tuple[int, int]
    angle: float = 0.0


class _Waveform(_Table):
    values: Annotated[tuple[float, ...], Field(min_length=1, max_length=100_000)]
    dwell: float = 8e-3
    cycles: int = 1


class _Load(_Table):
    do: Literal["load"]
    sample: Name = ""

    def made(self) -> list[Instruction]:
        return [Load(**self.given())]


class _Scan(_Table):
    do: Literal["scan"]
    frame: _Frame
    channels: Annotated[tuple[Name, ...], Field(max_length=_MOST_TEXT)] = ()
    line_rate: float = 1.0
    purpose: Name = "overview"

    def made(self) -> list[Instruction]:
        frame = ScanFrame(**self.frame.given())
        return [Scan(**{**self.given(), "frame": frame})]


class _Position(_Table):
    do: Literal["position_probe"]
    points: Points

    def made(self) -> list[Instruction]:
        return [PositionProbe(x, y) for x, y in self.points]


class _Spectrum(_Table):
    do: Literal["acquire_spectrum"]
    points: Points
    waveform: _Waveform

    def made(self) -> list[Instruction]:
        waveform = BiasWaveform(**self.waveform.given())
        return [AcquireSpectrum(x, y, waveform) for x, y in self.points]


class _ForceCurve(_Table):
    do: Literal["acquire_force_curve"]
    points: Points
    trigger: float = 10e-9
    distance: float = 100e-9
    n_points: int = 512
    rate: float = 1.0

    def made(self) -> list[Instruction]:
        given = self.given()
        if "n_points" in given:
            given["points"] = given.pop("n_points")
        return [AcquireForceCurve(x, y, **given) for x, y in self.points]


class _Condition(_Table):
    do: Literal["condition_tip"]
    points: Points
    bias: float = 0.0
    depth: float = 0.0
    duration: float = 10e-3

    def made(self) -> list[Instruction]:
        return [ConditionTip(x, y, **self.given()) for x, y in self.points]


class _Feedback(_Table):
    do: Literal["set_feedback"]
    bias: float | None = None
    setpoint: float | None = None
    gain: float | None = None

    def made(self) -> list[Instruction]:
        return [SetFeedback(**self.given())]


class _Stage(_Table):
    do: Literal["move_stage"]
    x: float
    y: float

    def made(self) -> list[Instruction]:
        return [MoveStage(self.x, self.y)]


_Entry = Annotated[
    _Load | _Scan | _Position | _Spectrum | _ForceCurve | _Condition | _Feedback | _Stage,
    Field(discriminator="do"),
]


class _Work(RootModel[tuple[_Entry, ...]]):
    root: Annotated[tuple[_Entry, ...], Field(min_length=1, max_length=MOST)]


_AT_POINTS = PositionProbe | AcquireSpectrum | AcquireForceCurve | ConditionTip
_NAMES: Mapping[type, str] = MappingProxyType(
    {
        Load: "load",
        Scan: "scan",
        PositionProbe: "position_probe",
        AcquireSpectrum: "acquire_spectrum",
        AcquireForceCurve: "acquire_force_curve",
        ConditionTip: "condition_tip",
        SetFeedback: "set_feedback",
        MoveStage: "move_stage",
    }
)


def instructions_to_text(instructions: Sequence[Instruction]) -> str:
    """Turn instructions into text; what is done at many points is said once.

    Raises:
        RecipeError: There are none, or too many, or something else stands in a number's place.
    """
    _check_number(len(instructions))
    tables: list[dict[str, Any]] = []
    last: Instruction | None = None
    for each in instructions:
        check_form(each)
        anywhere = replace(each, x=0.0, y=0.0) if isinstance(each, _AT_POINTS) else None
        if anywhere is None or anywhere != last:
            tables.append(_table(each))
        else:
            tables[-1]["points"] += _points(each)
        last = anywhere
    return json.dumps(tables, separators=(",", ":"))


def instructions_from_text(text: str) -> tuple[Instruction, ...]:
    """Make instructions of a text.

    Raises:
        RecipeError: It holds none, or something that is no instruction; it names the place.
    """
    try:
        work = _Work.model_validate_json(text)
        made = tuple(each for entry in work.root for each in entry.made())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the text"
        raise RecipeError(f"these are no instructions: {place}: {first['msg']}") from error
    except ValueError as error:  # one that could never be right
        raise RecipeError(f"this is no instruction: {error}") from error
    _check_number(len(made))
    return made


def _table(instruction: Instruction) -> dict[str, Any]:
    table = {"do": _NAMES[type(instruction)], **_fields(instruction)}
    if isinstance(instruction, AcquireForceCurve):
        table["n_points"] = table.pop("points")
    if isinstance(instruction, _AT_POINTS):
        del table["x"], table["y"]
        table["points"] = _points(instruction)
    return table


def _points(instruction: Instruction) -> list[list[float]]:
    return [[float(getattr(instruction, axis)) for axis in "xy"]]


def _fields(value: Any) -> dict[str, Any]:
    return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}


def _plain(value: Any) -> Any:
    """Return a value without numpy's own numbers, which JSON does not know."""
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _check_number(number: int) -> None:
    if not 1 <= number <= MOST:
        raise RecipeError(f"by hand 1 to {MOST} instructions are given at once, not {number}")

"""What the steps of a recipe say besides results: they waited, found, asked, and were answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What a human says to a question of the run."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Waited:
    """The run waited on purpose; the record's time is when it went on.

    Attributes:
        seconds: How long [s]; 0 where only the time was asked.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A step found or decided something: a frame to zoom on, a drift, a law, a better set-point.

    Attributes:
        kind: What it is about, for programs: "frame", "drift", "tuning", "tip", "law", "analysis",
            "worth", "registration", "tile".
        message: What was found, in one line for people.
        values: The numbers behind it by name, SI units: plain values, and arrays of numbers.
    """

    kind: str
    message: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """A human answered what the run asked: whether it may measure there, or zoom there.

    Attributes:
        kind: What was asked about: "point", "frame", "step".
        question: What was asked, in words.
        verdict: The answer.
        who: Who answered.
        why: Why, in words; empty when nothing was said.
        values: What it shall be instead, by name; empty unless edited.
    """

    kind: str
    question: str
    verdict: Verdict
    who: str
    why: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

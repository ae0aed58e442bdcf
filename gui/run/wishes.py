"""Wishes: what a human wants done to a run, as values. Each can be refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spm_auto.agents import Steering
from spm_auto.data import Verdict
from spm_auto.instrument import Instruction


@dataclass(frozen=True, slots=True)
class Perform:
    """Give the instrument instructions by hand, one after another.

    Attributes:
        instructions: Which ones.
        why: Why, in words, for the record.
    """

    instructions: tuple[Instruction, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """End what was begun by hand, and wait for what comes next."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing more is to be done by hand: the run goes on with its next step."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next instruction or line."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run at once, in order; the tip stays where it is."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Steer:
    """Have the agent do something before it chooses again.

    Attributes:
        steering: What.
        why: Why, in words.
    """

    steering: Steering
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judge:
    """Answer what the run asks.

    Attributes:
        verdict: The answer.
        number: Which question is meant.
        values: Where edited, what it shall be instead.
        why: Why, in words.
    """

    verdict: Verdict
    number: int
    values: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True)
class SetApproval:
    """Change how often a human is asked about proposals.

    Attributes:
        every: About every so many-th; 0 for none.
        why: Why, in words.
    """

    every: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Annotate:
    """Write something down."""

    text: str


Wish = Perform | Interrupt | Finish | Pause | Resume | Stop | Steer | Judge | SetApproval | Annotate

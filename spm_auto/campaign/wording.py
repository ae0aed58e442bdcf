"""Wording: figures of a page as text, all of one table in the same unit and with as many digits."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .. import units
from .compare import Comparison

MINUS = "\u2212"
NOTHING = "–"
WITH_PREFIX = ("m", "s", "V", "A", "S", "N", "Pa", "Hz")


@dataclass(frozen=True, slots=True)
class Scale:
    """How the values of one figure are written.

    Attributes:
        factor: Of the unit that is written, in SI units.
        unit: What is written; "" for a pure number.
        decimals: Digits behind the point.
    """

    factor: float
    unit: str
    decimals: int

    @classmethod
    def of(cls, values: Iterable[float], unit: str = "") -> Self:
        """Choose a scale at which the largest value has two or three digits.

        Args:
            values: All that will be written.
            unit: SI unit, which gets a prefix; or words, which get none; "" for a pure number.
        """
        largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
        factor, shown = 1.0, unit
        if largest and unit in WITH_PREFIX:
            shown = units.format(largest, unit, 3).split(" ", 1)[1]
            factor = units.parse(f"1 {shown}", unit)
        size = math.floor(math.log10(largest / factor)) if largest else 0
        return cls(factor, shown, max(0, (2 if size >= 0 else 1) - size))

    def write(self, value: float, signed: bool = False) -> str:
        """Write a value without its unit; infinity is "never"."""
        if math.isnan(value):
            return NOTHING
        if math.isinf(value):
            return "never"
        text = f"{value / self.factor:{'+' if signed else ''}.{self.decimals}f}"
        if not float(text):
            text = text.lstrip("+-")
        return text.replace("-", MINUS)

    def spread(self, values: Sequence[float]) -> str:
        """Write mean ± standard deviation; of values that are partly infinite the median."""
        known = np.array([value for value in values if not math.isnan(value)])
        if not len(known):
            return NOTHING
        if not np.isfinite(known).all():
            return f"median {self.write(float(np.median(known)))}"
        if len(known) == 1:
            return self.write(float(known[0]))
        return f"{self.write(float(known.mean()))} ± {self.write(float(known.std(ddof=1)))}"

    def difference(self, found: Comparison | None) -> str:
        """Write a difference and its interval, or wins and losses; bold where they decide."""
        if found is None:
            return ""
        if not found.n:
            return NOTHING
        if math.isnan(found.mean):
            text = f"won {found.wins}, lost {found.losses}"
        else:
            ends = f"{self.write(found.low, signed=True)}, {self.write(found.high, signed=True)}"
            text = f"{self.write(found.mean, signed=True)} [{ends}]"
        return f"**{text}**" if found.says in ("better", "worse") else text


def unit_of(figure: str) -> str:
    """Return the unit that a figure's name has in brackets, where that takes a prefix; else ""."""
    found = re.search(r" \[(\w+)\]$", figure)
    return found[1] if found and found[1] in WITH_PREFIX else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def cell(text: str) -> str:
    """Return text that cannot break a table's cell or begin a tag."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;").strip()


def span(seeds: Sequence[int]) -> str:
    """Write seeds in a few words: "100 to 109"."""
    if len(seeds) > 1 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def settings(said: Mapping[str, Any]) -> str:
    """Write settings as a recipe would: ``gp`` with what is not as it comes."""
    rest = ", ".join(f"{key} = {json.dumps(value)}" for key, value in said.items() if key != "kind")
    kind = str(said.get("kind", ""))
    return f"{kind}: {rest}" if kind and rest else kind or rest


def counted(n: int, noun: str) -> str:
    """Write a number with its noun: "1 run", "3 runs"."""
    return f"{n} {noun}{'' if n == 1 else 's'}"

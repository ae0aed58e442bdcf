"""Draft: a recipe while it is being written, and what is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spm_auto.errors import RecipeError
from spm_auto.settings import parse_toml
from spm_auto.workflow import parse_recipe

_LINE = re.compile(r"line (\d+)")
_PLACE = re.compile(r"^([A-Za-z_]\w*(?:\.\w+|\[\d+\])*): (.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text, and what comes of it.

    Attributes:
        text: The text.
        table: Its values; None where it is no TOML.
        faults: What is wrong, one line each; none where it is a recipe.
        places: The same by the path of the key, as in ``steps[0].frame``; "" for the whole.
        line: Number of the line that is no TOML, from 1; 0 where that is not known.
    """

    text: str
    table: Mapping[str, Any] | None
    faults: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


def judged(text: str, place: str) -> Draft:
    """Read a text as a recipe.

    Args:
        text: The text.
        place: Name of the file, for messages.
    """
    try:
        table = parse_toml(text, place)
    except RecipeError as error:
        line = _LINE.search(str(error))
        return Draft(text, None, (_bare(str(error), place),), line=int(line[1]) if line else 0)
    try:
        parse_recipe(table, place)
    except RecipeError as error:
        faults = tuple(_bare(line, place) for line in str(error).splitlines())
        places: dict[str, str] = {}
        for fault in faults:
            found = _PLACE.match(fault)
            where, why = (found[1], found[2]) if found else ("", fault)
            places[where] = f"{places[where]}; {why}" if where in places else why
        return Draft(text, table, faults, places)
    return Draft(text, table)


def _bare(fault: str, place: str) -> str:
    return fault.removeprefix(f"{place}: ")

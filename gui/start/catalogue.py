"""Catalogue: the recipes and the simulated laboratories that come with the window."""

import re
from dataclasses import dataclass
from pathlib import Path

from spm_auto.errors import RecipeError
from spm_auto.settings import read_toml

_HERE = Path(__file__).parent
RECIPES, LABS = _HERE / "recipes", _HERE / "labs"
BY_HAND = RECIPES / "by_hand.toml"  # waits for what a human wants, in any laboratory
FIRST_LOOK = RECIPES / "first_look.toml"  # scans first, so that there is something to see
SIMULATOR = LABS / "ferroelectric.toml"
_SUITS = re.compile(r"^# lab: (\S+)$", re.MULTILINE)
_FIRST = (FIRST_LOOK.name, BY_HAND.name)


@dataclass(frozen=True, slots=True)
class Offer:
    """A recipe or a lab file that may be chosen.

    Attributes:
        path: The file.
        title: What it calls itself; the name of the file where it cannot be read.
        description: More, for people.
        lab: The shipped laboratory that it was written for; None for any.
    """

    path: Path
    title: str
    description: str = ""
    lab: Path | None = None


def offer(path: Path) -> Offer:
    """Return what a file calls itself, good or not."""
    try:
        table, text = read_toml(path, "file")
    except RecipeError:
        return Offer(path, path.name)
    title = table.get("title", table.get("laboratory"))
    description = table.get("description", "")
    suits = _SUITS.search(text)
    return Offer(
        path,
        title if isinstance(title, str) and title else path.name,
        description if isinstance(description, str) else "",
        LABS / suits[1] if suits and (LABS / suits[1]).exists() else None,
    )


def shipped_recipes() -> tuple[Offer, ...]:
    """Return the recipes that come with the window, those for working by hand first."""
    others = sorted({path.name for path in RECIPES.glob("*.toml")} - set(_FIRST))
    return tuple(offer(RECIPES / name) for name in (*_FIRST, *others))


def shipped_labs() -> tuple[Offer, ...]:
    """Return the simulated laboratories that come with the window, that of `SIMULATOR` first."""
    paths = sorted(LABS.glob("*.toml"), key=lambda path: (path != SIMULATOR, path.name))
    return tuple(offer(path) for path in paths)

"""Tables that pages show: read as the recipe, lab file or campaign that they are part of."""

import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from blocks import ROOT, Block

from spm_auto.campaign import Campaign, members
from spm_auto.campaign.batch import ClusterSettings
from spm_auto.classroom import Course
from spm_auto.lab import Lab, parse_lab
from spm_auto.settings import validate
from spm_auto.workflow import Recipe, parse_recipe

OVERVIEW = {
    "kind": "overview",
    "frame": {"center": ["0 nm", "0 nm"], "size": ["2 um", "2 um"], "pixels": [128, 128]},
}


class WrongTable(AssertionError):
    """A page shows a table that nobody reads."""


def check(block: Block, folder: Path) -> str:
    """Read a table; a part of one within a whole. Return what it is.

    Raises:
        WrongTable: It is nothing that we know.
        RecipeError: It is faulty; the message names the place.
    """
    table = tomllib.loads(block.text)
    if "part of" in block.notes:
        table = _over(_read(ROOT / block.notes["part of"]), table)
    if isinstance(table.get("runs"), list):
        whole = {"schema_version": 1, "title": "a page's", **table}
        members(validate(Campaign, whole, block.where, folder), folder)
        return "campaign"
    if set(table) <= set(Recipe.model_fields):
        is_whole = "schema_version" in table
        steps = table.get("steps", [])
        whole = {"schema_version": 1, "title": "a page's", **table}
        whole["steps"] = steps if is_whole else [OVERVIEW, *steps]
        parse_recipe(whole, block.where)
        return "recipe"
    if set(table) <= set(Lab.model_fields):
        is_whole = "schema_version" in table
        whole = dict(table) if is_whole else _over(_read(_lab_of(block.page)), table)
        parse_lab(whole, block.where, folder)
        return "lab file"
    for model, name in ((ClusterSettings, "cluster file"), (Course, "course")):
        if set(table) <= set(model.model_fields):
            validate(model, {"schema_version": 1, **table}, block.where)
            return name
    raise WrongTable(f"{block.where}: what is a table of {sorted(table)}?")


def _lab_of(page: str) -> Path:
    """Return the lab file that a part of one belongs to: of the page's driver, or the simulator."""
    own = ROOT / "examples" / f"lab_{PurePosixPath(page).stem}.toml"
    return own if own.is_file() else ROOT / "examples" / "lab_simulator.toml"


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _over(base: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a part over a whole; a table that says its `kind` replaces what was there."""
    whole = dict(base)
    for key, value in part.items():
        old = whole.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and "kind" not in value:
            whole[key] = _over(old, value)
        else:
            whole[key] = value
    return whole

"""What is to be done: recipe and lab file read, overrides applied; or read again from a journal."""

import contextlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import plugins
from .data import RunStarted
from .errors import CannotResume, RecipeError
from .instrument import FromCommandLine
from .lab import Lab, parse_lab
from .settings import override, parse_toml, read_toml
from .workflow import Recipe, parse_recipe


@dataclass(frozen=True, slots=True)
class Experiment:
    """Recipe and laboratory as read from their files, overrides applied.

    Attributes:
        recipe: The recipe.
        lab: The laboratory.
        recipe_text: The recipe's file, verbatim.
        lab_text: The lab file, verbatim.
        overrides: What was replaced on the command line, verbatim.
        files: Where recipe and lab file stood.
    """

    recipe: Recipe
    lab: Lab
    recipe_text: str
    lab_text: str
    overrides: tuple[str, ...]
    files: tuple[str, str]

    def describe(self) -> dict[str, Any]:
        """Return what a run's journal should know besides the texts."""
        recipe, lab = self.files
        return {
            **self.lab.describe(),
            "overrides": self.overrides,
            "recipe_file": recipe,
            "lab_file": lab,
            "folder": str(Path.cwd()),
        }


def read_experiment(recipe_path: Path, lab_path: Path, overrides: Sequence[str]) -> Experiment:
    """Read recipe and lab file, and replace what the command line replaces.

    Args:
        recipe_path: The recipe.
        lab_path: The lab file.
        overrides: Texts such as "steps[1].budget=20" or "instrument.file=data.h5".

    Raises:
        RecipeError: With one line per fault, naming the place.
    """
    _, recipe_text = read_toml(recipe_path, "recipe")
    _, lab_text = read_toml(lab_path, "lab file")
    return make_experiment(recipe_text, lab_text, (recipe_path, lab_path), overrides)


def read_recipe_file(recipe_path: Path, overrides: Sequence[str]) -> Recipe:
    """Read a recipe without a laboratory, and replace what the command line replaces.

    Args:
        recipe_path: The recipe.
        overrides: Texts such as "steps[1].budget=20".

    Raises:
        RecipeError: With one line per fault, naming the place.
    """
    table, _ = read_toml(recipe_path, "recipe")
    for text in overrides:
        path, value = read_override(text)
        key = path.split(".")[0].split("[")[0]
        if key not in Recipe.model_fields:
            suggestion = plugins.suggest(key, Recipe.model_fields)
            raise RecipeError(f"--set {text}: a recipe has no key {key!r}{suggestion}")
        table = override(table, path, value)
    return parse_recipe(table, recipe_path.name)


def recorded_experiment(started: RunStarted) -> Experiment:
    """Return what a run was ordered to do, from its journal.

    Paths that were relative to a file, or to where the command was given, still are.

    Args:
        started: How the run began.

    Raises:
        CannotResume: The journal does not say all of it.
        RecipeError: Recipe and lab file are none.
    """
    try:
        settings = started.settings
        files = (Path(settings["recipe_file"]), Path(settings["lab_file"]))
        overrides, folder = [str(text) for text in settings["overrides"]], Path(settings["folder"])
    except (KeyError, TypeError) as error:
        raise CannotResume(f"the journal does not say how the run was begun: {error}") from error
    with contextlib.chdir(folder if folder.is_dir() else "."):
        return make_experiment(started.recipe, started.lab, files, overrides)


def make_experiment(
    recipe_text: str, lab_text: str, files: tuple[Path, Path], overrides: Sequence[str]
) -> Experiment:
    """Make an experiment of texts that were read already.

    Args:
        recipe_text: The recipe.
        lab_text: The lab file.
        files: Where both stood: paths in them are relative to there.
        overrides: What to replace in them.

    Raises:
        RecipeError: With one line per fault, naming the place.
    """
    recipe_path, lab_path = files
    recipe_table = parse_toml(recipe_text, str(recipe_path))
    lab_table = parse_toml(lab_text, str(lab_path))
    for text in overrides:
        path, value = read_override(text)
        key = path.split(".")[0].split("[")[0]
        if key in Recipe.model_fields:
            recipe_table = override(recipe_table, path, value)
        elif key in Lab.model_fields:
            lab_table = override(lab_table, path, value)
        else:
            known = [*Recipe.model_fields, *Lab.model_fields]
            raise RecipeError(
                f"--set {text}: neither a recipe nor a lab file has a key {key!r}"
                f"{plugins.suggest(key, known)}"
            )
    return Experiment(
        recipe=parse_recipe(recipe_table, recipe_path.name),
        lab=parse_lab(lab_table, lab_path.name, lab_path.parent),
        recipe_text=recipe_text,
        lab_text=lab_text,
        overrides=tuple(overrides),
        files=(str(recipe_path.resolve()), str(lab_path.resolve())),
    )


def read_override(text: str) -> tuple[str, Any]:
    """Read ``PATH=VALUE`` of the command line.

    Raises:
        RecipeError: It has no equals sign.
    """
    path, separator, written = text.partition("=")
    if not separator:
        raise RecipeError(f"--set {text}: write PATH=VALUE, such as steps[1].budget=20")
    return path, _value(written)


def _value(text: str) -> Any:
    """Read a value as TOML would; what is no TOML is text, such as 8 V or a path."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return FromCommandLine(text)
    return FromCommandLine(value) if isinstance(value, str) else value

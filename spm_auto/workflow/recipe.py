"""Recipe: the science of a run as a value, read from TOML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from ..errors import RecipeError
from ..instrument import Instruction, Scan
from ..settings import SchemaVersion, read_toml, validate
from .recovery import RecoverySettings
from .steps.block import Steps

SCHEMA_VERSION = 1
_OF_LAB = (
    *("laboratory", "operator", "instrument", "limits", "watchdog"),
    *("clock", "storage", "notify", "server"),
)  # fmt: skip


class Recipe(BaseModel):
    """What a run does, step by step. It names no laboratory and may be shared.

    Attributes:
        schema_version: Version of this format.
        title: What the run is about, in a line.
        description: More, for people.
        steps: What to do, in order.
        recovery: What the run may do by itself when something fails; nothing without it, as it
            brings the tip to the sample again: somebody has to have wanted that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    elsewhere: ClassVar[Mapping[str, str]] = dict.fromkeys(_OF_LAB, "lab file")

    schema_version: SchemaVersion
    title: str
    steps: Steps
    description: str = ""
    recovery: RecoverySettings | None = None

    def preview(self) -> list[tuple[int, Instruction]]:
        """Return what is known of the run before it starts: step and instruction, in order.

        Raises:
            RecipeError: A step misses what the steps before it should give.
        """
        known: list[tuple[int, Instruction]] = []
        scan: Scan | None = None
        for index, step in enumerate(self.steps):
            try:
                instructions = step.preview(scan)
            except RecipeError as error:
                said = str(error)  # of a step inside of a block it says where
                raise RecipeError(
                    f"steps[{index}]{'.' if said.startswith('steps[') else ': '}{said}"
                ) from error
            for instruction in instructions:
                known.append((index, instruction))
                if isinstance(instruction, Scan):
                    scan = instruction
        return known


def parse_recipe(table: dict[str, Any], place: str) -> Recipe:
    """Check a table and make the recipe.

    Args:
        table: What stood in the file, overrides applied.
        place: Name of the file, for messages.

    Raises:
        RecipeError: With one line per fault.
    """
    recipe = validate(Recipe, table, place)
    try:
        recipe.preview()
    except RecipeError as error:
        raise RecipeError(f"{place}: {error}") from error
    return recipe


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: The file is missing, no TOML, or no recipe; the message names the place.
    """
    table, _ = read_toml(path, "recipe")
    return parse_recipe(table, path.name)

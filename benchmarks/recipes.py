"""The recipes among the examples, with the lab that each of them is for.

A recipe says so in a comment of its own, and how it becomes a small one for a quick look::

    # lab: lab_stm.toml
    # quick: steps[1].budget=4

``quick`` may stand several times; each is what ``--set`` would take. Without ``lab`` the first
``--lab examples/FILE`` in its comments counts. Recorded data that the lab hands out are named in
``# data: FILE``; they lie in the folder that SPM_AUTO_DATA names, or in ../shared/data.
``# plan: at most`` says that a step ends by what it finds, so that the plan is an upper bound.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_DATA = Path(os.environ.get("SPM_AUTO_DATA", EXAMPLES.parent.parent / "shared" / "data"))
_SAID = re.compile(r"^# (lab|quick|data|plan): (\S.*?)\s*$", re.MULTILINE)
_TYPED = re.compile(r"^#.*--lab examples/(\S+\.toml)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ExampleRecipe:
    """A recipe of the examples.

    Attributes:
        path: The recipe.
        lab: The lab file that it is for.
        quick: What to replace for a quick look, as for ``--set``.
        data: Recorded data that it needs; None for none.
        is_open: Whether it ends by what it finds: its plan is an upper bound.
    """

    path: Path
    lab: Path
    quick: tuple[str, ...] = ()
    data: Path | None = None
    is_open: bool = False

    @property
    def name(self) -> str:
        """Name of the recipe."""
        return self.path.stem

    @property
    def is_there(self) -> bool:
        """Whether all that it needs is on this computer."""
        return self.data is None or self.data.is_file()

    def overrides(self, is_quick: bool = False) -> tuple[str, ...]:
        """Return what to replace, as for ``--set``."""
        data = () if self.data is None else (f"instrument.file={self.data}",)
        return (*data, *self.quick) if is_quick else data


def find_recipes(folder: Path = EXAMPLES) -> tuple[ExampleRecipe, ...]:
    """Return all recipes of a folder that name their lab, by name.

    Raises:
        ValueError: A recipe names no lab, or one that is not there.
    """
    found = []
    for path in sorted(folder.glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        if not re.search(r"^\[\[steps\]\]", text, re.MULTILINE):
            continue
        said = _SAID.findall(text)
        labs = [value for key, value in said if key == "lab"] or _TYPED.findall(text)[:1]
        if len(labs) != 1 or not (folder / labs[0]).is_file():
            raise ValueError(f"{path.name}: write its lab as a comment, '# lab: lab_stm.toml'")
        quick = tuple(value for key, value in said if key == "quick")
        data = [_DATA / value for key, value in said if key == "data"]
        is_open = ("plan", "at most") in said
        source = data[0] if data else None
        found.append(ExampleRecipe(path, folder / labs[0], quick, source, is_open))
    return tuple(found)

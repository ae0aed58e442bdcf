"""What the folders of the window may know of one another."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from spm_auto import gui

HOME = Path(gui.__file__).parent
VIEWS = ("agent", "by_hand", "curves", "history", "microscope", "start", "status")
MAY_KNOW = {"run": set(), "common": {"run"}, **{view: {"run", "common"} for view in VIEWS}}


def known(folder: str) -> Iterator[tuple[str, str]]:
    """Give each import of a folder's files: the file, and which part of the window it knows."""
    for path in sorted((HOME / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 2:
                yield path.name, (node.module or "").split(".")[0]


@pytest.mark.parametrize("folder", MAY_KNOW)
def test_no_view_knows_another_and_the_run_knows_none(folder: str) -> None:
    wrong = [f"{file} knows {part}" for file, part in known(folder) if part not in MAY_KNOW[folder]]
    assert not wrong


def test_every_folder_of_the_window_has_a_row_here() -> None:
    assert {path.parent.name for path in HOME.glob("*/__init__.py")} == set(MAY_KNOW)


def test_what_stands_behind_the_window_knows_nothing_of_qt() -> None:
    for path in (HOME / "run").glob("*.py"):
        assert "PyQt6" not in path.read_text("utf-8"), path.name

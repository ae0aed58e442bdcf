"""Lessons as pages: a notebook in jupytext's percent format, with what its cells showed.

``python docs/_site/notebooks.py`` carries out all lessons and keeps them in ``build/notebooks``;
without that, pages show text and code.
"""

import base64
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ROOT / "docs" / "tutorials"
EXECUTED = ROOT / "build" / "notebooks"
MOST_LINES = 40  # of what a cell prints
TIMEOUT = 240  # [s] for a cell


@dataclass(frozen=True, slots=True)
class LessonPage:
    """A lesson as markdown.

    Attributes:
        title: Its heading.
        text: The page.
        pictures: PNG files beside it, by name.
    """

    title: str
    text: str
    pictures: dict[str, bytes] = field(default_factory=dict)


def sources() -> list[Path]:
    """Return all lessons, in order."""
    return sorted(LESSONS.glob("[0-9]*.py"))


def page_of(source: Path) -> LessonPage:
    """Return a lesson as a page, with its pictures where it was carried out as it is now.

    Raises:
        ValueError: No markdown cell has a heading '# ...' to be the title.
    """
    executed = EXECUTED / f"{source.stem}.ipynb"
    is_new = executed.is_file() and executed.stat().st_mtime >= source.stat().st_mtime
    cells = _cells_of_notebook(executed) if is_new else _cells_of_source(source)
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for kind, text, outputs in cells:
        if kind == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        for output in outputs:
            parts += _shown(output, source.stem, pictures)
    title = re.search(r"^# (.+)$", "\n\n".join(parts), re.MULTILINE)
    if title is None:
        raise ValueError(f"{source.name} has no heading '# ...' in a markdown cell")
    parts.append(f"---\n\n*This page is the notebook `docs/tutorials/{source.name}`.*")
    return LessonPage(title[1], "\n\n".join(parts) + "\n", pictures)


def _cells_of_source(source: Path) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    text = source.read_text(encoding="utf-8")
    pieces = re.split(r"^# %%(.*)$", text, flags=re.MULTILINE)[1:]
    for head, body in zip(pieces[::2], pieces[1::2], strict=True):
        if "[markdown]" in head:
            yield "markdown", re.sub(r"^# ?", "", body.strip("\n"), flags=re.MULTILINE), []
        elif body.strip():
            yield "code", body.strip(), []


def _cells_of_notebook(path: Path) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"]).strip("\n")
        if cell["cell_type"] == "markdown":
            yield "markdown", text, []
        elif text.strip():
            yield "code", text, cell["outputs"]


def _shown(output: dict[str, Any], stem: str, pictures: dict[str, bytes]) -> Iterator[str]:
    """Yield an output of a cell as markdown, and put its picture among the others."""
    data = output.get("data", {})
    if "image/png" in data:
        name = f"{stem}_{len(pictures) + 1}.png"
        pictures[name] = base64.b64decode(data["image/png"])
        yield f"![what this cell shows]({name})"
    else:
        printed = "".join(output.get("text", data.get("text/plain", ""))).rstrip()
        lines = printed.splitlines()
        if len(lines) > MOST_LINES:
            lines = [*lines[:MOST_LINES], "..."]
        if lines:
            yield "```text\n" + "\n".join(lines) + "\n```"


def execute() -> None:
    """Carry out all lessons as a student without a course would, and keep them.

    Raises:
        CellExecutionError: A cell failed.
    """
    import jupytext
    from nbclient import NotebookClient

    EXECUTED.mkdir(parents=True, exist_ok=True)
    for source in sources():
        notebook = jupytext.read(source, fmt="py:percent")
        with TemporaryDirectory() as folder:
            os.environ["SPM_AUTO_HOME"] = str(Path(folder) / "home")
            client = NotebookClient(
                notebook, timeout=TIMEOUT, resources={"metadata": {"path": folder}}
            )
            client.execute()
        jupytext.write(notebook, EXECUTED / f"{source.stem}.ipynb", fmt="ipynb")
        sys.stdout.write(f"{source.stem}\n")


if __name__ == "__main__":
    execute()

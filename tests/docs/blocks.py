"""The code blocks of README.md and docs/, and what the page says of each to its test.

A comment in the line above a block may say how it is to be taken::

    <!-- not run: it moves a real microscope -->      only looked at; the reason is printed
    <!-- given: a run -->                             what is there already, see `scenes`
    <!-- part of: examples/lab_rhk.toml -->           a table: laid over this file, then read
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(\s*)(`{3,})(\S*)\s*$")
NOTE = re.compile(r"^<!-- (not run|given|part of): (.+?) -->$")
LANGUAGES = ("python", "toml", "sh", "console", "text", "json")
COMMAND = re.compile(r"(\$ |spm-auto|make|python|pip|git|ssh|sbatch|qsub)\b")
KINDS = {  # how a comment of each kind is read, and for which languages it makes sense
    "not run": LANGUAGES,
    "given": ("python",),
    "part of": ("toml",),
}


@dataclass(frozen=True, slots=True)
class Block:
    """A code block.

    Attributes:
        page: Its page, as a path within the checkout.
        line: Where it begins, from 1.
        language: What stands behind the fence; where nothing does, "sh" if a command is the first
            word, else "text".
        text: What is in it, without indentation.
        notes: What the comments above it say, by kind.
    """

    page: str
    line: int
    language: str
    text: str
    notes: dict[str, str]

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return all pages whose blocks are tested."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(path: Path) -> Iterator[Block]:
    """Yield the code blocks of a page, from top to bottom.

    Raises:
        ValueError: A block does not end.
    """
    page = path.relative_to(ROOT).as_posix()
    lines = path.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opened = FENCE.match(lines[number])
        if not opened:
            number += 1
            continue
        indent, ticks, language = opened.groups()
        end = number + 1
        while end < len(lines) and lines[end].strip() != ticks:
            end += 1
        if end == len(lines):
            raise ValueError(f"{page}:{number + 1}: this block does not end")
        text = "\n".join(line.removeprefix(indent) for line in lines[number + 1 : end])
        notes: dict[str, str] = {}
        above = number - 1
        while above >= 0 and (note := NOTE.match(lines[above].strip())):
            notes[note[1]] = note[2]
            above -= 1
        guessed = "sh" if COMMAND.match(text) else "text"
        yield Block(page, number + 1, language or guessed, text, notes)
        number = end + 1


def inline_commands(path: Path) -> Iterator[tuple[str, str]]:
    """Yield where and what: commands of spm-auto within the sentences of a page."""
    page = path.relative_to(ROOT).as_posix()
    is_code = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            for command in re.findall(r"`(spm-auto [^`]+)`", line):
                yield f"{page}:{number}", command

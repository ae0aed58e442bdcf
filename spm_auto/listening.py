"""Listening: a run has an ear while it is carried out, and knows how often a human is asked."""

import contextlib
import getpass
from collections.abc import Iterator
from pathlib import Path

from .ear import Ear
from .errors import RecipeError, SpmError
from .workflow import Approve, Approving, Runner

NEVER = "never"
_EVERY = "every"


@contextlib.contextmanager
def listening(runner: Runner, folder: Path, title: str) -> Iterator[Ear]:
    """Let a run hear what humans say, within the block; where it cannot, it ends before it began.

    Raises:
        SpmError: There can be no socket, or no file that says where it is.
    """
    try:
        ear = Ear(runner, folder, title)
    except SpmError as error:
        runner.finish(error)
        raise
    with ear:
        yield ear


def parse_every(text: str) -> int:
    """Return how often a human is asked: "never", "every", "every 5" or "5"; 0 for never.

    Raises:
        RecipeError: It says something else.
    """
    words = text.split()
    if words == [NEVER]:
        return 0
    if words == [_EVERY]:
        return 1
    if words[:1] == [_EVERY]:
        words = words[1:]
    if len(words) != 1 or not words[0].isdecimal() or not 0 < int(words[0]) <= 1_000_000:
        raise RecipeError(f"{text!r} does not say how often: 'never', 'every' or 'every 5' does")
    return int(words[0])


def approving(approve: str) -> Approve | None:
    """Return who says yes to all that a run asks, where nobody shall be asked.

    Raises:
        RecipeError: It does not say how often a human is asked.
    """
    if approve and parse_every(approve) == 0:
        return Approving(f"--approve {NEVER}")
    return None


def login() -> str:
    """Return who is logged in, for the record."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without names
        return "somebody"

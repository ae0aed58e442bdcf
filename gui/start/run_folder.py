"""Run folder: where a new run will be kept, and the room that there is for it."""

import re
import shutil
from datetime import datetime
from pathlib import Path

_LONGEST_NAME = 40  # characters of a title in the name of a folder


def new_folder(runs: Path, title: str, now: datetime) -> Path:
    """Return a folder for a new run that is not there yet, named by time and title.

    Args:
        runs: Where runs are kept.
        title: What the run is about.
        now: When it begins.
    """
    name = f"{now:%Y-%m-%dT%H%M%S}-{slug(title)}"
    number, folder = 1, runs.absolute() / name
    while folder.exists():
        number += 1
        folder = runs.absolute() / f"{name}-{number}"
    return folder


def slug(title: str) -> str:
    """Return a title as it may stand in the name of a folder, on any system."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return words[:_LONGEST_NAME].strip("-") or "run"


def room(folder: Path) -> float:
    """Return the room on the disk of a folder that may not be there yet [bytes]."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    return float(shutil.disk_usage(there).free)

"""What tests let workers do, and a campaign of a few short games."""

import os
from collections.abc import Generator, Sequence
from pathlib import Path

from spm_auto.campaign import Entry, Outcome, Result
from spm_auto.campaign.executors import Work
from spm_auto.campaign.result import write_result
from spm_auto.campaign.work import read_spec

SMALL = """
schema_version = 1
title = "Two players, two seeds"

[[runs]]
name = "small"
tasks = ["gap_hunt"]
agents = ["random", "sobol"]
seeds = "0..1"
"""


class Here:
    """Does runs in this very process, one after the other."""

    workers = 1

    def map(self, folders: Sequence[Path], work: Work) -> Generator[Outcome]:
        """Do the runs of these folders."""
        for folder in folders:
            yield work(folder)


def written(folder: Path, text: str = SMALL) -> Path:
    """Write a campaign's file; returns its path."""
    path = folder / "campaign.toml"
    path.write_text(text, "utf-8")
    return path


def falter(folder: Path) -> Outcome:
    """Note that it was tried; die at the first try of "once", and at every one of "always"."""
    with (folder / "tries").open("a") as file:
        file.write(f"{os.getpid()} {os.environ['OMP_NUM_THREADS']}\n")
    tries = len((folder / "tries").read_text().splitlines())
    if folder.name == "always" or (folder.name == "once" and tries == 1):
        os._exit(9)
    return Outcome(folder, "completed", seconds=1.0)


def nothing(folder: Path) -> Outcome:
    """Do nothing, to see what that costs."""
    return Outcome(folder, "completed")


def end(entry: Entry, finish: str = "completed", message: str = "", **figures: float) -> None:
    """Put a result into a run's folder, as if it had been done."""
    spec, _ = read_spec(entry.folder)
    result = Result(key=spec.key, spec=spec, finish=finish, message=message, figures=figures)
    write_result(entry.folder, result)

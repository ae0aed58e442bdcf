"""Batch systems: what a cluster's jobs get, and job scripts that need nothing but the files."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from ..data import write_whole
from ..errors import RecipeError
from ..settings import SchemaVersion, read_toml, validate
from ..units import DataSize, Duration
from .executors import ONE_THREAD
from .spec import Model

_MIB = 2**20
_SHARE = 0.9  # of the wall time in which runs are begun
_LEAST = 120.0  # [s] of wall time
_MOST_PARTS = 100_000  # more than any batch system is set up for
_Word = Annotated[str, Field(pattern=r"^[\w.:@=/,+-]*$")]
_Line = Annotated[str, Field(pattern=r"^[^\r\n\x00]*$")]


class ClusterSettings(Model):
    """What a job of a batch system gets.

    Attributes:
        schema_version: Of this format.
        queue: Partition or queue; "" for the usual one.
        account: Who pays; "" for the usual one.
        cores: Of a job; as many runs go on in it.
        memory: Of a job.
        walltime: After which the system ends a job; no run is begun in its last tenth.
        jobs: Most of them at once.
        gpus: Of a job.
        interface: Network interface by which the machines reach one another, such as "ib0".
        prologue: Lines of shell that a job starts with, such as "module load python".
        directives: More options of the batch system, such as "--constraint=fast".
        python: Program that runs spm_auto there; the one that runs here without it.
    """

    schema_version: SchemaVersion
    queue: _Word = ""
    account: _Word = ""
    cores: Annotated[int, Field(ge=1)] = 1
    memory: Annotated[DataSize, Field(ge=100e6)] = 4e9
    walltime: Annotated[Duration, Field(ge=_LEAST)] = 7200.0
    jobs: Annotated[int, Field(ge=1)] = 10
    gpus: Annotated[int, Field(ge=0)] = 0
    interface: _Word = ""
    prologue: tuple[_Line, ...] = ()
    directives: tuple[_Line, ...] = ()
    python: _Line = ""

    @model_validator(mode="after")
    def _has_room(self) -> "ClusterSettings":
        least = 500e6
        if self.memory < least * self.cores:
            raise ValueError(
                f"memory of {self.memory / 1e9:g} GB is not enough for {self.cores} runs at once: "
                f"each takes up to {least / 1e9:g} GB"
            )
        return self

    @property
    def lifetime(self) -> float:
        """For how long runs are begun in a job [s]."""
        return _SHARE * self.walltime

    def wall_clock(self) -> str:
        """Return the wall time as batch systems write it."""
        minutes, seconds = divmod(round(self.walltime), 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"

    def pbs_select(self) -> str:
        """Return what PBS is asked for."""
        gpus = f":ngpus={self.gpus}" if self.gpus else ""
        return f"select=1:ncpus={self.cores}{gpus}:mem={self.memory / _MIB:.0f}mb"

    def extra(self, system: str) -> tuple[str, ...]:
        """Return more options of the batch system."""
        gpus = (f"--gres=gpu:{self.gpus}",) if self.gpus and system == "slurm" else ()
        return (*gpus, *self.directives)


def read_cluster(path: Path) -> ClusterSettings:
    """Read what a job gets from a file.

    Raises:
        RecipeError: With one line per fault.
    """
    table, _ = read_toml(path, "cluster file")
    return validate(ClusterSettings, table, path.name, path.parent)


def write_arrays(out: Path, settings: ClusterSettings, parts: int) -> tuple[Path, Path]:
    """Write job scripts that do a campaign as an array of jobs, without any scheduler of our own.

    Each job of the array does its part of the runs that are not done; submitted again, the array
    goes on. Beside one another they need nothing but the folder of the campaign.

    Args:
        out: Folder of the campaign, seen by all machines.
        settings: What a job gets.
        parts: How many jobs.

    Returns:
        The scripts for SLURM and for PBS.

    Raises:
        RecipeError: There cannot be so many parts, or a path has a line break.
        DataError: They cannot be written.
    """
    if not 1 <= parts <= _MOST_PARTS:
        raise RecipeError(f"an array of {parts} jobs cannot be; it has 1 to {_MOST_PARTS}")
    folder = out.absolute()
    if any(sign in str(folder) for sign in "\r\n\"'%$`\\"):
        raise RecipeError(f"{folder}: a batch script cannot name this folder; choose plainer signs")
    try:
        (folder / "logs").mkdir(parents=True, exist_ok=True)  # batch systems make none
    except OSError as error:
        raise RecipeError(f"{folder}: cannot be written: {error.strerror}") from error
    scripts = {
        "array.sbatch": (_slurm(folder, settings, parts), "SLURM_ARRAY_TASK_ID"),
        "array.pbs": (_pbs(folder, settings, parts), "PBS_ARRAY_INDEX"),
    }
    written = []
    for name, (head, number) in scripts.items():
        body = _body(folder, settings, parts, number)
        lines = ["#!/bin/bash", *head, "", *body]
        written.append(write_whole(folder / name, ("\n".join(lines) + "\n").encode()))
    return written[0], written[1]


def _slurm(folder: Path, settings: ClusterSettings, parts: int) -> Iterator[str]:
    options = [
        "--job-name=spm_auto",
        f"--array=0-{parts - 1}%{settings.jobs}",
        f'--output="{folder}/logs/%A_%a.txt"',
        *([f"--partition={settings.queue}"] if settings.queue else []),
        *([f"--account={settings.account}"] if settings.account else []),
        "--ntasks=1",
        f"--cpus-per-task={settings.cores}",
        f"--mem={settings.memory / _MIB:.0f}M",
        f"--time={settings.wall_clock()}",
        *settings.extra("slurm"),
    ]
    return (f"#SBATCH {option}" for option in options)


def _pbs(folder: Path, settings: ClusterSettings, parts: int) -> Iterator[str]:
    options = [
        "-N spm_auto",
        f"-J 0-{parts - 1}" if parts > 1 else "-v PBS_ARRAY_INDEX=0",
        "-j oe",
        f"-o {folder}/logs/",
        *([f"-q {settings.queue}"] if settings.queue else []),
        *([f"-A {settings.account}"] if settings.account else []),
        f"-l {settings.pbs_select()}",
        f"-l walltime={settings.wall_clock()}",
        *settings.extra("pbs"),
    ]
    return (f"#PBS {option}" for option in options)


def _body(folder: Path, settings: ClusterSettings, parts: int, number: str) -> Iterator[str]:
    yield from (f"export {name}={value}" for name, value in ONE_THREAD.items())
    yield from settings.prologue
    python = shlex.quote(settings.python or sys.executable)
    yield (
        f"exec {python} -m spm_auto campaign-work {shlex.quote(str(folder))} "
        f'--part "${number}" --of {parts} --workers {settings.cores} '
        f"--within {shlex.quote(f'{settings.lifetime:.0f} s')}"
    )

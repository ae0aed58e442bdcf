"""The work of a campaign: one run in its folder, on whatever machine it happens to be."""

import contextlib
import errno
import json
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..data import FILE_NAME, free, lock_file, write_whole
from ..errors import DataError, JournalFull, SpmError
from .attempts import attempt
from .doing import play_game, run_recipe, versions_here
from .result import RESULT_NAME, SPEC_NAME, Result, read_result, write_result
from .spec import GameSpec, RecipeSpec, RunSpec

WORK_LOCK = "work.lock"
# what a disk says that would not be said again where there is room, or another one
_PASSING = {
    getattr(errno, name)
    for name in (
        *("ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE"),
        *("ESTALE", "ETIMEDOUT", "ENOMEM"),
    )
    if hasattr(errno, name)
}
RESERVE = 50_000_000  # [bytes] that stay free on the disk: a run is not begun below it


class Elsewhere(DataError):
    """Another process is doing this run."""


def read_spec(folder: Path) -> tuple[RunSpec, Path]:
    """Return what a run's folder orders, and where the paths of its lab file start.

    Raises:
        DataError: The folder orders nothing that can be read.
    """
    path = folder / SPEC_NAME
    try:
        table = json.loads(path.read_text("utf-8"))
        spec = _specs().validate_json(json.dumps(table["spec"]))
        base = Path(table["folder"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise DataError(f"{path} orders no run: {error}") from error
    if spec.key != folder.name:
        raise DataError(f"{path} was changed: it orders run {spec.key}, its folder is another's")
    return spec, base


def write_spec(folder: Path, spec: RunSpec, base: str) -> None:
    """Order a run: write down in its folder what is to be done, unless that stands there already.

    Args:
        folder: Of the run.
        spec: What to do.
        base: Where the paths of a lab file start; "" where nothing has a path.
    """
    table = {"spec": spec.model_dump(mode="json"), "folder": base}
    text = json.dumps(table, indent=1) + "\n"
    path = folder / SPEC_NAME
    if not path.exists() or path.read_text("utf-8", errors="replace") != text:
        write_whole(path, text.encode())


@cache
def _specs() -> TypeAdapter[GameSpec | RecipeSpec]:
    return TypeAdapter(RunSpec)


def carry_out(folder: Path, patience: float = 0.0) -> Result:
    """Do the run that a folder orders, unless it is done; this is all that a worker is told.

    What an attempt that was killed has left is thrown away and the run is done from its beginning:
    it is the same again. A run that ends by itself with an error has a result that says so.

    Args:
        folder: Of the run.
        patience: How long to wait for another process that is at work in it [s].

    Returns:
        The result, which now stands in the folder.

    Raises:
        Elsewhere: Another process is at work in the folder.
        DataError: The folder orders no run, has a damaged result, or cannot be written.
        OSError: It cannot be written either.
    """
    with at_work(folder, patience):
        done = read_result(folder)
        if done is not None:
            return done
        spec, base = read_spec(folder)
        (folder / FILE_NAME).unlink(missing_ok=True)
        with attempt(folder):
            result = _result_of(spec, folder, base)
            write_result(folder, result)
        return result


@contextlib.contextmanager
def at_work(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Let nobody else be at work in a run's folder meanwhile.

    Raises:
        Elsewhere: Somebody is, and has not left within the patience [s].
        DataError: The folder is not there, or its disk knows no locks.
    """
    path = folder / WORK_LOCK
    try:
        lock = lock_file(path, f"{folder}: another process is doing this run{{holder}}", patience)
    except DataError as error:
        raise Elsewhere(str(error)) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be locked: {error.strerror or error}") from error
    try:
        yield
    finally:
        free(lock)


def has_room(folder: Path) -> bool:
    """Whether there is room on the disk of a folder for a run.

    Raises:
        OSError: There is no such folder.
    """
    return shutil.disk_usage(folder).free >= RESERVE


def is_done(folder: Path) -> bool:
    """Whether a run has its result."""
    return (folder / RESULT_NAME).exists()


def _result_of(spec: RunSpec, folder: Path, base: Path) -> Result:
    known = versions_here()
    try:
        if isinstance(spec, GameSpec):
            figures, curves = play_game(spec, folder)
        else:
            figures, curves = run_recipe(spec, folder, base)
    except SpmError as error:
        if _is_passing(error) or not has_room(folder):
            raise
        said = f"{type(error).__name__}: {error}"
        return Result(key=spec.key, spec=spec, finish="failed", message=said, versions=known)
    return Result(
        key=spec.key,
        spec=spec,
        finish="completed",
        figures=figures,
        curves=curves,
        versions=known,
    )


def _is_passing(error: BaseException) -> bool:
    """Whether it comes from a disk that is full or away, and so says nothing of the run."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, JournalFull):
            return True
        if isinstance(cause, OSError) and cause.errno in _PASSING:
            return True
        cause = cause.__cause__ or cause.__context__
    return False

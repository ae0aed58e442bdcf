"""Place: the file in a run's folder that says where its ear is, and holds the key to it."""

import contextlib
import json
import os
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import AccessError
from ..server import check_rights, restrict

FILE_NAME = "ear.json"
_LARGEST = 4096  # [bytes]
_OTHERS = 0o077  # rights of group and others
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run listens, and what proves that one may speak to it.

    Attributes:
        address: Of its socket.
        public: Key that the run must have.
        caller: Public key of whoever speaks to it.
        secret: The secret one that belongs to it; never shown.
        process: Number of the run's process.
        version: Of this file.
    """

    address: str
    public: str
    caller: str
    secret: str = field(repr=False)
    process: int
    version: int = _VERSION


def write_place(folder: Path, place: Place) -> Path:
    """Write the file, readable for its owner only from the moment that it exists.

    One that a killed run has left is replaced.

    Raises:
        AccessError: It cannot be written.
    """
    path = folder / FILE_NAME
    new = folder / f"{FILE_NAME}.{os.getpid()}"
    try:
        new.unlink(missing_ok=True)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            json.dump(asdict(place), stream)
        restrict(new)
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise AccessError(f"{path} cannot be written: {error}") from error
    return path


def remove_place(folder: Path, place: Place) -> None:
    """Remove the file, unless it is another run's by now; never raises."""
    with contextlib.suppress(OSError, AccessError):
        if read_place(folder) == place:
            (folder / FILE_NAME).unlink()


def read_place(folder: Path) -> Place:
    """Read where the run of a folder listens.

    Raises:
        AccessError: The file is missing or no such file, or others may read it.
    """
    path = folder / FILE_NAME
    try:
        # a pipe or a device in place of the file must not block
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(file, "rb") as stream:
            about = os.fstat(stream.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
                raise AccessError(f"{path} does not say where a run listens")
            check_rights(path, about, _OTHERS)
            table = json.loads(stream.read(_LARGEST))
    except FileNotFoundError:
        raise AccessError(
            f"{folder}: no run listens here ({FILE_NAME} is missing): it has ended, or it was "
            "started without an ear"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise AccessError(f"{path} cannot be read: {error}") from error
    try:
        place = Place(**table)
    except TypeError as error:
        raise AccessError(f"{path} does not say where a run listens") from error
    texts = (place.address, place.public, place.caller, place.secret)
    if not all(type(text) is str for text in texts) or type(place.process) is not int:
        raise AccessError(f"{path} does not say where a run listens")
    if place.version != _VERSION:
        raise AccessError(f"{path} has version {place.version!r:.20}, this program {_VERSION}")
    return place

"""Beginning: by what one knows a journal again, should another one come into its place."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

_ENOUGH = 512  # [bytes] in which two runs differ


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a file begins, and which one it is on its disk.

    Attributes:
        file: Its numbers: of the disk, and on it.
        content: Its first bytes.
    """

    file: tuple[int, int]
    content: bytes

    @classmethod
    def of(cls, path: Path) -> Self:
        """Read how a file begins.

        Raises:
            OSError: It cannot be read.
        """
        about = path.stat()
        return cls((about.st_dev, about.st_ino), _first(path, _ENOUGH))

    def fits(self, path: Path, size: int) -> bool:
        """Say whether a file is this one, or a copy of it, and has not become shorter than a size.

        Raises:
            OSError: It cannot be read.
        """
        about = path.stat()
        if about.st_size < size:
            return False
        is_same = (about.st_dev, about.st_ino) == self.file
        return is_same or _first(path, len(self.content)) == self.content


def _first(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)

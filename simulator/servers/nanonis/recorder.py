"""Recorder: the session folder, and the files that the controller writes into it."""

import ntpath
import time
from pathlib import Path, PureWindowsPath

from spm_auto.errors import InstrumentError
from spm_auto.export import Origin, write_dat, write_sxm
from spm_auto.instrument import ScanImage, Spectrum


class Recorder:
    """Writes images and spectra, numbered, as the real controller does.

    Args:
        folder: Where; None saves nothing.
        windows: Whether paths are told as Windows would write them.
        microscope: Its name, for the record.

    Raises:
        InstrumentError: The folder cannot be made.
    """

    def __init__(self, folder: Path | None, windows: bool, microscope: str) -> None:
        self._base = None if folder is None else folder.absolute()
        self._windows = windows
        self._microscope = microscope
        if self._base is not None:
            _make(self._base)
        self.folder = self._base

    def told(self, path: Path | None) -> str:
        """Return a path as it is told to clients; empty for none."""
        if path is None:
            return ""
        if not self._windows:
            return str(path)
        return str(PureWindowsPath("C:/", *path.parts[1:]))

    def choose(self, path: str) -> None:
        """Change the session folder: to the one given at the start, or to one right in it.

        Raises:
            InstrumentError: It is another one, or cannot be made.
        """
        base = self._base
        if base is None:
            raise InstrumentError("the controller was given no session folder; it saves nothing")
        told, name = self.told(base), ntpath.basename(path.rstrip("\\/"))
        if path.rstrip("\\/") == told:
            self.folder = base
        elif ntpath.dirname(path.rstrip("\\/")) == told and name not in ("", ".", ".."):
            _make(base / name)
            self.folder = base / name
        else:
            raise InstrumentError(f"the session folder stays within {told}, got {path}")

    def save_image(self, series: str, image: ScanImage, bias: float, comment: str) -> Path | None:
        """Write an image, and return the file."""
        path = self._next(series, ".sxm")
        return path and write_sxm(path, image, self._origin(comment, bias))

    def save_spectrum(self, base: str, spectrum: Spectrum, bias: float) -> Path | None:
        """Write a spectrum, and return the file."""
        path = self._next(base, ".dat")
        return path and write_dat(path, spectrum, self._origin("", bias))

    def _origin(self, comment: str, bias: float) -> Origin:
        about = {"Simulated": "TRUE", "Microscope": self._microscope}
        return Origin(comment, utc=time.time(), bias=bias, details=about)

    def _next(self, series: str, end: str) -> Path | None:
        if self.folder is None:
            return None
        name = time.strftime(series, time.gmtime()) if "%" in series else series
        number = 1
        while (path := self.folder / f"{name}{number:03d}{end}").exists():
            number += 1
        return path


def check_name(name: str) -> str:
    """Return the beginning of file names.

    Raises:
        ValueError: It cannot be one.
    """
    if any(c in '<>:"/\\|?*' or ord(c) < 32 or ord(c) > 126 for c in name) or len(name) > 120:
        raise ValueError(
            f"a base name is at most 120 plain characters of a file name, got {name!r}"
        )
    return name


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InstrumentError(f"cannot use {folder} as session folder: {error}") from error

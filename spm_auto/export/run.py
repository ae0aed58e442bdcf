"""A whole run as files of another program: what ``spm-auto export`` does."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..data import RecordedRun
from ..errors import DataError
from ..plugins import suggest
from .dat import write_dat
from .documents import write_documents
from .event_files import write_event_files
from .gwy import write_gwy
from .origin import numbered, of_scans, of_spectra, series_of
from .pictures import write_image_picture, write_points_picture, write_spectra_picture
from .records import write_records
from .sweep import alike
from .sxm import write_sxm
from .tables import write_image_table, write_point_table, write_spectra_table
from .text import file_word

FOLDER_NAME = "export"


def export(run: RecordedRun, to: str, folder: Path | str | None = None) -> list[Path]:
    """Write a run as files of another program; files that are there are replaced.

    The numbers in the names are those of the run's images and spectra, from 0.

    Args:
        run: The run, finished or not.
        to: The format, one of `FORMATS`.
        folder: Where to; a folder ``export`` beside the journal without it.

    Returns:
        The files.

    Raises:
        DataError: There is no such format, the run has nothing that it holds, or a file cannot be
            written.
    """
    if to not in FORMATS:
        raise DataError(
            f"there is no export to {to!r}{suggest(to, FORMATS)} (known: {', '.join(FORMATS)})"
        )
    folder = run.path.parent / FOLDER_NAME if folder is None else Path(folder)
    files = list(FORMATS[to](run, folder))
    if not files:
        has = f"{len(run.scans)} images and {len(run.spectra)} spectra"
        raise DataError(f"{run.path}: there is nothing to export to {to}: the run has {has}")
    return files


def _gwy(run: RecordedRun, folder: Path) -> Iterator[Path]:
    """Write one file, since Gwyddion lists a file's content together and not several files'."""
    if run.scans or run.spectra:
        path = folder / f"{series_of(run)}.gwy"
        yield write_gwy(path, run.scans, run.spectra, of_scans(run))


def _sxm(run: RecordedRun, folder: Path) -> Iterator[Path]:
    for number, (image, origin) in enumerate(zip(run.scans, of_scans(run), strict=True)):
        yield write_sxm(folder / numbered(run, number, ".sxm"), image, origin)


def _dat(run: RecordedRun, folder: Path) -> Iterator[Path]:
    for number, (spectrum, origin) in enumerate(zip(run.spectra, of_spectra(run), strict=True)):
        yield write_dat(folder / numbered(run, number, ".dat"), spectrum, origin)


def _csv(run: RecordedRun, folder: Path) -> Iterator[Path]:
    for number, image in enumerate(run.scans):
        yield write_image_table(folder / numbered(run, number, ".csv"), image)
    if run.spectra:
        yield write_spectra_table(folder / f"{series_of(run)}_spectra.csv", run.spectra)
        yield write_point_table(folder / f"{series_of(run)}_points.csv", run.measurements)


def _png(run: RecordedRun, folder: Path) -> Iterator[Path]:
    series = series_of(run)
    for number, image in enumerate(run.scans):
        for channel in image.channels:
            for way in ("forward", "backward"):
                name = numbered(run, number, f"_{file_word(channel.name)}_{way}.png")
                yield write_image_picture(folder / name, image, channel.name, way == "backward")
    for number, indices in enumerate(alike(run.spectra)):
        spectra = [run.spectra[index] for index in indices]
        best = indices.index(run.best.number) if run.best and run.best.number in indices else None
        for channel in spectra[0].channels:
            path = folder / f"{series}_spectra{number:03d}_{file_word(channel.name)}.png"
            yield write_spectra_picture(path, spectra, channel.name, best)
    if run.scans and run.spectra:
        yield write_points_picture(folder / f"{series}_points.png", run.scans[0], run.spectra)


def _events(run: RecordedRun, folder: Path) -> Iterator[Path]:
    yield from write_event_files(run, folder / "events")
    yield write_records(folder / "events" / "events.jsonl", run.records)


def _documents(run: RecordedRun, folder: Path) -> Iterator[Path]:
    yield write_documents(folder / f"{series_of(run)}_documents.jsonl", run)


FORMATS: Mapping[str, Callable[[RecordedRun, Path], Iterator[Path]]] = {
    "gwy": _gwy,
    "sxm": _sxm,
    "dat": _dat,
    "csv": _csv,
    "png": _png,
    "events": _events,
    "event-model": _documents,
}

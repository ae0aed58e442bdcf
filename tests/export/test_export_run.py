"""A whole run exported: names, tables, pictures, records, and what is refused."""

import csv
import json
import math
import os
import struct
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from asymmetric import FRAME, SCALES, image, look, spectrum
from ohmic_runs import OVERVIEW, recipe, run_quickly

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    FinishReason,
    Journal,
    LineAcquired,
    RecordedRun,
    RunContinued,
    RunFinished,
    RunStarted,
    SampleFound,
    SampleSought,
    ScanFinished,
    ScanStarted,
    open_run,
)
from spm_auto.errors import DataError
from spm_auto.export import (
    export,
    write_event_files,
    write_image_picture,
    write_image_table,
    write_spectra_picture,
    write_spectra_table,
    write_sxm,
)
from spm_auto.instrument import Scan, ScanLine

STORED = Path(__file__).parent.parent / "files" / "journal-1.spmj"


@pytest.fixture
def stored() -> RecordedRun:
    return open_run(STORED)


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_files_are_named_after_the_run_and_numbered_as_it_counts(
    stored: RecordedRun, tmp_path: Path
) -> None:
    def names(to: str) -> list[str]:
        return [path.name for path in export(stored, to, tmp_path / to)]

    assert names("gwy") == ["Tiny.gwy"]
    assert names("sxm") == ["Tiny000.sxm"]
    assert names("dat") == [f"Tiny{number:03d}.dat" for number in range(6)]
    assert names("csv") == ["Tiny000.csv", "Tiny_spectra.csv", "Tiny_points.csv"]
    assert names("png") == [
        "Tiny000_amplitude_forward.png", "Tiny000_amplitude_backward.png",
        "Tiny000_phase_forward.png", "Tiny000_phase_backward.png",
        "Tiny_spectra000_piezoresponse.png", "Tiny_points.png",
    ]  # fmt: skip


@pytest.mark.parametrize("to", ["gwy", "sxm", "dat", "csv"])
def test_exporting_twice_gives_the_same_files_and_leaves_nothing_else(
    stored: RecordedRun, tmp_path: Path, to: str
) -> None:
    files = export(stored, to, tmp_path)
    before = {path: path.read_bytes() for path in files}
    assert export(stored, to, tmp_path) == files
    assert {path: path.read_bytes() for path in files} == before
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == sorted(files)


def test_without_a_folder_the_files_lie_beside_the_journal(tmp_path: Path) -> None:
    run_quickly(tmp_path)
    files = export(open_run(tmp_path), "sxm")
    assert files == [tmp_path / "export" / "ohmic_contacts000.sxm"]
    assert files[0].is_file()


def test_a_number_at_the_end_of_a_title_stays_apart_from_that_of_the_file(tmp_path: Path) -> None:
    run_quickly(tmp_path, title="Grid: no. 2")
    assert [path.name for path in export(open_run(tmp_path), "sxm")] == ["Grid_no_2_000.sxm"]


def test_an_unknown_format_is_refused_with_a_suggestion(stored: RecordedRun) -> None:
    with pytest.raises(DataError, match="no export to 'gyw'; did you mean 'gwy'"):
        export(stored, "gyw")


def test_a_run_that_has_nothing_of_a_format_says_so(tmp_path: Path) -> None:
    run_quickly(tmp_path, recipe(OVERVIEW).steps)
    with pytest.raises(DataError, match="nothing to export to dat: the run has 1 images and 0"):
        export(open_run(tmp_path), "dat")
    assert not (tmp_path / "export").exists()


def test_a_file_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"a\.sxm: cannot be written"):
        write_sxm(tmp_path / "file" / "a.sxm", image())


def test_a_file_that_cannot_be_replaced_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sxm"
    path.write_text("old")

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(DataError, match=r"a\.sxm: cannot be written: Permission denied"):
        write_sxm(path, image())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_table_of_an_image_says_where_each_pixel_lies(tmp_path: Path) -> None:
    rows = _table(write_image_table(tmp_path / "a.csv", image()))
    assert len(rows) == 48 * 32
    (row,) = (r for r in rows if (r["line"], r["pixel"]) == ("3", "40"))
    x, y = FRAME.to_sample(3, 40)
    assert (float(row["x (m)"]), float(row["y (m)"])) == (x, y)
    assert float(row["height forward (m)"]) == SCALES[0] * look()[3, 40]
    assert float(row["current backward (A)"]) == SCALES[1] * look(backward=True)[3, 40]


def test_the_table_of_spectra_has_a_row_for_each_point(tmp_path: Path) -> None:
    first, second = spectrum(), spectrum(1e-9, 2e-9)
    second.data[1, 0] = math.nan
    rows = _table(write_spectra_table(tmp_path / "a.csv", [first, second]))
    assert [row["number"] for row in rows] == ["0"] * 42 + ["1"] * 42
    np.testing.assert_array_equal([float(r["bias (V)"]) for r in rows[:42]], first.bias)
    np.testing.assert_array_equal([float(r["dI/dV (A/V)"]) for r in rows[:42]], first.data[1])
    assert rows[42]["dI/dV (A/V)"] == ""


def test_the_table_of_points_has_places_rewards_and_reasons(
    stored: RecordedRun, tmp_path: Path
) -> None:
    rows = _table(export(stored, "csv", tmp_path)[-1])
    assert len(rows) == len(stored.measurements)
    for row, measurement in zip(rows, stored.measurements, strict=True):
        scored, chosen = measurement.scored, measurement.chosen
        assert scored
        assert chosen
        assert int(row["number"]) == measurement.number
        assert float(row["x (m)"]) == measurement.spectrum.x
        assert float(row["reward"]) == scored.value
        assert row["unit"] == scored.unit
        assert row["reason"] == chosen.reason
        assert float(row["predicted mean"] or "nan") == pytest.approx(chosen.mean, nan_ok=True)


def _size(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_pictures_are_png_files_wider_than_high_for_a_wide_frame(tmp_path: Path) -> None:
    width, height = _size(write_image_picture(tmp_path / "a.png", image(), "current").read_bytes())
    assert width > height > 200
    forward = (tmp_path / "a.png").read_bytes()
    backward = write_image_picture(tmp_path / "b.png", image(), "current", backward=True)
    assert backward.read_bytes() != forward


def test_the_best_spectrum_stands_out(tmp_path: Path) -> None:
    spectra = [spectrum(), spectrum(1e-9, 2e-9)]
    spectra[1].data[:] *= 2
    plain = write_spectra_picture(tmp_path / "a.png", spectra).read_bytes()
    assert _size(plain)[0] > 200
    assert write_spectra_picture(tmp_path / "b.png", spectra, best=1).read_bytes() != plain


def test_records_are_lines_of_strict_json(stored: RecordedRun, tmp_path: Path) -> None:
    path = next(p for p in export(stored, "events", tmp_path) if p.name == "events.jsonl")
    lines = [
        json.loads(line, parse_constant=pytest.fail)
        for line in path.read_text("utf-8").split("\n")[:-1]
    ]
    assert [line["number"] for line in lines] == [record.number for record in stored.records]
    assert lines[0]["event"] == "RunStarted"
    assert lines[0]["settings"]["limits"]["spectrum_duration"] == "inf"
    (first, *_) = (line for line in lines if line["event"] == "SpectrumAcquired")
    assert first["spectrum"]["bias"] == stored.spectra[0].bias.tolist()
    (chosen, *_) = (line for line in lines if line["event"] == "PointChosen")
    assert chosen["bias"] is None


def test_event_files_hold_what_the_run_holds_in_the_layout_of_the_run_file(
    stored: RecordedRun, tmp_path: Path
) -> None:
    names = [path.name for path in export(stored, "events", tmp_path)]
    expected = ["scan_000.h5", *(f"spectrum_{number:03d}.h5" for number in range(6))]
    assert names == [*expected, "events.jsonl"]
    with h5py.File(tmp_path / "events" / "scan_000.h5") as file:
        values = file["entry/scan_000_phase_backward/data"]
        np.testing.assert_array_equal(values[()], stored.scans[0].channel("phase", backward=True))
        assert values.attrs["units"] == "rad"
        assert not [name for name in file["entry"] if name.startswith("spectra")]
        assert len(file["entry/events/records"]) == 1 + 1 + 12 + 1  # run, start, lines, end
    with h5py.File(tmp_path / "events" / "spectrum_004.h5") as file:
        group, taken = file["entry/spectra_000_piezoresponse"], stored.measurements[4]
        np.testing.assert_array_equal(group["data"][0], taken.spectrum.data[0])
        np.testing.assert_array_equal(group["bias"][()], taken.spectrum.bias)
        assert group["number"][0] == 4
        assert taken.scored
        assert group["reward"][0] == taken.scored.value
        assert file["entry/provenance/seed"][()] == stored.started.seed


def test_event_files_that_cannot_be_written_are_refused_in_one_line(
    stored: RecordedRun, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"event files: not written .*gone\.spmj") as refusal:
        write_event_files(replace(stored, path=tmp_path / "gone.spmj"), tmp_path / "events")
    assert "\n" not in str(refusal.value)
    assert list((tmp_path / "events").iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="file: cannot be written"):
        write_event_files(stored, tmp_path / "file")


def test_a_scan_that_was_gone_on_with_is_exported_whole(tmp_path: Path) -> None:
    scanned, clock = image(), InstantClock()
    names = tuple(channel.name for channel in scanned.channels)
    with Journal(tmp_path / FILE_NAME, clock.now, utc=lambda: 1.8e9 + clock.now()) as journal:

        def scan(lines: range) -> None:
            for index in lines:
                clock.wait(1.0)
                there, back = scanned.forward[:, index], scanned.backward[:, index]
                journal.append(LineAcquired(ScanLine(index, there, back, clock.now())))

        journal.append(RunStarted("a", "broken off", "", "", "by hand", 1))
        journal.append(ScanStarted(Scan(FRAME, names, line_rate=2.0), scanned.channels))
        scan(range(12))
        journal.append(RunContinued())
        journal.append(SampleSought())
        journal.append(ScanStarted(Scan(FRAME, names, line_rate=4.0), scanned.channels))
        scan(range(32))
        journal.append(ScanFinished(is_complete=True))
        journal.append(SampleFound(0.0, 0.0, 0.0))
        scan(range(12, 32))
        journal.append(ScanFinished(is_complete=True))
        journal.append(RunFinished(FinishReason.COMPLETED))
    run = open_run(tmp_path)
    (path,) = export(run, "sxm")
    assert b":spm_auto>Line rate (Hz):\n2\n" in path.read_bytes()
    assert b":spm_auto>Complete:\nTRUE\n" in path.read_bytes()
    first, *_ = export(run, "events")
    (again,) = open_run(first).scans
    np.testing.assert_array_equal(again.forward, scanned.forward)
    assert (again.start_time, again.end_time) == (run.scans[0].start_time, run.scans[0].end_time)

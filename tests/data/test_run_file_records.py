"""The run file holds the journal, bit for bit; older files open, and strange ones are refused."""

import json
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from ohmic_runs import EXPLORE, OVERVIEW, recipe, run_quickly

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    RUN_FILE_NAME,
    Event,
    FinishReason,
    Intervention,
    Journal,
    LineAcquired,
    PointChosen,
    RecordedRun,
    RunFinished,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    consolidate,
    open_run,
)
from spm_auto.data.codec import is_same
from spm_auto.data.run_file.writing import write
from spm_auto.errors import DataError
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    Scan,
    ScanFrame,
    ScanLine,
    Spectrum,
)

FILES = Path(__file__).resolve().parent.parent / "files"
STARTED = RunStarted("uid-1", "by hand", "a = 1", "b = 2", "bench", 7, {"spm_auto": "9.9"})
FRAME = ScanFrame((1e-6, 2e-6), (4e-7, 3e-7), (4, 3), 0.5)
CHANNELS = (Channel("height", "m"), Channel("dI/dV", "S"))
NEGATIVE_NAN = struct.unpack("<d", b"\x01\x00\x00\x00\x00\x00\xf8\xff")[0]


def recorded(folder: Path, *events: Event) -> RecordedRun:
    """Write a journal by hand, and a run file of it in this process; returns the journal's run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE_NAME).unlink(missing_ok=True)
    clock = InstantClock()
    with Journal(folder / FILE_NAME, clock.now) as writer:
        for event in (STARTED, *events):
            writer.append(event)
            clock.wait(1.0)
    run = open_run(folder / FILE_NAME)
    write(run, folder / RUN_FILE_NAME)
    return run


def assert_same(run: RecordedRun, path: Path) -> None:
    """See to it that a run file tells exactly the records of a journal."""
    found = open_run(path)
    assert len(found.records) == len(run.records)
    differing = [
        n
        for n, pair in enumerate(zip(run.records, found.records, strict=True))
        if not is_same(*pair)
    ]
    assert differing == []
    assert found.damage == run.damage == ""


def line(index: int, value: float, dtype: Any = float) -> LineAcquired:
    values = (value + np.arange(8.0).reshape(2, 4)).astype(dtype)
    return LineAcquired(ScanLine(index, values, -values, float(index)))


def lines_of(path: Path) -> list[Any]:
    with h5py.File(path, "r") as file:
        return [json.loads(text) for text in file["entry/events/records"].asstr()]


def test_a_real_run_reads_the_same_from_its_run_file_as_from_its_journal(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, {**EXPLORE, "agent": {"kind": "gp", "initial": 2}}).steps
    run_quickly(tmp_path, steps)
    run = open_run(tmp_path)
    assert_same(run, consolidate(tmp_path / FILE_NAME))
    found = open_run(tmp_path / RUN_FILE_NAME)
    assert found.summary() == run.summary()
    for one, other in zip(run.scans, found.scans, strict=True):
        np.testing.assert_array_equal(one.forward, other.forward)
    for mine, theirs in zip(run.fits, found.fits, strict=True):
        assert is_same(mine, theirs)


def test_a_folder_without_a_journal_opens_by_its_run_file(tmp_path: Path) -> None:
    run = recorded(tmp_path, RunFinished(FinishReason.COMPLETED))
    (tmp_path / FILE_NAME).unlink()
    assert_same(run, tmp_path)


def test_what_is_wrong_with_a_journal_is_told_by_its_run_file_too(tmp_path: Path) -> None:
    recorded(tmp_path, RunFinished(FinishReason.COMPLETED))
    journal = tmp_path / FILE_NAME
    journal.write_bytes(journal.read_bytes()[:-5])
    damage = open_run(journal).damage
    assert "a torn record" in damage
    assert open_run(consolidate(journal)).damage == damage


plain = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text()
dtypes = st.sampled_from(["<f8", "<f4", "<i8", "<i4", "|b1", "|u1"])
shapes = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
values = st.recursive(
    plain | dtypes.flatmap(lambda dtype: arrays.arrays(dtype, shapes)),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.lists(st.dictionaries(st.text(max_size=5), values, max_size=4), max_size=4))
@example(
    [{"bits": NEGATIVE_NAN, "inf": (float("inf"), -float("inf"), -0.0), "one": (1, 1.0, True)}]
)
@example([{"text": '{"~float": "00"} NaN \x00 \u2028 \\ud800'}])
@example([{"nan": np.array([NEGATIVE_NAN, np.nan]), "zero": np.array([0.0, -0.0])}])
def test_whatever_a_record_holds_comes_back_in_every_bit(
    tmp_path_factory: pytest.TempPathFactory, tables: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "whatever"
    events = [Intervention("me", "change", values=table) for table in tables]
    run = recorded(folder, *events)
    assert_same(run, folder / RUN_FILE_NAME)


def test_a_line_lies_in_the_images_of_its_channels_and_is_not_stored_twice(tmp_path: Path) -> None:
    run = recorded(tmp_path, ScanStarted(Scan(FRAME), CHANNELS), line(2, 0.5), ScanFinished(False))
    told = lines_of(tmp_path / RUN_FILE_NAME)[2]["event"]["line"]["forward"]
    assert told["parts"] == [
        ["/entry/scan_000_height_forward/data", 2],
        ["/entry/scan_000_dI_dV_forward/data", 2],
    ]
    assert_same(run, tmp_path / RUN_FILE_NAME)
    with h5py.File(tmp_path / RUN_FILE_NAME, "r") as file:
        assert "arrays" not in file["entry/events"]


@pytest.mark.parametrize(
    "events",
    [
        (line(1, 0.5), line(1, 7.0), ScanFinished(False)),
        (line(1, 0.5, np.float32), ScanFinished(False)),
        (line(1, 0.5), ScanStarted(Scan(FRAME), CHANNELS), line(0, 9.0), ScanFinished(False)),
        (line(1, NEGATIVE_NAN),),
    ],
    ids=["measured twice", "of another type", "of a scan that begins again", "NaN with a payload"],
)
def test_lines_that_no_image_holds_are_kept_all_the_same(
    tmp_path: Path, events: tuple[Event, ...]
) -> None:
    run = recorded(tmp_path, ScanStarted(Scan(FRAME), CHANNELS), *events)
    assert_same(run, tmp_path / RUN_FILE_NAME)


def test_spectra_that_differ_in_biases_and_channels_are_the_same_in_both(tmp_path: Path) -> None:
    events = []
    for number, (points, channels) in enumerate([(4, 2), (4, 1), (6, 2), (4, 2)]):
        bias = np.linspace(-1.0, 1.0, points) ** 3
        data = number + np.arange(float(points * channels)).reshape(channels, points)
        data[0, -1] = np.nan
        spectrum = Spectrum(0.0, 1e-9, bias, CHANNELS[:channels], data, float(number), number + 0.5)
        waveform = BiasWaveform(tuple(bias.tolist()))
        events.append(SpectrumAcquired(AcquireSpectrum(0.0, 1e-9, waveform), spectrum))
    run = recorded(tmp_path, *events)
    assert_same(run, tmp_path / RUN_FILE_NAME)
    with h5py.File(tmp_path / RUN_FILE_NAME, "r") as file:
        assert "arrays" not in file["entry/events"]


def test_each_choice_is_a_row_of_a_table_with_its_reason(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, {**EXPLORE, "agent": {"kind": "gp", "initial": 2}}).steps
    run_quickly(tmp_path, steps)
    run = open_run(tmp_path)
    write(run, tmp_path / RUN_FILE_NAME)
    with h5py.File(tmp_path / RUN_FILE_NAME, "r") as file:
        table = file["entry/agent/decisions"]
        assert list(table["reason"].asstr()) == [choice.reason for choice in run.decisions]
        for name in ("candidate", "x", "y", "mean", "deviation", "score"):
            wanted = [getattr(choice, name) for choice in run.decisions]
            np.testing.assert_array_equal(table[name], wanted)
        assert table["x"].attrs["units"] == "m"
        assert list(table["spectrum"]) == list(range(len(run.decisions)))
        scores = file["entry/agent/scores"]
        np.testing.assert_array_equal(scores["value"], run.rewards)


def test_a_choice_that_was_never_measured_has_no_spectrum(tmp_path: Path) -> None:
    nan = float("nan")
    recorded(tmp_path, PointChosen(4, 0.0, 0.0, nan, "refused", nan, nan, nan, -1))
    with h5py.File(tmp_path / RUN_FILE_NAME, "r") as file:
        assert list(file["entry/agent/decisions/spectrum"]) == [-1]


def test_maps_that_did_not_change_are_stored_once(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, {**EXPLORE, "agent": {"kind": "gp", "initial": 2}}).steps
    run_quickly(tmp_path, steps)
    run = open_run(tmp_path)
    assert len(run.fits) > 1
    write(run, tmp_path / RUN_FILE_NAME)
    with h5py.File(tmp_path / RUN_FILE_NAME, "r") as file:
        assert file["entry/agent/fit_000/pixels"] == file["entry/agent/fit_001/pixels"]


def test_a_run_file_of_version_1_opens_and_says_what_it_cannot_tell() -> None:
    run, journal = open_run(FILES / "run-1.h5"), open_run(FILES / "journal-1.spmj")
    assert "a run file of version 1, which holds no choices" in run.damage
    assert (run.started.uid, run.started.seed) == (journal.started.uid, journal.started.seed)
    assert (run.started.recipe, run.finished) == (journal.started.recipe, journal.finished)
    for one, other in zip(run.scans, journal.scans, strict=True):
        assert (one.frame, one.channels) == (other.frame, other.channels)
        np.testing.assert_array_equal(one.forward, other.forward)
        np.testing.assert_array_equal(one.backward, other.backward)
    for one, other in zip(run.spectra, journal.spectra, strict=True):
        assert (one.x, one.y, one.channels, one.flags) == (
            other.x,
            other.y,
            other.channels,
            other.flags,
        )
        assert (one.start_time, one.end_time) == (other.start_time, other.end_time)
        np.testing.assert_array_equal(one.data, other.data)
    np.testing.assert_array_equal(run.rewards, journal.rewards)
    assert all(
        is_same(one.mean, other.mean) for one, other in zip(run.fits, journal.fits, strict=True)
    )
    assert run.decisions == ()


def test_the_stored_run_file_of_this_version_opens_as_its_journal() -> None:
    # made by: python -m spm_auto.data.run_file tests/files/journal-1.spmj tests/files/run-2.h5
    assert_same(open_run(FILES / "journal-1.spmj"), FILES / "run-2.h5")


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """Make a run file for a stranger to tamper with."""
    recorded(tmp_path, ScanStarted(Scan(FRAME), CHANNELS), line(2, 0.5), ScanFinished(False))
    (tmp_path / "secret").write_bytes(b"TOP-SECRET" * 10)
    return tmp_path / RUN_FILE_NAME


def replace_lines(file: Any, change: Any) -> None:
    texts = [change(text) for text in file["entry/events/records"].asstr()]
    del file["entry/events/records"]
    file["entry/events"].create_dataset("records", data=texts, dtype=h5py.string_dtype())


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda f: f.attrs.update(spm_auto_schema="3"), "version '3'; this program reads 1, 2"),
        (lambda f: f.attrs.pop("spm_auto_schema"), "is no run file of spm_auto"),
        (lambda f: f["entry"].pop("events"), "there is no entry/events/records"),
        (lambda f: f["entry"].update(x=h5py.ExternalLink("secret", "/")), "x is a link"),
        (lambda f: f["entry"].update(x=h5py.SoftLink("/none")), "x leads to nothing"),
        (
            lambda f: f["entry"].create_dataset("x", (10,), "u1", external=[("secret", 0, 10)]),
            "x is stored in other files",
        ),
        (
            lambda f: f["entry"].create_dataset("x", (1,), dtype=h5py.ref_dtype),
            "x holds objects",
        ),
        (
            lambda f: f["entry"].create_dataset("x", (10**6, 10**6), "f8", chunks=(1, 10**6)),
            "x declares 8000000000000 bytes",
        ),
        (lambda f: replace_lines(f, lambda text: text[:-1]), "record 0: not a record"),
        (lambda f: replace_lines(f, lambda text: text.replace("/data", "/none")), "record 2: "),
        (lambda f: replace_lines(f, lambda text: text.replace('data",2', 'data",9')), "record 2: "),
        (lambda f: replace_lines(f, lambda text: text.replace("<f8", "<i8")), "record 2: "),
        (lambda f: replace_lines(f, lambda text: text.replace("[2,4]", "[2,5]")), "record 2: "),
        (lambda f: replace_lines(f, lambda text: text.replace("ScanLine", "eval")), "record 2: "),
    ],
)  # fmt: skip
def test_a_file_that_somebody_tampered_with_is_refused_in_one_line(
    planted: Path, tamper: Any, said: str
) -> None:
    with h5py.File(planted, "r+") as file:
        tamper(file)
    with pytest.raises(DataError, match=said) as refusal:
        open_run(planted)
    assert "\n" not in str(refusal.value)
    assert str(planted) in str(refusal.value)


def test_a_file_cut_short_is_refused(planted: Path) -> None:
    planted.write_bytes(planted.read_bytes()[:1000])
    with pytest.raises(DataError, match="the file is damaged"):
        open_run(planted)

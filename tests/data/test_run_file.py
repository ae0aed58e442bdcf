"""The run file: what the journal holds, as HDF5 that any program can open and find its way in."""

import hashlib
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from ohmic_runs import EXPLORE, OVERVIEW, SWEEP, recipe, run_quickly

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    RUN_FILE_NAME,
    Event,
    FinishReason,
    Journal,
    LineAcquired,
    RunFinished,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    consolidate,
    open_run,
)
from spm_auto.data.run_file.writing import write
from spm_auto.errors import DataError
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    QualityFlag,
    Scan,
    ScanFrame,
    ScanLine,
    Spectrum,
)

STARTED = RunStarted("uid-1", "by hand", "a = 1", "b = 2", "bench", 7, {"spm_auto": "9.9"})


def journal(folder: Path, *events: Event) -> Path:
    """Write a journal by hand."""
    clock = InstantClock()
    with Journal(folder / FILE_NAME, clock.now) as writer:
        for event in (STARTED, *events):
            writer.append(event)
            clock.wait(1.0)
    return folder / FILE_NAME


def spectrum(start: float, bias: tuple[float, ...], *channels: Channel) -> SpectrumAcquired:
    data = start + np.arange(len(channels) * len(bias), dtype=float).reshape(-1, len(bias))
    instruction = AcquireSpectrum(start, -start, BiasWaveform(bias))
    return SpectrumAcquired(
        instruction, Spectrum(start, -start, np.array(bias), channels, data, start, start + 1)
    )


def written(path: Path) -> Any:
    """Write the run file in this process, and open it."""
    write(open_run(path), path.with_name(RUN_FILE_NAME))
    return h5py.File(path.with_name(RUN_FILE_NAME), "r")


def scales(data: "h5py.Dataset") -> list[tuple[str, str]]:
    """Return label and attached scale of each axis."""
    return [(dim.label, dim[0].name.rsplit("/", 1)[-1]) for dim in data.dims]


def test_a_finished_run_becomes_a_file_beside_its_journal_and_nothing_else(tmp_path: Path) -> None:
    run_quickly(tmp_path)
    assert consolidate(tmp_path / FILE_NAME) == tmp_path / RUN_FILE_NAME
    assert sorted(file.name for file in tmp_path.iterdir()) == [RUN_FILE_NAME, FILE_NAME]
    run = open_run(tmp_path)
    with h5py.File(tmp_path / RUN_FILE_NAME, "r") as file:
        entry = file["entry"]
        assert file.attrs["default"] == "entry"
        assert entry.attrs["NX_class"] == "NXentry"
        assert entry["title"].asstr()[()] == run.started.title
        assert entry["experiment_identifier"].asstr()[()] == run.started.uid
        assert entry["provenance/finish_reason"].asstr()[()] == "completed"
        assert len(entry["events/records"]) == len(run.records)


def test_an_image_lies_line_0_below_with_its_scales_attached_and_its_units(tmp_path: Path) -> None:
    frame = ScanFrame((1e-6, 2e-6), (4e-7, 3e-7), (4, 3), 0.5)
    channel = Channel("height", "m")
    lines = [
        LineAcquired(ScanLine(i, np.array([[10.0 * i + p for p in range(4)]]), np.ones((1, 4)), 0))
        for i in range(3)
    ]
    path = journal(tmp_path, ScanStarted(Scan(frame), (channel,)), *lines, ScanFinished(True))
    with written(path) as file:
        group = file["entry/scan_000_height_forward"]
        assert group.attrs["NX_class"] == "NXdata"
        assert group.attrs["signal"] == "data"
        assert list(group.attrs["axes"]) == ["y", "x"]
        data = group["data"]
        np.testing.assert_array_equal(data, [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]])
        assert (data.attrs["units"], data.attrs["quantity"]) == ("m", "height")
        assert data.attrs["data_type"] == "IMAGE"
        assert scales(data) == [("y", "y"), ("x", "x")]
        for name, middle, pitch in (("x", 1e-6, 1e-7), ("y", 2e-6, 1e-7)):
            assert group[name].attrs["units"] == "m"
            assert group[name].attrs["dimension_type"] == "SPATIAL"
            assert np.mean(group[name]) == pytest.approx(middle)
            np.testing.assert_allclose(np.diff(group[name]), pitch)
        assert group["metadata"].attrs["angle"] == 0.5
        np.testing.assert_array_equal(file["entry/scan_000_height_backward/data"], np.ones((3, 4)))


def test_spectra_stand_on_their_bias_axis_with_place_reward_and_flag(tmp_path: Path) -> None:
    run_quickly(tmp_path)
    run = open_run(tmp_path)
    with written(tmp_path / FILE_NAME) as file:
        group = file["entry/spectra_000_current"]
        data = group["data"]
        assert data.shape == (4, 5)
        assert scales(data) == [("spectrum", "spectrum"), ("bias", "bias")]
        assert data.attrs["units"] == "A"
        assert group["bias"].attrs["units"] == "V"
        assert group["bias"].attrs["dimension_type"] == "SPECTRAL"
        np.testing.assert_allclose(group["bias"], [0, 0.25, 0.5, 0.75, 1])
        np.testing.assert_array_equal(data, [s.data[0] for s in run.spectra])
        places = [(s.x, s.y) for s in run.spectra]
        np.testing.assert_array_equal(group["point_cloud"].attrs["coordinates"], places)
        np.testing.assert_array_equal(np.stack([group["x"], group["y"]], axis=1), places)
        np.testing.assert_array_equal(group["reward"], run.rewards)
        assert [group[name].attrs["units"] for name in ("x", "y", "start_time")] == ["m", "m", "s"]
        about = group["metadata"].attrs
        assert list(about["scalarizer"]) == ["integral"] * 4
        assert list(about["reward_unit"]) == ["A V"] * 4
        assert list(about["flag"]) == [""] * 4


def test_spectra_of_two_waveforms_stand_in_two_groups(tmp_path: Path) -> None:
    other = {**EXPLORE, "budget": 2, "waveform": {**SWEEP, "points": 9}}
    run_quickly(tmp_path, recipe(OVERVIEW, EXPLORE, other).steps)
    with written(tmp_path / FILE_NAME) as file:
        assert file["entry/spectra_000_current/data"].shape == (4, 5)
        assert file["entry/spectra_001_current/data"].shape == (2, 9)
        assert list(file["entry/spectra_001_current/number"]) == [4, 5]


def test_each_reward_is_kept_with_what_it_is_a_measure_of(tmp_path: Path) -> None:
    other = {**EXPLORE, "budget": 2, "scalarizer": "peak"}
    run_quickly(tmp_path, recipe(OVERVIEW, EXPLORE, other).steps)
    with written(tmp_path / FILE_NAME) as file:
        names = list(file["entry/spectra_000_current/metadata"].attrs["scalarizer"])
    assert names == ["integral"] * 4 + ["peak"] * 2


def test_spectra_with_different_channels_stand_in_groups_of_their_own(tmp_path: Path) -> None:
    current, phase = Channel("current", "A"), Channel("phase", "rad")
    path = journal(
        tmp_path,
        spectrum(1.0, (0.0, 1.0), current, phase),
        spectrum(2.0, (0.0, 1.0), current),
        spectrum(3.0, (0.0, 1.0), current, phase),
    )
    with written(path) as file:
        assert list(file["entry/spectra_000_phase/number"]) == [0, 2]
        np.testing.assert_array_equal(file["entry/spectra_000_phase/data"], [[3, 4], [5, 6]])
        assert list(file["entry/spectra_001_current/number"]) == [1]


def test_a_channel_with_a_slash_in_its_name_has_a_group_without_one(tmp_path: Path) -> None:
    conductance = Channel("dI/dV", "S")
    frame = ScanFrame((0.0, 0.0), (1e-7, 1e-7), (2, 2))
    path = journal(
        tmp_path,
        ScanStarted(Scan(frame), (conductance,)),
        ScanFinished(False),
        spectrum(1.0, (0.0, 1.0), conductance),
    )
    with written(path) as file:
        assert file["entry/spectra_000_dI_dV/data"].attrs["quantity"] == "dI/dV"
        assert file["entry/scan_000_dI_dV_forward/data"].shape == (2, 2)


def test_a_saturated_spectrum_is_masked_and_its_values_stay(tmp_path: Path) -> None:
    good, bad = (spectrum(start, (0.0, 1.0), Channel("current", "A")) for start in (1.0, 2.0))
    flags = (QualityFlag.SATURATED, QualityFlag.NOT_SETTLED)
    bad = replace(bad, spectrum=replace(bad.spectrum, flags=flags))
    with written(journal(tmp_path, good, bad)) as file:
        group = file["entry/spectra_000_current"]
        np.testing.assert_array_equal(group["data"], [[1.0, 2.0], [2.0, 3.0]])
        mask = group["mask"]
        names = mask.attrs["flag_meanings"].split()
        bits = dict(zip(mask.attrs["flag_masks"], names, strict=True))
        said = [[name for bit, name in bits.items() if value & bit] for value in mask]
        assert said == [[], ["saturated", "feedback_not_settled"]]
        assert list(group["metadata"].attrs["flag"]) == ["", "saturated; feedback not settled"]


def test_where_it_comes_from_is_told_with_hashes(tmp_path: Path) -> None:
    lab = '[instrument]\nkind = "simulator"\n'
    settings = {"operator": "student", "limits": {"bias": (-10.0, math.inf)}}
    started = replace(STARTED, lab=lab, settings=settings)
    with Journal(tmp_path / FILE_NAME, InstantClock().now) as writer:
        writer.append(started)
    with written(tmp_path / FILE_NAME) as file:
        told = {
            name: item.asstr()[()]
            for name, item in file["entry/provenance"].items()
            if name != "seed"
        }
        assert file["entry/provenance/seed"][()] == 7
        assert file["entry/user/name"].asstr()[()] == "student"
    for name, text in (("recipe", "a = 1"), ("lab", lab)):
        assert told[name] == text
        assert told[f"{name}_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert (told["operator"], told["driver"], told["instrument"]) == (
        "student",
        "simulator",
        "bench",
    )
    assert json.loads(told["versions"]) == {"spm_auto": "9.9"}
    assert json.loads(told["limits"]) == {"bias": [-10.0, "inf"]}


@pytest.mark.parametrize(
    ("channel", "definition", "technique"),
    [("current", "NXsts", "STS"), ("piezoresponse", "NXspm", "AFM")],
)
def test_nexus_is_told_the_experiment_the_frame_and_the_sweep(
    tmp_path: Path, channel: str, definition: str, technique: str
) -> None:
    frame = ScanFrame((1e-6, 2e-6), (4e-7, 3e-7), (4, 3), 0.5)
    path = journal(
        tmp_path,
        ScanStarted(Scan(frame, line_rate=2.0), (Channel("height", "m"),)),
        LineAcquired(ScanLine(0, np.arange(4.0)[None], np.arange(4.0)[None], 0.0)),
        ScanFinished(False),
        spectrum(1.0, (0.0, 1.0, 0.5), Channel(channel, "A")),
    )
    with written(path) as file:
        entry = file["entry"]
        assert entry["definition"].asstr()[()] == definition
        assert entry["definition"].attrs["version"] == "v2026.01"
        assert entry["experiment_technique"].asstr()[()] == technique
        control = entry["instrument/scan_environment/scan_control_000"]
        region, mesh = control["scan_region"], control["mesh_scan"]
        assert [region[f"scan_range_{axis}"][()] for axis in "xy"] == [4e-7, 3e-7]
        assert region["scan_start_x"][()] == pytest.approx(0.8e-6)
        assert region["scan_end_y"][()] == pytest.approx(2.15e-6)
        assert (region["scan_angle_x"][()], region["scan_angle_x"].attrs["units"]) == (0.5, "rad")
        assert [mesh[f"scan_points_{axis}"][()] for axis in "xy"] == [4, 3]
        assert mesh["forward_speed_x"][()] == pytest.approx(1.6e-6)  # 400 nm in a quarter second
        sweep = entry["instrument/bias_spectroscopy_environment/bias_spectroscopy_000/bias_sweep"]
        assert sweep["scan_region/scan_range_bias"][()] == 1.0
        assert sweep["scan_region/scan_end_bias"].attrs["units"] == "V"
        assert sweep["linear_sweep/scan_points_bias"][()] == 3
        assert sweep["linear_sweep/backward_sweep"][()]
        assert sweep["spatial_location/x"][()] == [1.0]


def test_a_run_cancelled_before_any_spectrum_has_a_run_file(tmp_path: Path) -> None:
    path = journal(tmp_path, RunFinished(FinishReason.CANCELLED, "enough"))
    consolidate(path)
    with h5py.File(tmp_path / RUN_FILE_NAME, "r") as file:
        assert file["entry/provenance/finish_reason"].asstr()[()] == "cancelled"
        assert not [name for name in file["entry"] if name.startswith(("scan", "spectra"))]


def test_a_scan_in_pieces_is_kept_with_its_missing_lines_as_nan(tmp_path: Path) -> None:
    frame = ScanFrame((0.0, 0.0), (1e-7, 1e-7), (2, 2))
    path = journal(
        tmp_path,
        ScanStarted(Scan(frame), (Channel("height", "m"),)),
        LineAcquired(ScanLine(0, np.ones((1, 2)), np.ones((1, 2)), 0.0)),
    )
    with written(path) as file:
        np.testing.assert_array_equal(
            file["entry/scan_000_height_forward/data"], [[1, 1], [np.nan, np.nan]]
        )
        assert file["entry/provenance/finish_reason"].asstr()[()] == "unfinished"


@pytest.mark.usefixtures("quick_fits")
def test_what_the_agent_believed_is_kept_fit_after_fit(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, {**EXPLORE, "agent": {"kind": "gp", "initial": 2}}).steps
    run_quickly(tmp_path, steps)
    fits = open_run(tmp_path).fits
    assert fits
    with written(tmp_path / FILE_NAME) as file:
        for number, fit in enumerate(fits):
            group = file[f"entry/agent/fit_{number:03d}"]
            np.testing.assert_array_equal(group["mean"], fit.mean)
            np.testing.assert_array_equal(group["pixels"], fit.rows)
            np.testing.assert_array_equal(group["bias"], fit.bias)
            np.testing.assert_array_equal(group["noise"], fit.noise)
            assert group.attrs["n_observations"] == fit.n_observations


def test_an_older_run_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE_NAME).write_bytes(b"something else")
    consolidate(journal(tmp_path, RunFinished(FinishReason.COMPLETED)))
    with h5py.File(tmp_path / RUN_FILE_NAME, "r") as file:
        assert "entry" in file


def test_a_journal_that_cannot_be_read_gives_one_clear_line_and_no_file(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no journal at all, but long enough")
    with pytest.raises(DataError, match=r"not written \(exit 1\): .* is no journal") as refusal:
        consolidate(tmp_path / FILE_NAME)
    assert "\n" not in str(refusal.value)
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]


def interpreter(folder: Path, prelude: str) -> str:
    """Make the outside that fails: an interpreter in whose process something happens first."""
    script = folder / "python"
    script.write_text(
        f"#!{sys.executable}\nimport os, runpy, sys\nsys.path[0] = os.getcwd()\n{prelude}\n"
        "sys.argv = sys.argv[2:]\nrunpy.run_module(sys.argv[0], run_name='__main__')\n"
    )
    script.chmod(0o755)
    return str(script)


IN_MID_WRITING = "import h5py; h5py.Dataset.make_scale = lambda *_: os.kill(os.getpid(), {})"
BEFORE_VERIFYING = (
    "import zipfile, itertools; itertools.zip_longest = lambda *_: os.kill(os.getpid(), 9)"
)
DISK_FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")
@pytest.mark.parametrize(
    ("prelude", "said"),
    [
        (IN_MID_WRITING.format(9), "ended by SIGKILL"),
        (IN_MID_WRITING.format(11), "ended by SIGSEGV"),
        (BEFORE_VERIFYING, "ended by SIGKILL"),
        (DISK_FULL, "(exit 1|ended by SIGSEGV)"),  # HDF5 itself may crash of it
        ("sys.exit('no HDF5 here')", r"exit 1\): no HDF5 here"),
    ],
    ids=["killed", "crashed", "killed before verifying", "disk full", "gave up"],
)
def test_a_child_that_dies_leaves_journal_and_older_file_and_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prelude: str, said: str
) -> None:
    run = tmp_path / "run"
    path = journal(run, spectrum(1.0, (0.0, 1.0), Channel("current", "A")))
    (run / RUN_FILE_NAME).write_bytes(b"an older one")
    before = path.read_bytes()
    monkeypatch.setattr(sys, "executable", interpreter(tmp_path, prelude))
    with pytest.raises(DataError, match=rf"run\.h5: not written \({said}") as refusal:
        consolidate(path)
    assert "\n" not in str(refusal.value)
    assert path.read_bytes() == before
    assert (run / RUN_FILE_NAME).read_bytes() == b"an older one"
    assert sorted(file.name for file in run.iterdir()) == [RUN_FILE_NAME, FILE_NAME]


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    path = journal(tmp_path, RunFinished(FinishReason.COMPLETED))
    (tmp_path / f"{RUN_FILE_NAME}.1.part").write_bytes(b"half")
    consolidate(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [RUN_FILE_NAME, FILE_NAME]


def test_what_does_not_read_back_as_written_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = journal(tmp_path, spectrum(1.0, (0.0, 1.0), Channel("current", "A")))
    real = h5py.Group.create_dataset

    def flip(group: Any, name: str, *args: Any, **how: Any) -> Any:
        if name == "data":
            how["data"] = np.nextafter(how["data"], np.inf)
        return real(group, name, *args, **how)

    monkeypatch.setattr(h5py.Group, "create_dataset", flip)
    with pytest.raises(DataError, match="record 1 of 2 does not read back as written"):
        write(open_run(path), tmp_path / RUN_FILE_NAME)
    assert not (tmp_path / RUN_FILE_NAME).exists()


def test_a_run_that_goes_on_can_be_consolidated_to_a_copy(tmp_path: Path) -> None:
    with Journal(tmp_path / FILE_NAME, InstantClock().now) as writer:
        writer.append(STARTED)
        copy = consolidate(tmp_path / FILE_NAME, tmp_path / "so far.h5")
        writer.append(RunFinished(FinishReason.COMPLETED))
    assert open_run(copy).finished is None
    assert open_run(tmp_path).finished is not None


def test_further_scalarizers_stand_beside_the_first(tmp_path: Path) -> None:
    agent = {"kind": "pareto", "initial": 2}
    steps = recipe(OVERVIEW, {**EXPLORE, "agent": agent, "scalarizer": ["integral", "peak"]}).steps
    run_quickly(tmp_path, steps)
    others = [m.scored.others for m in open_run(tmp_path).measurements if m.scored]
    values = [other["peak"][0] for other in others]
    assert np.isfinite(values).all()
    with written(tmp_path / FILE_NAME) as file:
        group = file["entry/spectra_000_current"]
        np.testing.assert_array_equal(group["reward_by_peak"], values)
        assert list(group["metadata"].attrs["scalarizer"]) == ["integral"] * 4

"""The command line: exit codes, JSON for scripts, and one clear line for every bad input."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from spm_auto import cli, open_run
from spm_auto.agents import Proposal
from spm_auto.agents.chooser import Chooser
from spm_auto.data import FinishReason, LineAcquired, RunFinished
from spm_auto.execute import Presses
from spm_auto.instrument import BiasWaveform
from spm_auto.workflow.worker import Worker

EXAMPLES = Path(__file__).parent.parent / "examples"
RECIPE, LAB = EXAMPLES / "ferroelectric.toml", EXAMPLES / "lab_simulator.toml"
SMALL = (
    "--set=steps[0].frame.pixels=[32, 32]",
    "--set=steps[1].budget=6",
    "--set=steps[1].agent={kind = 'gp', initial = 3}",
)

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Give a function that runs the command line in this process: exit code, out, err."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["spm-auto", *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        said = capsys.readouterr()
        code = leaving.value.code
        return (code if isinstance(code, int) else 0), said.out, said.err

    return call


def _run(command: Command, out: Path, *more: str, lab: Path = LAB) -> tuple[int, str, str]:
    return command("run", RECIPE, "--lab", lab, "--out", out, *SMALL, *more)


def test_a_run_completes_and_names_its_report(command: Command, tmp_path: Path) -> None:
    code, out, _ = _run(command, tmp_path / "run")
    assert code == 0
    assert "run completed" in out
    assert f"report: {tmp_path / 'run' / 'report.html'}" in out
    assert (tmp_path / "run" / "report.html").is_file()
    assert (tmp_path / "run" / "run.h5").is_file()


def test_one_seed_gives_the_same_points_and_rewards_and_another_seed_others(
    command: Command, tmp_path: Path
) -> None:
    runs = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert _run(command, tmp_path / name, f"--seed={seed}")[0] == 0
        run = open_run(tmp_path / name)
        points = [(m.spectrum.x, m.spectrum.y) for m in run.measurements]
        runs.append((points, run.rewards.tobytes(), run.scans[0].forward.tobytes()))
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]
    assert runs[0][1] != runs[2][1]
    assert runs[0][2] != runs[2][2]


def test_show_json_prints_one_object_with_what_scripts_read(
    command: Command, tmp_path: Path
) -> None:
    _run(command, tmp_path / "run", "--seed=5")
    code, out, _ = command("show", tmp_path / "run", "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["finish_reason"] == "completed"
    assert shown["seed"] == 5
    assert (shown["n_scans"], shown["n_lines"], shown["n_spectra"]) == (1, 32, 6)
    assert shown["best"]["bias"] == 8.5
    assert abs(shown["best"]["x"]) <= 1e-6
    assert shown["simulated_time"] > 35
    assert shown["wall_time"] > 0
    assert 0 <= shown["instrument_idle_fraction"] < 1
    assert shown["decision_time_median"] > 0
    assert set(shown) >= {"uid", "instrument", "recipe", "n_flagged", "spm_auto_version"}


def test_run_json_prints_the_same_object_and_nothing_else(command: Command, tmp_path: Path) -> None:
    _, out, _ = _run(command, tmp_path / "run", "--json")
    assert json.loads(out) == json.loads(command("show", tmp_path / "run", "--json")[1])


def test_the_report_can_be_made_again_from_the_journal_alone(
    command: Command, tmp_path: Path
) -> None:
    _run(command, tmp_path / "run")
    before = (tmp_path / "run" / "report.html").read_bytes()
    for name in ("report.html", "run.h5"):
        (tmp_path / "run" / name).unlink()
    code, _, _ = command("report", tmp_path / "run")
    assert code == 0
    assert (tmp_path / "run" / "report.html").read_bytes() == before


def test_a_rehearsal_says_how_long_the_run_will_take_and_leaves_nothing(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = command("rehearse", RECIPE, "--lab", LAB, *SMALL)
    assert code == 0
    assert "the plan" in out
    assert "bias between -8.5 V and 8.5 V" in out
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_takes_the_instrument_time_that_the_run_takes(
    command: Command, tmp_path: Path
) -> None:
    rehearsed = json.loads(command("rehearse", RECIPE, "--lab", LAB, *SMALL, "--json")[1])
    run = json.loads(_run(command, tmp_path / "run", "--json")[1])
    assert rehearsed["simulated_time"] == run["simulated_time"]


def test_a_rehearsal_takes_the_simulated_instrument_that_the_lab_names(command: Command) -> None:
    film = "--set=instrument.sample={kind = 'ferroelectric_film', size = '4 um'}"
    wide = "--set=steps[0].frame.size=['3 um', '3 um']"
    code, out, err = command("rehearse", RECIPE, "--lab", LAB, *SMALL, film, wide)
    assert (code, "completed" in out) == (0, True), err


def test_recorded_data_are_rehearsed_on_themselves(command: Command, tmp_path: Path) -> None:
    words = _replay(tmp_path / "map.h5")
    code, out, err = command("rehearse", *words)
    assert (code, "completed" in out) == (0, True), err


def test_a_waveform_that_was_not_recorded_is_refused_before_anything_moves(
    command: Command, tmp_path: Path
) -> None:
    words = _replay(tmp_path / "map.h5")
    out = tmp_path / "run"
    code, _, err = command("run", *words, "--out", out, "--set=steps[1].waveform.amplitude=8 V")
    assert code == 1
    assert err.startswith("error: beps_replay.toml: steps[1] (explore): point 16 of the recorded")
    assert len(err.splitlines()) == 1
    assert not out.exists()


def _replay(data: Path) -> tuple[object, ...]:
    """Record a small map, and return the words that replay it."""
    loop = BiasWaveform.triangle(8.5, 64).bias
    y, x = np.arange(6) * 1e-7, np.arange(8) * 1e-7
    with h5py.File(data, "w") as file:
        map_ = file.create_dataset("map/data", data=np.ones((6, 8, 1)) * np.sin(np.arange(64)))
        map_.attrs.update(quantity="response", units="m", data_type="SPECTRAL_IMAGE")
        axes = (("y", y, "m"), ("x", x, "m"), ("bias", loop, "V"))
        for number, (name, values, unit) in enumerate(axes):
            scale = file.create_dataset(f"map/{name}", data=values)
            scale.attrs.update(quantity=name, units=unit)
            scale.attrs["dimension_type"] = "SPECTRAL" if unit == "V" else "SPATIAL"
            scale.make_scale(name)
            map_.dims[number].attach_scale(scale)
    return (
        EXAMPLES / "beps_replay.toml", "--lab", EXAMPLES / "lab_replay.toml",
        f"--set=instrument.file={data}", "--set=steps[1].budget=3",
        "--set=steps[1].agent={kind = 'random'}",
        "--set=steps[0].frame={center=['350 nm','250 nm'],size=['800 nm','600 nm'],pixels=[8,6]}",
    )  # fmt: skip


def test_square_brackets_in_a_title_or_a_path_are_only_text(
    command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "a[/red]b"
    code, said, err = _run(command, out, "--set=title=the [/b] wall, [red] scale")
    assert code == 0
    assert "the [/b] wall, [red] scale" in said.replace("\n", " ")
    assert "the [/b] wall, [red] scale" in err.replace("\n", " ")
    assert f"report: {out / 'report.html'}" in said


def test_the_best_value_is_shown_with_its_unit(command: Command, tmp_path: Path) -> None:
    _, said, progress = _run(command, tmp_path / "run", "--set=steps[1].scalarizer=coercive_bias")
    best = open_run(tmp_path / "run").summary()["best"]
    assert f"{best['reward']:.4g} V at (" in said
    assert re.search(r"best [\d.]+ V\n", progress)


def test_a_run_that_goes_on_or_was_killed_is_shown_as_unfinished(
    command: Command, tmp_path: Path
) -> None:
    _run(command, tmp_path / "run")
    journal = tmp_path / "run" / "run.spmj"
    journal.write_bytes(journal.read_bytes()[:-8])  # the last record, how it ended, is torn
    _, said, _ = command("show", tmp_path / "run")
    assert "unfinished" in said


def test_the_plugins_are_listed(command: Command) -> None:
    found = json.loads(command("list", "--json")[1])
    assert set(found["instruments"]) >= {"simulator", "replay"}
    assert set(found["agents"]) >= {"random", "grid", "gp", "deep_kernel"}
    assert set(found["steps"]) >= {"overview", "explore", "grid"}


@pytest.mark.parametrize("of", ["recipe", "lab"])
def test_the_schema_is_json(command: Command, of: str) -> None:
    schema = json.loads(command("schema", of)[1])
    assert schema["type"] == "object"
    assert "schema_version" in schema["required"]


def test_the_doctor_finds_this_installation_well(command: Command) -> None:
    code, out, _ = command("doctor", "--json")
    checks = {check["what"]: check for check in json.loads(out)}
    assert code == 0, out
    assert checks["agents"]["is_good"]


BAD_VALUES = {
    "a misspelt key": (
        "steps[0].frame.pixles=[8, 8]",
        "ferroelectric.toml: steps[0].frame.pixles: unknown key; did you mean 'pixels'?",
    ),
    "a wrong unit": (
        "steps[0].frame.size=['2 V', '2 um']",
        "ferroelectric.toml: steps[0].frame.size[0]: '2 V' has the unit 'V'; expected 'm'",
    ),
    "no unit": (
        "steps[1].waveform.amplitude=8.5",
        "ferroelectric.toml: steps[1].waveform.amplitude: 8.5 has no unit",
    ),
    "a frame outside the scanner": (
        "steps[0].frame.center=['5 um', '0 nm']",
        "ferroelectric.toml: steps[0] (overview): x of 4e-06 m is outside -1e-06 to 1e-06 m",
    ),
    "a bias beyond the limits": (
        "steps[1].waveform.amplitude=20 V",
        "ferroelectric.toml: steps[1] (explore): bias of 20 V is outside -10 to 10 V",
    ),
    "an unknown channel": (
        "steps[0].channels=['taste']",
        "ferroelectric.toml: steps[0] (overview): simulated ferroelectric film has no channel",
    ),
    "a channel that the overview does not record": (
        "steps[1].channels=['amplitud']",
        "ferroelectric.toml: steps[1]: channels: the overview does not record 'amplitud'; did you",
    ),
    "a margin that leaves nothing": (
        "steps[1].margin=64",
        "ferroelectric.toml: steps[1]: margin: 64 pixels along each edge leave nothing",
    ),
    "more pixels than any memory": (
        "steps[0].frame.pixels=[1000000, 1000000]",
        "ferroelectric.toml: steps[0].frame.pixels[0]: ",
    ),
    "a channel named twice": (
        "steps[0].channels=['phase', 'phase']",
        "ferroelectric.toml: steps[0]: a scan names a channel twice: phase, phase",
    ),
    "a frame without a width": (
        "steps[0].frame.size=['0 nm', '2 um']",
        "ferroelectric.toml: steps[0].frame: a frame's size must be positive, got (0.0, 2e-06) m",
    ),
    "an unknown agent": (
        "steps[1].agent.kind=deep_kernal",
        "ferroelectric.toml: steps[1].agent: there is no agent 'deep_kernal'; did you mean",
    ),
    "an unknown scalarizer": (
        "steps[1].scalarizer=loop_aera",
        "ferroelectric.toml: steps[1].scalarizer: there is no scalarizer 'loop_aera'; did you",
    ),
    "an unknown instrument": (
        "instrument.kind=nanonis9",
        "lab_simulator.toml: instrument: there is no instrument 'nanonis9'",
    ),
    "an impossible sample": (
        "instrument.sample.size=-2 um",
        "lab_simulator.toml: instrument.sample",
    ),
    "a key of neither file": ("limts.bias=1", "--set limts.bias=1: neither a recipe nor a lab"),
    "a path that leads nowhere": ("steps[7].budget=1", "--set steps[7].budget: there is no"),
    "no value": ("steps[1].budget", "--set steps[1].budget: write PATH=VALUE"),
}


@pytest.mark.parametrize("case", BAD_VALUES)
def test_a_bad_value_gives_one_clear_line_and_nothing_moves(
    command: Command, tmp_path: Path, case: str
) -> None:
    setting, message = BAD_VALUES[case]
    code, out, err = command(
        "run", RECIPE, "--lab", LAB, "--out", tmp_path / "run", f"--set={setting}"
    )
    assert code == 1
    assert err.startswith(f"error: {message}"), err
    assert len(err.strip().splitlines()) == (2 if "memory" in case else 1), err
    assert "Traceback" not in out + err
    assert not (tmp_path / "run").exists()


def test_a_missing_recipe_or_lab_file_is_named(command: Command, tmp_path: Path) -> None:
    code, _, err = command("run", tmp_path / "no.toml", "--lab", LAB, "--out", tmp_path / "run")
    assert (code, err) == (1, f"error: {tmp_path / 'no.toml'}: there is no such recipe\n")
    code, _, err = command("run", RECIPE, "--lab", tmp_path / "no.toml", "--out", tmp_path / "run")
    assert (code, err) == (1, f"error: {tmp_path / 'no.toml'}: there is no such lab file\n")


def test_a_file_that_is_no_toml_is_refused_with_the_line(command: Command, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("title = 'x'\nsteps = [oops]\n")
    code, _, err = command("run", bad, "--lab", LAB, "--out", tmp_path / "run")
    assert code == 1
    assert err.startswith(f"error: {bad}: not valid TOML: ")
    assert "line 2" in err


def _no_data(path: Path) -> None:
    del path


def _no_hdf5(path: Path) -> None:
    path.write_bytes(b"this is no HDF5 file" * 100)


def _cut_off(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["loops"] = np.zeros((100, 100))
    path.write_bytes(path.read_bytes()[:3000])


def _other_data(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["picture"] = np.zeros((4, 4))


@pytest.mark.parametrize("make", [_no_data, _no_hdf5, _cut_off, _other_data])
def test_a_missing_or_corrupt_data_file_is_refused_in_one_line(
    command: Command, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    data = tmp_path / "data.h5"
    make(data)
    code, out, err = command(
        "run", EXAMPLES / "beps_replay.toml", "--lab", EXAMPLES / "lab_replay.toml",
        "--out", tmp_path / "run", f"--set=instrument.file={data}",
    )  # fmt: skip
    assert code == 1
    assert len(err.strip().splitlines()) == 1, err
    assert str(data) in err
    assert "Traceback" not in out + err
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_a_run_is_not_overwritten(command: Command, tmp_path: Path) -> None:
    _run(command, tmp_path / "run")
    before = (tmp_path / "run" / "run.spmj").read_bytes()
    code, _, err = _run(command, tmp_path / "run")
    assert code == 1
    assert err.count("\n") == 1
    assert "holds a run already" in err
    assert (tmp_path / "run" / "run.spmj").read_bytes() == before


def test_showing_what_is_no_run_is_refused(command: Command, tmp_path: Path) -> None:
    code, _, err = command("show", tmp_path)
    assert (code, err) == (1, f"error: {tmp_path}: there is no run here (no run.spmj)\n")


def test_help_comes_without_the_heavy_libraries() -> None:
    script = (
        "import sys; sys.argv = ['spm-auto', '--help']\n"
        "from spm_auto.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'h5py', 'numpy', 'scipy', 'matplotlib', 'numba'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
def test_ctrl_c_cancels_in_order(command: Command, tmp_path: Path) -> None:
    lab = tmp_path / "lab.toml"  # in real time the scan would last a minute
    lab.write_text(LAB.read_text().replace('kind = "instant"', 'kind = "scaled"\nfactor = 40.0'))
    journal = tmp_path / "run" / "run.spmj"
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if journal.exists() and any(
                isinstance(record.event, LineAcquired) for record in _records(journal)
            ):
                signal.pthread_kill(main, signal.SIGINT)
                return

    thread = threading.Thread(target=press)
    thread.start()
    code, _, _ = _run(command, tmp_path / "run", lab=lab)
    thread.join()
    run = open_run(tmp_path / "run")
    assert code == 1
    assert run.finished is not None
    assert run.finished.reason == FinishReason.CANCELLED
    assert 0 < run.summary()["n_lines"] < 32
    assert (tmp_path / "run" / "report.html").is_file()


class Recorder:
    """Stands in for a run: notes what it is told."""

    def __init__(self, finished: RunFinished | None = None) -> None:
        self.finished = finished
        self.told: list[str] = []

    def cancel(self) -> None:
        self.told.append("cancel")

    def emergency_stop(self) -> None:
        self.told.append("emergency stop")


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([0.0], ["cancel"]),
        ([0.0, 1.9], ["cancel", "emergency stop"]),
        ([0.0, 2.1], ["cancel", "cancel"]),
        ([0.0, 1.0, 1.5], ["cancel", "emergency stop", "emergency stop"]),
    ],
)
def test_two_presses_within_two_seconds_withdraw_the_tip(
    times: list[float], told: list[str]
) -> None:
    runner = Recorder()
    clock = iter(times)
    with Presses(runner, lambda _: None, lambda: next(clock)):
        for _ in times:
            signal.raise_signal(signal.SIGINT)
    assert runner.told == told


def test_after_the_run_s_end_two_presses_still_withdraw_the_tip() -> None:
    runner = Recorder(RunFinished(FinishReason.COMPLETED))
    said: list[str] = []
    with Presses(runner, said.append):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert runner.told == ["emergency stop"]
    assert "the tip is withdrawn" in said[-1]


def test_the_program_does_not_end_inside_an_agent_s_thought(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python ends badly while a thread of its own is in native code, such as torch's."""
    waited_for, join = threading.Event(), Worker.join

    def think(*_: object, **__: object) -> list[Proposal]:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        waited_for.wait(60)
        return []

    def waiting(worker: Worker, timeout: float) -> bool:
        waited_for.set()
        return join(worker, timeout)

    monkeypatch.setattr(Chooser, "ask", think)
    monkeypatch.setattr(Worker, "join", waiting)
    code, said, _ = _run(command, tmp_path / "run", "--set=steps[1].agent={kind = 'random'}")
    assert (code, "run cancelled" in said) == (1, True)
    assert not any(thread.name == "agent" for thread in threading.enumerate())


def test_afterwards_ctrl_c_is_the_program_s_again() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Presses(Recorder(), print):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def _records(journal: Path) -> list[object]:
    from spm_auto.data import JournalReader

    return list(JournalReader(journal).poll()) if journal.stat().st_size > 16 else []

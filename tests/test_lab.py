"""Lab files: instrument, limits and clock; and how a run begins in a laboratory."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ohmic_runs import OVERVIEW, new_runner

from examples.own_instrument import OhmicMicroscope
from spm_auto import __version__, plugins
from spm_auto.clock import Clock, InstantClock, RealClock, ScaledClock
from spm_auto.data import FILE_NAME, FinishReason, RunStarted, open_run
from spm_auto.errors import DataError, InstrumentError, RecipeError
from spm_auto.experiment import read_experiment
from spm_auto.instrument import (
    DataFile,
    Exposure,
    GuardedInstrument,
    Instrument,
    InstrumentSettings,
    Limits,
    NoGoZone,
)
from spm_auto.lab import Lab, LimitSettings, begin, parse_lab, read_lab, versions
from spm_auto.settings import json_schema
from spm_auto.units import parse


class BenchSettings(InstrumentSettings):
    """An ohmic sample as a plugin, with a file that it needs."""

    kind: str = "bench"
    file: DataFile | None = None

    def open(self, clock: Clock, seed: int) -> Instrument:
        """Make it."""
        return OhmicMicroscope(clock)


@pytest.fixture(autouse=True)
def _bench(monkeypatch: pytest.MonkeyPatch) -> None:
    real = plugins.load
    monkeypatch.setattr(
        plugins, "load", lambda kind, name: BenchSettings if name == "bench" else real(kind, name)
    )


def table(**changes: Any) -> dict[str, Any]:
    return {"schema_version": 1, "laboratory": "x", "instrument": {"kind": "bench"}, **changes}


def lab(**changes: Any) -> Lab:
    return parse_lab(table(**changes), "lab.toml", Path("/labs"))


def fault(**changes: Any) -> str:
    """Return the one line that says what is wrong."""
    with pytest.raises(RecipeError) as refusal:
        lab(**changes)
    (line,) = str(refusal.value).splitlines()
    assert line.startswith("lab.toml: ")
    return line.removeprefix("lab.toml: ")


def test_a_lab_file_is_read_with_its_units(tmp_path: Path) -> None:
    text = """
        schema_version = 1
        laboratory = "here"
        operator = "me"
        instrument = { kind = "bench" }
        clock = { kind = "scaled", factor = 10 }
        storage = { reserve = "1.5 GB" }
        [limits]
        x = ["-500 nm", "0.4 um"]
        bias = ["-2 V", "3 V"]
        scan_speed = "5 um/s"
        spectrum_duration = "1 min"
        [[limits.no_go]]
        x = "100 nm"
        y = "-1 um"
        radius = "50 nm"
        reason = "a particle"
    """
    (tmp_path / "lab.toml").write_text(text)
    read, verbatim = read_lab(tmp_path / "lab.toml")
    assert verbatim == text
    assert read.limits.limits() == Limits(
        x=(-5e-7, 4e-7),
        bias=(-2.0, 3.0),
        scan_speed=5e-6,
        spectrum_duration=60.0,
        no_go=(NoGoZone(1e-7, -1e-6, 5e-8, "a particle"),),
    )
    assert read.describe() == {"laboratory": "here", "operator": "me", "clock": "scaled"}
    assert read.storage.reserve == 1.5e9
    clock = read.clock.clock()
    assert isinstance(clock, ScaledClock)
    assert clock.factor == 10.0


def test_every_limit_has_its_place_in_a_lab_file() -> None:
    limits = {
        "bias_step": "500 mV",
        "bias_slew": "1 kV/s",
        "least_bias": "20 mV",
        "setpoint": ["10 pA", "1 nA"],
        "gain": "500 1/s",
        "force": "20 nN",
        "pulse": ["-4 V", "4 V"],
        "depth": "1 nm",
        "step": "100 nm",
        "spectra": 2000,
        "exposure": {
            "radius": "20 nm",
            "bias_time": "5 V s",
            "spectra": 3,
            "pulses": 1,
            "taps": 2,
        },
    }
    given = lab(limits=limits).limits.limits()
    assert given == Limits(
        bias_step=0.5,
        bias_slew=1e3,
        least_bias=0.02,
        setpoint=(1e-11, 1e-9),
        setpoint_unit="A",
        gain=500.0,
        force=2e-8,
        pulse=(-4.0, 4.0),
        depth=1e-9,
        step=1e-7,
        spectra=2000,
        exposure=Exposure(2e-8, bias_time=5.0, spectra=3, pulses=1, taps=2),
    )
    assert {field.name for field in dataclasses.fields(Limits)} == {
        "setpoint_unit", *LimitSettings.model_fields
    }  # fmt: skip
    guarded = lab(limits={"exposure": {"radius": "20 nm", "spectra": 1}}).open(1, InstantClock())
    assert guarded.ledger.exposure == Exposure(2e-8, spectra=1)


@pytest.mark.parametrize(("said", "unit"), [("50 pA", "A"), ("2 nN", "N"), ("10 nm", "m")])
def test_a_setpoint_is_a_current_a_force_or_an_amplitude(said: str, unit: str) -> None:
    given = lab(limits={"setpoint": ["0 " + unit, said]}).limits.limits()
    assert given.setpoint_unit == unit
    assert given.setpoint[1] == parse(said, unit)


@pytest.mark.parametrize(
    ("settings", "kind"), [({}, RealClock), ({"clock": {"kind": "instant"}}, InstantClock)]
)
def test_time_is_real_unless_the_lab_says_otherwise(
    settings: dict[str, Any], kind: type[Clock]
) -> None:
    assert type(lab(**settings).clock.clock()) is kind


def test_some_room_stays_on_the_disk_unless_the_lab_says_otherwise() -> None:
    assert lab().storage.reserve == 200e6
    assert lab(storage={"reserve": "0 B"}).storage.reserve == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"instrument": {"kind": "simulatr"}},
            "instrument: there is no instrument 'simulatr';",
        ),
        (
            {"instrument": {"kind": "bench", "flie": 1}},
            "instrument.flie: unknown key; did you",
        ),
        ({"instrument": {"kind": "bench", "file": 3}}, "instrument.file: expected the path of a"),
        ({"instrument": "bench"}, "instrument: expected a table with a 'kind' that names the"),
        ({"limit": {}}, "limit: unknown key; did you mean 'limits'?"),
        ({"limits": {"bais": ["-1 V", "1 V"]}}, "limits.bais: unknown key; did you mean 'bias'?"),
        ({"limits": {"x": ["1 um", "-1 um"]}}, "limits: limits.x must rise, got 1e-06 to -1e-06"),
        ({"limits": {"bias": ["1 V", "1 V"]}}, "limits: limits.bias must rise, got 1 to 1"),
        ({"limits": {"bias_step": "0 V"}}, "limits.bias_step: input should be greater than 0"),
        ({"limits": {"bias_slew": "1 V"}}, "limits.bias_slew: '1 V' has the unit 'V'; expected"),
        ({"limits": {"least_bias": "-1 mV"}}, "limits.least_bias: input should be greater than or"),
        ({"limits": {"setpoint": ["1 V", "2 A"]}}, "limits.setpoint[0]: '1 V' is no quantity for"),
        ({"limits": {"setpoint": [1e-12, "1 nA"]}}, "limits.setpoint[0]: 1e-12 is no quantity for"),
        (
            {"limits": {"setpoint": [["1", "A"], "2 A"]}},
            "limits.setpoint[0]: ('1', 'A') is no",
        ),
        (
            {"limits": {"setpoint": ["1 nA", "2 nN"]}},
            "limits: setpoint is from a value in A to one in N",
        ),
        ({"limits": {"setpoint": ["2 nA", "1 nA"]}}, "limits: limits.setpoint must rise"),
        ({"limits": {"gain": 500.0}}, "limits.gain: 500.0 has no unit; write it as text"),
        ({"limits": {"force": "1 nm"}}, "limits.force: '1 nm' has the unit 'nm'; expected 'N'"),
        ({"limits": {"pulse": ["4 V", "-4 V"]}}, "limits: limits.pulse must rise, got 4 to -4"),
        ({"limits": {"spectra": 1.5}}, "limits.spectra: input should be a valid integer, got 1.5"),
        ({"limits": {"exposure": {"spectra": 3}}}, "limits.exposure.radius: this key is missing"),
        (
            {"limits": {"exposure": {"radius": "1 nm", "bias_time": "5 V"}}},
            "limits.exposure.bias_time: '5 V' has the unit 'V'; expected 'V s'",
        ),
        (
            {"limits": {"exposure": {"radius": "1 nm", "puls": 3}}},
            "limits.exposure.puls: unknown key; did you mean 'pulses'?",
        ),
        ({"storage": {"reserve": "1 nm"}}, "storage.reserve: '1 nm' has the unit 'nm'; expected"),
        ({"storage": {"reserve": "-1 B"}}, "storage.reserve: input should be greater than or"),
        ({"limits": {"x": ["1 um"]}}, "limits.x[1]: this key is missing"),
        ({"limits": {"scan_speed": "0 m/s"}}, "limits.scan_speed: input should be greater than 0"),
        (
            {"limits": {"no_go": [{"x": "0 m", "y": "0 m", "radius": "-1 nm"}]}},
            "limits.no_go[0].radius: input should be greater than 0",
        ),
        (
            {"clock": {"kind": "scaled", "factor": 0}},
            "clock.factor: input should be greater than",
        ),
        ({"clock": {"kind": "scaled", "factor": float("inf")}}, "clock.factor: input should be a"),
        ({"clock": {"kind": "sundial"}}, "clock.kind: input should be 'real', 'scaled' or"),
        ({"schema_version": 7}, "schema_version: input should be 1, got 7"),
    ],
)
def test_a_fault_is_said_in_one_line_with_its_path(changes: dict[str, Any], said: str) -> None:
    assert fault(**changes).startswith(said)


def test_a_sample_that_is_misspelt_is_said_like_everything_else() -> None:
    sample = {"kind": "ferroelectric_film", "celsl": 128}
    assert fault(instrument={"kind": "simulator", "sample": sample}) == (
        "instrument.sample.celsl: unknown key; did you mean 'cells'?"
    )


def test_a_path_in_a_lab_file_starts_at_the_file() -> None:
    settings = lab(instrument={"kind": "bench", "file": "maps/a.h5"}).instrument
    assert isinstance(settings, BenchSettings)
    assert settings.file == Path("/labs/maps/a.h5").resolve()
    absolute = lab(instrument={"kind": "bench", "file": "/data/a.h5"}).instrument
    assert isinstance(absolute, BenchSettings)
    assert absolute.file == Path("/data/a.h5")


def order(folder: Path, *overrides: str) -> Any:
    """Read a recipe and a lab file in a folder below, with values replaced."""
    labs = folder / "labs"
    labs.mkdir()
    (labs / "lab.toml").write_text(
        'schema_version = 1\nlaboratory = "x"\ninstrument = { kind = "bench", file = "own.h5" }\n'
    )
    frame = json.dumps(OVERVIEW["frame"]["center"]), json.dumps(OVERVIEW["frame"]["size"])
    (labs / "recipe.toml").write_text(
        'schema_version = 1\ntitle = "x"\n[[steps]]\nkind = "overview"\n'
        f"frame = {{ center = {frame[0]}, size = {frame[1]} }}\n"
    )
    return read_experiment(labs / "recipe.toml", labs / "lab.toml", overrides)


def test_a_path_from_the_command_line_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read = order(tmp_path, "instrument.file=data/b.h5", "laboratory=y")
    assert read.lab.instrument.file == tmp_path.resolve() / "data" / "b.h5"
    assert read.lab.laboratory == "y"


def test_a_path_that_nobody_replaced_still_starts_at_the_lab_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read = order(tmp_path, "steps[0].line_rate=8 Hz")
    assert read.lab.instrument.file == tmp_path.resolve() / "labs" / "own.h5"
    assert read.recipe.steps[0].line_rate == 8.0


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("steps[0].budget", r"--set steps\[0\]\.budget: write PATH=VALUE"),
        ("stpes[0].kind=x", r"has a key 'stpes'; did you mean 'steps'\?"),
        ("steps[0].line_rate=8 V", r"recipe\.toml: steps\[0\]\.line_rate: '8 V' has the unit"),
        ("limits.bias=3", r"lab\.toml: limits\.bias: expected a list such as \[a, b\], got 3"),
    ],
)
def test_what_cannot_be_replaced_is_refused(tmp_path: Path, override: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        order(tmp_path, override)


def test_an_instrument_is_opened_behind_the_labs_limits() -> None:
    opened = lab(limits={"x": ["-5 um", "500 nm"]}).open(1, InstantClock())
    assert opened.limits.x == (-1e-6, 5e-7)
    assert opened.limits.bias == (-10.0, 10.0)


def test_limits_that_leave_nothing_of_the_instruments_range_are_refused_and_it_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(OhmicMicroscope, "close", lambda _: closed.append(True))
    with pytest.raises(InstrumentError) as refusal:
        lab(limits={"x": ["1 mm", "2 mm"]}).open(1, InstantClock())
    assert str(refusal.value) == (
        "limits.x of 0.001 to 0.002 m leave nothing of the range of ohmic sample, -1e-06 to 1e-06 m"
    )
    assert closed == [True]


def test_the_schema_is_json_and_names_every_instrument() -> None:
    schema = json.loads(json.dumps(json_schema(Lab), allow_nan=False))
    assert schema["properties"]["instrument"] == {"$ref": "#/$defs/instruments"}
    kinds = {one["properties"]["kind"]["const"] for one in schema["$defs"]["instruments"]["oneOf"]}
    assert kinds == set(plugins.names("instruments"))
    assert schema["additionalProperties"] is False
    text = json.dumps(schema)
    for name in set(text.split("#/$defs/")[1:]):
        assert name.split('"')[0] in schema.get("$defs", {})


def test_a_run_begins_with_all_that_it_stands_on(tmp_path: Path) -> None:
    zone = NoGoZone(5e-7, 5e-7, 1e-8, "a particle")
    runner = new_runner(
        tmp_path,
        limits=Limits(bias=(-2.0, 2.0), no_go=(zone,)),
        seed=7,
        recipe="a = 1",
        lab="b = 2",
        settings={"operator": "me", "overrides": ("a=1",)},
    )
    runner.finish()
    started = open_run(tmp_path).started
    assert (started.title, started.seed, started.instrument) == (
        "ohmic contacts",
        7,
        "ohmic sample",
    )
    assert (started.recipe, started.lab) == ("a = 1", "b = 2")
    assert started.settings["operator"] == "me"
    assert started.settings["overrides"] == ("a=1",)
    limits = started.settings["limits"]
    assert limits["bias"] == (-2.0, 2.0)
    assert limits["x"] == (-1e-6, 1e-6)
    assert limits["no_go"] == ((5e-7, 5e-7, 1e-8, "a particle"),)
    assert started.versions["spm_auto"] == __version__
    assert started.uid


def test_every_run_has_a_name_of_its_own(tmp_path: Path) -> None:
    for name in "ab":
        new_runner(tmp_path / name).finish()
    assert open_run(tmp_path / "a").started.uid != open_run(tmp_path / "b").started.uid


def test_versions_are_told_without_importing_what_is_heavy() -> None:
    found = versions()
    assert found["spm_auto"] == __version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "numpy" in found


def test_a_folder_that_holds_a_run_is_refused_and_the_instrument_is_closed(tmp_path: Path) -> None:
    new_runner(tmp_path).finish()
    closed: list[bool] = []

    class Closing(OhmicMicroscope):
        def close(self) -> None:
            closed.append(True)
            super().close()

    clock = InstantClock()
    with pytest.raises(DataError, match="holds a run already"):
        begin(GuardedInstrument(Closing(clock)), clock, tmp_path, "x", 1)
    assert closed == [True]
    assert open_run(tmp_path).started.title == "ohmic contacts"


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_that_is_none_is_refused_before_there_is_a_journal(
    tmp_path: Path, seed: int
) -> None:
    with pytest.raises(RecipeError, match=f"seed {seed} is outside 0 to {2**64 - 1}"):
        new_runner(tmp_path, seed=seed)
    assert not (tmp_path / FILE_NAME).exists()


def test_the_largest_seed_makes_a_run(tmp_path: Path) -> None:
    assert new_runner(tmp_path, seed=2**64 - 1).finish().reason == FinishReason.COMPLETED
    started = open_run(tmp_path).records[0].event
    assert isinstance(started, RunStarted)
    assert started.seed == 2**64 - 1

"""Settings of the simulator: found by name, refused with the place and the unit."""

import subprocess
import sys

import pytest

from spm_auto import plugins
from spm_auto.errors import RecipeError
from spm_auto.settings import json_schema, validate
from spm_auto.simulator import FerroelectricFilmSettings, SimulatorSettings


def refusal(**table: object) -> str:
    with pytest.raises(RecipeError) as caught:
        validate(SimulatorSettings, {"kind": "simulator", **table}, "lab.toml")
    return str(caught.value)


def test_the_simulator_and_its_film_are_plugins() -> None:
    assert plugins.load("instruments", "simulator") is SimulatorSettings
    assert plugins.load("samples", "ferroelectric_film") is FerroelectricFilmSettings


def test_a_sample_is_chosen_by_its_kind() -> None:
    table = {"kind": "simulator", "sample": {"kind": "ferroelectric_film", "thickness": "60 nm"}}
    settings = validate(SimulatorSettings, table, "lab.toml")
    assert isinstance(settings.sample, FerroelectricFilmSettings)
    assert settings.sample.thickness == 60e-9
    assert settings.model_dump()["sample"]["thickness"] == 60e-9


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"sample": {"kind": "film"}}, "sample: there is no sample 'film'"),
        ({"sample": {"size": "1 um"}}, "sample: expected a table with a 'kind'"),
        (
            {"sample": {"kind": "ferroelectric_film", "size": "0 nm"}},
            "sample.size: must lie within 1 nm to 100 um, got 0 m",
        ),
        (
            {"sample": {"kind": "ferroelectric_film", "size": "-2 um"}},
            "sample.size: must lie within 1 nm to 100 um, got -2 um",
        ),
        (
            {"sample": {"kind": "ferroelectric_film", "size": 2e-6}},
            "sample.size: 2e-06 has no unit",
        ),
        (
            {"sample": {"kind": "ferroelectric_film", "response": "60 pm"}},
            "sample.response: '60 pm' has the unit 'pm'; expected 'm/V'",
        ),
        (
            {"sample": {"kind": "ferroelectric_film", "wall_softening": 1.5}},
            "sample.wall_softening: must lie between 0 and 1, got 1.5",
        ),
        ({"sample": {"kind": "ferroelectric_film", "cels": 64}}, "did you mean 'cells'?"),
        (
            {"technique": {"kind": "pfm", "tip": {"radius": "-5 nm"}}},
            "tip.radius: must be positive, got -5 nm",
        ),
        (
            {"technique": {"kind": "pfm", "noise": {"lag": "-1 ms"}}},
            "noise.lag: must not be negative, got -1 ms",
        ),
        (
            {"technique": {"kind": "pfm", "bias_limit": "0 V"}},
            "technique.bias_limit: must be positive, got 0 V",
        ),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place_and_unit(
    table: dict[str, object], said: str
) -> None:
    assert said in refusal(**table)


def test_the_schema_of_the_simulator_names_the_film() -> None:
    assert "wall_softening" in str(json_schema(SimulatorSettings))


def test_importing_the_simulator_imports_nothing_heavy() -> None:
    program = (
        "import sys, spm_auto.simulator; "
        "print([m for m in ('numba', 'scipy', 'h5py', 'torch', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

"""The analyse step: what images and spectra say together, and why nothing can be said."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import Bench

from spm_auto.data import Finding, open_run
from spm_auto.data.run_file.writing import write
from spm_auto.errors import RecipeError
from spm_auto.instrument import (
    BiasWaveform,
    Channel,
    ForceCurve,
    ScanFrame,
    ScanImage,
    Spectrum,
)
from spm_auto.workflow import (
    Compute,
    Knowledge,
    Note,
    Step,
    StepContext,
    TipCare,
    TipSettings,
    parse_recipe,
)

FRAME = ScanFrame((0.0, 0.0), (1e-6, 1e-6), (64, 64))
LOOP = BiasWaveform.triangle(8.0, 32)
WALL = 40e-9  # [m] within which loops are narrower
OVERVIEW = {
    "kind": "overview",
    "frame": {"center": ["0 nm", "0 nm"], "size": ["1 um", "1 um"], "pixels": [8, 8]},
}


def made(*steps: dict[str, Any]) -> tuple[Step, ...]:
    return parse_recipe({"schema_version": 1, "title": "x", "steps": list(steps)}, "recipe").steps


def step(**settings: Any) -> Step:
    return made(OVERVIEW, {"kind": "analyse", **settings})[-1]


def film() -> ScanImage:
    """Make a film of stripes 150 nm wide."""
    x, y = FRAME.positions()
    sign = np.sin(2 * np.pi * x / 300e-9)
    stack = np.stack([np.abs(np.tanh(4 * sign)), np.where(sign > 0, 0.4, 0.4 + np.pi), y * 0 + x])
    channels = (Channel("amplitude", "m"), Channel("phase", "rad"), Channel("height", "m"))
    return ScanImage(FRAME, channels, stack, stack, 10.0, 20.0)


def loop(x: float, y: float, coercive: float, time: float, rng: np.random.Generator) -> Spectrum:
    bias = LOOP.bias
    rising = np.roll(np.diff(bias, append=bias[0]) > 0, 1)
    response = np.tanh((bias - np.where(rising, coercive, -coercive)) / 0.8)
    response = response + 0.03 * rng.standard_normal(len(bias))
    return Spectrum(x, y, bias, (Channel("piezoresponse", "m"),), response[None], time, time + 1)


def knowledge(n: int = 80, effect: float = -1.0) -> Knowledge:
    """Know a film, and loops at random places that are narrower near its walls."""
    known, rng = Knowledge(), np.random.default_rng(0)
    known.images.append(film())
    for number, (x, y) in enumerate(rng.uniform(-0.45e-6, 0.45e-6, (n, 2)).tolist()):
        away = abs((x + 75e-9) % 150e-9 - 75e-9)  # walls at the multiples of 150 nm
        coercive = 4.0 + effect * (away < WALL) + 0.2 * rng.standard_normal()
        known.spectra.append(loop(x, y, coercive, 100.0 + number, rng))
    return known


def played(analyse: Step, known: Knowledge, tip: TipCare | None = None) -> list[Finding]:
    """Play the instrument and the agent's thread by hand; return the findings."""
    context = StepContext(1, 0, tuple(known.images), tip, knowledge=known)
    running, found, answer = analyse.run(context), [], None
    try:
        while True:
            request = running.send(answer)
            answer = None
            if isinstance(request, Compute):
                answer = request.work()
            else:
                assert isinstance(request, Note)
                assert isinstance(request.event, Finding)
                found.append(request.event)
    except StopIteration:
        return found


def test_walls_say_where_they_are_and_how_far_each_place_is() -> None:
    (found,) = played(step(walls={}), knowledge(20))
    assert found.kind == "analysis"
    assert found.message.startswith("domain walls: ")
    assert "20 places measured" in found.message
    values = found.values
    assert values["length"] == pytest.approx(7 * 1e-6, rel=0.1)
    x = values["places"][:, 0]
    away = np.abs((x + 75e-9) % 150e-9 - 75e-9)
    np.testing.assert_allclose(values["place_distance"], away, atol=4e-9)
    assert values["distance"].shape == FRAME.shape
    assert values["distance"].dtype == np.float32


def test_walls_are_found_before_anything_was_measured() -> None:
    (found,) = played(step(walls={}), knowledge(0))
    assert found.values["what"] == "walls"
    assert found.values["places"].shape == (0, 2)
    assert "measured" not in found.message


def test_a_statement_gives_effect_distance_and_deviation() -> None:
    statement = {"scalarizer": "coercive_bias", "structure": "walls", "shapes": ["step"]}
    (found,) = played(step(statements=[statement]), knowledge())
    assert found.message.startswith("coercive bias falls by ")
    values = found.values
    assert values["is_significant"]
    assert values["effect"] == pytest.approx(-1.0, abs=3 * values["deviation"])
    assert values["deviation"] < 0.2
    assert values["scale"] == pytest.approx(WALL, rel=0.2)
    assert len(values["places"]) == len(values["values"]) == len(values["at_places"])


def test_where_there_is_no_effect_it_says_how_large_one_could_be() -> None:
    walls, height = played(
        step(
            statements=[
                {"scalarizer": "coercive_bias"},
                {"scalarizer": "coercive_bias", "structure": "height"},
            ]
        ),
        knowledge(effect=0.0),
    )
    assert "no effect of walls is seen, none beyond ±" in walls.message
    assert "no effect of height is seen, none beyond ±" in height.message
    assert walls.values["limit"] < 0.4


def test_old_spectra_are_judged_anew_by_each_scalarizer() -> None:
    found = played(step(fits=["coercive_bias", "imprint", "gap"]), knowledge(30))
    coercive, imprint, gap = found
    assert coercive.values["median"] == pytest.approx(3.5, abs=0.6)
    assert "V (median and spread of 30 places" in coercive.message
    assert imprint.values["median"] == pytest.approx(0.0, abs=0.1)
    assert gap.values["what"] == "nothing" or gap.values["flags"]


def test_what_a_bad_tip_may_have_measured_is_left_out() -> None:
    frame = {"center": ("0 nm", "0 nm"), "size": ("9 nm", "9 nm")}
    table = {"reference": frame, "parking": ("1 um", "1 um")}
    care = TipCare(TipSettings.model_validate(table))
    care.doubted.append((105.0, 125.0))
    (found,) = played(step(fits=["coercive_bias"]), knowledge(40), care)
    assert len(found.values["values"]) == 20
    assert "of 20 places" in found.message


def test_spectra_are_unmixed_and_grouped_with_their_places() -> None:
    known = knowledge(60, effect=-2.5)
    unmixed, groups = played(
        step(unmix={"method": "nmf"}, clusters={"by": ["coercive_bias"]}), known
    )
    k = unmixed.values["components"].shape[0]
    assert unmixed.values["abundances"].shape == (60, k)
    assert unmixed.values["share"] > 0.9
    np.testing.assert_array_equal(unmixed.values["axis"], LOOP.bias)
    assert "parallel analysis" in unmixed.message
    assert groups.message.startswith("2 groups by coercive bias (the least BIC): ")
    labels, centers = groups.values["labels"], groups.values["centers"][:, 0]
    x = groups.values["places"][:, 0]
    is_near = np.abs((x + 75e-9) % 150e-9 - 75e-9) < WALL
    assert np.mean((centers[labels] < 3) == is_near) > 0.97


def curve(x: float, stiffness: float, time: float, rng: np.random.Generator) -> ForceCurve:
    extension = np.linspace(0, 100e-9, 200)
    force = stiffness * np.maximum(extension - 60e-9, 0.0)
    way = (force + 0.3e-9 * rng.standard_normal((2, 200)))[:, None]
    return ForceCurve(x, 0.0, extension, (Channel("force", "N"),), way[0], way[1], time, time + 1)


def test_force_curves_are_analysed_where_there_are_no_spectra() -> None:
    known, rng = Knowledge(), np.random.default_rng(2)
    for number in range(30):
        known.curves.append(curve(number * 1e-8, 20.0 if number < 10 else 5.0, number, rng))
    fits, unmixed, groups = played(
        step(fits=["stiffness"], clusters={"by": ["stiffness"]}, unmix={"method": "pca"}), known
    )
    assert fits.values["unit"] == "N/m"
    assert groups.values["counts"].tolist() == [20, 10]
    assert "20 places with stiffness 4.99" in groups.message
    assert "places of a group lie together" in groups.message
    assert "30 force curves are sums of" in unmixed.message


@pytest.mark.parametrize(
    ("settings", "known", "said"),
    [
        ({"walls": {"phase": "phse"}}, knowledge(3), "no image has the channel 'phse'"),
        ({"fits": ["coercive_bias"]}, Knowledge(), "no spectrum was taken"),
        ({"statements": [{}]}, knowledge(3), "no agent has judged a spectrum before"),
        ({"statements": [{"scalarizer": "imprint"}]}, knowledge(5), "at least 12 values"),
        ({"unmix": {}}, knowledge(3), "at least 6 spectra"),
        ({"clusters": {"by": ["stiffness"]}}, knowledge(12), "needs a ForceCurve"),
    ],
)
def test_what_cannot_be_said_is_a_finding_that_says_why(
    settings: dict[str, Any], known: Knowledge, said: str
) -> None:
    (found,) = played(step(**settings), known)
    assert "nothing can be said: " in found.message
    assert said in found.message
    assert found.values["what"] == "nothing"


def test_the_same_record_gives_the_same_findings_again() -> None:
    analyse = step(statements=[{"scalarizer": "imprint"}], clusters={}, unmix={})
    one, two = played(analyse, knowledge(40)), played(analyse, knowledge(40))
    assert [f.message for f in one] == [f.message for f in two]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"kind": "analyse"}], "nothing to analyse; name one of walls, fits"),
        ([{"kind": "analyse", "fits": ["coercive_bais"]}], "did you mean 'coercive_bias'"),
        (
            [OVERVIEW, {"kind": "analyse", "statements": [{"scalarizer": "imprnt"}]}],
            "did you mean 'imprint'",
        ),
        ([{"kind": "analyse", "unmix": {"components": 0}}], "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_with_the_settings_is_said_before_anything_moves(
    steps: Sequence[dict[str, Any]], said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        made(*steps)


def test_walls_need_a_scan_before_them() -> None:
    with pytest.raises(RecipeError, match="needs a scan before it"):
        step(walls={}).preview(None)


def test_findings_survive_the_journal_the_run_file_and_a_block_around_the_step(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path / "run")
    points = {
        "kind": "grid",
        "points": [4, 4],
        "waveform": {"kind": "sweep", "start": "-1 V", "stop": "1 V", "points": 8},
    }
    analyse = {"kind": "analyse", "fits": ["integral"], "unmix": {"method": "pca"}}
    table = {"kind": "repeat", "times": 2, "steps": [OVERVIEW, points, analyse]}
    bench.run(*made(table))
    journal = open_run(bench.folder)
    assert [found.kind for found in journal.findings] == ["analysis"] * 4
    assert journal.summary()["findings"] == [found.message for found in journal.findings]
    write(journal, bench.folder / "run.h5")
    stored = open_run(bench.folder / "run.h5")
    for one, two in zip(journal.findings, stored.findings, strict=True):
        assert one.message == two.message
        assert one.values.keys() == two.values.keys()
        for key, value in one.values.items():
            np.testing.assert_array_equal(value, two.values[key])

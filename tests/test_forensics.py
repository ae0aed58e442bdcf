"""Forensics: one page that says how well an agent chose, and why; for any run, however it ended."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ohmic_runs import EXPLORE, OVERVIEW, SWEEP, new_runner, recipe, run_quickly
from typer.testing import CliRunner

from spm_auto.cli import app
from spm_auto.data import (
    Alarm,
    Intervention,
    ModelFitted,
    PointChosen,
    Record,
    RecordedRun,
    SpectrumAcquired,
    SpectrumScored,
    open_run,
)
from spm_auto.errors import DataError
from spm_auto.forensics import FORENSICS_NAME, write_forensics
from spm_auto.forensics.gain import (
    best_so_far,
    coverage,
    naive_surprise,
    regret,
    running_mean,
    share_above,
    surprise,
)
from spm_auto.forensics.history import history_of
from spm_auto.forensics.html import draw, overview_of
from spm_auto.forensics.marks import marks_of
from spm_auto.forensics.rivals import Fork, cells_of, forks_of, promises, verdicts
from spm_auto.forensics.sight import Sight, principal_components
from spm_auto.forensics.truth import read_truth
from spm_auto.instrument import ScanFrame

WAVEFORM = {**SWEEP, "points": 33}
RANDOM = {**EXPLORE, "waveform": WAVEFORM}
GP = {**RANDOM, "agent": {"kind": "gp", "initial": 3, "refit_every": 2}, "budget": 9}
GRID = {"kind": "grid", "points": [3, 2], "waveform": WAVEFORM}
NAN = math.nan


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    """Explore the ohmic sample with a learning agent."""
    folder = tmp_path_factory.mktemp("explored")
    run_quickly(folder, recipe(OVERVIEW, GP).steps)
    return open_run(folder)


def page_of(folder: Path, truth: str = "") -> str:
    text = write_forensics(folder, truth).read_text(encoding="utf-8")
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    return text


def with_event(run: RecordedRun, after: int, *events: object) -> RecordedRun:
    """Slip events into a run, after its n-th record."""
    records = list(run.records)
    time = records[after].time
    slipped = [Record(0, 0.0, time, event) for event in events]  # type: ignore[arg-type]
    records[after + 1 : after + 1] = slipped
    return replace(run, records=tuple(records))


def index_of(run: RecordedRun, kind: type, count: int) -> int:
    """Return where the n-th record of a kind of event stands."""
    return [n for n, r in enumerate(run.records) if isinstance(r.event, kind)][count]


def test_the_page_has_every_part_and_needs_no_other_file(explored: RecordedRun) -> None:
    text = page_of(explored.path.parent)
    for part in ("What was gained", "Where it went", "Was it right?", "What others would have",
                 "What it cost", "What happened when", "Each choice, and why there"):  # fmt: skip
        assert part in text
    assert text.count("data:image/png;base64,") == len(draw(explored, history_of(explored)))
    assert "to begin with: highest ranking" in text


def test_a_run_without_an_agent_says_so(tmp_path: Path) -> None:
    run_quickly(tmp_path, recipe(OVERVIEW, GRID).steps)
    text = page_of(tmp_path)
    assert "No agent chose here" in text
    assert "6 spectra were asked for by the recipe or the script" in " ".join(text.split())


def test_a_run_that_did_nothing_yet_has_a_page(tmp_path: Path) -> None:
    new_runner(tmp_path)
    text = page_of(tmp_path)
    assert "unfinished" in text
    assert "No agent chose here" in text


def test_an_agent_without_a_model_has_a_page(tmp_path: Path) -> None:
    run_quickly(tmp_path, recipe(OVERVIEW, RANDOM).steps)
    text = page_of(tmp_path)
    assert "What was gained" in text
    assert "What others would have" not in text


@pytest.mark.parametrize("end", [1, 5, 7, 12, 20])
def test_a_run_that_is_cut_off_anywhere_has_a_page(explored: RecordedRun, end: int) -> None:
    begin = index_of(explored, PointChosen, 0)
    cut = replace(explored, records=explored.records[: begin + end], finished=None)
    history = history_of(cut)
    assert len(history.choices) == sum(isinstance(r.event, SpectrumScored) for r in cut.records)
    assert draw(cut, history)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no run here"):
        write_forensics(tmp_path)


def test_the_command_line_writes_the_page(explored: RecordedRun) -> None:
    folder = explored.path.parent
    done = CliRunner().invoke(app, ["forensics", str(folder), "--truth", "3.5"])
    assert done.exit_code == 0
    assert done.output.replace("\n", "") == str(folder / FORENSICS_NAME)
    assert "The truth is known: as given" in (folder / FORENSICS_NAME).read_text("utf-8")


def test_the_history_pairs_each_choice_with_what_was_found(explored: RecordedRun) -> None:
    history = history_of(explored)
    assert history.scalarizer == "integral"
    assert [c.number for c in history.choices] == list(range(1, 10))
    for choice, measurement in zip(history.choices, explored.measurements, strict=True):
        assert measurement.scored is not None
        assert choice.value == choice.first_value == measurement.scored.value
        assert choice.chosen.x == measurement.instruction.x
    predicted = [c for c in history.choices if math.isfinite(c.chosen.mean)]
    assert predicted
    for choice in predicted:
        assert choice.z == pytest.approx((choice.value - choice.chosen.mean) / choice.spread)
        assert choice.spread >= choice.chosen.deviation  # the noise that the model found counts


def test_a_prediction_by_another_scalarizer_is_not_held_against_the_agent(
    explored: RecordedRun,
) -> None:
    last = index_of(explored, SpectrumScored, -1)
    records = list(explored.records)
    event = records[last].event
    assert isinstance(event, SpectrumScored)
    records[last] = replace(records[last], event=replace(event, scalarizer="peak", value=1.0))
    history = history_of(replace(explored, records=tuple(records)))
    assert history.scalarizer == "peak"
    assert math.isnan(history.choices[-1].z)
    assert math.isfinite(history.choices[-2].z)
    assert np.isnan(history.of("value")[:-1]).all()  # values of the two do not compare


def test_spectra_judged_anew_count_by_the_new_value_and_keep_their_prediction(
    explored: RecordedRun,
) -> None:
    scores = [r.event for r in explored.records if isinstance(r.event, SpectrumScored)]
    anew = [replace(score, scalarizer="peak", value=7.0 + n) for n, score in enumerate(scores)]
    end = index_of(explored, SpectrumScored, -1)
    history = history_of(with_event(explored, end, *anew))
    assert history.of("value").tolist() == [7.0 + n for n in range(9)]
    before = history_of(explored)
    np.testing.assert_array_equal(history.of("z"), before.of("z"))


def test_only_the_last_step_with_an_agent_is_judged(tmp_path: Path) -> None:
    run_quickly(tmp_path, recipe(OVERVIEW, {**RANDOM, "budget": 3}, GP).steps)
    history = history_of(open_run(tmp_path))
    assert not history.is_whole
    assert [c.number for c in history.choices] == list(range(4, 13))
    assert "this page is about the last one" in page_of(tmp_path)


def test_interventions_and_alarms_are_numbered_together_in_order(explored: RecordedRun) -> None:
    third = index_of(explored, SpectrumAcquired, 2)
    run = with_event(
        explored,
        third,
        Intervention("Ada", "stay out", "a scratch", "forbid_region", {}),
        Alarm("the tip may have changed", "tip"),
    )
    marks = marks_of(run)
    assert [(m.number, m.is_alarm, m.spectrum) for m in marks] == [(1, False, 3), (2, True, 3)]
    assert (marks[0].who, marks[0].why, marks[1].who) == ("Ada", "a scratch", "tip")


def test_regret_falls_to_zero_at_the_best_and_never_below() -> None:
    values = np.array([NAN, 1.0, NAN, 3.0, 2.0, 5.0])
    np.testing.assert_array_equal(best_so_far(values), [NAN, 1.0, 1.0, 3.0, 3.0, 5.0])
    np.testing.assert_array_equal(regret(values, 4.0), [NAN, 3.0, 3.0, 1.0, 1.0, 0.0])
    assert share_above(np.array([1.0, 2.0, NAN, 3.0, 4.0]), 2.5) == 0.5


def test_coverage_counts_the_last_predictions_only() -> None:
    z = np.array([9.0, 0.0, NAN, 0.0, 0.0, 9.0])
    expected = [NAN, NAN, NAN, 2 / 3, 1.0, 2 / 3]
    np.testing.assert_allclose(coverage(z, 3), expected)


def test_surprise_is_the_negative_logarithm_of_the_density() -> None:
    z, spread = np.array([0.0, 2.0]), np.array([2.0, 0.5])
    density = np.exp(-0.5 * z**2) / (spread * math.sqrt(2 * math.pi))
    np.testing.assert_allclose(surprise(z, spread), -np.log(density))
    values = np.array([1.0, 3.0, 2.0, NAN, 2.0])
    naive = naive_surprise(values)
    assert np.isnan(naive[[0, 1, 3]]).all()
    assert naive[2] == pytest.approx(0.5 * math.log(2 * math.pi))
    np.testing.assert_allclose(running_mean(np.array([1.0, NAN, 3.0, 5.0]), 2), [1, NAN, 2, 4])


def fit(mean: list[float], deviation: list[float], rows: list[tuple[int, int]]) -> ModelFitted:
    frame = ScanFrame((0.0, 0.0), (4e-7, 3e-7), (4, 3))
    return ModelFitted(2, frame, np.array(mean), np.array(deviation), np.array(rows), {}, "gp")


def test_of_several_biases_on_a_pixel_the_most_promising_counts() -> None:
    cells = cells_of(fit([1.0, 2.0, 0.5], [0.1, 0.1, 3.0], [(0, 1), (0, 0), (0, 1)]))
    assert cells.rows.tolist() == [[0, 0], [0, 1]]
    assert cells.mean.tolist() == [2.0, 0.5]
    assert cells.deviation.tolist() == [0.1, 3.0]


def test_each_rule_goes_where_it_should_and_nowhere_twice(explored: RecordedRun) -> None:
    history = history_of(explored)
    image = overview_of(explored, history)
    assert image is not None
    sight = Sight.of(image)
    forks = forks_of(history, sight)
    assert [fork.fit for fork in forks] == list(range(len(forks)))
    for fork in forks:
        cells = cells_of(history.fits[fork.fit])
        index = next(n for n, c in enumerate(history.choices) if c.number == fork.number)
        taken = {tuple(pixel) for pixel in history.pixels[:index].tolist()}
        assert fork.agent == tuple(history.pixels[index].tolist())
        assert not taken & set(fork.others.values())
        free = [tuple(row) not in taken for row in cells.rows.tolist()]
        best = cells.rows[int(np.argmax(np.where(free, cells.mean, -np.inf)))]
        assert fork.others["greedy"] == tuple(best.tolist())
        widest = cells.rows[int(np.argmax(np.where(free, cells.deviation, -np.inf)))]
        assert fork.others["variance"] == tuple(widest.tolist())
    expected = promises(forks, history.fits[-1])
    judged = {v.rule: v for v in verdicts(forks, history.fits[-1])}
    assert judged["agent"].same == 1.0
    assert judged["greedy"].promise == pytest.approx(np.mean(expected["greedy"]))
    assert judged["greedy"].promise >= judged["random"].promise


def test_a_rule_is_the_same_as_the_agent_within_three_pixels(explored: RecordedRun) -> None:
    history = history_of(explored)
    last = history.fits[-1]
    forks = [
        Fork(4, 0, (0, 0), {"greedy": (0, 3), "random": (2, 7)}),
        Fork(6, 1, (2, 0), {"greedy": (2, 4), "random": (2, 0)}),
    ]
    judged = {v.rule: v for v in verdicts(forks, last)}
    assert (judged["greedy"].same, judged["random"].same) == (0.5, 0.5)
    assert list(judged) == ["agent", "greedy", "random"]
    assert "ranking" not in forks_of(history, None)[0].others


def test_principal_components_are_uncorrelated_and_the_widest_first() -> None:
    rng = np.random.default_rng(1)
    wide = rng.normal(size=(500, 1)) * 3
    data = np.hstack([wide, -wide + 0.1 * rng.normal(size=(500, 1)), rng.normal(size=(500, 1))])
    components, shares = principal_components(data)
    assert abs(np.corrcoef(components.T)[0, 1]) < 1e-9
    assert components.var(axis=0)[0] > components.var(axis=0)[1]
    assert shares[0] == pytest.approx(18 / 19, abs=0.02)
    assert abs(np.corrcoef(components[:, 0], wide[:, 0])[0, 1]) > 0.99


def test_descriptors_of_a_flat_overview_have_no_components() -> None:
    components, shares = principal_components(np.ones((5, 1)))
    assert not components.any()
    assert shares == (0.0, 0.0)


def test_the_truth_is_a_number_or_a_run_that_measured_everything(
    tmp_path: Path, explored: RecordedRun
) -> None:
    assert read_truth("3.5", "integral").best == 3.5
    run_quickly(tmp_path, recipe(OVERVIEW, GRID).steps)
    truth = read_truth(str(tmp_path), "integral")
    assert truth.values.size == 6
    assert truth.best == truth.values.max()
    assert "6 spectra" in truth.origin
    text = page_of(explored.path.parent, str(tmp_path))
    assert "The truth is known: measured in" in text
    own = read_truth(str(explored.path.parent), "integral")
    assert own.best == max(m.scored.value for m in explored.measurements if m.scored)


@pytest.mark.parametrize(
    ("truth", "scalarizer", "said"),
    [
        ("nan", "integral", "finite number"),
        ("no/such/folder", "integral", "there is no run here"),
        ("RUN", "width of my own", "no scalarizer that is installed"),
        ("RUN", "loop_area", "no spectrum of this run is good"),
    ],
)
def test_a_truth_that_is_none_is_refused(
    explored: RecordedRun, truth: str, scalarizer: str, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        read_truth(truth.replace("RUN", str(explored.path.parent)), scalarizer)

"""Reading a run: images, spectra and decisions come from the journal alone, finished or not."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ohmic_runs import EXPLORE, OVERVIEW, recipe, run_quickly

from spm_auto import __version__
from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    AgentAnswered,
    Alarm,
    Event,
    FinishReason,
    Journal,
    LineAcquired,
    PointChosen,
    RunFinished,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    SpectrumScored,
    StepStarted,
    open_run,
)
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

FRAME = ScanFrame((0.0, 0.0), (4e-7, 3e-7), (4, 3))
CHANNELS = (Channel("height", "m"), Channel("phase", "rad"))
WAVEFORM = BiasWaveform((0.0, -3.0, 2.0), 1.0)
STARTED = RunStarted("uid-1", "by hand", "", "", "bench", 7, {"spm_auto": "9.9"})


def line(index: int) -> LineAcquired:
    values = np.array([[10.0 * index + p for p in range(4)], [-1.0] * 4])
    return LineAcquired(ScanLine(index, values, values + 0.5, float(index)))


def chosen(candidate: int, reason: str = "at random", bias: float = math.nan) -> PointChosen:
    return PointChosen(candidate, 1e-7, 2e-7, bias, reason, math.nan, math.nan, math.nan, -1)


def taken(start: float, flags: tuple[QualityFlag, ...] = ()) -> SpectrumAcquired:
    instruction = AcquireSpectrum(1e-7, 2e-7, WAVEFORM)
    bias, data = WAVEFORM.bias, np.zeros((2, 3))
    spectrum = Spectrum(1.1e-7, 2.1e-7, bias, CHANNELS, data, start, start + 3.0, flags)
    return SpectrumAcquired(instruction, spectrum)


def scored(
    candidate: int, value: float, start: float, bias: float = math.nan, flag: str = ""
) -> SpectrumScored:
    return SpectrumScored(candidate, "peak", value, math.nan, flag, 1.1e-7, 2.1e-7, bias, start)


def write(folder: Path, *events: Event, seconds: float = 1.0) -> Path:
    """Write a journal by hand; instrument time passes before each event."""
    clock = InstantClock()
    with Journal(folder / FILE_NAME, clock.now, lambda: 2 * clock.now()) as journal:
        for event in events:
            journal.append(event)
            clock.wait(seconds)
    return folder


def test_a_scan_is_put_together_by_line_and_channel(tmp_path: Path) -> None:
    scan = ScanStarted(Scan(FRAME), CHANNELS)
    run = open_run(write(tmp_path, STARTED, scan, line(0), line(2), line(1), ScanFinished(True)))
    (image,) = run.scans
    assert image.frame == FRAME
    assert image.channels == CHANNELS
    np.testing.assert_array_equal(
        image.channel("height"), [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]]
    )
    np.testing.assert_array_equal(image.channel("phase"), -np.ones((3, 4)))
    np.testing.assert_array_equal(image.backward, image.forward + 0.5)
    assert image.is_complete
    assert (image.start_time, image.end_time) == (1.0, 5.0)


def test_a_scan_that_was_cut_short_has_nan_lines_and_is_not_complete(tmp_path: Path) -> None:
    scan = ScanStarted(Scan(FRAME), CHANNELS)
    run = open_run(write(tmp_path, STARTED, scan, line(0), ScanFinished(False)))
    (image,) = run.scans
    assert not image.is_complete
    np.testing.assert_array_equal(image.channel("height")[0], [0, 1, 2, 3])
    assert np.isnan(image.forward[:, 1:]).all()
    assert np.isnan(image.backward[:, 1:]).all()


def test_a_run_killed_in_mid_scan_still_opens(tmp_path: Path) -> None:
    scan = ScanStarted(Scan(FRAME), CHANNELS)
    journal = write(tmp_path, STARTED, scan, line(0), line(1)) / FILE_NAME
    journal.write_bytes(journal.read_bytes()[:-5])
    run = open_run(tmp_path)
    assert run.finished is None
    assert "a torn record at byte" in run.damage
    assert len(run.records) == 3
    np.testing.assert_array_equal(np.isnan(run.scans[0].channel("height")[:, 0]), [0, 1, 1])
    assert run.summary()["finish_reason"] is None
    assert run.summary()["message"] == run.damage


def test_each_scan_of_a_run_is_an_image_of_its_own(tmp_path: Path) -> None:
    scan = ScanStarted(Scan(FRAME), CHANNELS)
    first = (scan, line(0), ScanFinished(False))
    run = open_run(write(tmp_path, STARTED, *first, scan, line(1), ScanFinished(False)))
    assert [np.isnan(i.channel("height")[:, 0]).tolist() for i in run.scans] == [
        [False, True, True],
        [True, False, True],
    ]


def test_a_spectrum_is_joined_with_its_choice_and_its_score(tmp_path: Path) -> None:
    # the agent chooses the second point while the first is measured, and is told late
    run = open_run(
        write(
            tmp_path, STARTED, chosen(4, "first"), taken(10.0), chosen(2, "second"),
            taken(20.0), scored(4, 0.5, 10.0), scored(2, math.nan, 20.0, flag="no loop"),
            taken(30.0),
        )
    )  # fmt: skip
    one, two, three = run.measurements
    assert one.chosen is not None
    assert two.chosen is not None
    assert (one.chosen.reason, two.chosen.reason) == ("first", "second")
    assert one.scored is not None
    assert two.scored is not None
    assert (one.scored.value, one.scored.start_time) == (0.5, 10.0)
    assert two.scored.flag == "no loop"
    assert (three.chosen, three.scored) == (None, None)
    assert [m.number for m in run.measurements] == [0, 1, 2]
    np.testing.assert_array_equal(run.rewards, [0.5, math.nan, math.nan])
    assert run.best is one
    assert [choice.candidate for choice in run.decisions] == [4, 2]


def test_the_same_candidate_of_two_explorations_keeps_its_choices_apart(tmp_path: Path) -> None:
    run = open_run(
        write(
            tmp_path, STARTED, StepStarted(0, "explore"), chosen(4, "first"), taken(10.0),
            scored(4, 0.5, 10.0), StepStarted(1, "explore"), chosen(4, "second"), taken(20.0),
            scored(4, 0.7, 20.0),
        )
    )  # fmt: skip
    reasons = [m.chosen.reason for m in run.measurements if m.chosen]
    assert reasons == ["first", "second"]


def test_a_refused_choice_is_not_taken_for_that_of_a_later_exploration(tmp_path: Path) -> None:
    run = open_run(
        write(
            tmp_path, STARTED, StepStarted(0, "explore"), chosen(4, "refused"),
            Alarm("the agent's point was refused"), StepStarted(1, "explore"), chosen(4, "taken"),
            taken(20.0), scored(4, 0.7, 20.0),
        )
    )  # fmt: skip
    (measurement,) = run.measurements
    assert measurement.chosen is not None
    assert measurement.chosen.reason == "taken"


def test_the_summary_counts_and_times_what_the_run_did(tmp_path: Path) -> None:
    scan = ScanStarted(Scan(FRAME), CHANNELS)
    write(
        tmp_path, STARTED, scan, line(0), line(1), ScanFinished(False),
        AgentAnswered(3.0, 2.0), chosen(4, bias=2.5), taken(10.0), scored(4, 0.5, 10.0, 2.5),
        AgentAnswered(1.0, 0.0), chosen(5), taken(20.0, (QualityFlag.SATURATED,)),
        scored(5, math.nan, 20.0, flag="saturated"), AgentAnswered(7.0, 6.0),
        chosen(6), taken(30.0), scored(6, -1.0, 30.0), taken(40.0),
        RunFinished(FinishReason.CANCELLED, "enough"),
    )  # fmt: skip
    assert open_run(tmp_path).summary() == {
        "uid": "uid-1",
        "title": "by hand",
        "finish_reason": "cancelled",
        "message": "enough",
        "instrument": "bench",
        "recipe": "by hand",
        "seed": 7,
        "n_scans": 1,
        "n_resumed": 0,
        "n_lines": 2,
        "n_spectra": 4,
        "n_force_curves": 0,
        "n_flagged": 1,
        "best": {"x": 1.1e-7, "y": 2.1e-7, "bias": 2.5, "reward": 0.5, "unit": "1"},
        "findings": [],
        "simulated_time": 18.0,
        "wall_time": 36.0,
        "decision_time_median": 3.0,
        "instrument_idle_fraction": pytest.approx(8.0 / 26.0),
        "spm_auto_version": "9.9",
    }


def test_where_the_bias_was_not_chosen_the_best_one_has_the_waveforms_largest(
    tmp_path: Path,
) -> None:
    run = open_run(write(tmp_path, STARTED, chosen(4), taken(10.0), scored(4, 0.5, 10.0)))
    assert run.summary()["best"]["bias"] == 3.0


def test_the_best_is_looked_for_among_values_of_one_kind(tmp_path: Path) -> None:
    other = {**EXPLORE, "budget": 2, "scalarizer": "peak"}
    run_quickly(tmp_path, recipe(OVERVIEW, other, EXPLORE).steps)
    run = open_run(tmp_path)
    assert [m.number for m in run.compared] == [2, 3, 4, 5]
    assert max(run.rewards) == max(run.rewards[:2])  # in another unit, and no better for it
    assert run.best is not None
    assert run.best.number == 2 + run.rewards[2:].argmax()
    assert run.summary()["best"]["unit"] == "A V"


def test_a_run_that_did_nothing_has_a_summary_too(tmp_path: Path) -> None:
    summary = open_run(write(tmp_path, STARTED)).summary()
    missing = [name for name, value in summary.items() if value is None]
    assert missing == ["finish_reason", "best", "decision_time_median", "instrument_idle_fraction"]
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_a_real_run_says_the_keys_that_were_promised_in_plain_json(tmp_path: Path) -> None:
    run_quickly(tmp_path)
    summary: dict[str, Any] = open_run(tmp_path).summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert list(summary) == [
        "uid", "title", "finish_reason", "message", "instrument", "recipe", "seed", "n_scans",
        "n_resumed", "n_lines", "n_spectra", "n_force_curves", "n_flagged", "best", "findings",
        "simulated_time", "wall_time", "decision_time_median", "instrument_idle_fraction",
        "spm_auto_version",
    ]  # fmt: skip
    assert (summary["finish_reason"], summary["message"]) == ("completed", "")
    assert (summary["n_scans"], summary["n_lines"], summary["n_spectra"]) == (1, 3, 4)
    assert summary["spm_auto_version"] == __version__
    assert set(summary["best"]) == {"x", "y", "bias", "reward", "unit"}
    # load 1 s, three lines of 1 s, four spectra of 0.5 s
    assert summary["simulated_time"] == pytest.approx(6.0)


def test_the_best_place_is_where_the_sample_conducts_best_of_those_visited(tmp_path: Path) -> None:
    everywhere = {**EXPLORE, "budget": 24}
    run_quickly(tmp_path, recipe(OVERVIEW, everywhere).steps)
    run = open_run(tmp_path)
    assert len(run.measurements) == 24
    best = run.best
    assert best is not None
    away = [math.hypot(s.x - 2e-7, s.y - 1e-7) for s in run.spectra]
    assert math.hypot(best.spectrum.x - 2e-7, best.spectrum.y - 1e-7) == min(away)


def test_a_run_opens_by_its_folder_and_by_its_journal(tmp_path: Path) -> None:
    write(tmp_path, STARTED)
    for path in (tmp_path, str(tmp_path), tmp_path / FILE_NAME):
        assert open_run(path).started == STARTED


def test_an_empty_folder_holds_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"there is no run here \(no {FILE_NAME} and no run\.h5\)"):
        open_run(tmp_path)


def test_another_file_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a journal, though long enough to be one")
    with pytest.raises(DataError, match=r"notes\.txt is no journal"):
        open_run(tmp_path / "notes.txt")


def test_a_journal_without_records_is_said_in_words(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(DataError, match="the journal holds no record yet"):
        open_run(tmp_path)


def test_a_journal_that_begins_otherwise_is_no_run(tmp_path: Path) -> None:
    write(tmp_path, Alarm("hello"))
    with pytest.raises(DataError, match="the journal begins with Alarm"):
        open_run(tmp_path)


@pytest.mark.parametrize(
    "events",
    [
        (ScanStarted(Scan(FRAME), CHANNELS), line(3)),
        (ScanStarted(Scan(FRAME), CHANNELS[:1]), line(0)),
        (ScanStarted(Scan(FRAME), CHANNELS), LineAcquired(5)),  # type: ignore[arg-type]
        (SpectrumAcquired(5, 5),),  # type: ignore[arg-type]
    ],
    ids=["a line too many", "a channel too many", "no line", "no spectrum"],
)
def test_records_that_do_not_fit_together_are_refused(
    tmp_path: Path, events: tuple[Event, ...]
) -> None:
    write(tmp_path, STARTED, *events)
    with pytest.raises(DataError, match=rf"{FILE_NAME}: the records do not fit together"):
        open_run(tmp_path)

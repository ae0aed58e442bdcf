"""How a campaign stands: read from its files at any time."""

import csv
import math
from pathlib import Path

import pytest
from hands import end, written

from spm_auto.campaign import (
    Entry,
    as_csv,
    counted,
    do_again,
    open_folders,
    order,
    reasons,
    summed_up,
    survey,
)
from spm_auto.campaign.attempts import attempt, losses, note, read_attempts
from spm_auto.errors import RecipeError


@pytest.fixture
def ordered(tmp_path: Path) -> tuple[Entry, ...]:
    return order(written(tmp_path), tmp_path / "out")


def lose(entry: Entry, times: int) -> None:
    """Leave behind what attempts that were killed leave."""
    for _ in range(times):
        note(entry.folder, "began")


def test_every_run_is_counted_once_in_the_state_that_its_files_have(
    ordered: tuple[Entry, ...],
) -> None:
    done, failed, broken, lost = ordered
    end(done, regret=0.25)
    end(failed, "failed", "TaskError: no such data")
    (broken.folder / "result.json").write_text('{"key"')
    lose(lost, 3)
    standings = tuple(survey(ordered))
    expected = ["completed", "failed", "unreadable", "given up"]
    assert [str(each.state) for each in standings] == expected
    assert counted(standings)["runs"] == 4
    said = {each["state"]: str(each["message"]) for each in reasons(standings)}
    assert said["failed"] == "TaskError: no such data"
    assert "cannot be read as a result" in said["unreadable"]
    assert said["given up"] == "lost 3 times, at last: killed"
    assert open_folders(ordered) == ()


def test_only_what_is_asked_for_is_done_again(ordered: tuple[Entry, ...]) -> None:
    done, failed, broken, lost = ordered
    end(done, regret=0.25)
    end(failed, "failed")
    (broken.folder / "result.json").write_text("")
    lose(lost, 3)
    assert do_again(survey(ordered), ["failed"]) == 1
    assert open_folders(ordered) == (failed.folder,)
    assert do_again(survey(ordered), ["unreadable", "given-up"]) == 2
    assert open_folders(ordered) == (failed.folder, broken.folder, lost.folder)
    with pytest.raises(RecipeError, match="'completd' cannot be done again"):
        do_again(survey(ordered), ["completd"])


def test_an_attempt_that_somebody_ended_is_no_loss_and_one_that_broke_says_why(
    ordered: tuple[Entry, ...],
) -> None:
    folder = ordered[0].folder
    with pytest.raises(KeyboardInterrupt), attempt(folder):
        raise KeyboardInterrupt
    assert losses(folder) == 0
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), attempt(folder):
            raise ZeroDivisionError("by nothing")
    assert losses(folder) == 3
    (standing,) = survey(ordered[:1])
    assert standing.message == "lost 3 times, at last: ZeroDivisionError: by nothing"


def test_a_line_that_a_kill_cut_off_does_not_hide_the_others(ordered: tuple[Entry, ...]) -> None:
    folder = ordered[0].folder
    note(folder, "began")
    with (folder / "attempts.jsonl").open("a") as file:
        file.write('{"what": "en')
    assert [line["what"] for line in read_attempts(folder)] == ["began"]


def test_figures_are_summed_up_by_player_with_never_apart(ordered: tuple[Entry, ...]) -> None:
    random_0, sobol_0, random_1, _ = ordered
    end(random_0, regret=0.2, time_to_good=100.0)
    end(random_1, regret=0.4, time_to_good=math.inf)
    end(sobol_0, regret=0.1, time_to_good=50.0)
    standings = tuple(survey(ordered))
    random, sobol = summed_up(standings)
    assert (random.label, random.figure, random.runs, random.done) == ("random", "regret", 2, 2)
    assert random.mean == pytest.approx(0.3)
    assert random.deviation == pytest.approx(0.1 * math.sqrt(2))
    assert (sobol.done, sobol.mean, math.isnan(sobol.deviation)) == (1, 0.1, True)
    timed = summed_up(standings, "time_to_good")[0]
    assert (timed.mean, timed.never) == (100.0, 1)
    with pytest.raises(RecipeError, match="no run has a figure 'regrt'; did you mean 'regret'"):
        summed_up(standings, "regrt")
    assert summed_up(standings, asked={"small": "time_to_good"})[0].figure == "time_to_good"


def test_the_table_of_all_runs_has_their_figures_and_says_which_are_open(
    ordered: tuple[Entry, ...],
) -> None:
    end(ordered[0], regret=0.1 + 0.2, time_to_good=math.inf)
    rows = list(csv.DictReader(as_csv(tuple(survey(ordered))).splitlines()))
    assert [row["state"] for row in rows] == ["completed", "open", "open", "open"]
    assert float(rows[0]["regret"]) == 0.1 + 0.2
    assert float(rows[0]["time_to_good"]) == math.inf
    assert rows[1]["regret"] == ""

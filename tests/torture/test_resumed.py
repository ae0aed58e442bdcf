"""A run that was killed and resumed, however often, is the run that was never killed."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from counting import Count
from killing import (
    LAB,
    RECIPE,
    SEED,
    SMALL,
    Moment,
    Whole,
    essence,
    follow,
    lost,
    read_run_file,
    records_of,
    resume_command,
    run_command,
    run_to_the_end,
)

from spm_auto import execute
from spm_auto.data import FILE_NAME, RunFinished

KILLS = 20
AT_ONCE = 2  # processes
OFTEN = 4  # kills of a run that is resumed again and again
ON_THE_WAY = 10  # records before the end from which on a kill may come too late to resume


def kill_and_resume(folder: Path, moments: list[Moment]) -> tuple[dict[int, str], int, int]:
    """Kill a run, tear its last record, resume and kill it again, and let it end.

    Returns:
        What it told, how often it was killed, and how often its end was torn besides.
    """
    log, journal = folder.with_suffix(".log"), folder / FILE_NAME
    said: dict[int, str] = {}
    kills = torn = 0
    command = run_command(folder)
    for moment in moments:
        told = follow(command, log, moment)
        assert told.digests.keys().isdisjoint(said)
        said |= told.digests
        kills += told.code != 0
        if not said:  # it had not begun: it is begun again
            journal.unlink(missing_ok=True)
            continue
        if has_ended(folder):
            break
        command = resume_command(folder)
        if kills % 2:
            with journal.open("ab") as file:
                file.write(b"SPMr\x01\x00\x00\x00half a record")
            torn += 1
    if not has_ended(folder):
        said |= run_to_the_end(command, log).digests
    return said, kills, torn


def has_ended(folder: Path) -> bool:
    """Return whether a run wrote its last record."""
    return any(isinstance(record.event, RunFinished) for record in records_of(folder))


def test_a_run_that_was_killed_and_resumed_is_the_unbroken_one(tmp_path: Path) -> None:
    folder, whole = tmp_path / "run", tmp_path / "whole"
    said = follow(run_command(folder), tmp_path / "run.log", Moment(62, 0.0)).digests
    assert lost(folder, said) == []
    assert execute.resume(folder, as_json=True) == 0
    assert execute.execute(RECIPE, LAB, whole, SEED, SMALL, as_json=True) == 0
    assert lost(folder, said) == []
    assert essence(folder) == essence(whole)


@pytest.mark.torture
@pytest.mark.parametrize("often", [1, OFTEN], ids=["once", "again and again"])
def test_runs_that_were_killed_and_resumed_are_the_unbroken_one(
    tmp_path: Path, whole: Whole, count: Count, often: int
) -> None:
    part = (whole.records - ON_THE_WAY) // often
    rng = random.Random(1127 + often)
    runs = KILLS // often
    folders = [tmp_path / f"run-{number:02d}" for number in range(runs)]
    moments = [[under_way(rng, part, kill > 0) for kill in range(often)] for _ in range(runs)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for folder, (said, kills, torn) in zip(
            folders, pool.map(kill_and_resume, folders, moments), strict=True
        ):
            different = essence(folder) != whole.essence
            missing = lost(folder, said)
            count(
                "runs",
                resumed=1,
                kills=kills,
                torn_ends=torn,
                acknowledged=len(said),
                lost=len(missing),
                different=int(different),
            )
            assert missing == []
            assert not different, folder
            assert read_run_file(folder)


def under_way(rng: random.Random, records: int, is_resumed: bool) -> Moment:
    """Choose a moment while a run measures, within so many records, or is resumed."""
    everything = rng.random() < 0.5
    if is_resumed and rng.random() < 0.25:
        return Moment(0, rng.uniform(0.0, 3.0), everything)
    return Moment(rng.randrange(1, records), rng.expovariate(200.0), everything)

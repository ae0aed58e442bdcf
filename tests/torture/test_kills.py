"""A run that is killed at any moment has lost nothing that it said to have written."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from counting import Count
from killing import (
    MOMENTS,
    Moment,
    kill_at,
    lost,
    moment_of,
    random_moment,
    read_run_file,
    run_command,
    run_to_the_end,
)

KILLS = 120
AT_ONCE = 2  # processes


def kill_and_look(folder: Path, moment: Moment) -> tuple[str, int, list[int], bool]:
    """Kill a run; returns where it fell, how many records it told of, those lost, its run file."""
    said = kill_at(run_command(folder), moment, folder.with_suffix(".log")).digests
    return moment_of(folder), len(said), lost(folder, said), read_run_file(folder)


def test_a_run_killed_in_mid_measurement_has_all_that_it_said_to_have_written(
    tmp_path: Path, count: Count
) -> None:
    where, said, missing, _ = kill_and_look(tmp_path / "run", Moment(45, 0.0))
    count(where, kills=1, acknowledged=said, lost=len(missing))
    assert said >= 45
    assert missing == []


@pytest.mark.torture
def test_a_run_killed_at_any_moment_has_all_that_it_said_to_have_written(
    tmp_path: Path, count: Count
) -> None:
    whole = run_to_the_end(run_command(tmp_path / "whole"), tmp_path / "whole.log")
    rng = random.Random(20261127)
    moments = [random_moment(rng, whole) for _ in range(KILLS)]
    folders = [tmp_path / f"run-{number:03d}" for number in range(KILLS)]
    fell: Counter[str] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for where, said, missing, has_file in pool.map(kill_and_look, folders, moments):
            fell[where] += 1
            count(
                where, kills=1, acknowledged=said, lost=len(missing), run_files_whole=int(has_file)
            )
            assert missing == []
    assert set(fell) >= set(MOMENTS)

"""The pool of processes on this machine, and waiting for what others do."""

from pathlib import Path

import pytest
from hands import Here, falter

from spm_auto.campaign import LocalPool, Outcome, carry_on
from spm_auto.errors import CampaignError


def folders(tmp_path: Path, *names: str) -> list[Path]:
    made = [tmp_path / name for name in names]
    for folder in made:
        folder.mkdir()
    return made


def tries(folder: Path) -> list[str]:
    return (folder / "tries").read_text().splitlines()


def test_a_run_whose_worker_died_is_done_again_and_the_others_are_done_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    runs = folders(tmp_path, "once", "b", "c")
    outcomes = list(LocalPool(1).map(runs, falter))
    assert sorted(each.folder.name for each in outcomes) == ["b", "c", "once"]
    assert {each.finish for each in outcomes} == {"completed"}
    assert [len(tries(folder)) for folder in runs] == [2, 1, 1]
    assert {line.split()[1] for folder in runs for line in tries(folder)} == {"1"}


@pytest.mark.campaign
def test_a_run_that_kills_each_worker_is_given_up_and_the_others_are_done(tmp_path: Path) -> None:
    runs = folders(tmp_path, "always", "b", "once", "c", "d")
    outcomes = {each.folder.name: each for each in LocalPool(2).map(runs, falter)}
    assert outcomes.pop("always").finish == "given up"
    assert {each.finish for each in outcomes.values()} == {"completed"}
    assert [len(tries(folder)) for folder in runs] == [3, 1, 2, 1, 1]


@pytest.mark.campaign
def test_workers_that_cannot_start_are_no_endless_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = folders(tmp_path, "a")
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # a Python without its library
    with pytest.raises(CampaignError, match="workers in a row died as they started"):
        list(LocalPool(1).map(runs, falter))


def test_what_another_process_does_is_waited_for_at_the_end(tmp_path: Path) -> None:
    asked: list[tuple[str, float]] = []

    class Shared(Here):
        def map(self, folders, work):  # type: ignore[no-untyped-def]
            for folder in folders:
                patience = work.keywords.get("patience", 0.0)
                asked.append((folder.name, patience))
                busy = folder.name == "a" and not patience
                yield Outcome(folder, "elsewhere" if busy else "completed")

    outcomes = list(carry_on(folders(tmp_path, "a", "b"), Shared()))
    assert [(each.folder.name, each.finish) for each in outcomes] == [
        ("b", "completed"),
        ("a", "completed"),
    ]
    assert [name for name, _ in asked] == ["a", "b", "a"]
    assert asked[2][1] > 3600.0


def test_a_full_disk_ends_the_campaign_and_says_so(tmp_path: Path) -> None:
    class Full(Here):
        def map(self, folders, work):  # type: ignore[no-untyped-def]
            for folder in folders:
                yield Outcome(folder, "no room", "less than 50 MB are free on its disk")

    seen = []
    with pytest.raises(CampaignError, match="make room and go on"):
        seen.extend(carry_on(folders(tmp_path, "a", "b"), Full()))

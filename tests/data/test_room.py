"""Room on the disk: a run that may not fit is refused before it starts."""

from pathlib import Path

import pytest

from spm_auto.data import Room
from spm_auto.errors import DataError


def room(free: int, folder: Path = Path("/runs/tonight"), reserve: float = 100e6) -> Room:
    return Room(folder, reserve, lambda _: free)


def test_a_run_that_may_need_more_than_is_free_is_refused_with_all_three_sizes() -> None:
    with pytest.raises(DataError) as refusal:
        room(120_000_000).check(300_000_000)
    assert str(refusal.value) == (
        f"{Path('/runs/tonight').absolute()}: 120 MB are free, the run may need 300 MB "
        "and 100 MB stay in reserve"
    )


@pytest.mark.parametrize(("free", "fits"), [(400_000_000, True), (399_999_999, False)])
def test_a_run_may_use_all_but_the_reserve(free: int, fits: bool) -> None:
    if fits:
        room(free).check(300_000_000)
    else:
        with pytest.raises(DataError):
            room(free).check(300_000_000)


@pytest.mark.parametrize(("free", "is_short"), [(99_999_999, True), (100_000_000, False)])
def test_room_is_short_below_the_reserve(free: int, is_short: bool) -> None:
    assert room(free).is_short is is_short


def test_it_is_asked_anew_each_time() -> None:
    left = iter([300_000_000, 50_000_000])
    shrinking = Room(Path(), 100e6, lambda _: next(left))
    assert [shrinking.is_short, shrinking.is_short] == [False, True]


def test_a_folder_that_does_not_exist_yet_is_on_the_disk_of_the_one_above(tmp_path: Path) -> None:
    asked: list[Path] = []
    later = tmp_path / "2026" / "tonight"
    assert Room(later, 0.0, lambda folder: asked.append(folder) or 7).free == 7  # type: ignore[func-returns-value]
    assert asked == [later]
    assert Room(later, 0.0).free > 0
    assert not later.exists()


def test_a_disk_that_does_not_answer_is_named() -> None:
    def gone(_: Path) -> int:
        raise OSError("the network path was not found")

    with pytest.raises(DataError, match=r"tonight: how much room.*the network path was not found"):
        _ = Room(Path("/runs/tonight"), 0.0, gone).is_short

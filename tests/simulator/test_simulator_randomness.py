"""One seed, independent streams."""

import pytest

from spm_auto.simulator import RandomStreams


def draw(seed: int, name: str, *index: int) -> list[float]:
    return RandomStreams(seed).stream(name, *index).random(4).tolist()


def test_a_stream_is_told_by_seed_name_and_index_alone() -> None:
    streams = RandomStreams(7)
    streams.stream("something else").random(100)
    assert streams.stream("noise", 3).random(4).tolist() == draw(7, "noise", 3)


@pytest.mark.parametrize("other", [(8, "noise", 3), (7, "jumps", 3), (7, "noise", 4), (7, "noise")])
def test_another_seed_name_or_index_gives_another_stream(other: tuple) -> None:
    assert draw(*other) != draw(7, "noise", 3)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        RandomStreams(-1)

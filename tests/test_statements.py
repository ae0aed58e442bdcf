"""Statements of structure and property: effects that are there, and none where there is none."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, gaussian_filter

from spm_auto.analysis import Statement, plus_minus, state
from spm_auto.instrument import FloatArray

CELL = 8e-9  # [m]
CELLS = 128


def field(rng: np.random.Generator, width: float) -> FloatArray:
    made = gaussian_filter(rng.standard_normal((CELLS, CELLS)), width, mode="wrap")
    return np.asarray(made / made.std())


def world(
    seed: int, effect: float = 0.0, n: int = 60, width: float = 8.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return values with a smooth background, distances from walls [m], and places [m].

    Within 40 nm of walls the value differs by the effect.
    """
    rng = np.random.default_rng(seed)
    up = field(rng, width) > 0
    distance = np.where(up, distance_transform_edt(up), distance_transform_edt(~up)) - 0.5
    at = rng.integers(0, CELLS, (n, 2))
    near = distance[*at.T] * CELL
    values = 5 + 0.5 * field(rng, 15)[*at.T] + 0.3 * rng.standard_normal(n)
    return values + effect * (near <= 40e-9), near, at * CELL


def stated(seed: int, effect: float = 0.0, width: float = 8.0) -> Statement:
    values, near, places = world(seed, effect, width=width)
    return state(values, near, places, np.random.default_rng(seed), trials=199)


def test_an_effect_is_found_with_its_size_its_distance_and_an_honest_deviation() -> None:
    found = [stated(seed, -1.0) for seed in range(30)]
    assert all(each.is_significant for each in found)
    pulls = np.array([(each.effect + 1.0) / each.deviation for each in found])
    assert np.mean(np.abs(pulls) < 2) > 0.85
    assert np.median([each.scale for each in found]) == pytest.approx(40e-9, rel=0.15)


def test_where_there_is_none_chance_is_rarely_taken_for_an_effect() -> None:
    found = [stated(seed) for seed in range(1000, 1120)]
    assert np.mean([each.is_significant for each in found]) <= 0.05


def test_values_that_vary_as_smoothly_as_the_walls_do_are_not_taken_for_an_effect() -> None:
    naive, fair = 0, 0
    for seed in range(40):
        values, near, places = world(seed, width=25.0)
        rng = np.random.default_rng(seed)
        naive += state(values, near, None, rng, trials=199).is_significant
        fair += state(values, near, places, rng, trials=199).is_significant
    assert fair <= 4
    assert naive > 2 * max(fair, 1)  # each value for itself: as if there were more of them


def test_the_limit_holds_what_was_there_when_nothing_is_found() -> None:
    found = [stated(seed, 0.3) for seed in range(40)]
    missed = [each for each in found if not each.is_significant]
    assert missed
    assert np.mean([each.limit > 0.3 for each in missed]) > 0.9


def test_a_sentence_says_effect_deviation_and_distance() -> None:
    said = stated(3, -1.0).sentence("coercive bias", "V", "walls")
    assert said.startswith("coercive bias falls by 1.")
    assert " ± 0." in said
    assert "V within" in said or "V at walls, over" in said
    assert said.endswith("% by chance, 60 places)")


def test_a_sentence_where_there_is_no_effect_says_how_large_it_could_be() -> None:
    none = next(each for each in map(stated, range(20)) if not each.is_significant)
    said = none.sentence("imprint", "V", "walls")
    assert said.startswith("imprint: no effect of walls is seen, none beyond ±")
    assert "nm to " in said


def test_a_decay_is_told_from_a_step() -> None:
    rng = np.random.default_rng(0)
    near = rng.uniform(0, 200e-9, 300)
    values = 2.0 * np.exp(-((near / 60e-9) ** 2)) + 0.1 * rng.standard_normal(300)
    found = state(values, near, rng=rng)
    assert found.shape == "decay"
    assert found.scale == pytest.approx(60e-9, rel=0.15)
    assert found.effect == pytest.approx(2.0, abs=3 * found.deviation)
    assert (found.low <= found.curve).all()
    assert (found.curve <= found.high).all()


def test_what_is_no_distance_has_an_effect_for_each_standard_deviation() -> None:
    rng = np.random.default_rng(1)
    height = rng.normal(0, 2e-9, 80)
    values = 3.0 + 0.5 * height / 2e-9 + 0.2 * rng.standard_normal(80)
    found = state(values, height, rng=rng, shapes=("linear",))
    assert found.effect == pytest.approx(0.5 * np.std(height) / 2e-9, abs=3 * found.deviation)
    assert "rises by" in found.sentence("stiffness", "N/m", "height")
    assert "for each standard deviation of height" in found.sentence("stiffness", "N/m", "height")


@pytest.mark.parametrize(
    ("values", "structure", "said"),
    [
        (np.ones(5), np.ones(5), "at least 12 values, got 5"),
        (np.ones(20), np.ones(19), "do not belong"),
        (np.full(20, np.nan), np.ones(20), "must be finite"),
        (np.arange(20.0), np.ones(20), "the same at nearly all places"),
    ],
)
def test_what_nothing_can_be_said_of_is_refused(
    values: FloatArray, structure: FloatArray, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        state(values, structure)


def test_a_value_is_written_with_the_digits_that_are_known() -> None:
    assert plus_minus(1.1234, 0.2345, "V") == "1.12 ± 0.23 V"
    assert plus_minus(4.02e-8, 1.3e-9, "m") == "40.2 ± 1.3 nm"
    assert plus_minus(123.4, 20.0, "1") == "123 ± 20"
    assert plus_minus(0.5, float("nan"), "V") == "500 mV"

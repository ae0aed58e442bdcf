"""Hypervolume and its expected improvement against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spm_auto.agents.acquisition import (
    expected_hypervolume_improvement,
    expected_improvement,
    hypervolume,
    log_expected_hypervolume_improvement,
    log_expected_improvement,
    non_dominated,
    reference_point,
)
from spm_auto.agents.acquisition.hypervolume import boxes

VALUES = st.integers(2, 3).flatmap(
    lambda d: arrays.arrays(
        float, st.tuples(st.integers(0, 8), st.just(d)), elements=st.integers(0, 6).map(float)
    )
)


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_the_hypervolume_is_the_number_of_unit_cells_that_are_dominated(values) -> None:
    d = values.shape[1]
    cells = np.stack(np.meshgrid(*[np.arange(6) + 0.5] * d, indexing="ij"), axis=-1).reshape(-1, d)
    dominated = (values[:, None, :] >= cells).all(axis=2).any(axis=0).sum()
    assert hypervolume(values, np.zeros(d)) == pytest.approx(dominated)


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_the_boxes_are_disjoint_and_hold_all_that_is_not_dominated(values) -> None:
    d = values.shape[1]
    cells = np.stack(np.meshgrid(*[np.arange(8) + 0.5] * d, indexing="ij"), axis=-1).reshape(-1, d)
    dominated = (values[:, None, :] >= cells).all(axis=2).any(axis=0)
    lower, upper = boxes(values, np.zeros(d))
    inside = ((lower[:, None] <= cells) & (cells <= upper[:, None])).all(axis=2).sum(axis=0)
    assert inside.tolist() == (~dominated).astype(int).tolist()
    assert (upper > lower).all()


@pytest.mark.parametrize(("d", "most"), [(2, 31), (3, 61)])
def test_there_are_few_boxes(d: int, most: int) -> None:
    front = np.abs(np.random.default_rng(0).normal(size=(30, d)))
    front /= np.linalg.norm(front, axis=1)[:, None]
    assert non_dominated(front).all()
    assert len(boxes(front, np.zeros(d))[0]) == most


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("n", [0, 1, 6])
def test_the_expected_improvement_is_the_mean_of_what_draws_add(d: int, n: int) -> None:
    rng = np.random.default_rng(10 * d + n)
    front, reference = rng.normal(size=(n, d)), np.full(d, -1.5)
    # above the middle of the front, so that draws that add much are not rare
    mean, deviation = 0.5 + 0.5 * rng.normal(size=(4, d)), rng.uniform(0.3, 1.2, size=(4, d))
    deviation[0, 0] = 0.0
    before = hypervolume(front, reference)
    value = expected_hypervolume_improvement(mean, deviation, front, reference)
    for i in range(4):
        draws = mean[i] + deviation[i] * rng.standard_normal((3000, d))
        added = [hypervolume(np.vstack([front, y]), reference) - before for y in draws]
        error = np.std(added) / np.sqrt(3000)
        assert value[i] == pytest.approx(np.mean(added), abs=4 * error + 1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_what_is_certain_adds_what_it_adds(d: int) -> None:
    rng = np.random.default_rng(d)
    front, points, reference = rng.normal(size=(9, d)), rng.normal(size=(30, d)), np.full(d, -2.0)
    added = [
        hypervolume(np.vstack([front, y]), reference) - hypervolume(front, reference)
        for y in points
    ]
    value = expected_hypervolume_improvement(points, np.zeros((30, d)), front, reference)
    assert value == pytest.approx(added, abs=1e-12)
    logarithm = log_expected_hypervolume_improvement(points, np.zeros((30, d)), front, reference)
    assert np.isneginf(logarithm).tolist() == (value == 0).tolist()


def test_without_a_front_it_is_the_product_of_the_improvements() -> None:
    mean, deviation = np.array([[0.3, -0.5]]), np.array([[0.7, 1.1]])
    value = expected_hypervolume_improvement(mean, deviation, np.empty((0, 2)), np.zeros(2))
    each = expected_improvement(mean[0], deviation[0], 0.0)
    assert value[0] == pytest.approx(each[0] * each[1])


def test_the_logarithm_tells_apart_what_underflows() -> None:
    front, reference = np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2)
    mean = np.column_stack([np.full(50, 0.5), np.linspace(-300, -50, 50)])
    deviation = np.ones((50, 2))
    assert not expected_hypervolume_improvement(mean, deviation, front, reference).any()
    value = log_expected_hypervolume_improvement(mean, deviation, front, reference)
    assert np.isfinite(value).all()
    assert (np.diff(value) > 0).all()


def test_the_logarithm_far_out_is_that_of_the_one_strip_that_matters() -> None:
    front, reference = np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2)
    mean, deviation = np.array([[5.0, -60.0]]), np.array([[0.01, 1.0]])
    value = log_expected_hypervolume_improvement(mean, deviation, front, reference)[0]
    # beyond x = 2 nothing is above 0; 3 wide, and the strips below it are exp(-60) less likely
    last = np.log(3.0) + log_expected_improvement(mean[:, 1], deviation[:, 1], 0.0)[0]
    assert value == pytest.approx(last, abs=1e-9)


def test_both_forms_agree_where_neither_underflows() -> None:
    rng = np.random.default_rng(3)
    for d in (2, 3):
        front, mean = rng.normal(size=(12, d)), rng.normal(size=(200, d))
        deviation, reference = rng.uniform(0.05, 1, size=(200, d)), np.full(d, -2.0)
        value = expected_hypervolume_improvement(mean, deviation, front, reference)
        logarithm = log_expected_hypervolume_improvement(mean, deviation, front, reference)
        good = value > 1e-200
        assert np.exp(logarithm[good]) == pytest.approx(value[good], rel=1e-9)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("power", [1e-150, 1.0, 1e150])
def test_it_scales_as_volumes_do_and_shifts_with_the_values(d: int, power: float) -> None:
    rng = np.random.default_rng(4)
    front, mean, deviation = (
        rng.normal(size=(5, d)),
        rng.normal(size=(20, d)),
        np.full((20, d), 0.5),
    )
    first = log_expected_hypervolume_improvement(mean, deviation, front, np.full(d, -2.0))
    second = log_expected_hypervolume_improvement(
        (mean + 3) * power, deviation * power, (front + 3) * power, np.full(d, power)
    )
    assert second - d * np.log(power) == pytest.approx(first, abs=1e-9)


def test_a_dominated_item_changes_nothing() -> None:
    front = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]])
    more = np.vstack([front, [[1.0, 1.0], [2.0, 2.0]]])
    mean, deviation, reference = np.ones((1, 2)), np.ones((1, 2)), np.zeros(2)
    assert expected_hypervolume_improvement(mean, deviation, front, reference) == pytest.approx(
        expected_hypervolume_improvement(mean, deviation, more, reference)
    )
    assert non_dominated(more).tolist() == [True, True, True, False, False]


def test_the_order_of_the_objectives_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    front, mean, deviation = rng.normal(size=(9, 3)), rng.normal(size=(5, 3)), np.full((5, 3), 0.6)
    first = expected_hypervolume_improvement(mean, deviation, front, np.full(3, -2.0))
    turn = [2, 0, 1]
    second = expected_hypervolume_improvement(
        mean[:, turn], deviation[:, turn], front[:, turn], np.full(3, -2.0)
    )
    assert second == pytest.approx(first)


def test_the_reference_point_lies_a_tenth_below_the_worst_of_the_front() -> None:
    values = np.array([[0.0, 10.0], [5.0, 0.0], [-9.0, -9.0]])
    assert reference_point(values) == pytest.approx([-0.5, -1.0])
    assert reference_point(np.array([[2.0, 2.0], [1.0, 0.0]])) == pytest.approx([1.9, 1.8])
    assert reference_point(np.array([[3.0, 0.0]])) == pytest.approx([2.7, -0.1])


def test_what_is_no_objective_is_refused() -> None:
    one = np.ones((1, 4))
    with pytest.raises(ValueError, match="2 or 3"):
        expected_hypervolume_improvement(one, one, one, np.zeros(4))
    with pytest.raises(ValueError, match="finite"):
        hypervolume(np.array([[np.nan, 1.0]]), np.zeros(2))
    with pytest.raises(ValueError, match="shape"):
        expected_hypervolume_improvement(np.ones((2, 2)), np.ones((3, 2)), np.ones((1, 2)), one[0])

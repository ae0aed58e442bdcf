"""Switching under the tip: walls that stick, nucleation, coercive field and imprint."""

import numba
import numpy as np
import pytest

from spm_auto.simulator import TipSettings
from spm_auto.simulator.compiled import compiled
from spm_auto.simulator.samples.ferroelectric import switching
from spm_auto.simulator.samples.ferroelectric.switching import Medium, Tip, settle, sweep

CELL = 7.8e-9  # [m]


def uniform(shape: tuple[int, int], pinning: float, built_in: float = 0.0) -> np.ndarray:
    one = np.ones(shape)
    return Medium(barrier=one, built_in=built_in * one, pinning=pinning * one, gradient=1.0)


def tip_over(cells: int, field: float) -> Tip:
    tip = TipSettings.model_construct(radius=25e-9, field=field)
    along = (np.arange(cells) - cells // 2) * CELL
    squared = along[:, np.newaxis] ** 2 + along[np.newaxis, :] ** 2
    weights = np.exp(-squared / (2 * tip.seen**2))
    return Tip(tip.field_at(squared), weights / weights.sum())


def first_switching_bias(distance: int) -> float:
    """Return the bias at which the tip first sees a straight wall at this distance in cells [V]."""
    across = (np.arange(41) - 20 - distance) / np.sqrt(2)
    patch = np.tile(np.tanh(across), (41, 1))
    bias = np.linspace(0, 8.5, 69)
    seen = sweep(patch, uniform((41, 41), 0.14), tip_over(41, 0.21), bias, 16, 6)
    return float(bias[np.argmax(seen > 0)])


@pytest.mark.parametrize(
    ("distance", "expected"),
    [(1, 1.88), (2, 2.38), (3, 2.88), (4, 3.75), (5, 5.00), (6, 5.62), (7, 5.75), (8, 5.75)],
)
def test_a_virgin_site_switches_the_earlier_the_nearer_the_wall(
    distance: int, expected: float
) -> None:
    # an earlier calculation of the same model, and its closed form; the bias rises by 0.125 V
    closed_form = min(5.75, 1.6 * (1 + (distance * CELL / 35e-9) ** 2) ** 1.5)
    bias = first_switching_bias(distance)
    assert bias == pytest.approx(expected, rel=0.05)
    assert bias == pytest.approx(closed_form, rel=0.15)


def single_domain_loop(built_in: float) -> tuple[float, float]:
    """Return both coercive fields of a film without walls or pinning, swept slowly."""
    shape = (3, 3)
    medium = Medium(np.ones(shape), np.full(shape, built_in), np.zeros(shape), gradient=0.0)
    everywhere, middle = np.ones(shape), np.zeros(shape)
    middle[1, 1] = 1.0
    rise = np.linspace(-0.6, 0.6, 1201)
    field = np.concatenate([rise, rise[::-1]])
    # no time off: the polarisation is read while the field is on
    seen = sweep(-np.ones(shape), medium, Tip(everywhere, middle), field, 400, 0)
    up = field[:1201][np.argmax(seen[:1201] > 0)]
    down = field[1201:][np.argmax(seen[1201:] < 0)]
    return float(up), float(down)


def test_a_single_domain_switches_at_the_coercive_field_of_the_double_well() -> None:
    up, down = single_domain_loop(built_in=0.0)
    intrinsic = 2 / (3 * np.sqrt(3))
    assert up == pytest.approx(intrinsic, rel=0.02)
    assert down == pytest.approx(-intrinsic, rel=0.02)


@pytest.mark.parametrize("built_in", [-0.05, 0.08])
def test_a_built_in_field_shifts_the_loop_the_other_way(built_in: float) -> None:
    up, down = single_domain_loop(built_in)
    assert (up + down) / 2 == pytest.approx(-built_in, abs=0.002)


def test_a_wall_stays_where_it_is_against_less_than_its_pinning() -> None:
    wall = np.tile(np.tanh((np.arange(21) - 10.5) / np.sqrt(2)), (21, 1))
    after = settle(wall, uniform((21, 21), pinning=0.14, built_in=0.1), 50)
    np.testing.assert_array_equal(np.sign(after), np.sign(wall))
    pushed = settle(wall, uniform((21, 21), pinning=0.05, built_in=0.1), 200)
    assert np.sum(pushed > 0) > np.sum(wall > 0)


def test_a_pulse_a_thousand_times_longer_ends_where_nothing_moves_any_more() -> None:
    medium, tip = uniform((41, 41), 0.14), tip_over(41, 0.21)
    long, longer = -np.ones((41, 41)), -np.ones((41, 41))
    sweep(long, medium, tip, np.array([8.5]), 3_000, 6)
    sweep(longer, medium, tip, np.array([8.5]), 3_000_000, 6)
    np.testing.assert_allclose(longer, long, atol=1e-6)
    assert (longer > 0).any()


def test_the_border_of_a_patch_is_held() -> None:
    patch = -np.ones((21, 21))
    sweep(patch, uniform((21, 21), 0.14), tip_over(21, 0.3), np.array([15.0]), 200, 6)
    assert patch[10, 10] > 0
    border = np.concatenate([patch[0], patch[-1], patch[:, 0], patch[:, -1]])
    np.testing.assert_array_equal(border, -1.0)


def test_a_strong_pulse_stays_finite() -> None:
    # the well is so steep at this field that an uncut step would overshoot more and more
    patch = -np.ones((21, 21))
    seen = sweep(patch, uniform((21, 21), 0.14), tip_over(21, 0.3), np.array([40.0, -40.0]), 200, 6)
    assert np.isfinite(patch).all()
    assert seen[0] > 0.5
    assert seen[1] < -0.5


def test_switching_works_where_compiled_code_cannot_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refusing(*args: object, **options: object) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function '_sweep': no locator available")
        return compile_now(*args, **options)

    compile_now = numba.njit
    monkeypatch.setattr(numba, "njit", refusing)
    monkeypatch.setattr(switching, "compiled", compiled.__wrapped__)
    patch = -np.ones((21, 21))
    seen = sweep(patch, uniform((21, 21), 0.14), tip_over(21, 0.21), np.array([12.0]), 50, 6)
    assert seen[0] > 0

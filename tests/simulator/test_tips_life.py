"""The life of a tip: how often what happens, what it becomes, and what it leaves behind."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from spm_auto.simulator.tips import Damage, TipLife, TipLifeSettings, TipState, Twin

GOOD = TipState(radius=20e-9)
SETTINGS = TipLifeSettings()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def life(settings: TipLifeSettings = SETTINGS, tip: TipState | None = None) -> TipLife:
    return TipLife(settings, GOOD, tip)


def share(happens: Callable[[np.random.Generator], bool], trials: int = 2000) -> float:
    chance = rng(7)
    return sum(happens(chance) for _ in range(trials)) / trials


def outcomes(attempt: Callable[[TipLife, np.random.Generator], object]) -> tuple[float, float]:
    """Return how often a bad tip becomes better and how often worse."""
    bad = replace(GOOD, radius=60e-9, blur=3.0)
    better = worse = 0
    chance = rng(11)
    for _ in range(4000):
        one = life(SETTINGS, bad)
        attempt(one, chance)
        if one.tip != bad:
            better += one.tip.radius < 1.7 * GOOD.radius and one.tip.blur < 1.7
            worse += not (one.tip.radius < 1.7 * GOOD.radius and one.tip.blur < 1.7)
    return better / 4000, worse / 4000


def test_nothing_happens_to_a_tip_of_which_everything_is_switched_off() -> None:
    one = life(TipLifeSettings.none())
    one.pass_time(1e6, rng(), 0.0, distance=1.0, load=1e-6, roughness=1.0)
    left = [one.crash(rng(), 0.0, 10.0), one.pulse(30.0, rng(), 0.0), one.poke(1e-8, rng(), 0.0)]
    one.clean(rng(), 0.0)
    assert one.tip == GOOD
    assert all(damage.radius == 0 and damage.depth == 0 for damage in left)


def test_changes_come_at_their_mean_time() -> None:
    one, chance = life(), rng(1)
    for k in range(40_000):
        one.pass_time(64.0, chance, 64.0 * k)
    expected = 40_000 * (1 - np.exp(-64 / 1280))
    assert len(one.history) == pytest.approx(expected, rel=0.05)


def test_over_rough_ground_they_come_ten_times_as_often() -> None:
    smooth = share(lambda chance: life().pass_time(5.0, chance, 0.0) != GOOD, 20_000)
    rough = share(lambda chance: life().pass_time(5.0, chance, 0.0, roughness=1.0) != GOOD, 20_000)
    assert rough / smooth == pytest.approx(10, rel=0.25)


def test_a_change_is_logged_when_it_happened() -> None:
    one = life(TipLifeSettings(change_time="1 s"))
    one.pass_time(100.0, rng(), 5000.0)
    (event,) = one.history
    assert 5000 < event.time < 5100
    assert (event.kind, event.before, event.after) == ("change", GOOD, one.tip)


def test_a_change_shifts_the_height_and_the_resolution_alike() -> None:
    tips = [life().change(rng(seed), 0.0) for seed in range(2000)]
    assert np.std([tip.offset for tip in tips]) == pytest.approx(0.1e-9, rel=0.1)
    assert np.std(np.log([tip.blur for tip in tips])) == pytest.approx(0.4, rel=0.1)
    assert np.std(np.log([tip.radius / GOOD.radius for tip in tips])) == pytest.approx(0.4, rel=0.1)
    assert 0.5 <= min(tip.gain for tip in tips) < 0.6 < 1.8 < max(tip.gain for tip in tips) <= 2
    assert max(abs(tip.phase) for tip in tips) == pytest.approx(np.pi / 6, rel=0.01)
    assert np.mean([tip.twin is not None for tip in tips]) == pytest.approx(0.2, abs=0.03)


def test_after_many_changes_tips_have_not_wandered_off() -> None:
    one, chance = life(), rng(3)
    radii = [one.change(chance, 0.0).radius for _ in range(2000)]
    assert np.std(np.log(radii)) == pytest.approx(0.4 / np.sqrt(0.75), rel=0.1)


def test_switching_off_one_thing_leaves_the_others_as_they_were() -> None:
    everything = life().change(rng(5), 0.0)
    settings = TipLifeSettings(offset="0 m", twin=0.0)
    assert life(settings).change(rng(5), 0.0) == replace(everything, offset=0.0, twin=None)


def test_wear_grows_with_way_and_load() -> None:
    settings = TipLifeSettings(change_time=None, wear=2.0)
    one = life(settings)
    tip = one.pass_time(1.0, rng(), 0.0, distance=1e-3, load=100e-9)
    assert tip.radius == pytest.approx(GOOD.radius + 0.2e-9, rel=1e-12)
    assert one.history == ()


def test_four_crashes_in_five_change_the_tip() -> None:
    def crashed(chance: np.random.Generator) -> bool:
        one = life()
        one.crash(chance, 0.0)
        return one.tip != GOOD

    assert share(crashed) == pytest.approx(0.8, abs=0.03)


def test_crashes_make_tips_blunt() -> None:
    one, chance = life(), rng(2)
    for _ in range(300):
        one.crash(chance, 0.0)
    radii = np.log([event.after.radius / GOOD.radius for event in one.history])
    assert 0.3 < np.mean(radii) < 0.8


@pytest.mark.parametrize(
    ("attempt", "success"),
    [
        (lambda one, chance: one.pulse(6.0, chance, 0.0), 0.35),
        (lambda one, chance: one.pulse(-6.0, chance, 0.0), 0.35),
        (lambda one, chance: one.poke(0.8e-9, chance, 0.0), 0.25),
        (lambda one, chance: one.clean(chance, 0.0), 0.15),
    ],
)
def test_conditioning_succeeds_and_fails_as_often_as_it_should(
    attempt: Callable[[TipLife, np.random.Generator], object], success: float
) -> None:
    better, worse = outcomes(attempt)
    assert better == pytest.approx(success, abs=0.03)
    assert worse == pytest.approx(0.1, abs=0.03)


def test_too_gentle_a_pulse_does_nothing_to_tip_and_surface() -> None:
    assert outcomes(lambda one, chance: one.pulse(2.4, chance, 0.0)) == (0, 0)
    assert life().pulse(2.4, rng(), 0.0).radius == 0
    assert life().poke(0.2e-9, rng(), 0.0).radius == 0


def test_too_strong_a_pulse_only_does_harm() -> None:
    better, worse = outcomes(lambda one, chance: one.pulse(20.0, chance, 0.0))
    assert better < 0.15  # a changed tip can be a good one by chance
    assert worse > 0.85


def test_a_successful_conditioning_makes_a_better_tip_than_chance_does() -> None:
    sure = TipLifeSettings(pulse_success=1.0, worsening=0.0)
    made, changed = [], []
    chance = rng(4)
    for _ in range(500):
        one = life(sure, replace(GOOD, radius=80e-9, blur=4.0))
        one.pulse(6.0, chance, 0.0)
        made.append(one.tip)
        changed.append(life().change(chance, 0.0))
    for name in ("radius", "blur", "gain", "exponent"):
        of_good = getattr(GOOD, name)
        spread = [
            np.std(np.log([getattr(tip, name) / of_good for tip in tips]))
            for tips in (made, changed)
        ]
        assert spread[0] < 0.6 * spread[1]
    assert sum(tip.twin is not None for tip in made) < 50


def test_a_stronger_attempt_hurts_more_of_the_surface() -> None:
    gentle, strong = (life().pulse(bias, rng(), 0.0) for bias in (3.0, 10.0))
    assert (gentle.radius, strong.radius) == pytest.approx((6e-9, 20e-9))
    assert strong.depth < gentle.depth < 0  # mounds
    assert life().poke(1e-9, rng(), 0.0) == Damage(pytest.approx(5e-9 / 0.3), 1e-9)
    assert life().crash(rng(), 0.0).depth > 0


def test_conditioning_is_logged_whatever_comes_of_it() -> None:
    one = life()
    one.pulse(1.0, rng(), 12.0)
    (event,) = one.history
    assert (event.time, event.kind, event.before, event.after) == (12.0, "pulse", GOOD, GOOD)


def test_a_snapshot_brings_tip_and_history_back() -> None:
    one = life()
    one.change(rng(1), 1.0)
    before = one.snapshot()
    one.crash(rng(2), 2.0)
    one.restore(before)
    assert one.snapshot() == before
    assert len(one.history) == 1


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"twin": 1.2}, "between 0 and 1, got 1.2"),
        ({"change_time": "0 s"}, "must be positive, got 0 s"),
        ({"wear": -1.0}, "must not be negative, got -1 1/N"),
        ({"pulse_success": 0.95}, "pulse_success and worsening must not add up to more than 1"),
        ({"lowest_gain": 3.0}, "lowest_gain must not be above highest_gain, got 3 and 2"),
    ],
)
def test_an_impossible_life_is_refused(setting: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TipLifeSettings.model_validate(setting)


def test_an_impossible_tip_is_refused() -> None:
    with pytest.raises(ValueError, match="radius must be positive, got 0 m"):
        TipState(radius=0.0)
    with pytest.raises(ValueError, match="end above the first, got dz = -1e-12 m"):
        Twin(1e-9, 0.0, -1e-12)

"""Watchfulness: alarms come when something is wrong, once, and hardly ever when nothing is."""

import math
import re

import numpy as np
import pytest
from agents_samples import make_overview, make_spectrum

from spm_auto.agents import (
    Candidates,
    Concern,
    Fit,
    Lookout,
    Observation,
    Proposal,
    make,
    noise_deviation,
    z_score,
)
from spm_auto.agents.explorer import Explorer
from spm_auto.agents.watchfulness import (
    SAME,
    SURE,
    WINDOW,
    chance_of_so_few,
    evidence_of_change,
    noise_of,
    usual_size,
)
from spm_auto.instrument import FloatArray, ScanFrame

FRAME = ScanFrame((0.0, 0.0), (1e-6, 1e-6))


def told(lookout: Lookout, z: FloatArray | list[float], seed: int = 0) -> list[tuple[int, Concern]]:
    """Let a lookout see spectra with these errors, at random places; returns its alarms."""
    rng = np.random.default_rng(seed)
    found = []
    for error in z:
        x, y = rng.uniform(-5e-7, 5e-7, 2)
        proposal = Proposal(0, x, y, math.nan, "", 0.0, 1.0, rng.normal())
        found += [(len(lookout.sights), c) for c in lookout.see(proposal, float(error))]
    return found


def stay(lookout: Lookout, n: int, value: float = -1.0, spread: float = 1e-9, score: float = 0.5):
    """Let a lookout see an agent that stays where it is."""
    rng = np.random.default_rng(5)
    found = []
    for k in range(n):
        x, y = rng.normal(0, spread, 2)
        proposal = Proposal(0, x, y, math.nan, "", math.nan, math.nan, score)
        found += lookout.see(proposal, value + (0.0 if value < 0 else float(k)))
    return found


def test_calibrated_predictions_raise_less_than_one_alarm_in_a_thousand_spectra() -> None:
    n_alarms = 0
    for seed in range(16):
        z = np.random.default_rng(seed).normal(size=500)
        n_alarms += len(told(Lookout(FRAME), z, seed))
    assert n_alarms < 8  # of 8,000; 60,000 of them had 0.2 in a thousand


def test_a_changed_tip_is_seen_within_a_few_spectra_and_said_once() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        z = np.concatenate([rng.normal(size=60), rng.normal(4.0, 1.0, size=12)])
        alarms = [(n, c) for n, c in told(Lookout(FRAME), z, seed) if c.cause == "tip"]
        ((number, concern),) = alarms
        assert 62 <= number <= 64
        assert re.match("the tip may have changed: since spectrum (59|60|61) ", concern.message)


def test_one_outlier_is_no_changed_tip() -> None:
    z = np.random.default_rng(3).normal(size=80)
    z[50] = 40.0
    assert told(Lookout(FRAME), z) == []


def test_an_alarm_comes_again_after_it_was_over() -> None:
    rng = np.random.default_rng(2)
    calm, wild = rng.normal(size=60), np.full(8, 6.0)
    alarms = told(Lookout(FRAME), np.concatenate([calm, wild, calm, wild]))
    assert [c.cause for _, c in alarms].count("tip") == 2


def test_errors_that_always_were_large_are_no_sudden_change() -> None:
    z = np.random.default_rng(4).normal(0.0, 3.0, size=120)
    causes = [c.cause for n, c in told(Lookout(FRAME), z) if n > 30]
    assert "tip" not in causes


def test_predictions_too_sure_of_themselves_are_said_with_figures() -> None:
    z = np.random.default_rng(5).normal(0.0, 2.2, size=60)
    alarms = [c.message for _, c in told(Lookout(FRAME), z) if c.cause == "calibration"]
    assert len(alarms) == 1
    assert f"of {WINDOW} spectra lie within their 90 % interval where 18 should" in alarms[0]


def test_an_agent_that_stays_where_it_is_is_stuck() -> None:
    lookout = Lookout(FRAME)
    assert told(lookout, np.random.default_rng(6).normal(size=30)) == []
    (concern,) = stay(lookout, 3 * SAME)
    assert concern.cause == "stuck"
    assert f"since spectrum 31 it chose {SAME} points within 5 %" in concern.message


@pytest.mark.parametrize(
    "how",
    [{"spread": 3e-7}, {"value": 5.0}, {"score": math.nan}],
    ids=["it wanders", "it finds better ones", "it asks no acquisition function"],
)
def test_an_agent_is_not_stuck_while(how: dict[str, float]) -> None:
    lookout = Lookout(FRAME)
    told(lookout, np.random.default_rng(6).normal(size=30))
    assert [c for c in stay(lookout, SAME + 5, **how) if c.cause == "stuck"] == []


def test_evidence_is_the_likelihood_ratio_and_never_negative() -> None:
    sums = evidence_of_change(np.array([0.0, 2.0, 2.0, 50.0, 0.0, 0.0]))
    step = 0.5 * 4 * (1 - 1 / 9) - math.log(3)
    quiet = -math.log(3)
    np.testing.assert_allclose(
        sums, [0, step, 2 * step, 2 * step + 4, 2 * step + 4 + quiet, 2 * step + 4 + 2 * quiet]
    )
    assert evidence_of_change(np.full(50, 9.0)).max() == 2 * SURE


def test_the_chance_of_so_few_is_the_cumulative_binomial() -> None:
    draws = np.random.default_rng(0).binomial(20, 0.9, 200_000)
    for inside in (14, 16, 18):
        assert chance_of_so_few(inside, 20) == pytest.approx(np.mean(draws <= inside), abs=4e-3)
    assert chance_of_so_few(20, 20) == pytest.approx(1.0)
    assert chance_of_so_few(0, 2) == pytest.approx(0.01)


def test_what_is_usual_leaves_out_what_came_last() -> None:
    assert usual_size([9.0] * 14) == 1.0
    assert usual_size([2.0] * 20 + [50.0] * 5) == pytest.approx(2 * 1.4826)
    assert usual_size([0.1] * 40) == 1.0
    assert usual_size([0.1] * 16 + [-5.0] * 4 + [0.1] * 5) == pytest.approx(5.0 / 1.6449, rel=1e-4)


def test_noise_counts_in_a_z_score_and_without_a_prediction_there_is_none() -> None:
    assert z_score(5.0, 2.0, 3.0, 4.0) == pytest.approx(0.6)
    assert math.isnan(z_score(math.nan, 2.0, 3.0))
    assert math.isnan(z_score(1.0, math.nan, math.nan))
    assert math.isnan(z_score(1.0, 1.0, 0.0))
    assert noise_deviation({"noise_variance": 0.25}, [1.0, 3.0]) == 0.5
    assert noise_deviation({}, [1.0, 3.0]) == 0.0
    assert noise_deviation({"noise_variance": 0.25}, [1.0]) == 0.0


def test_the_noise_is_that_of_the_values_that_were_fitted() -> None:
    frame, rows = FRAME, np.zeros((1, 2), dtype=np.int64)
    fit = Fit(2, frame, np.zeros(1), np.zeros(1), rows, {"noise_variance": 1.0}, "gp")
    assert noise_of(fit, [1.0, 3.0, 100.0]) == 1.0
    assert noise_of(None, [1.0, 3.0]) == 0.0


def test_an_explorer_hands_its_concerns_over_once() -> None:
    explorer = make("random", make_overview(), scalarizer=lambda s: float(s.data.max()))
    lookout: Lookout = explorer._lookout
    told(lookout, np.random.default_rng(6).normal(size=60))
    told(lookout, [])
    explorer._concerns += [Concern("tip", "look")]
    assert explorer.concerns() == (Concern("tip", "look"),)
    assert explorer.concerns() == ()


class Sure:
    """An agent that is sure of a value that it never finds."""

    def __init__(self) -> None:
        self.candidates = Candidates.of(make_overview())
        self.row = -1

    def tell(self, observations: list[Observation]) -> None:
        pass

    def ask(self, n: int = 1, pending: tuple[int, ...] = ()) -> list[Proposal]:
        self.row = (self.row + 67) % len(self.candidates)
        x, y, bias = self.candidates.points[self.row].tolist()
        return [Proposal(self.row, x, y, bias, "sure", 10.0, 0.1, 1.0)]


def test_an_explorer_sees_that_its_agents_predictions_do_not_hold() -> None:
    explorer = Explorer(Sure(), lambda s: float(s.data.max()))  # type: ignore[arg-type]  # an agent in few words
    for proposal in explorer.proposals(WINDOW):
        explorer.tell(proposal, make_spectrum(np.arange(16.0) / 15))
    assert "calibration" in [concern.cause for concern in explorer.concerns()]

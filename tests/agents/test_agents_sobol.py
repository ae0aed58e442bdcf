"""What the Sobol agent does: even at every budget, each candidate once, shifted by its seed."""

import math

import numpy as np
from agents_samples import make_overview

from spm_auto import plugins
from spm_auto.agents import Candidates


def _order(candidates: Candidates, seed: int, n: int) -> list[int]:
    agent = plugins.load("agents", "sobol")().build(candidates, np.random.default_rng(seed))
    return [proposal.candidate for proposal in agent.ask(n)]


def test_any_beginning_of_it_leaves_no_quarter_of_the_frame_out(candidates) -> None:
    for seed in range(5):
        points = candidates.points[_order(candidates, seed, 16)]
        for upper in (False, True):
            for right in (False, True):
                x, y = candidates.frame.center
                inside = ((points[:, 1] > y) == upper) & ((points[:, 0] > x) == right)
                # 4 on average; chance alone leaves a quarter with fewer than 2 in a fifth of cases
                assert 2 <= inside.sum() <= 6


def test_every_candidate_comes_once(candidates) -> None:
    order = _order(candidates, 1, len(candidates) + 5)
    assert sorted(order) == list(range(len(candidates)))


def test_its_seed_shifts_it(candidates) -> None:
    assert _order(candidates, 1, 20) == _order(candidates, 1, 20)
    assert _order(candidates, 1, 20) != _order(candidates, 2, 20)


def test_it_spreads_over_the_biases_too() -> None:
    candidates = Candidates.of(make_overview(), biases=(1.0, 2.0, 5.0, 9.0))
    bias = candidates.points[_order(candidates, 0, 32), 2]
    counts = [int(np.count_nonzero(bias == level)) for level in (1.0, 2.0, 5.0, 9.0)]
    assert all(math.isclose(count, 8, abs_tol=3) for count in counts)

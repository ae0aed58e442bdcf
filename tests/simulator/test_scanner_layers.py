"""The layers of the scanner, each alone: creep, hysteresis, drift."""

import numpy as np
import pytest

from spm_auto.instrument import ScanFrame
from spm_auto.simulator import RandomStreams
from spm_auto.simulator.scanner import Scanner, ScannerSettings
from spm_auto.simulator.scanner.creep import Creep
from spm_auto.simulator.scanner.drift import Drift
from spm_auto.simulator.scanner.hysteresis import PlayOperators

CREEP = Creep.of(0.03, 0.1)
PLAY = PlayOperators.of(0.13, 0.3, 14, 0.5e-6, 1.0)


def settings(**changes: str | float | bool) -> ScannerSettings:
    return ScannerSettings.model_validate({"preset": "perfect", **changes})


def triangle(amplitude: float, points: int = 400, turns: int = 3) -> np.ndarray:
    corners = amplitude * np.cos(np.pi * np.arange(turns + 1))
    return np.interp(np.linspace(0, turns, turns * points + 1), np.arange(turns + 1), corners)


def test_relaxors_do_not_mind_in_how_many_pieces_they_rest():
    state = np.linspace(-1e-9, 1e-9, 10)
    in_pieces = state
    for dwell in (0.1, 3.0, 500.0, 0.4):
        in_pieces = CREEP.rest(in_pieces, 5e-9, dwell)
    assert in_pieces == pytest.approx(CREEP.rest(state, 5e-9, 503.5), rel=1e-12)


def test_a_ramp_of_relaxors_equals_many_small_steps():
    state, u = np.zeros(10), np.linspace(0, 1e-7, 20_001)
    for middle in (u[1:] + u[:-1]) / 2:
        state = CREEP.rest(state, middle, 2.0 / 20_000)
    assert CREEP.ramp(np.zeros(10), 0.0, 1e-7, 2.0) == pytest.approx(state, rel=1e-6)


def test_the_response_along_a_path_ends_where_the_ramps_end():
    way = np.concatenate([np.linspace(0, 1, 101), np.linspace(1, 0.2, 81)[1:]])
    state = CREEP.ramp(CREEP.ramp(np.zeros(10), 0.0, 1.0, 1.0), 1.0, 0.2, 0.8)
    assert CREEP.response(way, 0.01)[:, -1] == pytest.approx(state, rel=1e-7)


def test_a_scan_line_creeps_as_the_ramps_it_is_made_of():
    real = Scanner(settings(creep=0.03), 1e-6, RandomStreams(0))
    frame = ScanFrame((50e-9, 0.0), (40e-9, 40e-9), (32, 8))
    real.move((30e-9, -17.5e-9), 0.0, 2.0)
    relaxors = CREEP.ramp(np.zeros(10), 0.0, 30e-9, 2.0)
    relaxors = CREEP.rest(relaxors, 30e-9, 3.0)
    path = real.line(frame, 0, 5.0, 1.0, 0.0, 0)
    middle = CREEP.ramp(relaxors, 30e-9, 70e-9, 0.5)
    last = CREEP.ramp(middle, 70e-9, 30e-9 + path.dt / 2 * 80e-9, 0.5 - path.dt / 2)
    at_the_end = 30e-9 + path.dt / 2 * 80e-9 + CREEP.added(last)
    assert path.x[-1] == pytest.approx(at_the_end, abs=1e-16)


def test_a_triangle_over_the_full_range_is_calibrated():
    extension, _ = PLAY.follow(PLAY.rest(), triangle(0.5e-6, turns=6))
    assert np.ptp(extension[800:]) == pytest.approx(1e-6, rel=1e-9)


def test_a_frame_of_the_calibrated_size_has_the_right_scale():
    play = PlayOperators.of(0.04, 0.3, 14, 0.5e-6, 0.02)
    extension, _ = play.follow(play.rest(), triangle(10e-9, turns=6))
    assert np.ptp(extension[800:]) == pytest.approx(20e-9, rel=1e-9)


def test_the_loop_of_the_full_range_opens_as_far_as_was_said():
    extension, _ = PLAY.follow(PLAY.rest(), triangle(0.5e-6, turns=6))
    up, down = extension[1200:1601], extension[800:1201][::-1]
    assert np.max(np.abs(up - down)) == pytest.approx(0.13e-6, rel=1e-9)
    assert PLAY.opening(0.5e-6) == pytest.approx(0.13)


def test_small_frames_of_the_usual_tube_open_by_one_to_two_percent():
    play = ScannerSettings.low_temperature_stm().play_operators(1e-6)
    assert all(0.009 < play.opening(size / 2) < 0.021 for size in (10e-9, 20e-9, 100e-9))


def test_following_in_one_go_equals_following_sample_by_sample():
    rng = np.random.default_rng(1)
    commands = np.cumsum(rng.normal(0, 30e-9, 500))
    together, last = PLAY.follow(PLAY.rest(), commands)
    state, one_by_one = PLAY.rest(), []
    for command in commands:
        state = PLAY.step(state, command)
        one_by_one.append(PLAY.value(state, command))
    assert together == pytest.approx(np.array(one_by_one), abs=1e-20)
    assert np.array_equal(last, state)


def test_commands_that_stand_still_extend_no_further():
    extension, _ = PLAY.follow(PLAY.rest(), np.array([1e-7, 1e-7, 2e-7, 2e-7, 2e-7, 1.5e-7]))
    assert extension[0] == extension[1]
    assert extension[2] == extension[3] == extension[4] > extension[5]


def test_steady_drift_has_its_speed_and_a_direction_of_the_seed():
    drift = Drift(settings(drift="0.02 nm/s"), RandomStreams(5), 0, 100.0)
    way = drift.at(np.array([100.0, 200.0, 1100.0]))
    assert np.hypot(*way) == pytest.approx([0.0, 2e-9, 20e-9])
    other = Drift(settings(drift="0.02 nm/s"), RandomStreams(6), 0, 100.0)
    assert np.hypot(*(other.at(np.array([200.0]))[:, 0] - way[:, 1])) > 0.1e-9


def test_warming_up_slows_down_exponentially_and_begins_anew_with_a_load():
    chosen = settings(warm_up="100 nm", warm_up_time="1000 s")
    way = np.hypot(*Drift(chosen, RandomStreams(0), 0, 0.0).at(np.array([0.0, 1000.0, 1e6])))
    assert way == pytest.approx([0.0, 100e-9 * (1 - np.exp(-1)), 100e-9])
    real = Scanner(chosen, 1e-6, RandomStreams(0))
    real.engage(5e5, 3)
    assert real.true_position(5e5) == (0.0, 0.0)
    assert np.hypot(*real.true_position(5e5 + 1000)) == pytest.approx(way[1])


def test_the_room_sways_with_its_period_around_the_start():
    drift = Drift(
        settings(temperature="2 nm", temperature_period="600 s"), RandomStreams(1), 0, 50.0
    )
    way = drift.at(50.0 + np.linspace(0, 600, 61))
    assert way[:, 0] == pytest.approx([0, 0], abs=1e-22)
    assert way[:, -1] == pytest.approx([0, 0], abs=1e-22)
    assert np.hypot(*np.ptp(way, axis=1)) == pytest.approx(4e-9, rel=0.01)


def test_the_random_walk_spreads_with_the_root_of_time():
    def spread(time: float) -> float:
        ends = [
            Drift(settings(random_walk="20 pm"), RandomStreams(seed), 0, 0.0).at(np.array([time]))
            for seed in range(400)
        ]
        return float(np.std(np.array(ends)))

    assert spread(100.0) == pytest.approx(200e-12, rel=0.1)
    assert spread(2500.0) == pytest.approx(1e-9, rel=0.1)


def test_the_random_walk_is_the_same_however_it_is_looked_at():
    def walker() -> Drift:
        return Drift(settings(random_walk="20 pm"), RandomStreams(2), 0, 0.0)

    once, piecemeal = walker(), walker()
    times = np.array([0.3, 900.0, 5000.2])
    pieces = [piecemeal.at(times[i : i + 1])[:, 0] for i in (2, 0, 1)]
    assert np.array_equal(once.at(times).T[[2, 0, 1]], pieces)


def test_drift_does_not_depend_on_the_other_artefacts():
    plain = Scanner(settings(drift="1 nm/s"), 1e-6, RandomStreams(0))
    crooked = Scanner(settings(drift="1 nm/s", creep=0.03, warm_up="0 nm"), 1e-6, RandomStreams(0))
    assert plain.true_position(50.0) == crooked.true_position(50.0)

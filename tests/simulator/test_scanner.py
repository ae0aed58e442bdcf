"""The scanner: where it is sent, and where the tip really is."""

import math
from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from spm_auto.instrument import ScanFrame
from spm_auto.simulator import RandomStreams, Timing
from spm_auto.simulator.scanner import Scanner, ScannerSettings

RANGE = 1e-6
FRAME = ScanFrame(center=(30e-9, -20e-9), size=(40e-9, 20e-9), pixels=(64, 16), angle=0.3)
RATE = 2.0
LINE_TIME, OVERSCAN = Timing().line(RATE), Timing().overscan


def scanner(seed: int = 0, preset: str = "perfect", **settings: str | float | bool) -> Scanner:
    table = {"preset": preset, **settings}
    return Scanner(ScannerSettings.model_validate(table), RANGE, RandomStreams(seed))


def lines(instrument: Scanner, frame: ScanFrame = FRAME, number: int = 1, start: float = 10.0):
    return [
        instrument.line(frame, i, start + i * LINE_TIME, LINE_TIME, OVERSCAN, number)
        for i in range(frame.pixels[1])
    ]


def test_a_perfect_scanner_goes_through_the_pixels_to_the_last_bit():
    for index, path in enumerate(lines(scanner())):
        x, y = FRAME.line_positions(index)
        assert np.array_equal(path.by_pixel(path.x), (x, x))
        assert np.array_equal(path.by_pixel(path.y), (y, y))
        assert not path.z.any()
        assert (path.per_pixel, path.turn, len(path.x)) == (1, 0, 128)


def test_a_perfect_scanner_stands_where_it_was_sent_at_all_times():
    perfect = scanner()
    perfect.engage(35.0, 0)
    perfect.move((1.23e-7, -3e-8), 40.0, 41.0)
    assert perfect.true_position(1e6) == perfect.commanded == (1.23e-7, -3e-8)


def test_the_time_on_a_pixel_hardly_depends_on_the_artefacts():
    perfect = lines(scanner())[0]
    real = lines(scanner(preset="low_temperature_stm"))[0]
    assert perfect.dt == pytest.approx(1 / (2 * RATE * 64))
    assert real.dt * real.per_pixel == pytest.approx(perfect.dt, rel=2e-3)
    assert real.duration == pytest.approx(LINE_TIME)


def test_the_samples_of_a_real_path_are_spread_over_the_pixel():
    path = lines(scanner(z_drift="1 pm/s"))[3]
    for there in path.by_pixel(path.x):
        assert there == pytest.approx(FRAME.line_positions(3)[0], abs=1e-20)


def test_the_tip_turns_beyond_both_edges_without_a_jump_in_speed():
    path = lines(scanner(z_drift="1 pm/s"))[3]
    u, _ = FRAME.to_frame(path.x, path.y)
    speed = np.diff(u)
    assert np.max(np.abs(np.diff(speed))) < 0.15 * np.max(np.abs(speed))
    assert np.max(u) > FRAME.size[0] / 2
    assert np.min(u) < -FRAME.size[0] / 2


def test_lines_join_and_the_slow_axis_goes_on_in_the_second_turn():
    straight = ScanFrame((30e-9, -20e-9), (40e-9, 20e-9), (64, 16))
    paths = lines(scanner(creep=0.03, hysteresis=0.04, calibrated_size=0.002), straight)
    for before, after in pairwise(paths):
        gap = math.hypot(after.x[0] - before.x[-1], after.y[0] - before.y[-1])
        assert gap < 1.01 * FRAME.size[0] / 64 / 4
    v = paths[3].y
    there = 2 * 64 * 4 + paths[3].turn
    assert np.ptp(v[:there]) < 0.1 * FRAME.pitch[1]
    assert v[-1] - v[there - 1] == pytest.approx(FRAME.pitch[1], rel=0.1)


def test_what_is_perfect_but_for_drift_is_off_by_the_drift_alone():
    drifting = scanner(drift="1 nm/s")
    drifting.engage(0.0, 0)
    path = lines(drifting)[0]
    x, y = FRAME.line_positions(0)
    forward_x, forward_y = path.by_pixel(path.x)[0] - x, path.by_pixel(path.y)[0] - y
    time = path.start + path.dt * (np.arange(64) * 4 + 1.5)
    assert np.hypot(forward_x, forward_y) == pytest.approx(1e-9 * time)


def test_sensitivity_and_skew_are_linear_maps_of_the_command():
    real = scanner(sensitivity_error_x=0.02, sensitivity_error_y=-0.01, skew="2 deg")
    real.move((100e-9, 200e-9), 0.0, 1.0)
    angle = math.radians(2)
    expected = 102e-9 - math.sin(angle) * 198e-9, math.cos(angle) * 198e-9
    assert real.true_position(2.0) == pytest.approx(expected)


def test_tilt_and_bow_add_to_the_height():
    real = scanner(tilt_x="1 deg", tilt_y="-0.5 deg", bow="60 nm")
    x, y = np.array([0.0, 1e-7, RANGE / 2]), np.array([0.0, 2e-7, 0.0])
    plane = math.tan(math.radians(1)) * x - math.tan(math.radians(0.5)) * y
    assert real.height(x, y, 5.0)[0] == 0
    assert real.height(x, y, 5.0)[1] == pytest.approx(plane[1] + 60e-9 * 0.2)
    assert real.height(x, y, 5.0)[2] == pytest.approx(plane[2] + 60e-9)


def test_the_height_of_a_path_is_that_of_its_places_and_times():
    real = scanner(preset="room_temperature_stm")
    path = lines(real)[5]
    times = path.start + path.dt * np.arange(len(path.x))
    assert path.z == pytest.approx(real.height(path.x, path.y, times), rel=1e-12)


def test_a_closed_loop_leaves_a_twentieth_of_creep_and_hysteresis():
    def creeping(closed_loop: bool) -> float:
        real = scanner(creep=0.03, hysteresis=0.04, closed_loop=closed_loop)
        real.move((400e-9, 0.0), 0.0, 0.0)
        real.move((100e-9, 0.0), 0.0, 0.0)
        return real.true_position(100.0)[0] - 100e-9

    assert creeping(True) == pytest.approx(creeping(False) / 20, rel=0.05)


def test_a_closed_loop_jitters_by_the_noise_of_its_sensors():
    quiet = scanner(closed_loop=True, sensor_noise="0 nm", drift="1 pm/s")
    noisy = scanner(closed_loop=True, sensor_noise="0.1 nm", drift="1 pm/s")
    pairs = zip(lines(quiet), lines(noisy), strict=True)
    jitter = np.concatenate([b.x - a.x for a, b in pairs])
    assert np.std(jitter) == pytest.approx(0.1e-9, rel=0.15)


def test_without_a_closed_loop_there_are_no_sensors_to_be_noisy():
    deaf = lines(scanner(drift="1 pm/s", sensor_noise="0.1 nm"))
    plain = lines(scanner(drift="1 pm/s"))
    assert all(np.array_equal(a.x, b.x) for a, b in zip(deaf, plain, strict=True))


@pytest.mark.parametrize("preset", ["room_temperature_afm", "low_temperature_stm"])
def test_the_same_seed_gives_the_same_paths_and_another_seed_others(preset):
    first, again, other = (lines(scanner(seed, preset)) for seed in (3, 3, 4))
    assert all(np.array_equal(a.x, b.x) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].x, other[0].x)


def test_looking_at_the_position_shifts_nothing():
    watched, left_alone = (scanner(preset="room_temperature_afm") for _ in range(2))
    for time in (0.0, 5000.0, 1.0):
        watched.true_position(time)
        watched.height(0.0, 0.0, time)
    assert all(
        np.array_equal(a.x, b.x) and np.array_equal(a.z, b.z)
        for a, b in zip(lines(watched), lines(left_alone), strict=True)
    )


def test_a_snapshot_brings_the_scanner_back_to_the_last_bit():
    real = scanner(preset="room_temperature_afm", closed_loop=False)
    real.engage(3.0, 0)
    real.move((200e-9, -100e-9), 4.0, 5.0)
    before = real.snapshot()
    first = lines(real)
    real.engage(100.0, 7)
    real.move((-400e-9, 100e-9), 200.0, 205.0)
    real.restore(before)
    assert real.commanded == (200e-9, -100e-9)
    assert all(
        np.array_equal(a.x, b.x) and np.array_equal(a.y, b.y) and np.array_equal(a.z, b.z)
        for a, b in zip(first, lines(real), strict=True)
    )


def test_after_a_scan_the_scanner_stands_at_the_start_of_the_last_line():
    for preset in ("perfect", "low_temperature_stm"):
        real = scanner(preset=preset)
        lines(real)
        x, y = FRAME.to_sample(15, 0)
        assert real.commanded == (float(x), float(y))


def test_a_turned_frame_opens_along_both_axes_of_the_scanner():
    turned = ScanFrame((0.0, 0.0), (40e-9, 40e-9), (64, 8), angle=math.pi / 4)
    paths = lines(scanner(hysteresis=0.04), turned)
    for name in ("x", "y"):
        forward, backward = paths[5].by_pixel(getattr(paths[5], name))
        assert np.max(np.abs(forward - backward)) > 0.1e-9


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("drift", "-1 nm/s", "must not be negative, got -1 nm/s"),
        ("tilt_x", "80 deg", "got 1.39"),
        ("creep", 0.5, "must lie within 0 to 0.2, got 0.5"),
        ("creep_onset", "0 s", "must be positive, got 0 s"),
        ("sensitivity_error_x", -2.0, "must lie within -0.5 to 0.5"),
        ("samples_per_pixel", 0, "greater than or equal to 1"),
        ("drift", 1e-9, "has no unit"),
        ("preset", "best", "Input should be 'perfect'"),
        ("creap", 0.1, "Extra inputs"),
    ],
)
def test_an_impossible_scanner_is_refused_with_its_limit(setting, value, message):
    with pytest.raises(ValidationError, match=message):
        ScannerSettings.model_validate({setting: value})


def test_a_hysteresis_that_leaves_nothing_linear_is_refused():
    with pytest.raises(ValidationError, match=r"would be the most"):
        ScannerSettings.model_validate(
            {"preset": "perfect", "hysteresis": 0.2, "hysteresis_exponent": 0.0}
        )


def test_a_lab_file_names_only_what_differs_from_the_preset():
    usual = ScannerSettings.low_temperature_stm()
    drifting = ScannerSettings.model_validate({"preset": "low_temperature_stm", "drift": "1 nm/s"})
    assert drifting == usual.model_copy(update={"drift": 1e-9})
    assert ScannerSettings.perfect().is_perfect
    assert not usual.is_perfect


def test_the_drift_within_a_slow_line_follows_the_walk():
    slow, resting = scanner(random_walk="20 pm"), scanner(random_walk="20 pm")
    frame = ScanFrame((0.0, 0.0), (40e-9, 40e-9), (4, 2))
    path = slow.line(frame, 0, 0.0, 40.0, OVERSCAN, 0)
    times = path.start + path.dt * np.arange(len(path.x))
    y = np.array([resting.true_position(time)[1] for time in times])
    there = 16
    assert path.y[:there] - path.y[0] == pytest.approx((y - y[0])[:there], abs=15e-12)

"""Clocks: time is a parameter, and a stop flag ends every wait at once."""

import math
import threading
import time

import pytest

from spm_auto.clock import Clock, InstantClock, RealClock, ResumedClock, ScaledClock


class WallClock:
    """Stands in for the operating system's clock: it moves only when a test moves it."""

    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time


class Flag(threading.Event):
    """A stop flag that notes how long it was waited on instead of letting the time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    wall = WallClock()
    monkeypatch.setattr(time, "monotonic", wall.monotonic)
    return wall


def test_the_instant_clock_adds_what_was_waited_exactly() -> None:
    clock = InstantClock()
    expected = 0.0
    for duration in (1.2, 0.0, 8e-3, 3600.0):
        assert clock.wait(duration) is False
        expected += duration
        assert clock.now() == expected


def test_a_night_on_the_instant_clock_takes_no_time(wall: WallClock) -> None:
    clock = InstantClock()
    clock.wait(8 * 3600.0)
    assert clock.now() == 28800.0
    assert wall.time == 1000.0


def test_the_instant_clock_stands_still_when_the_stop_flag_is_set() -> None:
    clock, stop = InstantClock(), threading.Event()
    assert clock.wait(1.0, stop) is False
    stop.set()
    assert clock.wait(1.0, stop) is True
    assert clock.now() == 1.0


def test_two_threads_lose_no_time_on_the_instant_clock() -> None:
    clock = InstantClock()

    def wait() -> None:
        for _ in range(500):
            clock.wait(0.25)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == 500.0


@pytest.mark.parametrize("factor", [0.5, 1.0, 100.0])
def test_a_scaled_clock_runs_by_its_factor_from_zero(wall: WallClock, factor: float) -> None:
    clock = ScaledClock(factor)
    assert clock.now() == 0.0
    wall.time += 2.0
    assert clock.now() == 2.0 * factor


def test_a_scaled_clock_waits_shorter_by_its_factor() -> None:
    flag = Flag()
    assert ScaledClock(100.0).wait(50.0, flag) is False
    assert flag.waits == [0.5]


def test_a_second_of_the_real_clock_is_a_second(wall: WallClock) -> None:
    clock, flag = RealClock(), Flag()
    wall.time += 1.0
    assert clock.now() == 1.0
    clock.wait(1.0, flag)
    assert flag.waits == [1.0]


@pytest.mark.parametrize("clock", [RealClock(), ScaledClock(1e-3), InstantClock()])
def test_a_set_stop_flag_ends_any_wait_at_once(clock: Clock) -> None:
    stop = threading.Event()
    stop.set()
    before = time.monotonic()
    assert clock.wait(3600.0, stop) is True  # would take an hour otherwise
    assert time.monotonic() - before < 60.0


@pytest.mark.parametrize("clock", [RealClock(), InstantClock()])
@pytest.mark.parametrize("duration", [-1.0, math.nan, math.inf])
def test_a_wait_that_never_ends_or_runs_backwards_is_refused(clock: Clock, duration: float) -> None:
    with pytest.raises(ValueError, match="a wait must be finite and not negative"):
        clock.wait(duration)


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, math.inf])
def test_a_clock_that_cannot_run_is_refused(factor: float) -> None:
    with pytest.raises(ValueError, match="factor must be positive and finite"):
        ScaledClock(factor)


def test_a_resumed_clock_runs_through_the_past_and_goes_on_from_its_end() -> None:
    live = InstantClock()
    live.wait(3.0)  # it was made before the past was gone through
    clock = ResumedClock(live)
    clock.wait(1000.0)
    assert clock.now() == 1000.0
    clock.go_on(1200.0)
    assert clock.now() == 1200.0
    clock.wait(5.0)
    assert (clock.now(), live.now()) == (1205.0, 8.0)


def test_a_resumed_clock_never_runs_backwards() -> None:
    clock = ResumedClock(InstantClock())
    clock.wait(50.0)
    clock.go_on(20.0)
    assert clock.now() == 50.0

"""What the Nanonis driver tells of the tip, who guards it, and what is left when that fails."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from spm_auto.clock import InstantClock
from spm_auto.drivers.nanonis.microscope import NanonisMicroscope
from spm_auto.errors import EmergencyStopped, Held, InstrumentError, NotConfirmed
from spm_auto.instrument import (
    GuardedInstrument,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    Severity,
    Watchdog,
    vitals_of,
)
from spm_auto.simulator.servers import EmulatedSettings
from spm_auto.simulator.servers.emulated import EmulatedMicroscope

FRAME = ScanFrame((0.0, 0.0), (8e-9, 4e-9), (16, 8))
HERE = PositionProbe(1e-9, 1e-9)
NO_SAFE_TIP = {"safe_tip": {"armed": False, "threshold": 40e-9}}


class Bench:
    """An emulated controller over graphite, its driver, and a guard with a watchdog."""

    def __init__(self, emulated: EmulatedMicroscope, clock: InstantClock) -> None:
        self.emulated = emulated
        self.driver = cast(NanonisMicroscope, emulated.driver)
        self.watchdog = Watchdog(emulated, clock)
        self.guard = GuardedInstrument(emulated, watchdog=self.watchdog)

    def by_hand(self, command: str, **values: Any) -> dict[str, Any]:
        """Do something at the controller, as somebody beside us."""
        return dict(self.driver._lines.supervision.ask(command, **values))


@contextlib.contextmanager
def opened(*faults: dict[str, Any], sample: str = "hopg", **tables: Any) -> Iterator[Bench]:
    clock = InstantClock()
    settings = EmulatedSettings.model_validate(
        {
            "wire": "nanonis",
            "simulator": {"sample": {"kind": sample}, "level": 0, "faults": faults},
            **tables,
        }
    )
    with contextlib.closing(settings.open(clock, 1)) as emulated:
        yield Bench(emulated, clock)


def test_the_vitals_tell_signal_height_loop_and_guard() -> None:
    with opened() as bench:
        assert bench.emulated.capabilities.has_vitals
        before = vitals_of(bench.emulated)
        assert (before.is_engaged, before.is_protected) == (False, False)
        bench.emulated.load(Load())
        vitals = vitals_of(bench.emulated)
        assert vitals.signal == pytest.approx(100e-12, rel=0.5)
        assert (vitals.unit, vitals.threshold) == ("A", 10e-9)
        assert (vitals.is_engaged, vitals.is_feedback_on, vitals.is_protected) == (True, True, True)
        assert vitals.protection == "SafeTip is on, at 10 nA"
        assert vitals.z_range[0] < vitals.z < vitals.z_range[1]
        assert vitals.error is None  # it is not told over this wire
        assert not vitals.has_tripped


def test_a_whole_scan_of_one_channel_trips_nothing() -> None:
    with opened() as bench:
        bench.guard.load(Load())
        for channel in ("height", "current"):
            lines = list(bench.guard.scan(Scan(FRAME, channels=(channel,), line_rate=20.0)))
            assert len(lines) == 8
        assert bench.watchdog.trip is None


def test_a_controller_that_measures_no_current_has_no_vitals() -> None:
    with opened(
        sample="ferroelectric_film",
        driver={
            "image_channels": ["height"],
            "spectrum_channels": ["piezoresponse"],
            "abilities": [],
            "safe_tip": {"armed": False},
        },
    ) as bench:
        assert not bench.emulated.capabilities.has_vitals
        assert not bench.watchdog.is_watching


def test_a_crash_withdraws_the_tip_where_the_controllers_own_guard_is_off() -> None:
    with opened({"kind": "tip_crash", "action": 1}, driver=NO_SAFE_TIP) as bench:
        bench.guard.load(Load())
        assert not vitals_of(bench.emulated).is_protected
        with pytest.raises(EmergencyStopped, match="500 nA, above 40 nA"):
            bench.guard.position_probe(HERE)
        assert bench.emulated.status().state is InstrumentState.LATCHED
        assert bench.by_hand("ZCtrl.StatusGet")["status"] == 1


def test_where_the_controllers_own_guard_acts_first_the_tip_is_latched_all_the_same() -> None:
    with opened({"kind": "tip_crash", "action": 1}) as bench:
        bench.guard.load(Load())
        with pytest.raises(EmergencyStopped):
            bench.guard.position_probe(HERE)
        trip = bench.watchdog.trip
        assert trip is not None
        assert trip.severity is Severity.WITHDRAW
        assert trip.cause in ("guard", "crash")
        assert trip.is_confirmed


def test_who_switches_the_safe_tip_off_at_the_controller_holds_the_tip() -> None:
    with opened() as bench:
        bench.guard.load(Load())
        bench.guard.position_probe(HERE)
        bench.by_hand("SafeTip.OnOffSet", state=2)
        with pytest.raises(Held, match="SafeTip is off, at 10 nA"):
            bench.guard.position_probe(PositionProbe(0.0, 0.0))
        assert bench.guard.status().is_held
        assert bench.guard.status().is_engaged


def test_a_controller_that_does_not_answer_is_missed_within_half_a_second_each_time() -> None:
    silent = {"kind": "silent", "on": "SafeTip.SignalGet", "after": 2, "times": 3}
    with opened(controller={"faults": [silent]}) as bench:
        bench.guard.load(Load())  # it asked when it connected, and now
        began = time.monotonic()
        for _ in range(3):
            bench.watchdog.look()
        trip = bench.watchdog.trip
        assert trip is not None
        assert trip.cause == "unreadable"
        assert trip.is_confirmed
        assert time.monotonic() - began < 5.0


def test_the_last_resort_puts_z_up_where_the_tip_does_not_withdraw() -> None:
    with opened({"kind": "withdrawal_fails", "action": 0}) as bench:
        bench.guard.load(Load())
        assert bench.emulated.capabilities.has_last_resort
        with pytest.raises(InstrumentError):
            bench.emulated.emergency_stop()
        bench.guard.emergency_stop()  # confirmed, by the last resort
        z, limits = bench.by_hand("ZCtrl.ZPosGet")["z"], bench.by_hand("ZCtrl.LimitsGet")
        assert z == pytest.approx(limits["high"])
        assert bench.by_hand("Motor.StepCounterGet", reset_x=0, reset_y=0, reset_z=0)["z"] == 0
        assert bench.emulated.status().state is InstrumentState.LATCHED


def test_the_last_resort_steps_away_with_the_motor_where_the_lab_file_says_how_far() -> None:
    with opened({"kind": "withdrawal_fails", "action": 0}, driver={"retreat_steps": 25}) as bench:
        bench.guard.load(Load())
        bench.guard.emergency_stop()
        assert bench.by_hand("Motor.StepCounterGet", reset_x=0, reset_y=0, reset_z=0)["z"] == 25


def test_a_motor_that_will_not_is_no_confirmation() -> None:
    way = {"retreat_steps": 25, "retreat_direction": "z-"}  # into the sample: it is refused
    with opened({"kind": "withdrawal_fails", "action": 0}, driver=way) as bench:
        bench.guard.load(Load())
        with pytest.raises(NotConfirmed, match="last resort: z was put to its upper limit, which"):
            bench.guard.emergency_stop()

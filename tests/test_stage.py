"""The coarse stage: declared, within limits, read back; what was worn out stays where it was."""

import math
from dataclasses import replace

import pytest
from staged import StagedMicroscope

from examples.own_instrument import OhmicMicroscope
from spm_auto.clock import InstantClock
from spm_auto.errors import Forbidden, InstrumentError, LimitExceeded, Malformed, Unsupported
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Exposure,
    GuardedInstrument,
    Ledger,
    Level,
    Limits,
    Load,
    MoveStage,
    NoGoZone,
    Permit,
    PositionProbe,
    Remembered,
    Scan,
    ScanFrame,
    ShiftedInstrument,
    level_of,
    limits_from_table,
    limits_to_table,
    what_changed,
)
from spm_auto.instrument.contract import InstrumentContract
from spm_auto.lab import LimitSettings
from spm_auto.settings import validate

SPECTRUM = AcquireSpectrum(1e-7, 0.0, BiasWaveform((0.0, 1.0)))
ONCE = Limits(exposure=Exposure(50e-9, spectra=1))
FAR = MoveStage(1e-3, 0.0)
BACK = MoveStage(0.0, 0.0)


def guarded(
    limits: Limits | None = None, slip: float = 0.0, **how: object
) -> tuple[GuardedInstrument, StagedMicroscope]:
    microscope = StagedMicroscope(InstantClock(), slip)
    guard = GuardedInstrument(microscope, limits, **how)  # type: ignore[arg-type]
    guard.load(Load())
    return guard, microscope


def test_what_declares_a_stage_keeps_what_the_exam_asks() -> None:
    exam = InstrumentContract()
    exam.test_a_stage_is_moved_and_the_tip_back_or_that_is_refused(guarded()[0])
    exam.test_a_stage_position_out_of_reach_is_refused_and_nothing_moved(guarded()[0])


def test_an_instrument_without_a_stage_refuses_by_name_and_keeps_what_the_exam_asks() -> None:
    bare = GuardedInstrument(OhmicMicroscope(InstantClock()))
    bare.load(Load())
    with pytest.raises(Unsupported, match="ohmic sample does not understand MoveStage"):
        bare.move_stage(FAR)
    exam = InstrumentContract()
    exam.test_a_stage_is_moved_and_the_tip_back_or_that_is_refused(bare)
    exam.test_a_stage_position_out_of_reach_is_refused_and_nothing_moved(bare)


@pytest.mark.parametrize(
    ("limits", "move", "said"),
    [
        (Limits(), MoveStage(6e-3, 0.0), "stage x of 0.006 m is outside -0.005 to 0.005 m"),
        (Limits(), MoveStage(0.0, -2e-3), "stage y of -0.002 m"),
        (Limits(stage_x=(-1e-3, 1e-3)), MoveStage(2e-3, 0.0), "stage x of 0.002 m is outside"),
        (Limits(stage_step=0.5e-3), FAR, "stage step of 0.001 m"),
        (Limits(), MoveStage(math.nan, 0.0), "stage x of nan m"),
    ],
)
def test_a_move_out_of_the_limits_is_refused_and_never_clipped(
    limits: Limits, move: MoveStage, said: str
) -> None:
    guard, microscope = guarded(limits)
    with pytest.raises(LimitExceeded, match=said):
        guard.move_stage(move)
    assert microscope.sent == []


def test_how_far_a_stage_goes_at_once_needs_a_stage_that_says_where_it_is() -> None:
    guard, microscope = guarded(Limits(stage_step=1e-2))
    microscope.stage = None
    with pytest.raises(LimitExceeded, match="stage step of nan m"):
        guard.move_stage(FAR)
    assert microscope.sent == []


def test_limits_of_the_stage_that_leave_nothing_of_its_range_are_refused() -> None:
    with pytest.raises(InstrumentError, match=r"limits.stage_x of 0.01 to 0.02 m leave nothing"):
        guarded(Limits(stage_x=(10e-3, 20e-3)))


def test_a_stage_that_did_not_follow_is_a_fault() -> None:
    guard, _ = guarded(slip=2e-6)
    with pytest.raises(InstrumentError, match=r"sent to \(0.001, 0\) m but reads back"):
        guard.move_stage(FAR)


def test_text_is_no_place_of_a_stage() -> None:
    guard, _ = guarded()
    with pytest.raises(Malformed, match=r"MoveStage\.x must be a number"):
        guard.move_stage(MoveStage("1 mm", 0.0))  # type: ignore[arg-type]


def test_who_may_only_scan_may_not_move_the_stage() -> None:
    assert level_of(FAR) is Level.SPECTROSCOPY
    guard, microscope = guarded(permit=Permit(Level.SCAN))
    with pytest.raises(Forbidden, match="MoveStage needs level 2"):
        guard.move_stage(FAR)
    assert microscope.sent == []


class TestWhatTheSampleHasBorne:
    def test_a_worn_area_does_not_forbid_another_part_of_the_sample(self) -> None:
        guard, _ = guarded(ONCE)
        guard.acquire_spectrum(SPECTRUM)
        with pytest.raises(LimitExceeded, match="spectra within 50 nm"):
            guard.acquire_spectrum(SPECTRUM)
        guard.move_stage(FAR)
        guard.acquire_spectrum(SPECTRUM)
        assert guard.ledger.spent(1e-7, 0.0).spectra == 1

    def test_coming_back_remembers_even_when_the_stage_reads_back_a_little_off(self) -> None:
        guard, microscope = guarded(ONCE)
        guard.acquire_spectrum(SPECTRUM)
        guard.move_stage(FAR)
        microscope.slip = 0.5e-6  # within its accuracy, but ten radii of an exposed area
        guard.move_stage(BACK)
        with pytest.raises(LimitExceeded, match="spectra within 50 nm"):
            guard.acquire_spectrum(SPECTRUM)

    def test_an_area_that_the_scanner_still_reaches_is_found_beside_where_it_was(self) -> None:
        guard, _ = guarded(ONCE)
        guard.acquire_spectrum(SPECTRUM)
        guard.move_stage(MoveStage(0.0, 5e-6))
        guard.acquire_spectrum(SPECTRUM)
        guard.move_stage(MoveStage(0.4e-6 + 2e-6, 0.0))
        assert guard.ledger.spent(1e-7, 0.0).spectra == 0
        guard.move_stage(MoveStage(2e-6, 0.0))
        assert guard.ledger.spent(-1.9e-6, 0.0).spectra == 1
        assert guard.ledger.spent(1e-7, 0.0).spectra == 0

    def test_what_was_borne_at_an_unknown_place_counts_everywhere(self) -> None:
        ledger = Ledger(Exposure(50e-9, spectra=1))
        ledger.book(SPECTRUM)
        ledger.book(FAR)
        assert ledger.spent(1e-7, 0.0).spectra == 1
        ledger.at_stage(None)
        ledger.book(ConditionTip(0.0, 0.0, bias=2.0))
        ledger.at_stage((3e-3, 0.0))
        assert ledger.spent(0.0, 0.0).pulses == 1

    def test_a_ledger_that_is_replayed_follows_the_stage(self) -> None:
        ledger = Ledger(Exposure(50e-9, spectra=1))
        ledger.replay([BACK, SPECTRUM, FAR, SPECTRUM, SPECTRUM])
        assert ledger.spent(1e-7, 0.0).spectra == 2
        ledger.at_stage((0.0, 0.0))
        assert ledger.spent(1e-7, 0.0).spectra == 1
        ledger.at_stage((2e-3, 0.0))
        assert ledger.spent(1e-7, 0.0).spectra == 0


class TestNoGoZones:
    HERE = NoGoZone(0.0, 0.0, 1e-7, "a scratch", stage=(0.0, 0.0))
    FRAME = ScanFrame((0.15e-6, 0.0), (1e-7, 1e-7), (4, 4))

    def test_a_zone_of_one_place_holds_there_and_where_the_scanner_reaches_it(self) -> None:
        guard, _ = guarded(Limits(no_go=(self.HERE,)))
        with pytest.raises(LimitExceeded, match="a scratch"):
            guard.position_probe(PositionProbe(0.0, 0.0))
        guard.position_probe(PositionProbe(0.0, 0.5e-6))
        guard.move_stage(FAR)
        guard.position_probe(PositionProbe(0.0, 0.0))
        guard.move_stage(MoveStage(-0.5e-6, 0.0))  # the scratch lies to the right now
        guard.position_probe(PositionProbe(0.0, 0.0))
        with pytest.raises(LimitExceeded, match="a scratch"):
            guard.acquire_spectrum(AcquireSpectrum(0.5e-6, 0.0, SPECTRUM.waveform))

    def test_a_frame_may_not_touch_a_zone_of_this_place(self) -> None:
        guard, _ = guarded(Limits(no_go=(self.HERE,)))
        with pytest.raises(LimitExceeded, match="a scratch"):
            guard.scan(Scan(replace(self.FRAME, center=(0.14e-6, 0.0))))
        guard.move_stage(FAR)
        assert len(list(guard.scan(Scan(self.FRAME)))) == 4

    def test_a_zone_of_which_no_place_is_said_holds_everywhere(self) -> None:
        guard, _ = guarded(Limits(no_go=(replace(self.HERE, stage=None),)))
        guard.move_stage(FAR)
        with pytest.raises(LimitExceeded, match="a scratch"):
            guard.position_probe(PositionProbe(0.0, 0.0))

    def test_where_nobody_knows_where_the_stage_is_a_zone_of_another_place_holds_too(self) -> None:
        zone = replace(self.HERE, stage=(3e-3, 0.0))
        guard, microscope = guarded(Limits(no_go=(zone,)))
        guard.position_probe(PositionProbe(0.0, 0.0))
        microscope.stage = None
        with pytest.raises(LimitExceeded, match="a scratch"):
            guard.position_probe(PositionProbe(0.0, 0.0))


def test_limits_of_a_stage_come_back_from_their_table_and_from_a_lab_file() -> None:
    table = {
        "stage_x": ["-4 mm", "4 mm"],
        "stage_step": "2 mm",
        "no_go": [
            {"x": "0 m", "y": "0 m", "radius": "1 um", "stage": ["1 mm", "0 mm"]},
            {"x": "0 m", "y": "0 m", "radius": "2 um"},
        ],
    }
    limits = validate(LimitSettings, table, "lab.toml").limits()
    assert (limits.stage_x, limits.stage_step) == ((-4e-3, 4e-3), 2e-3)
    assert [zone.stage for zone in limits.no_go] == [(1e-3, 0.0), None]
    assert limits_from_table(limits_to_table(limits)) == limits


def test_a_stage_that_was_moved_since_is_said() -> None:
    _, microscope = guarded()
    before = Remembered("ohmic sample", stage=(0.0, 0.0))
    has = microscope.capabilities
    assert what_changed(before, has, microscope.status(), Limits()) == ()
    microscope.stage = (2e-3, 0.0)
    (said,) = what_changed(before, has, microscope.status(), Limits())
    assert said == "the stage stands at (2 mm, 0 m); the run left it at (0 m, 0 m)"


def test_by_how_much_the_sample_had_moved_says_nothing_at_another_place() -> None:
    guard, microscope = guarded()
    shifted = ShiftedInstrument(guard, 1e-7, 0.0)
    shifted.position_probe(PositionProbe(0.0, 0.0))
    assert microscope.status().position == (1e-7, 0.0)
    shifted.move_stage(FAR)
    shifted.position_probe(PositionProbe(0.0, 0.0))
    assert microscope.status().position == (0.0, 0.0)

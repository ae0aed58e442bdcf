"""The replays of a recorded map and of a recorded run take the exam of every instrument."""

from pathlib import Path

import pytest
from nsid_files import write_nsid

from spm_auto.clock import InstantClock
from spm_auto.instrument import BiasWaveform, Instrument, ScanFrame
from spm_auto.instrument.contract import InstrumentContract
from spm_auto.simulator import ReplayRunSettings, ReplaySettings


class TestReplayOfAWrittenFile(InstrumentContract):
    FRAME = ScanFrame(center=(1e-7, 2e-7), size=(2e-7, 1e-7), pixels=(16, 8))
    POINT = (1.1e-7, 1.7e-7)

    @pytest.fixture
    def fresh(self, tmp_path: Path) -> Instrument:
        write_nsid(tmp_path / "map.h5")
        return ReplaySettings(file=str(tmp_path / "map.h5")).open(InstantClock(), seed=0)


class TestReplayOfAMeasuredFile(InstrumentContract):
    FRAME = ScanFrame(center=(1e-6, 1e-6), size=(4e-7, 2e-7), pixels=(16, 8))
    POINT = (1.1e-6, 9.5e-7)

    @pytest.fixture
    def fresh(self, beps: Path) -> Instrument:
        return ReplaySettings(file=str(beps)).open(InstantClock(), seed=0)


class TestReplayOfARun(InstrumentContract):
    WAVEFORM = BiasWaveform.triangle(8.0, points=32, cycles=2)

    @pytest.fixture
    def fresh(self) -> Instrument:
        run = Path(__file__).parent.parent / "files" / "journal-1.spmj"
        return ReplayRunSettings(run=str(run)).open(InstantClock(), seed=0)

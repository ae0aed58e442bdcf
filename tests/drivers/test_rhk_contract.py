"""The R9 takes the exam that every instrument takes, over the emulated program."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from rhk_lab import FRAME, SWEEP, SWEPT, lab

from spm_auto.instrument import BiasWaveform, Instrument
from spm_auto.instrument.contract import InstrumentContract


class TestRhk(InstrumentContract):
    """Spectra are stepped: any waveform."""

    FRAME = FRAME
    WAVEFORM = BiasWaveform.triangle(1.0, points=16)
    DRIVER: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def fresh(self) -> Iterator[Instrument]:
        with lab(loaded=False, **self.DRIVER) as it:
            yield it.driver


class TestRhkProcedure(TestRhk):
    """Spectra are those of the procedure."""

    WAVEFORM = SWEEP
    DRIVER = SWEPT

"""The R9 takes the exam that every instrument takes, over the emulated program."""

from collections.abc import Iterator

import pytest
from rhk_lab import FRAME, SWEEP, SWEPT, lab

from spm_auto.instrument import BiasWaveform, GuardedInstrument, Instrument
from spm_auto.instrument.contract import InstrumentContract


class TestRhk(InstrumentContract):
    """Spectra are stepped: any waveform."""

    FRAME = FRAME
    BIAS = 0.1  # what this microscope holds
    WAVEFORM = BiasWaveform.triangle(1.0, points=16)

    @pytest.fixture
    def fresh(self) -> Iterator[Instrument]:
        with lab(loaded=False) as it:
            yield it.driver


class TestRhkProcedure:
    """Spectra are those of the procedure: what the exam asks of these."""

    _spectrum = InstrumentContract._spectrum
    POINT, WAVEFORM, FRAME = InstrumentContract.POINT, SWEEP, FRAME

    @pytest.fixture
    def instrument(self) -> Iterator[GuardedInstrument]:
        with lab(**SWEPT) as it:
            yield GuardedInstrument(it.driver)

    test_bias = InstrumentContract.test_a_spectrum_has_the_bias_asked_for_and_says_where_it_was
    test_emergency = (
        InstrumentContract.test_after_an_emergency_stop_everything_is_refused_until_load
    )

"""The simulated microscope takes the exam of every instrument."""

import pytest

from spm_auto.clock import InstantClock
from spm_auto.instrument import Instrument
from spm_auto.instrument.contract import InstrumentContract
from spm_auto.simulator import FerroelectricFilmSettings, SimulatorSettings


class TestSimulatedMicroscope(InstrumentContract):
    @pytest.fixture
    def fresh(self) -> Instrument:
        film = FerroelectricFilmSettings.model_validate(
            {"size": "1 um", "cells": 128, "relaxation_steps": 60}
        )
        return SimulatorSettings(sample=film).open(InstantClock(), seed=1)

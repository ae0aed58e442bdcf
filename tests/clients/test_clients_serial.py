"""PyMeasure's driver for the SR830 drives the emulated one, unchanged."""

import contextlib
import os
import time

import pytest
from running import run_client

from spm_auto.clock import ScaledClock
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.samples.stm import Au111Settings
from spm_auto.simulator.servers.sr830 import Sr830EmulatorSettings

pytestmark = pytest.mark.clients

# DDEF? answers with two numbers, and PyMeasure looks both of them up as one; an expansion goes over
# the wire as an index, and PyMeasure sends the factor
ITS_OWN_FAULTS = {"channel1", "channel2", "set_scaling"}


def test_each_call_of_pymeasure_is_right_but_its_own_faults() -> None:
    clock = ScaledClock(1000.0)  # so that the approach takes two seconds
    microscope = SimulatorSettings(sample=Au111Settings(), level=0).open(clock, seed=1)
    has_terminals = hasattr(os, "openpty")
    settings = Sr830EmulatorSettings(pseudo_terminal=has_terminals)
    with contextlib.closing(settings.start(microscope, clock)) as server:
        while server.station.has_feedback or not server.station.is_engaged:
            time.sleep(0.05)
        slope = server.station.reading()["didv"]
        calls = run_client("pymeasure_sr830", {**server.address, "slope": slope})
    wrong = {call.name.split(" (")[0] for call in calls if not call.right}
    assert wrong == ITS_OWN_FAULTS
    assert len(calls) == (2 if has_terminals else 1) * 40

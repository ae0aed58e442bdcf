"""pyxm drives the emulated R9, unchanged."""

import contextlib

import pytest
from running import run_client

from spm_auto.clock import InstantClock
from spm_auto.settings import validate
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.servers.rhk import RhkEmulatorSettings

pytestmark = pytest.mark.clients

# pyxm sets the lines with the verb for parameters of a window, which they are not; its later
# edition (HollenLab/pyxm, stm_commands.json) has the verb for sub-items
ITS_OWN_FAULT = {"set_lines_per_frame"}


def test_each_call_of_pyxm_is_right_but_one_that_is_its_own_fault() -> None:
    table = {"kind": "simulator", "level": 1, "sample": {"kind": "au111"}}
    clock = InstantClock()
    microscope = validate(SimulatorSettings, table, "instrument").open(clock, 0)
    settings = RhkEmulatorSettings.model_validate({"first_pause": "50 ms"})
    with contextlib.closing(settings.start(microscope, clock)) as server:
        address = {name: server.address[name] for name in ("host", "port", "save_path")}
        calls = run_client("pyxm_client", address)
    if [call.name for call in calls] == ["import"]:
        pytest.skip(f"{calls[0].why}; see requirements/pyxm_client.txt")
    assert {call.name for call in calls if not call.right} == ITS_OWN_FAULT
    assert len(calls) == 11

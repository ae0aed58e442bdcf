"""Programs that others wrote for Nanonis drive our emulated controller, unchanged."""

import pytest
from running import Call, run_client

from spm_auto.clock import InstantClock
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.samples.stm import HopgSettings
from spm_auto.simulator.servers.nanonis import NanonisEmulatorSettings

pytestmark = pytest.mark.clients


@pytest.fixture
def address(tmp_path):
    """Start the controller over graphite, the tip at the sample."""
    clock = InstantClock()
    microscope = SimulatorSettings(sample=HopgSettings(), level=1).open(clock, seed=1)
    settings = NanonisEmulatorSettings(
        approached=True, session_folder=tmp_path / "session", windows_paths=True
    )
    emulator = settings.start(microscope, clock)
    yield emulator.address
    emulator.close()


def wrong(calls: list[Call]) -> set[str]:
    return {call.name for call in calls if not call.right}


def test_the_makers_package_gets_right_values(address):
    calls = run_client("nanonis-spm", address)
    # bugs of the package itself: it cannot read these replies in any layout
    assert wrong(calls) <= {"Scan.PropsGet", "BiasSpectr.StatusGet", "Util.VersionGet"}
    assert sum(call.right for call in calls) >= 38


def test_nanonis_tcp_gets_right_values(address):
    calls = run_client("nanonis-tcp", address)
    # one reads the layout of an older release, the other asks for what this release has not
    assert wrong(calls) <= {"BiasSpectr.ChsGet", "Signals.InSlotsGet"}
    assert sum(call.right for call in calls) >= 37


@pytest.mark.parametrize(
    ("client", "least"), [("scanbot-survey", 6), ("nspmctl-cli", 5), ("nanonis-control-calls", 10)]
)
def test_every_call_of_a_client_is_right(client, least, address):
    calls = run_client(client, address)
    assert not wrong(calls)
    assert len(calls) >= least

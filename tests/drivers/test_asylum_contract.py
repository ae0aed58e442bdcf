"""The exam, taken by the Asylum driver over both ways to the fake Igor."""

from collections.abc import Iterator

import pytest
from marked import MarkedMicroscope

from spm_auto.clock import InstantClock
from spm_auto.drivers.asylum import AsylumSettings
from spm_auto.instrument import Instrument
from spm_auto.instrument.contract import InstrumentContract
from spm_auto.settings import validate
from spm_auto.simulator.servers.asylum import AsylumEmulatorSettings


@pytest.fixture(params=["folder", "zeromq"])
def transport(request: pytest.FixtureRequest) -> str:
    if request.param == "zeromq":
        pytest.importorskip("zmq")
    return str(request.param)


class TestAsylumOverTheFakeIgor(InstrumentContract):
    @pytest.fixture
    def fresh(self, transport: str) -> Iterator[Instrument]:
        clock = InstantClock()
        simulated = MarkedMicroscope(clock)
        server = AsylumEmulatorSettings(transport=transport).start(simulated, clock)
        table = {"kind": "asylum", "tip_speed": "1 um/s", **server.address}
        driver = validate(AsylumSettings, table, "asylum").open(clock, 1)
        yield driver
        driver.close()
        server.close()

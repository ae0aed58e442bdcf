"""A run whose wire breaks ends as failed, with all that it measured; it can be gone on with."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_files import write_lab

from spm_auto.clock import InstantClock
from spm_auto.data import FinishReason, open_run
from spm_auto.errors import InstrumentError
from spm_auto.instrument import BiasWaveform
from spm_auto.script import start_run
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.servers import Server, WireFault
from spm_auto.simulator.servers.nanonis import NanonisEmulatorSettings

SWEEP = BiasWaveform.triangle(4.0, points=16)
POINTS = (-2e-7, 0.0, 1e-7, 2e-7)


@pytest.fixture
def server() -> Iterator[Server]:
    """A controller that goes on running, whatever becomes of the program that drives it."""
    clock = InstantClock()
    film = SimulatorSettings(level=1).open(clock, seed=3)
    server = NanonisEmulatorSettings().start(film, clock)
    yield server
    server.close()


@pytest.fixture
def lab(server: Server, tmp_path: Path) -> Path:
    """The lab file of somebody who takes the controller for a real one."""
    instrument = {"kind": "nanonis", "reply_timeout": "1 s", **server.address}
    return write_lab(tmp_path / "lab.toml", instrument)


def measure(lab: Path, out: Path, resume: bool, before: Callable[[int], None]) -> None:
    with start_run(lab, out, seed=1, title="wired", resume=resume, in_server=False) as run:
        run.scan((0.0, 0.0), (1e-6, 1e-6), pixels=(64, 64), channels=["amplitude", "phase"])
        for number, x in enumerate(POINTS):
            before(number)
            run.acquire_spectrum(x, 0.0, SWEEP)


@pytest.mark.parametrize("kind", ["closed", "garbage", "unplugged"])
def test_it_goes_on_where_the_wire_broke(
    lab: Path, server: Server, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "run"

    def break_the_wire(number: int) -> None:
        if number == 2:
            fault = {"kind": kind, "on": "BiasSpectr.Start"}
            server.faults.arm(WireFault.model_validate(fault))

    with pytest.raises(InstrumentError):
        measure(lab, out, resume=False, before=break_the_wire)
    broken = open_run(out)
    assert broken.finished is not None
    assert broken.finished.reason == FinishReason.FAILED
    assert len(broken.spectra) == 2
    assert server.faults.struck == 1

    server.faults.arm()
    measure(lab, out, resume=True, before=lambda _: None)
    whole = open_run(out)
    assert whole.finished is not None
    assert whole.finished.reason == FinishReason.COMPLETED
    assert len(whole.spectra) == len(POINTS)
    for before, after in zip(broken.spectra, whole.spectra, strict=False):
        assert (before.data == after.data).all()  # what was measured is what was measured

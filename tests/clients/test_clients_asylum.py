"""aespm, unchanged, against the fake Igor."""

import os
from pathlib import Path

import numpy as np
import pytest
from running import run_client

from spm_auto.clock import InstantClock
from spm_auto.data import open_file
from spm_auto.settings import validate
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.servers.asylum import AsylumEmulatorSettings

pytestmark = pytest.mark.clients


@pytest.mark.skipif(os.name == "nt", reason="the script that stands for the .bat is one of Unix")
def test_aespm_sets_moves_tunes_scans_and_sweeps(tmp_path: Path) -> None:
    clock = InstantClock()
    table = {"kind": "simulator", "level": 0, "sample": {"kind": "ferroelectric_film"}}
    simulated = validate(SimulatorSettings, table, "simulator").open(clock, 1)
    controller = {"kind": "asylum", "folder": str(tmp_path)}
    server = validate(AsylumEmulatorSettings, controller, "asylum").start(simulated, clock)
    try:
        calls = run_client("aespm_client", server.address)
        wrong = {call.name: call.why for call in calls if not call.right}
        assert wrong == {}
        assert len(calls) == 30
        # a fault of its own: the button CenterPhase is given its missing value as the word None
        assert [line.split(":")[0] for line in server.igor.refused] == [
            'ARExecuteControl("DoTuneCent_3","DART",None,"")'
        ]
        picture = server.station.picture
        assert picture is not None
        (image,) = open_file(server.saved / "up0000.ibw").images
        names = [channel.name for channel in image.channels]
        height = image.forward[names.index("Height")]
        np.testing.assert_allclose(height, picture.channel("height"), rtol=1e-6)
    finally:
        server.close()

"""What a wire costs: instructions over each driver and its emulator, beside the same simulator.

``python benchmarks/drivers.py`` measures every instruction in process and over the loopback, both
on a virtual clock, so that only computing and talking take time. With ``--client PYTHON``, an
interpreter that has nanonisTCP (``.venv-clients/nanonistcp/bin/python``), it also lets that client
and our driver grab the same finished frame from the same emulated controller in turns.

Figures are medians; the ratio is the one to look at.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from tables import seconds, table

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from spm_auto import plugins
from spm_auto.clock import Clock, InstantClock
from spm_auto.conformance import BEHIND
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Instrument,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.lab import Lab, parse_lab

GRABS = r"""
import socket, sys, time
from nanonisTCP import nanonisTCP
from nanonisTCP.Scan import Scan
client = nanonisTCP("127.0.0.1", int(sys.argv[1]))
scan = Scan(client)
for _ in range(int(sys.argv[2])):
    begun = time.perf_counter()
    name, data, up = scan.FrameDataGrab(int(sys.argv[3]), 1)
    print(time.perf_counter() - begun, len(data), len(data[0]), flush=True)
client.close_connection()
"""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=15, help="how often each is measured")
    parser.add_argument("--pixels", type=int, default=256, help="of the frame that is grabbed")
    parser.add_argument("--client", type=Path, help="an interpreter with nanonisTCP")
    asked = parser.parse_args()
    for name in BEHIND:
        print(*table(("over " + name, "in process", "over the wire", "more", "ratio"),
                     overheads(name, asked.times)), "", sep="\n")  # fmt: skip
    if asked.client:
        head = (f"a frame of {asked.pixels} x {asked.pixels}", "median", "frames/s", "ratio")
        print(*table(head, grabs(asked.client, asked.pixels, asked.times)), sep="\n")


def overheads(name: str, times: int) -> list[tuple[str, ...]]:
    """Measure each instruction both ways, in turns."""
    simulator, questions = BEHIND[name]
    plain = opened(simulator)
    wired = opened({"kind": "emulated", "wire": name, "simulator": simulator})
    frame = questions.get("FRAME", ScanFrame((0.0, 0.0), (4e-7, 2e-7), (16, 8)))
    side = min(frame.size)
    frame = ScanFrame(frame.center, (side, side), (48, 48))  # what every controller can scan
    point = questions.get("POINT", (1e-7, -5e-8))
    sweep = questions.get("WAVEFORM", BiasWaveform.triangle(8.5, points=64))
    acts: dict[str, Callable[[Instrument], object]] = {
        "status": lambda i: i.status(),
        "position the probe": lambda i: i.position_probe(PositionProbe(*point)),
        f"a spectrum of {len(sweep.values)} points": lambda i: i.acquire_spectrum(
            AcquireSpectrum(*point, sweep)
        ),
        "a scan of 48 x 48": lambda i: list(i.scan(Scan(frame, line_rate=10.0))),
    }
    rows = []
    for act, do in acts.items():
        taken: dict[int, list[float]] = {0: [], 1: []}
        for _ in range(times):
            for which, instrument in enumerate((plain, wired)):
                begun = time.perf_counter()
                do(instrument)
                taken[which].append(time.perf_counter() - begun)
        here, there = median(taken[0]), median(taken[1])
        rows.append((act, seconds(here), seconds(there), seconds(there - here),
                     f"{there / here:.1f}"))  # fmt: skip
    for instrument in (plain, wired):
        instrument.close()
    return rows


def grabs(client: Path, pixels: int, times: int) -> list[tuple[str, ...]]:
    """Let our driver and nanonisTCP grab the same frame from the same controller."""
    simulator, _ = BEHIND["nanonis"]
    clock = InstantClock()
    controller = plugins.load("emulators", "nanonis")().start(
        opened(simulator, clock, load=False), clock
    )
    *mine, port = controller.address["ports"]  # one client each
    driver: Any = opened({"kind": "nanonis", **controller.address, "ports": mine}, clock)
    frame = ScanFrame((0.0, 0.0), (40e-9, 40e-9), (pixels, pixels))
    list(driver.scan(Scan(frame, channels=("height",), line_rate=10.0)))
    line = driver._lines.supervision
    index = line.ask("Signals.NamesGet")["names"].index("Z (m)")
    grab = {"channel": index, "forward": 1}
    ours = [timed(lambda: line.ask("Scan.FrameDataGrab", **grab)) for _ in range(times)]
    command = [str(client), "-c", GRABS, str(port), str(times), str(index)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    theirs = [float(line.split()[0]) for line in said if line[:1].isdigit()]
    assert {tuple(line.split()[1:]) for line in said if line[:1].isdigit()} == {
        (str(pixels), str(pixels))
    }
    driver.close()
    controller.close()
    return [
        ("spm_auto", seconds(median(ours)), f"{1 / median(ours):.0f}", "1"),
        ("nanonisTCP", seconds(median(theirs)), f"{1 / median(theirs):.1f}",
         f"{median(theirs) / median(ours):.0f}"),
    ]  # fmt: skip


def opened(
    instrument: Mapping[str, Any], clock: Clock | None = None, load: bool = True
) -> Instrument:
    """Open an instrument, on a virtual clock where none is given, and load it."""
    table_ = {"schema_version": 1, "laboratory": "bench", "instrument": instrument}
    lab: Lab = parse_lab(table_, "benchmark", ROOT)
    found = lab.instrument.open(clock or InstantClock(), seed=1)
    if load:
        found.load(Load())
    return found


def timed(act: Callable[[], object]) -> float:
    """Return how long something takes [s]."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()

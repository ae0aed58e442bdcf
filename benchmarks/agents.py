"""Measure the agents: speed, quality, discovery on real data; regret, bias and time simulated.

    python benchmarks/agents.py --data DIR                      everything on the task bepsc
    python benchmarks/agents.py --data DIR --task stm_large --quality
    python benchmarks/agents.py --speed
    python benchmarks/agents.py --simulator --quick
    python benchmarks/agents.py --voltage --cost

Whoever is compared with comes by `pip install 'spm_auto[bench]'`; the slow ones take part with
`--peers`. All times are CPU seconds on one thread, all spreads standard deviations over seeds.
"""

import os

# read by numpy, torch and jax when they are imported
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from agents_discovery import INITIAL, discovery
from agents_quality import quality
from agents_simulator import TASKS as SIMULATED
from agents_simulator import simulator
from agents_speed import speed
from agents_voltage import cost, voltage
from microscope_tasks import pfm, pfm_phase, stm_adsorbate, stm_large
from tasks import TOP_SHARE, Task, beps_accepted, bepsc

from spm_auto.errors import SpmError

TASKS: dict[str, tuple[Callable[[Path], Task], str]] = {
    "bepsc": (bepsc, "BEPS_PTO_50x50.h5"),
    "beps_accepted": (beps_accepted, "BEPS_PTO_50x50.h5"),
    "stm_large": (stm_large, "stm_dkl_large_area_250nm.hf5"),
    "stm_adsorbate": (stm_adsorbate, "stm_dkl_adsorbate_10nm.hf5"),
    "pfm": (pfm, "pfm_pzt_channels.h5"),
    "pfm_phase": (pfm_phase, "pfm_pzt_channels.h5"),
}
PARTS = ("speed", "quality", "discovery", "simulator", "voltage", "cost")
QUICK = 3  # seeds


def main() -> int:
    """Read the command line, run and print; returns the exit code."""
    options = _options()
    torch.set_num_threads(1)
    try:
        if options.speed:
            for heading, found in speed(options.repeats, options.quick):
                _print(heading, found)
        if options.quality or options.discovery:
            for name in options.task:
                _on_recorded_data(name, options)
        if options.simulator:
            for name in options.play:
                _print(*simulator(name, options.seeds))
        if options.voltage:
            _print(*voltage(options.seeds))
        if options.cost:
            for heading, found in cost(options.seeds):
                _print(heading, found)
    except SpmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], allow_abbrev=False
    )
    parser.add_argument("--task", nargs="*", choices=sorted(TASKS), default=["bepsc"])
    parser.add_argument("--data", type=Path, help="folder of the measurements, or the file")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} seeds, and a short speed")
    parser.add_argument("--budget", type=int, default=200, help="spectra, initial ones included")
    parser.add_argument("--repeats", type=int, default=3, help="of a time")
    parser.add_argument(
        "--peers",
        type=int,
        nargs="?",
        const=QUICK,
        default=0,
        metavar="SEEDS",
        help=f"let GPax and AtomAI take part, on so many seeds ({QUICK})",
    )
    parser.add_argument("--play", nargs="*", default=list(SIMULATED), help="tasks of the simulator")
    for part in PARTS:
        parser.add_argument(f"--{part}", action="store_true", help="without any part: all of them")
    options = parser.parse_args()
    if options.quick:
        options.seeds = min(options.seeds, QUICK)
    if options.seeds < 1 or options.budget <= INITIAL or options.repeats < 1:
        parser.error(f"needs at least 1 seed and repeat, and a budget above {INITIAL}")
    if not any(getattr(options, part) for part in PARTS):
        for part in PARTS:
            setattr(options, part, True)
    if options.data is None and "SPM_AUTO_DATA" in os.environ:
        options.data = Path(os.environ["SPM_AUTO_DATA"])
    if options.data is None and (options.quality or options.discovery):
        parser.error("quality and discovery need --data")
    return options


def _on_recorded_data(name: str, options: argparse.Namespace) -> None:
    make, file = TASKS[name]
    task = make(options.data / file if options.data.is_dir() else options.data)
    budget = min(options.budget, len(task.target) // 2)
    if options.quality:
        _print(
            f"{name}: fitted to {task.train} of {len(task.target)} sites at random, "
            f"{options.seeds} seeds; scored on the unseen sites, and on the whole pool",
            quality(task, options.seeds, options.peers),
        )
    if options.discovery:
        _print(
            f"{name}: {len(task.target)} sites, {len(task.top(TOP_SHARE))} of them the top 5 %; "
            f"{INITIAL} random points that are the same for all, or an agent's own start; then one "
            f"point at a time (peers: batches of 10 by expected improvement)",
            discovery(task, budget, options.seeds, options.peers),
        )


def _print(heading: str, lines: Iterable[str]) -> None:
    print(f"\n**{heading}**\n", flush=True)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())

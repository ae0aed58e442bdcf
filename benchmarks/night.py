"""A night on the simulator, with faults, with and without the recovery kit: what it yields.

``python benchmarks/night.py --hours 8 --seeds 2`` lets an agent explore a superconductor under a
simulated scanning tunnelling microscope, level 3, by recipe and command line as anybody would. Tips
change, links break and hang, replies come garbled or cut short, and the run's process is killed, at
random moments that are drawn from the seed: the same for a night with the recovery kit
(``[recovery]`` in the recipe and ``--keep-going``) and for one without.

A spectrum is *useful* when nothing in the run says that it is no good and the simulator's truth
agrees: a good tip (not half as blunt again as a good one, no second end that carries a fifth of the
current), a place within 5 nm of what was read back, a readout without a fault. *Misleading* are
spectra that nothing warns of and that are no good. What a night yields after it has ended is
nothing. An end is unhandled when the last process of a night was killed and nobody took over.

In further nights the tip crashes: once, and again at each of the instructions after it, so that
whatever still moved would crash again.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tables import table

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from night_run import KILLED_FILE, KILLS
from night_truth import KILLED, Night, judge

from spm_auto.data import FILE_NAME
from spm_auto.keep_going import keep_going, run_arguments

WORKER = (sys.executable, str(Path(__file__).with_name("night_run.py")))
SPECTRUM = 41.2  # [s] with the way there
PER_STEP = 60  # spectra between two overviews
READY = 1860.0  # [s] until the microscope is
RATES = {  # of each fault per hour
    "dropped_connection": 0.25,
    "hang": 0.125,
    "tip_change": 0.5,
    "garbage": 0.5,
    "truncated_reply": 0.25,
    "saturated_preamp": 0.25,
}
MORE = {"hang": 'deadline = "2 min"', "saturated_preamp": 'channel = "current"'}
KILL_RATE = 0.375  # of the process per hour
CRASHES = 20  # instructions in a row that would crash the tip
MOST = 20  # lives per hour that the kit allows
RECOVERY = """
[recovery]

[recovery.tip]
reference = { center = ["-45 nm", "-45 nm"], size = ["3 nm", "3 nm"], pixels = [40, 40] }
parking = ["50 nm", "50 nm"]
every = 10
"""
RECIPE = """
schema_version = 1
title = "A night on a superconductor"
{recovery}
"""
STEPS = """
[[steps]]
kind = "overview"
frame = {{ center = ["0 nm", "0 nm"], size = ["60 nm", "60 nm"], pixels = [32, 32] }}
line_rate = "2 Hz"

[[steps]]
kind = "explore"
agent = {{ kind = "gp", initial = 8 }}
scalarizer = "gap"
waveform = {{ kind = "sweep", start = "-4 mV", stop = "4 mV", points = 101, dwell = "400 ms" }}
budget = {budget}
"""
LAB = """
schema_version = 1
laboratory = "a simulated night"

[clock]
kind = "instant"

[instrument]
kind = "simulator"
level = 3

[instrument.sample]
kind = "superconductor"

[instrument.technique]
kind = "stm"
lock_in = { modulation = "0.1 mV", frequency = "800 Hz", time_constant = "5 ms" }
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a night is about to meet.

    Attributes:
        faults: Of the microscope, kind by kind and instruction by instruction.
        kills: Instrument times after whose next record the process is killed [s].
    """

    faults: tuple[tuple[str, int], ...]
    kills: tuple[float, ...] = ()

    def lab(self) -> str:
        """Return the lab file."""
        return LAB + "".join(
            f'\n[[instrument.faults]]\nkind = "{kind}"\naction = {action}\n{MORE.get(kind, "")}\n'
            for kind, action in self.faults
        )


def drawn(seed: int, hours: float) -> Plan:
    """Draw what goes wrong in a night."""
    rng = np.random.default_rng([20261127, seed])
    n = round(3600 * hours / SPECTRUM)
    faults = [
        (kind, int(action))
        for kind, rate in RATES.items()
        for action in rng.integers(5, n, rng.poisson(rate * hours))
    ]
    kills = READY + rng.uniform(0, 3600 * hours, rng.poisson(KILL_RATE * hours))
    return Plan(tuple(sorted(faults, key=lambda each: each[1])), tuple(sorted(kills.tolist())))


def crashing(seed: int, hours: float) -> Plan:
    """Draw when the tip crashes, and again whenever anything is done after it."""
    rng = np.random.default_rng([20261128, seed])
    first = int(rng.integers(5, round(3600 * hours / SPECTRUM)))
    return Plan(tuple(("tip_crash", first + more) for more in range(CRASHES)))


def recipe(hours: float, has_kit: bool) -> str:
    """Return a recipe that keeps the microscope busy for some hours."""
    left, steps = round(3600 * hours / SPECTRUM), ""
    while left > 0:
        steps += STEPS.format(budget=min(left, PER_STEP))
        left -= PER_STEP
    return RECIPE.format(recovery=RECOVERY if has_kit else "") + steps


def spend(folder: Path, plan: Plan, seed: int, hours: float, has_kit: bool) -> Night | None:
    """Spend a night, by the command line; None when there was not even a beginning."""
    folder.mkdir(parents=True)
    out = folder / "run"
    (folder / "recipe.toml").write_text(recipe(hours, has_kit), "utf-8")
    (folder / "lab.toml").write_text(plan.lab(), "utf-8")
    words = run_arguments(folder / "recipe.toml", folder / "lab.toml", out, seed, (), "--json")
    os.environ[KILLS] = ",".join(map(str, plan.kills))
    os.environ[KILLED_FILE] = str(folder / "killed.txt")
    log = (folder / "log.txt").open("ab")
    with log, into(log.fileno()):
        if has_kit:
            keep_going(words, out, MOST, _say, WORKER, wait=lambda _: False)
        else:
            subprocess.run([*WORKER, *words], check=False)
    return judge(out) if (out / FILE_NAME).is_file() else None


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextlib.contextmanager
def into(log: int) -> Iterator[None]:
    """Let standard output and errors go into a file, those of other processes too."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        for number, before in enumerate(kept, 1):
            os.dup2(before, number)
            os.close(before)


def figures(nights: Sequence[Night], hours: float) -> dict[str, object]:
    """Sum up nights of one kind."""
    useful = [night.useful(hours) for night in nights]
    lives = Counter(end for night in nights for end in night.ends)
    return {
        "nights": len(nights),
        "useful": useful,
        "useful_per_hour": sum(useful) / (hours * max(len(nights), 1)),
        "misleading": [night.misleading(hours) for night in nights],
        "taken": [len(night.within(hours)) for night in nights],
        "lives": dict(lives),
        "last_ends": dict(Counter(night.ends[-1] for night in nights)),
        "unhandled_ends": sum(night.ends[-1] == KILLED for night in nights),
        "faults_met": dict(Counter(fault for night in nights for fault in night.faults)),
        "is_same": all(night.is_same for night in nights),
    }


def crash_figures(nights: Sequence[Night], plans: Sequence[Plan]) -> dict[str, object]:
    """Sum up nights in which the tip crashed: what was begun after it."""
    after = [
        max(0, night.actions - plan.faults[0][1]) for night, plan in zip(nights, plans, strict=True)
    ]
    return {
        "nights": len(nights),
        "last_ends": dict(Counter(night.ends[-1] for night in nights)),
        "lives": [len(night.ends) for night in nights],
        "instructions_after_the_first_signal": sum(after),
        "crashes_after_the_first_signal": sum(min(more, CRASHES - 1) for more in after),
        "unhandled_ends": sum(night.ends[-1] == KILLED for night in nights),
        "is_same": all(night.is_same for night in nights),
    }


def measure(hours: float, seeds: int, crashes: int, place: Path) -> dict[str, dict[str, object]]:
    """Spend all nights."""
    found: dict[str, dict[str, object]] = {}
    for name, has_kit in (("without", False), ("with", True)):
        nights = []
        for seed in range(seeds):
            begun = time.perf_counter()
            plan = drawn(seed, hours)
            night = spend(place / f"{name} {seed}", plan, seed, hours, has_kit)
            assert night is not None
            nights.append(night)
            _say(f"{name} the kit, seed {seed}: {time.perf_counter() - begun:.0f} s")
        found[name] = figures(nights, hours)
    plans = [crashing(seed, hours) for seed in range(crashes)]
    crashed = [
        spend(place / f"crash {seed}", plan, seed, hours, has_kit=True)
        for seed, plan in enumerate(plans)
    ]
    found["crash"] = crash_figures([night for night in crashed if night is not None], plans)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0, help="simulated, of each night")
    parser.add_argument("--seeds", type=int, default=2, help="nights of each kind")
    parser.add_argument("--crashes", type=int, default=2, help="nights in which the tip crashes")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    parser.add_argument("--keep", type=Path, default=None, help="folder that keeps the runs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = measure(asked.hours, asked.seeds, asked.crashes, asked.keep or Path(place))
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    head = ("recovery kit", "useful spectra", "per simulated hour", "misleading", "ends of lives",
            "ends of nights", "unhandled ends", "faults met")  # fmt: skip
    rows = [
        (
            name,
            _listed(each["useful"]),
            f"{each['useful_per_hour']:.1f}",
            _listed(each["misleading"]),
            _counted(each["lives"]),
            _counted(each["last_ends"]),
            str(each["unhandled_ends"]),
            _counted(each["faults_met"]),
        )
        for name, each in found.items()
        if name != "crash"
    ]
    for line in table(head, rows):
        print(line)
    crash = found["crash"]
    print(
        f"\n{crash['nights']} nights with a tip crash: {_counted(crash['last_ends'])}; "
        f"instructions begun after the first signal: "
        f"{crash['instructions_after_the_first_signal']}, tip crashes after it: "
        f"{crash['crashes_after_the_first_signal']}, unhandled ends: {crash['unhandled_ends']}"
    )


def _listed(values: object) -> str:
    assert isinstance(values, list)
    return ", ".join(map(str, values))


def _counted(counts: object) -> str:
    assert isinstance(counts, dict)
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"


if __name__ == "__main__":
    main()

"""The same campaign on a local pool, on Dask, and with a worker killed: about 15 min on 2 cores.

    python benchmarks/campaign.py [--seeds 16] [--workers 2] [--more] [--scale 10000]

Each campaign is what a person would type, in a process of its own. Printed are: whether all results
are the same to the byte; attempts begun, ended and lost, and runs without a result or with two;
efficiency, which is the sum of the runs' seconds by workers times the time from the first run's
beginning to the last one's end; what an executor takes for a run that does nothing; memory of a
worker, bytes and files of a run. ``--more`` also kills a worker of Dask's, and a whole campaign,
which is then called again. ``--scale`` orders so many runs, puts results there and times what the
books take.
"""

import argparse
import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spm_auto.campaign import (
    DaskPool,
    Executor,
    LocalPool,
    Outcome,
    Result,
    counted,
    entries,
    open_folders,
    order,
    survey,
)
from spm_auto.campaign.attempts import read_attempts
from spm_auto.campaign.result import write_result
from spm_auto.campaign.work import read_spec

SPEC = Path(__file__).parent / "campaigns" / "machine.toml"
NOTHINGS = 2000
LOOK = 0.2  # [s] between two looks at a campaign that goes on
KIB = 1024


def carry_out(spec: Path, out: Path, *words: str, kill: str = "") -> float:
    """Call a campaign, and kill "worker" or "all" when half of it is done; returns seconds."""
    call = [sys.executable, "-m", "spm_auto", "campaign", str(spec), "--out", str(out), *words]
    start = time.monotonic()
    process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            process.wait(LOOK)
        except subprocess.TimeoutExpired:
            if kill and is_half_done(out):
                kill_now(process.pid if kill == "all" else working(out))
                kill = ""
    if kill:
        raise SystemExit(f"{out}: nothing was killed: half of it was never seen done")
    return time.monotonic() - start


def is_half_done(out: Path) -> bool:
    """Whether half of a campaign has its results, and a run goes on."""
    if not (out / "campaign.json").exists():
        return False
    ordered = entries(out)
    return 2 * sum(entry.is_done for entry in ordered) >= len(ordered) and working(out) > 0


def working(out: Path) -> int:
    """Return the process of a run that goes on; 0 where none does."""
    for entry in entries(out):
        lines = read_attempts(entry.folder)
        if lines and lines[-1]["what"] == "began" and not entry.is_done:
            return int(lines[-1]["pid"])
    return 0


def kill_now(pid: int) -> None:
    """Kill a process as `kill -9` does."""
    os.kill(pid, signal.SIGKILL)


def told(name: str, out: Path, wall: float, workers: int) -> str:
    """Print what a campaign took; returns a hash of all its results."""
    lines = [line for entry in entries(out) for line in read_attempts(entry.folder)]
    ended = [line for line in lines if line["what"] == "ended"]
    begun = [line for line in lines if line["what"] == "began"]
    seconds = sum(line["seconds"] for line in ended)
    busy = sum(line["cpu_seconds"] for line in ended)
    span = max(line["utc"] for line in ended) - min(line["utc"] for line in begun)
    folders = {entry.folder for entry in entries(out)}
    often = Counter(
        sum(line["what"] == "ended" for line in read_attempts(folder)) for folder in folders
    )
    memory = max(line.get("peak_memory", 0) for line in ended)
    states = counted(survey(entries(out)))
    files = [path for folder in folders for path in folder.iterdir()]
    size = sum(path.stat().st_size for path in files)
    digest = hashlib.sha256()
    for folder in sorted(folders):
        digest.update((folder / "result.json").read_bytes())
    n = len(folders)
    print(
        f"{name}: {n} runs, {states['completed']} completed, {len(begun)} attempts begun, "
        f"{len(ended)} ended, {len(begun) - len(ended)} lost; without result {often[0]}, "
        f"done twice {sum(count for times, count in often.items() if times > 1)}"
    )
    print(
        f"    {wall:.1f} s in all, runs {span:.1f} s; a run {seconds / n:.2f} s "
        f"({busy / n:.2f} s of computing); efficiency {seconds / (workers * span):.1%} "
        f"of the runs' time, {seconds / (workers * wall):.1%} of all; overhead per run "
        f"{max(0.0, workers * span - seconds) / n * 1e3:.0f} ms"
    )
    print(
        f"    worker {memory / KIB**2:.0f} MiB; run {size / n / 1e3:.1f} kB in {len(files) / n:g} "
        f"files; results {digest.hexdigest()[:16]}"
    )
    return digest.hexdigest()


def nothing(folder: Path) -> Outcome:
    """Do nothing."""
    return Outcome(folder, "completed")


def per_nothing(executor: Executor) -> float:
    """Return what an executor takes for a run that does nothing, once it is under way [s]."""
    names = [Path(f"run-{number}") for number in range(NOTHINGS)]
    outcomes = executor.map(names, nothing)
    next(outcomes)
    start = time.monotonic()
    n = sum(1 for _ in outcomes)
    return (time.monotonic() - start) / n


@contextmanager
def timed(what: str, n: int) -> Iterator[None]:
    """Print what something took, in all and for each run, and how much of it was computing."""
    start, busy = time.monotonic(), time.process_time()
    yield
    took, busy = time.monotonic() - start, time.process_time() - busy
    print(
        f"    {what}: {took:.2f} s, {took / n * 1e3:.3f} ms each, {busy / n * 1e3:.3f} ms computing"
    )


def scale(n: int, folder: Path) -> None:
    """Time the books of a campaign of n runs, with results of a usual size."""
    text = SPEC.read_text("utf-8")
    text = re.sub(r"tasks = .*", 'tasks = ["gap_hunt"]', text)
    text = re.sub(r"agents = .*", 'agents = ["random"]', text)
    spec = folder / "scale.toml"
    spec.write_text(re.sub(r"seeds = .*", f'seeds = "0..{n - 1}"', text), "utf-8")
    out = folder / "scale"
    print(f"books of {n} runs:")
    with timed("order", n):
        ordered = order(spec, out)
    with timed("order again", n):
        ordered = order(spec, out)
    with timed("read the list", n):
        ordered = entries(out)
    with timed("find what is open", n):
        open_folders(ordered)
    curve = tuple(0.1 * number for number in range(80))
    with timed("write results", n):
        for entry in ordered:
            run, _ = read_spec(entry.folder)
            result = Result(
                key=run.key,
                spec=run,
                finish="completed",
                figures={"regret": 0.5},
                curves={"time": curve, "regret": curve},
            )
            write_result(entry.folder, result)
    with timed("find what is open, all done", n):
        open_folders(ordered)
    with timed("read results", n):
        counted(survey(ordered))
    size = (out / "campaign.json").stat().st_size
    print(f"    the list has {size / n:.0f} bytes for each run")


def main() -> None:
    """Carry out the campaigns and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=16, help="of 4 runs each")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--more", action="store_true", help="kill more")
    parser.add_argument("--scale", type=int, default=0, metavar="N", help="time the books of N")
    parser.add_argument("--only-scale", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.scale:
            scale(given.scale, folder)
        if given.only_scale:
            return
        spec = folder / "machine.toml"
        seeds = f'seeds = "100..{99 + given.seeds}"'
        spec.write_text(re.sub(r"seeds = .*", seeds, SPEC.read_text("utf-8")), "utf-8")
        here = ("--workers", str(given.workers))
        dask = ("--on", "dask", *here)
        ways: dict[str, Callable[[Path], float]] = {
            "local pool": lambda out: carry_out(spec, out, *here),
            "Dask": lambda out: carry_out(spec, out, *dask),
            "local pool, a worker killed": lambda out: carry_out(spec, out, *here, kill="worker"),
        }
        if given.more:
            ways["Dask, a worker killed"] = lambda out: carry_out(spec, out, *dask, kill="worker")
            ways["all killed, then called again"] = lambda out: (
                carry_out(spec, out, *here, kill="all") + carry_out(spec, out, *here)
            )
        found = set()
        for number, (way, call) in enumerate(ways.items()):
            out = folder / str(number)
            found.add(told(way, out, call(out), given.workers))
        print(f"identical results: {'yes' if len(found) == 1 else 'NO'}, in {len(ways)} campaigns")
    print(
        f"a run that does nothing: local pool {per_nothing(LocalPool(given.workers)) * 1e3:.3f} ms"
    )
    with DaskPool.local(given.workers) as pool:
        print(f"                         Dask {per_nothing(pool) * 1e3:.3f} ms")


if __name__ == "__main__":
    main()

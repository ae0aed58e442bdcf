"""How long it takes to go on with a killed run, beside what the whole run takes.

``python benchmarks/resume.py`` carries out examples/ferroelectric.toml (128 x 128 pixels, deep
kernel) with a spectrum more than asked for, cuts its journal off before the last one, and resumes
it several times, each in a process of its own as an operator would. ``until it measures`` ends with
the first new record in the journal, ``all of it`` with run file and report. The resumed run has to
end as the whole one did.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tables import seconds, table

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from spm_auto.data import FILE_NAME, JournalReader, SpectrumAcquired, open_run

EXAMPLES = ROOT / "examples"
PATIENCE = 300.0  # [s]
POLL = 0.005  # [s] how often the journal is looked at


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spectra", type=int, default=200, help="before the run is killed")
    parser.add_argument("--times", type=int, default=3, help="how often it is resumed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        begun = time.perf_counter()
        spm_auto("run", EXAMPLES / "ferroelectric.toml", "--lab", EXAMPLES / "lab_simulator.toml",
                 "--set", f"steps[1].budget={asked.spectra + 1}", "--out", whole)  # fmt: skip
        everything = time.perf_counter() - begun
        cut, size = journal_until(whole, asked.spectra)
        first, last = [], []
        for number in range(asked.times):
            folder = Path(place) / f"resumed {number}"
            folder.mkdir()
            (folder / FILE_NAME).write_bytes(cut)
            until, complete = resume(folder, size)
            first.append(until)
            last.append(complete)
            check_same(whole, folder)
            shutil.rmtree(folder)
    head = (f"{asked.spectra} spectra", "median", "longest", "of the whole run")
    rows = [
        (name, seconds(median(times)), seconds(max(times)), f"{median(times) / everything:.2f}")
        for name, times in (("until it measures", first), ("all of it", last))
    ]
    for line in table(head, [*rows, ("the whole run", seconds(everything), "", "1")]):
        print(line)


def spm_auto(*words: object) -> subprocess.Popen[bytes]:
    """Run the command line to its end."""
    process = start(*words)
    if process.wait(PATIENCE):
        raise SystemExit(f"spm-auto {words[0]} ended with {process.returncode}")
    return process


def start(*words: object) -> subprocess.Popen[bytes]:
    """Start the command line."""
    command = [sys.executable, "-m", "spm_auto", *map(str, words), "--json"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


def journal_until(folder: Path, n: int) -> tuple[bytes, int]:
    """Return the bytes of a journal up to its n-th spectrum, and how many they are."""
    reader = JournalReader(folder / FILE_NAME)
    taken = 0
    for record in reader.poll():
        taken += isinstance(record.event, SpectrumAcquired)
        if taken == n:
            break
    return (folder / FILE_NAME).read_bytes()[: reader.end], reader.end


def resume(folder: Path, size: int) -> tuple[float, float]:
    """Resume a run; return when its journal grew, and when all was done [s]."""
    begun = time.perf_counter()
    process = start("resume", folder)
    while (folder / FILE_NAME).stat().st_size <= size and process.poll() is None:
        time.sleep(POLL)
    until = time.perf_counter() - begun
    if process.wait(PATIENCE):
        raise SystemExit(f"spm-auto resume ended with {process.returncode}")
    return until, time.perf_counter() - begun


def check_same(whole: Path, resumed: Path) -> None:
    """Stop where a resumed run is not what the whole one is."""
    one, other = open_run(whole), open_run(resumed)
    points = [[(d.candidate, d.mean, d.score) for d in run.decisions] for run in (one, other)]
    if repr(points[0]) != repr(points[1]) or one.rewards.tobytes() != other.rewards.tobytes():
        raise SystemExit(f"{resumed} is not the run that it was")


if __name__ == "__main__":
    main()

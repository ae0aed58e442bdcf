"""Workflows against the simulator's truth: all tables of docs/workflows.md, one after another.

    python benchmarks/workflows.py                    all, ten seeds each
    python benchmarks/workflows.py --only b,d --seeds 3

Each part is a program of its own, and may be run alone with more of its options.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PARTS = {
    "a": ("workflow_zoom.py", "zooms against one scale and against a grid: time to the target"),
    "b": ("workflow_drift.py", "an hour of revisits, with and without drift tracking"),
    "c": ("workflow_tuning.py", "scan tuning from bad settings, against a rule"),
    "d": ("workflow_tip.py", "tip rescue, against one recipe over and over"),
    "e": ("workflow_hypothesis.py", "which law holds: pulses chosen, drawn or in turn"),
    "f": ("workflow_plan.py", "the time that was planned, and the time that it took"),
    "g": ("workflow_survey.py", "a composition spread: stage positions chosen, or all"),
}


def main(only: list[str], seeds: int) -> int:
    """Run the parts; returns how many failed."""
    n_failed = 0
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])  # for those run by file
    for part in only:
        program, title = PARTS[part]
        print(f"\n## ({part}) {title}\n", flush=True)
        start = time.perf_counter()
        command = [sys.executable, "-m", f"benchmarks.{Path(program).stem}", "--seeds", str(seeds)]
        done = subprocess.run(command, cwd=HERE.parent, env={**os.environ, "PYTHONPATH": path})
        print(f"\n{program}: {time.perf_counter() - start:.0f} s", flush=True)
        n_failed += done.returncode != 0
    return n_failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), help="letters of the parts")
    parser.add_argument("--seeds", type=int, default=10, help="of each part")
    asked = parser.parse_args()
    parts = asked.only.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    sys.exit(main(parts, asked.seeds))

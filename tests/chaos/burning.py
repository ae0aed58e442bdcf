"""A process that takes all of a core, as a model does that is trained, until it is ended.

    python burning.py [AGENT]

With AGENT it trains that agent over and over, in this process.
"""

import sys
from itertools import count
from pathlib import Path

if __name__ == "__main__":
    root = Path(__file__).parent.parent.parent
    sys.path[:1] = [str(root), str(root / "tests" / "agents")]

import numpy as np
from agents_samples import make_overview, make_spectrum

from spm_auto.agents import make


def train(kind: str) -> None:
    """Train an agent over and over."""
    print("training", flush=True)  # noqa: T201
    for seed in count():
        explorer = make(
            kind, make_overview(), scalarizer=lambda s: float(s.data.max()), seed=seed, initial=4
        )
        rng = np.random.default_rng(seed)
        for proposal in explorer.proposals(30):
            explorer.tell(proposal, make_spectrum(rng.normal(size=16)))


def main() -> None:
    """Burn."""
    if len(sys.argv) > 1:
        train(sys.argv[1])
    print("burning", flush=True)  # noqa: T201
    while True:
        pass


if __name__ == "__main__":
    main()

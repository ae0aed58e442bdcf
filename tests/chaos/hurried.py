"""The command line as it is, but for one thing: a simulated microscope is loaded in no time.

    python hurried.py serve LAB ...

So a test that needs a clock which really runs need not wait for a sample to be brought in.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parent.parent.parent)

from spm_auto import cli
from spm_auto.simulator.clocked import ClockedMicroscope

SOON = 0.05  # [s]


def main() -> None:
    """Carry out the command line."""
    ClockedMicroscope._loading = lambda *_: SOON  # type: ignore[method-assign]
    cli.main()


if __name__ == "__main__":
    main()

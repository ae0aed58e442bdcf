"""The run of a night, as a process that is killed: ``python night_run.py run RECIPE ...``.

It is the command line of spm-auto as it is, but that it kills itself, as ``kill -9`` would, after
it has written the first record at or after each of some instrument times. They stand in the
environment variable ``KILLS``; those that are over, in the file that ``KILLED_FILE`` names.
"""

import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from spm_auto import cli
from spm_auto.data import Event, Journal, Record

KILLS = "SPM_AUTO_NIGHT_KILLS"
KILLED_FILE = "SPM_AUTO_NIGHT_KILLED"


def main() -> None:
    """Carry out the command line, until it is killed."""
    times = [float(time) for time in os.environ.get(KILLS, "").split(",") if time]
    killed = Path(os.environ[KILLED_FILE])
    left = times[len(killed.read_text().split()) if killed.exists() else 0 :]
    append = Journal.append

    def append_and_die(journal: Journal, event: Event, sync: bool = False) -> Record:
        record = append(journal, event, sync)
        if left and record.time >= left[0]:
            with killed.open("a") as file:
                file.write(f"{left[0]}\n")
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        return record

    Journal.append = append_and_die  # type: ignore[method-assign]
    cli.main()


if __name__ == "__main__":
    main()

"""What a window does to a run: it reads the journal that grows. A stand-in that can be mistreated.

    python onlooker.py FOLDER [RECORD]

Says the number of each record that it has read. With RECORD it throws when it comes to that one.
"""

import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parent.parent.parent)

from spm_auto.data import FILE_NAME, JournalReader, RunFinished

TICK = 0.01  # [s]


def main() -> None:
    """Look on until the run is over."""
    journal = Path(sys.argv[1]) / FILE_NAME
    throws_at = int(sys.argv[2]) if len(sys.argv) > 2 else -1
    print("here", flush=True)  # noqa: T201
    while not journal.exists() or journal.stat().st_size == 0:
        time.sleep(TICK)
    reader = JournalReader(journal)
    while True:
        for record in reader.poll():
            if record.number == throws_at:
                raise RuntimeError("an exception in a slot")
            print(record.number, flush=True)  # noqa: T201
            if isinstance(record.event, RunFinished):
                return
        time.sleep(TICK)


if __name__ == "__main__":
    main()

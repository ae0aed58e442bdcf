"""The process that is killed: a command line of spm-auto that says each record it has written.

    python victim.py run RECIPE --lab LAB --out DIR ...

It is the command line as it is, but for one thing: after a record was appended, and before anybody
else is told, a line with its number and a digest of its bytes goes to standard output. What the
command prints goes to standard error.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parent.parent.parent)

from spm_auto import cli
from spm_auto.data import Event, Journal, Record
from spm_auto.data.codec import encode


def digest(record: Record) -> str:
    """Return a digest of all that the journal holds of a record, to the last bit."""
    import hashlib

    header, body = encode(record)
    return hashlib.blake2b(header + body, digest_size=12).hexdigest()


def main() -> None:
    """Carry out the command line."""
    told = os.dup(1)
    os.dup2(2, 1)
    append = Journal.append

    def append_and_tell(journal: Journal, event: Event, sync: bool = False) -> Record:
        record = append(journal, event, sync)
        os.write(told, f"{record.number} {digest(record)}\n".encode())
        return record

    Journal.append = append_and_tell  # type: ignore[method-assign]
    cli.main()


if __name__ == "__main__":
    main()

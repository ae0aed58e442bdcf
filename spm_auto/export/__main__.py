"""The child process that writes event files: ``python -m spm_auto.export JOURNAL FOLDER``."""

import sys
from pathlib import Path

from ..data import open_run, write_run_file
from ..errors import DataError
from .event_files import parts_of

if __name__ == "__main__":
    try:
        for name, part in parts_of(open_run(sys.argv[1])):
            write_run_file(part, Path(sys.argv[2]) / name)
    except (DataError, OSError, RuntimeError) as error:  # h5py raises the last for a full disk
        sys.exit(" ".join(str(error).split()))

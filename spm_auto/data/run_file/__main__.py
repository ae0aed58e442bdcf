"""The child process that writes a run file: ``python -m spm_auto.data.run_file JOURNAL PART``."""

import sys
from pathlib import Path

from ...errors import DataError
from ..reader import open_run
from .writing import write

if __name__ == "__main__":
    try:
        write(open_run(Path(sys.argv[1])), Path(sys.argv[2]))
    except (DataError, OSError, RuntimeError) as error:  # h5py raises the last for a full disk
        sys.exit(" ".join(str(error).split()))

"""The child process that writes a run file: ``python -m spm_auto.data.run_file JOURNAL PART``."""

import gc
import os
import sys
from pathlib import Path

from ...errors import DataError
from ..reader import open_run
from .writing import write

if __name__ == "__main__":
    gc.disable()  # no rings are made here, and looking for them takes a seventh of the time
    try:
        write(open_run(Path(sys.argv[1])), Path(sys.argv[2]))
    except (DataError, OSError, RuntimeError) as error:  # h5py raises the last for a full disk
        sys.exit(" ".join(str(error).split()))
    os._exit(0)  # the file is closed; to give everything back bit by bit takes a twentieth more

"""The run file: one HDF5 file made from the journal, which is NeXus and NSID at once."""

from .consolidation import RUN_FILE_NAME, consolidate
from .layout import SCHEMA_VERSION
from .reading import is_run_file, read_records

__all__ = ["RUN_FILE_NAME", "SCHEMA_VERSION", "consolidate", "is_run_file", "read_records"]

"""Files of other programs, read into this project's own values, and never trusted."""

from .data_file import DataFile
from .nsid_axes import Axis, read_axis, x_and_y
from .reading import open_file
from .si import in_si
from .strangers import CheckedFile, as_text, open_hdf5

__all__ = [
    "Axis",
    "CheckedFile",
    "DataFile",
    "as_text",
    "in_si",
    "open_file",
    "open_hdf5",
    "read_axis",
    "x_and_y",
]

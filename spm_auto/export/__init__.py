"""Export: a run as files that other programs open, and the writers of those, for scripts.

>>> export(open_run("runs/demo"), "gwy")
>>> write_sxm("overview.sxm", overview)
"""

from .dat import write_dat
from .documents import documents_of, write_documents
from .event_files import write_event_files
from .gwy import write_gwy
from .origin import Origin
from .pictures import write_image_picture, write_points_picture, write_spectra_picture
from .records import write_records
from .run import FORMATS, export
from .sxm import write_sxm
from .tables import write_image_table, write_point_table, write_spectra_table

__all__ = [
    "FORMATS",
    "Origin",
    "documents_of",
    "export",
    "write_dat",
    "write_documents",
    "write_event_files",
    "write_gwy",
    "write_image_picture",
    "write_image_table",
    "write_point_table",
    "write_points_picture",
    "write_records",
    "write_spectra_picture",
    "write_spectra_table",
    "write_sxm",
]

"""An RHK R9 with its program: text commands over TCP, data in files."""

from .settings import RhkEmulatorSettings
from .sm4 import Conditions, images_bytes, spectra_bytes

__all__ = ["Conditions", "RhkEmulatorSettings", "images_bytes", "spectra_bytes"]

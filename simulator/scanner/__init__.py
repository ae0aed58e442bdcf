"""The scanner: from the place that the tip is sent to, to the place where it really is."""

from .scanner import Scanner, ScannerState
from .settings import ScannerSettings

__all__ = ["Scanner", "ScannerSettings", "ScannerState"]

"""The emulated Nanonis controller: a simulated microscope behind the Nanonis TCP interface."""

from .settings import NanonisEmulatorSettings

__all__ = ["NanonisEmulatorSettings"]

"""A fake Igor with Asylum's panels, told by command files or through ZeroMQ-XOP."""

from .igor import FakeIgor
from .settings import AsylumEmulatorSettings

__all__ = ["AsylumEmulatorSettings", "FakeIgor"]

"""The SR830 lock-in amplifier over a serial line, measuring a simulated junction."""

from .amplifier import Amplifier, Wiring
from .settings import LockInService, Sr830EmulatorSettings, lock_in_over

__all__ = ["Amplifier", "LockInService", "Sr830EmulatorSettings", "Wiring", "lock_in_over"]

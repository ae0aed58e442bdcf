"""The SR830 lock-in amplifier, which measures dI/dV for drivers that have no lock-in themselves."""

from .lock_in import Demodulated, LockIn
from .settings import LockInSettings

__all__ = ["Demodulated", "LockIn", "LockInSettings"]

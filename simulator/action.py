"""Action: one instruction of a microscope in progress."""

import threading

from spm_auto.errors import EmergencyStopped, Stopped
from spm_auto.instrument import BiasWaveform


class Action:
    """One instruction in progress, and the flag that ends it.

    Attributes:
        number: How many instructions were begun before it.
        stop: Set when it must end.
        is_emergency: Whether it ends because the tip was withdrawn.
        sweep: Start [s] and waveform of the sweep going on, for reading the bias back.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.stop = threading.Event()
        self.is_emergency = False
        self.sweep: tuple[float, BiasWaveform] | None = None

    def check(self) -> None:
        """Raise what ends the instruction when somebody asked for it."""
        if self.stop.is_set():
            if self.is_emergency:
                raise EmergencyStopped("the tip was withdrawn; load() readies the instrument again")
            raise Stopped("the instruction was interrupted")

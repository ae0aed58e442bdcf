"""SignalMap: the 128 signals of the controller, and which of our channels each of them is."""

from spm_auto.instrument import AcquireForceCurve, Capabilities, Channel

COUNT = 128
SLOTS = 24  # of the Signals Manager, in old releases
BIAS, X, Y, Z = 24, 27, 28, 30
CURRENT, FIRST_OTHER = 0, 72
# names that every script looks for; other channels are called as they are, after these
PLACES = {"current": (CURRENT, "Current"), "height": (Z, "Z"), "didv": (86, "LI Demod 1 X")}
FORCE = Channel("force", "N")


class SignalMap:
    """Numbers and names of the signals.

    Args:
        capabilities: Of the microscope behind the controller.
        by_slot: Whether scans and spectra name signals by slot, as old releases do.

    Attributes:
        names: Of all signals, with their units; all different.
        channels: Those that are measured, by signal.
        signals: The signal of each channel, by the channel's name.
        slots: The signals in the slots.
    """

    def __init__(self, capabilities: Capabilities, by_slot: bool = False) -> None:
        self.by_slot = by_slot
        channels = [*capabilities.image_channels, *capabilities.spectrum_channels]
        if AcquireForceCurve in capabilities.instructions:
            channels.append(FORCE)
        self.channels: dict[int, Channel] = {}
        self.signals: dict[str, int] = {}
        titles = {BIAS: "Bias (V)", X: "X (m)", Y: "Y (m)"}
        free = iter(range(FIRST_OTHER, COUNT))
        for channel in channels:
            if channel.name in self.signals:
                continue
            title = channel.name.replace("_", " ").capitalize()
            place = PLACES.get(channel.name)
            index, title = place or (next(free), title)
            self.channels[index], self.signals[channel.name] = channel, index
            titles[index] = f"{title} ({channel.unit})"
        self.names = tuple(titles.get(i, f"Input {i + 1} (V)") for i in range(COUNT))
        first = [*self.channels, BIAS, X, Y]
        rest = [i for i in range(COUNT) if i not in first]
        self.slots = tuple([*first, *rest][:SLOTS])
        self.images = tuple(self.signals[c.name] for c in capabilities.image_channels)
        self.spectra = tuple(self.signals[c.name] for c in capabilities.spectrum_channels)

    def signal(self, number: int) -> int:
        """Return the signal that a scan or a spectrum means by a number.

        Raises:
            ValueError: There is none.
        """
        most = SLOTS if self.by_slot else COUNT
        if not 0 <= number < most:
            raise ValueError(f"a channel is 0 to {most - 1}, got {number}")
        return self.slots[number] if self.by_slot else number

    def number(self, signal: int) -> int:
        """Return the number by which a scan or a spectrum means a signal."""
        return self.slots.index(signal) if self.by_slot else signal

    def check(self, index: int) -> int:
        """Return the index of a signal.

        Raises:
            ValueError: There is none.
        """
        if not 0 <= index < COUNT:
            raise ValueError(f"a signal is 0 to {COUNT - 1}, got {index}")
        return index

    def measured(self, numbers: tuple[int, ...], known: tuple[int, ...], what: str) -> list[int]:
        """Return the signals that are recorded for numbers.

        Raises:
            ValueError: One of them is not measured by the simulated microscope.
        """
        signals = [self.signal(number) for number in numbers]
        for signal in signals:
            if signal not in known:
                names = ", ".join(self.names[i] for i in known)
                raise ValueError(
                    f"the simulated microscope cannot record {self.names[signal]} in {what}; "
                    f"it can record {names}"
                )
        return signals

    def title(self, signal: int, mark: str = "") -> str:
        """Return a signal's name with a mark before its unit, such as ``Current [bwd] (A)``."""
        name, _, unit = self.names[signal].rpartition(" (")
        return f"{name} {mark} ({unit}" if mark else self.names[signal]

    def column(self, signal: int) -> Channel:
        """Return a signal as a channel of a file."""
        name, _, unit = self.names[signal].rpartition(" (")
        return Channel(name, unit.rstrip(")"))

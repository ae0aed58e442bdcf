"""What is measured: a spectrum where the probe was sent, and an image."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..agents import scalar_of
from ..errors import SpmError
from ..instrument import AcquireSpectrum, BiasWaveform, Channel, Scan, ScanFrame, Spectrum
from ..script import RunImage
from .probe import Device, Place, Reading
from .status import Status


class Detector(Device):
    """What both detectors have in common: they are staged, and what goes on ends after the plan."""

    def stage(self) -> list[Device]:
        """Be made ready: there is nothing to be done."""
        return [self]

    def unstage(self) -> list[Device]:
        """End what the plan has left unfinished."""
        self._place.worker.halt(True, "end of the plan")
        return [self]

    def _array(self, what: str, channel: Channel, shape: list[int], dims: list[str]) -> Any:
        key = self._number(what, channel.unit)
        return {**key, "dtype": "array", "shape": shape, "dims": dims}

    def _text(self, what: str) -> Any:
        key = self._number(what, "")
        return {name: key[name] for name in ("source", "shape")} | {"dtype": "string"}

    def _nothing(self) -> SpmError:
        return SpmError(f"{self.name} has measured nothing since it was triggered")


class SpectrumDetector(Detector):
    """Sweeps the bias where the probe was sent last.

    Args:
        name: Its name.
        place: Where the probe is.
        waveform: What it sweeps; `prepare` gives another.
        worth: Numbers that a spectrum is turned into: scalarizers of agents, by name.

    Attributes:
        last: The last spectrum; None before the first, and while one is taken.
    """

    def __init__(
        self, name: str, place: Place, waveform: BiasWaveform, worth: Mapping[str, Any]
    ) -> None:
        super().__init__(name, place)
        self._waveform, self._worth = waveform, worth
        self._when = 0.0
        self.last: Spectrum | None = None

    @property
    def hints(self) -> dict[str, Any]:
        """What is worth a look: what the spectrum is worth, where that was asked for."""
        return {"fields": [f"{self.name}_{worth}" for worth in self._worth]}

    def prepare(self, value: BiasWaveform) -> Status:
        """Sweep something else from now on."""

        def take() -> None:
            self._waveform = value

        return self._place.worker.submit(take)

    def trigger(self) -> Status:
        """Take a spectrum where the probe was sent last."""
        self.last = None
        instruction = AcquireSpectrum(*self._place.target, self._waveform)

        def acquire() -> None:
            spectrum = self._place.run.runner.perform(instruction)
            assert isinstance(spectrum, Spectrum)  # the runner has looked
            self.last, self._when = spectrum, self._place.now()

        return self._place.worker.submit(acquire)

    def read(self) -> dict[str, Reading]:
        """Return the last spectrum.

        Raises:
            SpmError: There is none since the last trigger.
        """
        spectrum = self.last
        if spectrum is None:
            raise self._nothing()
        values: dict[str, Any] = {"bias": spectrum.bias}
        for channel, data in zip(spectrum.channels, spectrum.data, strict=True):
            values[channel.name] = data
        values |= {"x": spectrum.x, "y": spectrum.y, "time": spectrum.start_time}
        values["flags"] = "; ".join(map(str, spectrum.flags))
        values |= {name: scalar_of(spectrum, by, name).value for name, by in self._worth.items()}
        named = {f"{self.name}_{name}": value for name, value in values.items()}
        return self._readings(named, self._when)

    def describe(self) -> dict[str, Mapping[str, Any]]:
        """Say what `read` returns."""
        channels = self._place.run.runner.instrument.capabilities.spectrum_channels
        shape = [len(self._waveform.values)]
        keys = {"bias": self._array("bias", Channel("bias", "V"), shape, ["point"])}
        for channel in channels:
            keys[channel.name] = self._array(channel.name, channel, shape, ["point"])
        for axis in "xy":
            keys[axis] = self._number(f"{axis} read back", "m")
        keys["time"] = self._number("instrument time", "s")
        keys["flags"] = self._text("what the instrument found wrong with the spectrum")
        for name, by in self._worth.items():
            unit = "" if self.last is None else scalar_of(self.last, by, name).unit
            keys[name] = self._number(f"scalarizer {name}", unit)
        return {f"{self.name}_{name}": key for name, key in keys.items()}

    def read_configuration(self) -> dict[str, Reading]:
        """Return how the waveform is run."""
        dwell, cycles = self._waveform.dwell, self._waveform.cycles
        return self._readings({f"{self.name}_dwell": dwell, f"{self.name}_cycles": float(cycles)})

    def describe_configuration(self) -> dict[str, Mapping[str, Any]]:
        """Say what `read_configuration` returns."""
        return {
            f"{self.name}_dwell": self._number("time at each bias", "s"),
            f"{self.name}_cycles": self._number("how often the waveform is run", ""),
        }


class ImageDetector(Detector):
    """Scans a frame and gives its images, one array for each channel and way.

    Args:
        name: Its name.
        place: Where the probe is.
        scan: What it scans; `prepare` gives another.

    Attributes:
        last: The last image; None before the first, and while one is scanned. An agent that is made
            from it is recorded by the run.
    """

    hints: Mapping[str, Any] = {"fields": []}

    def __init__(self, name: str, place: Place, scan: Scan) -> None:
        super().__init__(name, place)
        self._scan = scan
        self._when = 0.0
        self.last: RunImage | None = None

    def prepare(self, value: Scan | ScanFrame) -> Status:
        """Scan something else from now on, or another frame in the same way."""
        scan = replace(self._scan, frame=value) if isinstance(value, ScanFrame) else value

        def take() -> None:
            self._scan = scan

        return self._place.worker.submit(take)

    def trigger(self) -> Status:
        """Scan the frame."""
        self.last = None
        scan = self._scan

        def acquire() -> None:
            self.last, self._when = self._place.run.image(scan), self._place.now()

        return self._place.worker.submit(acquire)

    def read(self) -> dict[str, Reading]:
        """Return the last image, arrays of shape [line, pixel], line 0 at the lower edge.

        Raises:
            SpmError: There is none since the last trigger.
        """
        image = self.last
        if image is None:
            raise self._nothing()
        values = {
            f"{self.name}_{channel.name}_{way}": stack[index]
            for index, channel in enumerate(image.channels)
            for way, stack in (("forward", image.forward), ("backward", image.backward))
        }
        return self._readings({**values, f"{self.name}_time": image.start_time}, self._when)

    def describe(self) -> dict[str, Mapping[str, Any]]:
        """Say what `read` returns."""
        channels = self._place.run.runner.instrument.capabilities.channels_of(self._scan)
        shape = [*self._scan.frame.shape]
        keys = {
            f"{self.name}_{channel.name}_{way}": self._array(
                f"{channel.name}, {way}", channel, shape, ["line", "pixel"]
            )
            for channel in channels
            for way in ("forward", "backward")
        }
        return {**keys, f"{self.name}_time": self._number("instrument time", "s")}

    def read_configuration(self) -> dict[str, Reading]:
        """Return where the frame lies, and how fast it is scanned."""
        frame = self._scan.frame
        values = {
            "center_x": frame.center[0],
            "center_y": frame.center[1],
            "width": frame.size[0],
            "height": frame.size[1],
            "angle": frame.angle,
            "line_rate": self._scan.line_rate,
        }
        return self._readings({f"{self.name}_{name}": value for name, value in values.items()})

    def describe_configuration(self) -> dict[str, Mapping[str, Any]]:
        """Say what `read_configuration` returns."""
        units = dict.fromkeys(("center_x", "center_y", "width", "height"), "m")
        units |= {"angle": "rad", "line_rate": "Hz"}
        named = {name: name.replace("_", " ") for name in units}
        return {f"{self.name}_{n}": self._number(f"frame, {named[n]}", u) for n, u in units.items()}

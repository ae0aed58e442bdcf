"""What an instrument gives back: scan lines, images and spectra, with units and quality flags."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from .frame import FloatArray, ScanFrame

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Channel:
    """One measured quantity.

    Attributes:
        name: Its name, such as ``height``, ``amplitude``, ``phase``, ``current``.
        unit: SI unit, "1" for a pure number, "a.u." for what is not calibrated.
    """

    name: str
    unit: str


class QualityFlag(StrEnum):
    """What the instrument itself found wrong with a spectrum."""

    NOT_FINITE = "not finite"
    SATURATED = "saturated"
    NOT_SETTLED = "feedback not settled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, eq=False)
class ScanLine:
    """One line of a raster, measured there and back.

    Attributes:
        index: Which line of the frame, 0 at the lower edge.
        forward: Values left to right, shape [channel, pixel].
        backward: Values of the way back, stored by position too: shape [channel, pixel].
        time: Instrument time at the line's end [s].
    """

    index: int
    forward: FloatArray
    backward: FloatArray
    time: float


@dataclass(frozen=True, slots=True, eq=False)
class ScanImage:
    """A frame that was scanned, complete or not; lines that are missing are NaN.

    Attributes:
        frame: Where it lies.
        channels: What was measured.
        forward: Stack of images, shape [channel, line, pixel], line 0 at the lower edge.
        backward: The same of the way back.
        start_time: Instrument time at the start [s].
        end_time: Instrument time at the end [s].
    """

    frame: ScanFrame
    channels: tuple[Channel, ...]
    forward: FloatArray
    backward: FloatArray
    start_time: float
    end_time: float

    def __post_init__(self) -> None:
        shape = (len(self.channels), *self.frame.shape)
        for name, stack in (("forward", self.forward), ("backward", self.backward)):
            if stack.shape != shape:
                raise ValueError(f"{name} has shape {stack.shape}, the frame needs {shape}")

    @property
    def is_complete(self) -> bool:
        """Whether every line was measured."""
        return not bool(np.isnan(self.forward).all(axis=(0, 2)).any())

    def channel(self, name: str = "", backward: bool = False) -> FloatArray:
        """Return one channel's image, shape [line, pixel].

        Args:
            name: The channel; empty for the first one.
            backward: Whether the way back is wanted.

        Raises:
            ValueError: There is no such channel.
        """
        names = [channel.name for channel in self.channels]
        if name and name not in names:
            raise ValueError(f"the image has no channel {name!r}; it has {', '.join(names)}")
        stack = self.backward if backward else self.forward
        image: FloatArray = stack[names.index(name) if name else 0]
        return image

    def plot(self, channel: str = "", backward: bool = False, ax: "Axes | None" = None) -> "Axes":
        """Draw one channel with units, scale bar and colour bar; a notebook shows the axes."""
        from ..plotting import plot_image

        image = self.channel(channel, backward)
        names = [c.name for c in self.channels]
        shown = self.channels[names.index(channel) if channel else 0]
        return plot_image(image, self.frame, shown, ax=ax)


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Channels against bias at one point of the sample.

    Attributes:
        x: Where the probe stood, as read back [m].
        y: Where the probe stood, as read back [m].
        bias: The bias of each point [V], shape [point].
        channels: What was measured.
        data: Values, shape [channel, point]; missing is NaN.
        start_time: Instrument time at the start [s].
        end_time: Instrument time at the end [s].
        flags: What the instrument found wrong with it.
    """

    x: float
    y: float
    bias: FloatArray
    channels: tuple[Channel, ...]
    data: FloatArray
    start_time: float
    end_time: float
    flags: tuple[QualityFlag, ...] = field(default=())

    def __post_init__(self) -> None:
        shape = (len(self.channels), len(self.bias))
        if self.data.shape != shape:
            raise ValueError(f"data has shape {self.data.shape}, the spectrum needs {shape}")

    def channel(self, name: str = "") -> FloatArray:
        """Return one channel's values, shape [point]; without a name the first channel's.

        Raises:
            ValueError: There is no such channel.
        """
        names = [channel.name for channel in self.channels]
        if name and name not in names:
            raise ValueError(f"the spectrum has no channel {name!r}; it has {', '.join(names)}")
        values: FloatArray = self.data[names.index(name) if name else 0]
        return values

    def plot(self, channel: str = "", ax: "Axes | None" = None, **style: Any) -> "Axes":
        """Draw one channel against bias, with units; a notebook shows the axes."""
        from ..plotting import plot_spectrum

        return plot_spectrum(self, channel, ax=ax, **style)


@dataclass(frozen=True, slots=True, eq=False)
class ForceCurve:
    """Force against distance at one point of the sample, down and up again.

    Attributes:
        x: Where the probe stood, as read back [m].
        y: Where the probe stood, as read back [m].
        extension: Of the z piezo from the ramp's start towards the sample [m], shape [point].
        channels: What was measured.
        approach: Values on the way down, shape [channel, point].
        retract: Values on the way up, by extension too, shape [channel, point].
        start_time: Instrument time at the start [s].
        end_time: Instrument time at the end [s].
        flags: What the instrument found wrong with it.
    """

    x: float
    y: float
    extension: FloatArray
    channels: tuple[Channel, ...]
    approach: FloatArray
    retract: FloatArray
    start_time: float
    end_time: float
    flags: tuple[QualityFlag, ...] = field(default=())

    def __post_init__(self) -> None:
        shape = (len(self.channels), len(self.extension))
        for name, data in (("approach", self.approach), ("retract", self.retract)):
            if data.shape != shape:
                raise ValueError(f"{name} has shape {data.shape}, the curve needs {shape}")

    def plot(self, channel: str = "", ax: "Axes | None" = None, **style: Any) -> "Axes":
        """Draw one channel against the extension, with units; a notebook shows the axes."""
        from ..plotting import plot_force_curve

        return plot_force_curve(self, channel, ax=ax, **style)


Measured = Spectrum | ForceCurve  # at one point of the sample

"""ReplayMicroscope: a measured map of spectra behind the instrument's words."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from spm_auto.clock import Clock
from spm_auto.data import FILE_NAME
from spm_auto.errors import DataError, Unsupported
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    Channel,
    DataFile,
    FloatArray,
    InstrumentSettings,
    Scan,
    Spectrum,
)
from spm_auto.units import Bias, Duration, format

from .checks import positive
from .clocked import ClockedMicroscope, LinePair
from .recording import Recording, read_recording
from .timing import Point, Timing

Indices = NDArray[np.intp]

BIAS_TOLERANCE = 1e-3  # [V] by which a waveform may differ from the recorded one
SATURATED = 0.8  # share of the largest bias beyond which a loop is taken as saturated


class ReplaySettings(InstrumentSettings):
    """A recorded map of spectra, measured again.

    Attributes:
        file: An NSID file (HDF5).
        dataset: Path of the data set in the file; without it the only map of spectra is taken.
        spectrum_channel: What the recorded quantity is called.
        loop_time: How long a spectrum takes [s].
        slice_bias: Bias of an additional image channel, ``response_at_bias`` [V].
    """

    is_simulated: ClassVar[bool] = True

    kind: Literal["replay"] = "replay"
    file: DataFile
    dataset: str | None = None
    spectrum_channel: str = "piezoresponse"
    loop_time: Annotated[Duration, positive("s")] = 1.2
    slice_bias: Bias | None = None

    def open(self, clock: Clock, seed: int) -> "ReplayMicroscope":  # noqa: ARG002  nothing is random
        """Read the file.

        Raises:
            DataError: It is missing, damaged, or holds no map of spectra.
        """
        if (self.file / FILE_NAME).is_file() or self.file.suffix == Path(FILE_NAME).suffix:
            raise DataError(
                f"{self.file}: this is a run and no map of spectra; an instrument of the kind "
                "'replay_run' replays it"
            )
        return ReplayMicroscope(
            recording=read_recording(self.file, self.dataset),
            timing=Timing(spectrum=self.loop_time),
            clock=clock,
            spectrum_channel=self.spectrum_channel,
            slice_bias=self.slice_bias,
        )


class ReplayMicroscope(ClockedMicroscope):
    """An `Instrument` that gives back what was measured once, at the sites where it was measured.

    The probe stands on recorded sites only: sent anywhere, it goes to the nearest one and reads
    that back. A spectrum is the recorded one of the site, untouched; measured again it is the same
    again. Only the recorded bias waveform can be run: its values are compared, within 1 mV; dwell
    and cycles are as recorded and not compared.

    There is no separate image in such a file, so images are made of the spectra. Whoever tests an
    agent must know what they give away: ``first_point`` is the value before anything was switched,
    ``mean_response`` the mean over the spectrum, ``saturation_amplitude`` half the difference of
    the medians at positive and at negative saturation (beyond 80 % of the largest bias), and
    ``response_at_bias`` the value where the spectrum first comes closest to a chosen bias. A pixel
    shows the nearest site, forward and backward alike. What is NaN in the file is NaN here.

    Args:
        recording: What was measured.
        timing: How long everything takes.
        clock: Where that time passes.
        spectrum_channel: What the recorded quantity is called.
        slice_bias: Bias of the channel ``response_at_bias`` [V]; None for no such channel.

    Raises:
        DataError: The bias of the slice was not recorded.
    """

    def __init__(
        self,
        recording: Recording,
        timing: Timing,
        clock: Clock,
        spectrum_channel: str = "piezoresponse",
        slice_bias: float | None = None,
    ) -> None:
        x, y = recording.x, recording.y
        super().__init__(timing, clock, (float(x[len(x) // 2]), float(y[len(y) // 2])))
        self._recording = recording
        self._images = _images(recording, slice_bias)
        across, up = recording.pitch
        self._capabilities = Capabilities(
            name=f"replay of {recording.source}",
            image_channels=tuple(Channel(name, recording.unit) for name in self._images),
            spectrum_channels=(Channel(spectrum_channel, recording.unit),),
            x_range=(float(x.min()) - across / 2, float(x.max()) + across / 2),
            y_range=(float(y.min()) - up / 2, float(y.max()) + up / 2),
            bias_range=(float(recording.bias.min()), float(recording.bias.max())),
            position_accuracy=math.hypot(across, up) / 2,
            is_simulated=True,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return self._capabilities

    def _site(self, x: float, y: float, waveform: BiasWaveform | None = None) -> Point:  # noqa: ARG002
        row, column = self._nearest(np.array([x]), np.array([y]))
        return float(self._recording.x[column[0]]), float(self._recording.y[row[0]])

    def _check_waveform(self, waveform: BiasWaveform) -> None:
        check_bias(self._recording.bias, waveform)

    def _lines(self, scan: Scan, number: int) -> Callable[[int, float], LinePair]:  # noqa: ARG002
        images = [self._images[name] for name in scan.channels or self._images]

        def read(line: int, began: float) -> LinePair:  # noqa: ARG001
            place = self._nearest(*scan.frame.line_positions(line))
            values = np.stack([image[place] for image in images])
            return values, values.copy()

        return read

    def _spectrum(
        self,
        at: Point,
        instruction: AcquireSpectrum,  # noqa: ARG002
        number: int,  # noqa: ARG002
        start: float,
    ) -> Spectrum:
        row, column = self._nearest(np.array(at[:1]), np.array(at[1:]))
        data = self._recording.values[row[0], column[0]][np.newaxis].copy()
        bias, channels = self._recording.bias.copy(), self._capabilities.spectrum_channels
        return Spectrum(*at, bias, channels, data, start, start)

    def _nearest(self, x: FloatArray, y: FloatArray) -> tuple[Indices, Indices]:
        """Return row and column of the site nearest to each point [m], shape (n,)."""
        row = np.argmin(np.abs(self._recording.y[:, np.newaxis] - y), axis=0)
        column = np.argmin(np.abs(self._recording.x[:, np.newaxis] - x), axis=0)
        return row, column


def check_bias(recorded: FloatArray, waveform: BiasWaveform) -> None:
    """Refuse a waveform that does not step through the recorded biases [V], shape [point].

    Raises:
        Unsupported: It is longer or shorter, or a point differs by more than `BIAS_TOLERANCE`.
    """
    if len(waveform.values) != len(recorded):
        raise Unsupported(
            f"the recorded waveform has {len(recorded)} points, not {len(waveform.values)}"
        )
    off = np.abs(waveform.bias - recorded)
    worst = int(np.argmax(off))
    if not off[worst] <= BIAS_TOLERANCE:  # NaN is none of them
        raise Unsupported(
            f"point {worst} of the recorded waveform is at {format(recorded[worst], 'V', 6)}, "
            f"not {format(waveform.values[worst], 'V', 6)}; only what was recorded can be run"
        )


def _images(recording: Recording, slice_bias: float | None) -> dict[str, FloatArray]:
    values, bias = recording.values, recording.bias
    upper = bias >= SATURATED * bias.max()
    lower = bias <= SATURATED * bias.min()
    images = {
        "mean_response": values.mean(axis=2),
        "first_point": values[:, :, 0],
        "saturation_amplitude": (
            np.median(values[:, :, upper], axis=2) - np.median(values[:, :, lower], axis=2)
        )
        / 2,
    }
    if slice_bias is not None:
        nearest = int(np.argmin(np.abs(bias - slice_bias)))
        step = float(np.max(np.abs(np.diff(bias)), initial=0.0))
        if abs(bias[nearest] - slice_bias) > step:
            raise DataError(
                f"{recording.source}: there is no bias near {format(slice_bias, 'V')}; it goes "
                f"from {format(float(bias.min()), 'V', 4)} to {format(float(bias.max()), 'V', 4)}"
            )
        images["response_at_bias"] = values[:, :, nearest]
    return images

"""PfmTechnique: asks a piezoelectric sample, and reads it as an instrument would."""

from typing import TYPE_CHECKING, Any

import numpy as np

from spm_auto.instrument import BiasWaveform, Channel, FloatArray, Scan

from ...path import Path
from ...randomness import RandomStreams
from ...samples import PiezoSample, View
from ...timing import Point
from ...tip import TipSettings
from ..protocol import Imaging, LinePair, Technique
from .readout import PiezoresponseReadout

if TYPE_CHECKING:
    from .settings import PfmSettings


class PfmTechnique(Technique):
    """A conducting tip in contact with a piezoelectric sample.

    Args:
        settings: Tip, drive and noise.
        sample: What lies under the tip.
        streams: Where the noise comes from.
    """

    def __init__(
        self, settings: "PfmSettings", sample: PiezoSample, streams: RandomStreams
    ) -> None:
        self._settings = settings
        self._sample = sample
        self._streams = streams
        self._readout = PiezoresponseReadout(
            settings.drive, sample.contact_resonance, settings.noise
        )

    @property
    def image_channels(self) -> tuple[Channel, ...]:
        """Channels of a scan."""
        return self._readout.image_channels

    @property
    def spectrum_channels(self) -> tuple[Channel, ...]:
        """Channels of a spectrum."""
        return self._readout.spectrum_channels

    @property
    def bias_limit(self) -> float:
        """Range of the bias source, both ways [V]."""
        return self._settings.limit

    @property
    def tip(self) -> TipSettings:
        """What touches the sample."""
        return self._settings.tip

    def begin_scan(self, scan: Scan, number: int) -> Imaging:  # noqa: ARG002
        """Freeze the domains as the tip finds them now."""
        view = self._sample.view(self._settings.tip)
        return _PfmImaging(view, self._readout, self._streams, number)

    def spectrum(
        self,
        at: Point,
        waveform: BiasWaveform,
        number: int,
        time: float,  # noqa: ARG002
    ) -> FloatArray:
        """Switch the film and read a loop."""
        response = self._sample.sweep(*at, waveform, self._settings.tip)
        contact = self._sample.contact(*at)
        noise = self._streams.stream("spectrum", number)
        return self._readout.spectrum(response, contact, waveform, noise)[np.newaxis]

    def break_off(self, at: Point, waveform: BiasWaveform, points: int) -> None:
        """Switch the film as far as the sweep came."""
        self._sample.sweep(*at, waveform, self._settings.tip, points)

    def snapshot(self) -> Any:
        """Return the sample's state."""
        return self._sample.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot."""
        self._sample.restore(snapshot)


class _PfmImaging:
    """One scan in progress."""

    def __init__(
        self, view: View, readout: PiezoresponseReadout, streams: RandomStreams, number: int
    ) -> None:
        self._view = view
        self._readout = readout
        self._forward = streams.stream("forward", number)
        self._backward = streams.stream("backward", number)
        self._jumps = streams.stream("line jumps", number)

    def line(self, path: Path) -> LinePair:
        """Measure one line."""
        jump = self._jumps.standard_normal()
        lag = self._readout.noise.lag / path.dt  # in samples
        signals = self._view.at(*(_delayed(along, lag) for along in (path.x, path.y)))
        pixel_time = path.dt * path.per_pixel
        piezoresponse = path.by_pixel(signals.piezoresponse)
        height = path.by_pixel(signals.height + path.z)
        return (
            self._stack(piezoresponse[0], height[0], pixel_time, jump, self._forward),
            self._stack(piezoresponse[1], height[1], pixel_time, jump, self._backward),
        )

    def _stack(
        self,
        piezoresponse: FloatArray,
        height: FloatArray,
        pixel_time: float,
        jump: float,
        rng: np.random.Generator,
    ) -> FloatArray:
        channels = self._readout.line(piezoresponse, height, pixel_time, jump, rng)
        return np.stack([channels[channel.name] for channel in self._readout.image_channels])


def _delayed(along: FloatArray, lag: float) -> FloatArray:
    """Return a coordinate as it was some samples ago; before the line it stood at its start."""
    if not lag:
        return along
    index = np.arange(len(along), dtype=float)
    return np.asarray(np.interp(index - lag, index, along))

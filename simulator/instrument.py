"""SimulatedMicroscope: a piezoresponse force microscope over a simulated sample."""

from collections.abc import Callable

import numpy as np

from spm_auto.clock import Clock
from spm_auto.instrument import BiasWaveform, Capabilities, FloatArray, Scan

from .clocked import ClockedMicroscope, LinePair
from .randomness import RandomStreams
from .readout import PiezoresponseReadout
from .samples import Sample
from .timing import Point, Timing
from .tip import TipSettings

POSITION_ACCURACY = 1e-12  # [m]: the scanner is closed-loop and goes where it is sent


class SimulatedMicroscope(ClockedMicroscope):
    """An `Instrument` that asks a sample what it answers, and shows it as an instrument would.

    Each part can be exchanged on its own. With every layer of the readout's noise off the channels
    are the sample's answers to the last bit. A spectrum switches the sample for good; `load` does
    not bring a new one.

    Args:
        sample: What lies under the tip.
        tip: What touches it.
        readout: What turns its answers into channels.
        timing: How long everything takes.
        clock: Where that time passes.
        streams: Where the noise comes from.
        bias_limit: Range of the bias source, both ways [V].
    """

    def __init__(
        self,
        sample: Sample,
        tip: TipSettings,
        readout: PiezoresponseReadout,
        timing: Timing,
        clock: Clock,
        streams: RandomStreams,
        bias_limit: float,
    ) -> None:
        super().__init__(timing, clock)
        self._sample = sample
        self._tip = tip
        self._readout = readout
        self._streams = streams
        self._capabilities = Capabilities(
            name=f"simulated {sample.name}",
            image_channels=readout.image_channels,
            spectrum_channels=readout.spectrum_channels,
            x_range=sample.x_range,
            y_range=sample.y_range,
            bias_range=(-bias_limit, bias_limit),
            position_accuracy=POSITION_ACCURACY,
            is_simulated=True,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return self._capabilities

    def _lines(self, scan: Scan, number: int) -> Callable[[int], LinePair]:
        view = self._sample.view(self._tip)
        forward_noise = self._streams.stream("forward", number)
        backward_noise = self._streams.stream("backward", number)
        jumps = self._streams.stream("line jumps", number)
        frame, readout = scan.frame, self._readout
        names = [channel.name for channel in self._capabilities.channels_of(scan)]
        pixel_time = 1 / (2 * scan.line_rate * frame.pixels[0])
        behind = readout.noise.lag / pixel_time  # in pixels

        def read_one_way(
            line: int, shift: float, jump: float, rng: np.random.Generator
        ) -> FloatArray:
            if shift:
                x, y = frame.to_sample(line, np.arange(frame.pixels[0]) + shift)
            else:
                x, y = frame.line_positions(line)
            channels = readout.line(view.at(x, y), pixel_time, jump, rng)
            return np.stack([channels[name] for name in names])

        def read(line: int) -> LinePair:
            jump = jumps.standard_normal()
            return (
                read_one_way(line, -behind, jump, forward_noise),
                read_one_way(line, behind, jump, backward_noise),
            )

        return read

    def _spectrum(self, at: Point, waveform: BiasWaveform, number: int) -> FloatArray:
        response = self._sample.sweep(*at, waveform, self._tip)
        contact = self._sample.contact(*at)
        noise = self._streams.stream("spectrum", number)
        return self._readout.spectrum(response, contact, waveform, noise)[np.newaxis]

    def _break_off(self, at: Point, waveform: BiasWaveform, points: int) -> None:
        self._sample.sweep(*at, waveform, self._tip, points)

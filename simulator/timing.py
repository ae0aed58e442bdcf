"""Timing: how long a microscope takes for what it is told to do."""

import math
from dataclasses import dataclass

from spm_auto.instrument import BiasWaveform

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long each motion and each reading takes; the defaults are those of a contact-mode AFM.

    Attributes:
        sample_change: Mounting the sample and bringing the tip to it [s].
        tuning: Finding the contact resonance and setting the readout [s].
        speed: Of the probe between two points, not while scanning [m/s].
        settling: After each motion [s].
        frame_settling: Before the first line of a scan [s].
        overscan: Share of the line time that the turns at both ends take.
        spectrum_overhead: Arming and reading out a spectrum [s].
        conditioning: Pulling back, pulsing or poking, and bringing the tip down again [s].
        stage_speed: Of the coarse stage [m/s].
        withdrawal: Pulling the tip back before the stage moves [s].
        approach: Bringing the tip to the sample again where the stage has come to stand [s].
        spectrum: Time of a spectrum whatever the waveform, for recorded ones [s]; None computes it.
    """

    sample_change: float = 30.0
    tuning: float = 5.0
    speed: float = 20e-6
    settling: float = 10e-3
    frame_settling: float = 1.0
    overscan: float = 0.1
    spectrum_overhead: float = 0.2
    conditioning: float = 5.0
    stage_speed: float = 1e-3
    withdrawal: float = 5.0
    approach: float = 60.0
    spectrum: float | None = None

    def loading(self) -> float:
        """Return the time until a sample can be measured [s]."""
        return self.sample_change + self.tuning

    def move(self, start: Point, end: Point) -> float:
        """Return the time from one point to another [s]."""
        return math.dist(start, end) / self.speed + self.settling

    def move_stage(self, start: Point, end: Point) -> float:
        """Return the time to withdraw, to move the stage, and to approach again [s]."""
        return self.withdrawal + math.dist(start, end) / self.stage_speed + self.approach

    def line(self, line_rate: float) -> float:
        """Return the time of one scan line, forward and backward and the turns [s]."""
        return (1 + self.overscan) / line_rate

    def sweep(self, waveform: BiasWaveform) -> float:
        """Return the time of a spectrum once the probe is there [s]."""
        if self.spectrum is not None:
            return self.spectrum
        return waveform.duration + self.spectrum_overhead

"""ReplayRunMicroscope: a recorded run behind the instrument's words."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from spm_auto.clock import Clock
from spm_auto.data import Measurement, RecordedRun, open_run
from spm_auto.errors import DataError, Unsupported
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    Channel,
    DataFile,
    Instruction,
    InstrumentSettings,
    Scan,
    ScanImage,
    Spectrum,
)
from spm_auto.units import format

from .clocked import ClockedMicroscope, LinePair
from .recorded import RecordedImages, RecordedSites
from .replay import BIAS_TOLERANCE, check_bias
from .timing import Point, Timing

EDGE = 1e-12  # [m] by which the range reaches beyond what was measured; read-backs round off less
DWELL_TOLERANCE = 1e-6  # share by which a dwell may differ from the recorded one
NAMED = 5  # waveforms that a refusal names


class ReplayRunSettings(InstrumentSettings):
    """A recorded run, measured again; see `ReplayRunMicroscope` for what it gives back.

    In a lab file::

        [instrument]
        kind = "replay_run"
        run = "runs/film"

    Attributes:
        run: The run's folder, its journal or its run file.
    """

    is_simulated: ClassVar[bool] = True

    kind: Literal["replay_run"] = "replay_run"
    run: DataFile

    def open(self, clock: Clock, seed: int) -> "ReplayRunMicroscope":  # noqa: ARG002  nothing is random
        """Read the run.

        Raises:
            DataError: There is no run, it is damaged, or nothing was measured in it.
        """
        return ReplayRunMicroscope(open_run(self.run), Timing(), clock)


class ReplayRunMicroscope(ClockedMicroscope):
    """An `Instrument` that gives back what a run measured, to the last bit.

    *Spectra.* Only a recorded waveform can be run: biases within 1 mV, dwell and cycles as they
    were. The probe then goes to the nearest site where it was run and reads back the position that
    was read back there; the spectrum is the recorded one, with its own bias and flags.

    *Images.* A scan of a frame and channels that were scanned gives the very lines. In any other
    scan, and on lines that a broken-off scan never reached, a pixel shows the nearest one of the
    finest image that was measured there and has the channel, an image of the same frame before all
    others and the earlier one of two that are equally fine. What nobody measured is NaN.

    What was measured several times, a spectrum at a site or a scan of a frame, is given in turn,
    and then the last one again. Nothing that is done here changes what is found later.

    ``position_accuracy`` is the largest distance that a point of the range can have to the nearest
    site of a waveform: of a run with few spectra, the probe may land far from where it is sent.

    Args:
        run: What was measured, finished or not.
        timing: How long everything takes.
        clock: Where that time passes.

    Raises:
        DataError: The run holds neither an image nor a spectrum, or its channels do not fit
            together.
    """

    def __init__(self, run: RecordedRun, timing: Timing, clock: Clock) -> None:
        scans = [scan for scan in run.scans if not np.isnan([scan.forward, scan.backward]).all()]
        self._images = RecordedImages(scans)
        by_waveform: dict[BiasWaveform, list[Measurement]] = {}
        stages = sorted({m.stage for m in run.measurements if m.stage is not None})
        if len(stages) > 1:
            raise DataError(
                f"{run.path}: spectra were taken at {len(stages)} positions of the coarse stage; "
                "a replay has one only"
            )
        for measurement in run.measurements:
            by_waveform.setdefault(measurement.instruction.waveform, []).append(measurement)
        self._sites = {waveform: RecordedSites(each) for waveform, each in by_waveform.items()}
        places = [self._images.corners, *(sites.places for sites in self._sites.values())]
        covered = np.concatenate(places)
        if not len(covered):
            raise DataError(f"{run.path}: the run holds neither an image nor a spectrum to replay")
        low, high = covered.min(axis=0) - EDGE, covered.max(axis=0) + EDGE
        x, y = ((low + high) / 2).tolist()
        super().__init__(timing, clock, (x, y))
        biases = [0.0, *(bias for waveform in self._sites for bias in waveform.values)]
        reach = [sites.reach(low, high) for sites in self._sites.values()]
        self._capabilities = Capabilities(
            name=f"replay of {run.started.title}",
            image_channels=_all_channels(scans, run.path),
            spectrum_channels=_common_channels(run.spectra, run.path),
            x_range=(float(low[0]), float(high[0])),
            y_range=(float(low[1]), float(high[1])),
            bias_range=(min(biases) - BIAS_TOLERANCE, max(biases) + BIAS_TOLERANCE),
            position_accuracy=max(reach, default=0.0),
            is_simulated=True,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return self._capabilities

    def duration(self, instruction: Instruction) -> float:
        """Return how long an instruction takes from here [s].

        Raises:
            Unsupported: The run has no spectra of the waveform, or no images.
        """
        self._check_images(instruction)
        return super().duration(instruction)

    def _check(self, instruction: Instruction) -> None:
        super()._check(instruction)
        self._check_images(instruction)

    def _check_images(self, instruction: Instruction) -> None:
        if isinstance(instruction, Scan) and not self._capabilities.image_channels:
            raise Unsupported(f"{self._capabilities.name} has no images; nothing was scanned")

    def _check_waveform(self, waveform: BiasWaveform) -> None:
        self._sites_of(waveform)

    def _sites_of(self, waveform: BiasWaveform) -> RecordedSites:
        """Return where a waveform was run, the recorded one that comes nearest to it.

        Raises:
            Unsupported: None is the same within the tolerances.
        """
        if waveform in self._sites:
            return self._sites[waveform]
        if not self._sites:
            raise Unsupported(f"{self._capabilities.name} has no spectra; none were taken")
        alike = [recorded for recorded in self._sites if _is_alike(recorded, waveform)]
        if not alike:
            raise Unsupported(
                f"{self._capabilities.name} has no spectra of {_text(waveform)}; "
                f"it has {_texts(list(self._sites))}"
            )
        nearest = min(alike, key=lambda recorded: np.abs(recorded.bias - waveform.bias).max())
        check_bias(nearest.bias, waveform)
        return self._sites[nearest]

    def _site(self, x: float, y: float, waveform: BiasWaveform | None = None) -> Point:
        if waveform is None:
            return x, y
        spectrum = self._sites_of(waveform).next(x, y)
        return spectrum.x, spectrum.y

    def _lines(self, scan: Scan, number: int) -> Callable[[int, float], LinePair]:  # noqa: ARG002
        names = tuple(channel.name for channel in self._capabilities.channels_of(scan))
        read = self._images.reader(scan.frame, names)
        return lambda line, began: read(line)  # noqa: ARG005  whenever it began

    def _spectrum(
        self,
        at: Point,  # noqa: ARG002  as it was read back
        instruction: AcquireSpectrum,
        number: int,  # noqa: ARG002
        start: float,  # noqa: ARG002
    ) -> Spectrum:
        recorded = self._sites_of(instruction.waveform).take(instruction.x, instruction.y)
        return replace(recorded, bias=recorded.bias.copy(), data=recorded.data.copy())


def _all_channels(scans: Sequence[ScanImage], path: Path) -> tuple[Channel, ...]:
    """Return the channels of all images, in the order of the image that has most."""
    found: dict[str, Channel] = {}
    for scan in sorted(scans, key=lambda scan: -len(scan.channels)):
        for channel in scan.channels:
            unit = found.setdefault(channel.name, channel).unit
            if unit != channel.unit:
                raise DataError(
                    f"{path}: the image channel {channel.name!r} is in {unit!r} "
                    f"and in {channel.unit!r}; expected one unit"
                )
    return tuple(found.values())


def _common_channels(spectra: Sequence[Spectrum], path: Path) -> tuple[Channel, ...]:
    """Return the channels that every spectrum has."""
    kinds = list(dict.fromkeys(spectrum.channels for spectrum in spectra))
    if len(kinds) > 1:
        first, other = ([f"{c.name} in {c.unit}" for c in kind] for kind in kinds[:2])
        raise DataError(
            f"{path}: some spectra record {', '.join(first)}, others {', '.join(other)}; "
            "expected the same channels in all"
        )
    return kinds[0] if kinds else ()


def _is_alike(recorded: BiasWaveform, waveform: BiasWaveform) -> bool:
    return (
        len(recorded.values) == len(waveform.values)
        and recorded.cycles == waveform.cycles
        and math.isclose(recorded.dwell, waveform.dwell, rel_tol=DWELL_TOLERANCE)
    )


def _texts(waveforms: list[BiasWaveform]) -> str:
    named = "; ".join(_text(waveform) for waveform in waveforms[:NAMED])
    more = len(waveforms) - NAMED
    return named if more <= 0 else f"{named}; and {more} more"


def _text(waveform: BiasWaveform) -> str:
    """Write a waveform as text: "64 points from -8.5 V to 8.5 V, 8 ms each, 2 cycles"."""
    low, high = format(min(waveform.values), "V", 4), format(max(waveform.values), "V", 4)
    points, cycles = _count(len(waveform.values), "point"), _count(waveform.cycles, "cycle")
    return f"{points} from {low} to {high}, {format(waveform.dwell, 's', 4)} each, {cycles}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

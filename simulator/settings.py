"""SimulatorSettings: what a lab file says of a simulated microscope; `simulate` for scripts."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from spm_auto.clock import Clock, InstantClock
from spm_auto.instrument import InstrumentSettings
from spm_auto.settings import Plugin
from spm_auto.units import Bias

from .checks import positive
from .instrument import SimulatedMicroscope
from .noise import NoiseSettings
from .randomness import RandomStreams
from .readout import PiezoresponseReadout
from .samples import FerroelectricFilmSettings, Sample, SampleSettings
from .timing import Timing
from .tip import TipSettings
from .truth import Truth


class SimulatorSettings(InstrumentSettings):
    """A simulated piezoresponse force microscope with a sample in it.

    Attributes:
        sample: What lies under the tip.
        tip: What touches it.
        noise: How imperfect the instrument is.
        drive: Amplitude of the alternating bias of the readout [V].
        bias_limit: Range of the bias source, both ways [V].
    """

    is_simulated: ClassVar[bool] = True

    kind: Literal["simulator"] = "simulator"
    sample: Annotated[SampleSettings, Plugin("samples")] = Field(
        default_factory=FerroelectricFilmSettings
    )
    tip: TipSettings = Field(default_factory=TipSettings)
    noise: NoiseSettings = Field(default_factory=NoiseSettings)
    drive: Annotated[Bias, positive("V")] = 1.0
    bias_limit: Annotated[Bias, positive("V")] = 15.0

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.sample.check(self.tip, self.bias_limit)
        return self

    def open(self, clock: Clock, seed: int) -> SimulatedMicroscope:
        """Make the sample, and a microscope over it."""
        streams = RandomStreams(seed)
        return self._over(self.sample.build(streams), clock, streams)

    def _over(self, sample: Sample, clock: Clock, streams: RandomStreams) -> SimulatedMicroscope:
        return SimulatedMicroscope(
            sample=sample,
            tip=self.tip,
            readout=PiezoresponseReadout(self.drive, sample.contact_resonance, self.noise),
            timing=Timing(),
            clock=clock,
            streams=streams,
            bias_limit=self.bias_limit,
        )


def simulate(
    settings: SimulatorSettings | None = None, seed: int = 0, clock: Clock | None = None
) -> tuple[SimulatedMicroscope, Truth]:
    """Make a microscope together with the truth about its ferroelectric film, for research.

    Args:
        settings: Of the microscope; without them the default film and the default noise.
        seed: Root of all randomness; `SimulatorSettings.open` makes the same microscope of it.
        clock: Instrument time; without one a virtual clock.

    Raises:
        TypeError: The sample is none whose truth can be told.
    """
    settings = settings or SimulatorSettings()
    if not isinstance(settings.sample, FerroelectricFilmSettings):
        raise TypeError(f"the truth about a sample of kind {settings.sample.kind!r} is not known")
    streams = RandomStreams(seed)
    film = settings.sample.build(streams)
    microscope = settings._over(film, clock or InstantClock(), streams)
    return microscope, Truth(film, settings.tip)

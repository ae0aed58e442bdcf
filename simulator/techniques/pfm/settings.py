"""PfmSettings: what a lab file says of a piezoresponse force microscope."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from spm_auto.units import Bias

from ...checks import positive
from ...randomness import RandomStreams
from ...samples import PiezoSampleSettings, Sample, SampleSettings
from ...tip import TipSettings
from ..protocol import TechniqueSettings
from .noise import PfmNoise
from .technique import PfmTechnique


class PfmSettings(TechniqueSettings):
    """A contact-mode microscope with an alternating bias on its tip.

    Attributes:
        drive: Amplitude of the alternating bias of the readout [V].
        limit: Range of the bias source, both ways [V].
        tip: What touches the sample.
        noise: How imperfect the readout is.
    """

    sample_family: ClassVar[str] = "piezo"

    kind: Literal["pfm"] = "pfm"
    drive: Annotated[Bias, positive("V")] = 1.0
    limit: Annotated[Bias, positive("V")] = 15.0
    tip: TipSettings = Field(default_factory=TipSettings)
    noise: PfmNoise = Field(default_factory=PfmNoise)

    def build(self, sample: Sample, streams: RandomStreams) -> PfmTechnique:
        """Put the tip on a piezoelectric sample."""
        return PfmTechnique(self, sample, streams)  # type: ignore[arg-type]  # check() looked

    def check(self, sample: SampleSettings) -> None:
        """Refuse a sample smaller than what the tip can switch."""
        if isinstance(sample, PiezoSampleSettings):
            sample.check(self.tip, self.limit)

    def at_level(self, level: int) -> Self:
        """Return these settings with what a difficulty level does without switched off."""
        noise = self.noise
        if level == 0:
            noise = PfmNoise.none()
        elif level < 3:
            noise = noise.model_copy(update={"failures": False})
        return self.model_copy(update={"noise": noise})

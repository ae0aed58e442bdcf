"""PfmSettings: what a lab file says of a piezoresponse force microscope."""

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from spm_auto.units import Angle, Bias, Force, Frequency

from ...checks import not_negative, positive, within
from ...feedback import FeedbackSettings
from ...randomness import RandomStreams
from ...samples import PiezoSampleSettings, Sample, SampleSettings
from ...scanner import ScannerSettings
from ...tip import TipSettings
from ...tips import TipLifeSettings
from ..protocol import TechniqueSettings
from .cantilever import CantileverSettings
from .noise import PfmNoise
from .technique import PfmTechnique

GAIN = 300.0  # [1/s] of the z loop: contact images are scanned with a gentle one


class PfmSettings(TechniqueSettings):
    """A contact-mode microscope with an alternating bias on its tip.

    Attributes:
        drive: Amplitude of the alternating bias of the readout [V].
        bias_limit: Range of the bias source, both ways [V].
        tip: What touches the sample as long as it is good.
        tip_life: What can happen to it.
        cantilever: That carries it.
        load: Force of the tip on the sample [N].
        band_width: Width of the band that spectra excite around the usual contact resonance [Hz].
        band_bins: How many frequencies of it.
        fit_channels: Whether spectra also show the fitted resonance and its quality.
        twist: Direction in which the cantilever twists, from x [rad]: across its own axis.
        feedback: The loop behind the height.
        noise: How imperfect the readout is.
    """

    sample_family: ClassVar[str] = "piezo"

    kind: Literal["pfm"] = "pfm"
    drive: Annotated[Bias, positive("V")] = 1.0
    bias_limit: Annotated[Bias, positive("V")] = 15.0
    tip: TipSettings = Field(default_factory=TipSettings)
    tip_life: TipLifeSettings = Field(
        default_factory=lambda: TipLifeSettings.model_validate(
            {
                "change_time": "2000 s",
                "lowest_gain": 0.4,
                "highest_gain": 1.2,
                "twin": 0.0,
                "exponent": 0.0,
            }
        )
    )
    cantilever: CantileverSettings = Field(default_factory=CantileverSettings)
    load: Annotated[Force, not_negative("N")] = 50e-9
    band_width: Annotated[Frequency, positive("Hz")] = 60e3
    band_bins: int = Field(default=64, ge=8, le=4096)
    fit_channels: bool = False
    twist: Annotated[Angle, within(-math.pi, math.pi, "rad")] = 0.0
    feedback: FeedbackSettings = Field(default_factory=lambda: FeedbackSettings(gain=GAIN))
    noise: PfmNoise = Field(default_factory=PfmNoise)

    def usual_scanner(self) -> ScannerSettings:
        """Return an ordinary one; one place in each pixel will do, as the tip sees more."""
        return super().usual_scanner().model_copy(update={"samples_per_pixel": 1})

    def build(self, sample: Sample, streams: RandomStreams) -> PfmTechnique:
        """Put the tip on a piezoelectric sample."""
        return PfmTechnique(self, sample, streams)  # type: ignore[arg-type]  # check() looked

    def check(self, sample: SampleSettings) -> None:
        """Refuse a sample smaller than what the tip can switch."""
        if isinstance(sample, PiezoSampleSettings):
            sample.check(self.tip, self.bias_limit)

    def at_level(self, level: int) -> Self:
        """Return these settings with what a difficulty level does without switched off."""
        changes: dict[str, object] = {}
        if level < 3:
            changes["tip_life"] = TipLifeSettings.none()
            changes["noise"] = self.noise.model_copy(update={"failures": False})
        if level < 2:
            changes["feedback"] = FeedbackSettings.perfect()
        if level == 0:
            changes["noise"] = PfmNoise.none()
        return self.model_copy(update=changes)

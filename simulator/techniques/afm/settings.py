"""AfmSettings: what a lab file says of an atomic force microscope."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spm_auto.units import Bias, Force, Length, format

from ...checks import positive, share
from ...feedback import FeedbackSettings
from ...forces import ContactModel
from ...randomness import RandomStreams
from ...samples import Sample
from ...tips import TipLifeSettings
from ..protocol import TechniqueSettings
from .noise import AfmNoise
from .probe import Probe, ProbeName, usual_probe
from .technique import DETECTOR_RANGE, HIGHEST_SHARE, LEAST_LOAD, LEAST_SHARE, AfmTechnique


class KelvinSettings(BaseModel):
    """How the contact potential is measured, in a second pass within the time of a line.

    Attributes:
        lift: Of the tip over the surface [m].
        contrast: Share of the potential under the tip in what is measured; the rest is the mean of
            the sample, which the cantilever feels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    lift: Annotated[Length, positive("m")] = 20e-9
    contrast: Annotated[float, share()] = 0.7


class CapillarySettings(BaseModel):
    """The water bridge between tip and sample in humid air, for force curves.

    Attributes:
        force: At contact, 4 pi R gamma cos(theta) [N].
        length: Gap at which it breaks [m].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    force: Annotated[Force, positive("N")] = 10e-9
    length: Annotated[Length, positive("m")] = 5e-9


def _life() -> TipLifeSettings:
    return TipLifeSettings.model_validate(
        {
            "change_time": "5000 s",
            "wear": 2.0,
            "pulse_onset": "5 V",
            "poke_onset": "5 nm",
            "offset": "0.5 nm",
            "phase": "5 deg",
            "twin_distance": "60 nm",
            "twin_drop": "4 nm",
            "damage": "15 nm",
        }
    )


class AfmSettings(TechniqueSettings):
    """An atomic force microscope, tapping or in contact.

    Attributes:
        mode: Whether the amplitude of the driven cantilever is held, or its deflection.
        probe: Cantilever and tip, by name or by numbers; None: what suits the mode.
        free_amplitude: Of the cantilever away from the sample, tapping [m].
        amplitude: That the loop holds, tapping [m].
        load: That the loop holds, in contact [N].
        bias: Of the tip while scanning, in contact [V]: what drives the current.
        bias_limit: Range of the bias source, both ways [V].
        crash: Load that leaves its mark on tip and sample [N].
        contact: Model of the contact.
        capillary: Water bridge that force curves feel; None in dry air.
        kelvin: How the contact potential is measured, tapping; None: not at all.
        is_sharp: Whether the tip shows the surface undilated and the potential unblurred.
        indents: Whether the height shows how deep the tip sinks in.
        feedback: The z loop.
        noise: How noisy everything is.
        tip_life: What can happen to the tip.
    """

    sample_family: ClassVar[str] = "afm"

    kind: Literal["afm"] = "afm"
    mode: Literal["tapping", "contact"] = "tapping"
    probe: ProbeName | Probe | None = None
    free_amplitude: Annotated[Length, positive("m")] = 40e-9
    amplitude: Annotated[Length, positive("m")] = 28e-9
    load: Annotated[Force, positive("N")] = 20e-9
    bias: Bias = 2.0
    bias_limit: Annotated[Bias, positive("V")] = 10.0
    crash: Annotated[Force, positive("N")] = 2e-6
    contact: ContactModel = "automatic"
    capillary: CapillarySettings | None = None
    kelvin: KelvinSettings | None = Field(default_factory=KelvinSettings)
    is_sharp: bool = False
    indents: bool = True
    feedback: FeedbackSettings = Field(default_factory=FeedbackSettings)
    noise: AfmNoise = Field(default_factory=AfmNoise)
    tip_life: TipLifeSettings = Field(default_factory=_life)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.amplitude >= self.free_amplitude:
            raise ValueError(
                f"amplitude must be below free_amplitude, {format(self.free_amplitude, 'm')}, "
                f"got {format(self.amplitude, 'm')}"
            )
        if self.free_amplitude > DETECTOR_RANGE:
            raise ValueError(
                f"free_amplitude must not exceed the detector's range, "
                f"{format(DETECTOR_RANGE, 'm')}, got {format(self.free_amplitude, 'm')}"
            )
        room = LEAST_SHARE * self.free_amplitude, HIGHEST_SHARE * self.free_amplitude
        if self.mode == "tapping" and not room[0] <= self.amplitude <= room[1]:
            raise ValueError(
                f"amplitude must lie within {format(room[0], 'm', 3)} to {format(room[1], 'm', 3)} "
                f"to be held, got {format(self.amplitude, 'm')}"
            )
        largest = min(self.complete_probe().stiffness * DETECTOR_RANGE, self.crash)
        if self.mode == "contact" and not LEAST_LOAD <= self.load < largest:
            raise ValueError(
                f"load must lie within {format(LEAST_LOAD, 'N')} to {format(largest, 'N', 3)}, "
                f"where the tip crashes or the detector ends, got {format(self.load, 'N')}"
            )
        if abs(self.bias) > self.bias_limit:
            raise ValueError(
                f"bias must lie within bias_limit, {format(self.bias_limit, 'V')}, "
                f"got {format(self.bias, 'V')}"
            )
        return self

    def complete_probe(self) -> Probe:
        """Return the probe that is used, however it is named."""
        if isinstance(self.probe, Probe):
            return self.probe
        return usual_probe(
            self.probe or ("tapping" if self.mode == "tapping" else "contact_conducting")
        )

    def build(self, sample: Sample, streams: RandomStreams) -> AfmTechnique:
        """Put the tip over a sample of the AFM."""
        return AfmTechnique(self, sample, streams)  # type: ignore[arg-type]  # of its family

    def at_level(self, level: int) -> Self:
        """Return these settings with what a difficulty level does without switched off."""
        changed: dict[str, Any] = {}
        if level < 3:
            changed["tip_life"] = TipLifeSettings.none()
        if level < 2:
            changed |= {"feedback": FeedbackSettings.perfect(), "is_sharp": True, "indents": False}
            if self.kelvin is not None:
                changed["kelvin"] = self.kelvin.model_copy(update={"contrast": 1.0})
        if level < 1:
            changed["noise"] = AfmNoise.none()
        return self.model_copy(update=changed)

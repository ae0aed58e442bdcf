"""SimulatorSettings: what a lab file says of a simulated microscope; `simulate` for scripts."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from spm_auto import plugins
from spm_auto.clock import Clock, InstantClock
from spm_auto.instrument import InstrumentSettings
from spm_auto.settings import Plugin

from .faults import Fault, Faults
from .instrument import SimulatedMicroscope
from .randomness import RandomStreams
from .samples import FerroelectricFilmSettings, Sample, SampleSettings
from .scanner import Scanner, ScannerSettings
from .techniques import Technique, TechniqueSettings
from .truth import Truth

MOST_IMPERFECT = 3


class SimulatorSettings(InstrumentSettings):
    """A simulated microscope with a sample in it.

    Attributes:
        sample: What lies under the tip.
        technique: What measures it; without one, what suits the sample.
        scanner: What moves the tip; without one, what usually goes with the technique.
        faults: What goes wrong on demand, whatever the level; see `Faults`.
        level: How far from perfect: 0 a perfect instrument, 1 with noise, 2 with the faults of the
            scanner and of the z loop as well, 3 with tip changes and failures of the readout too.
    """

    is_simulated: ClassVar[bool] = True

    kind: Literal["simulator"] = "simulator"
    sample: Annotated[SampleSettings, Plugin("samples")] = Field(
        default_factory=FerroelectricFilmSettings
    )
    technique: Annotated[TechniqueSettings | None, Plugin("techniques")] = None
    scanner: ScannerSettings | None = None
    faults: tuple[Fault, ...] = ()
    level: int = Field(default=MOST_IMPERFECT, ge=0, le=MOST_IMPERFECT)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        technique = self.complete_technique()
        if technique.sample_family != self.sample.family:
            raise ValueError(
                f"the technique {technique.kind!r} cannot measure the sample "
                f"{self.sample.kind!r}; it is one for {self.sample.technique!r}"
            )
        technique.check(self.sample)
        return self

    def complete_technique(self) -> TechniqueSettings:
        """Return the technique that is used, whether a lab file names it or not."""
        technique: TechniqueSettings = (
            self.technique or plugins.load("techniques", self.sample.technique)()
        )
        return technique.at_level(self.level)

    def complete_scanner(self) -> ScannerSettings:
        """Return the scanner that is used, whether a lab file names it or not."""
        if self.level < 2:
            return ScannerSettings.perfect()
        return self.scanner or self.complete_technique().usual_scanner()

    def open(self, clock: Clock, seed: int) -> SimulatedMicroscope:
        """Make the sample, and a microscope over it."""
        return self._assemble(clock, seed)[0]

    def _assemble(
        self, clock: Clock, seed: int
    ) -> tuple[SimulatedMicroscope, Sample, Technique, Scanner]:
        streams = RandomStreams(seed)
        settings = self.complete_technique()
        sample = self.sample.build(streams)
        technique = settings.build(sample, streams)
        scanner = Scanner(self.complete_scanner(), settings.scan_range, streams)
        faults = Faults(self.faults, streams)
        microscope = SimulatedMicroscope(
            sample, technique, scanner, settings.timing(), clock, faults
        )
        return microscope, sample, technique, scanner


def simulate(
    settings: SimulatorSettings | None = None, seed: int = 0, clock: Clock | None = None
) -> tuple[SimulatedMicroscope, Truth]:
    """Make a microscope together with the truth about it, for research.

    Args:
        settings: Of the microscope; without them the default film and the default artefacts.
        seed: Root of all randomness; `SimulatorSettings.open` makes the same microscope of it.
        clock: Instrument time; without one a virtual clock.
    """
    settings = settings or SimulatorSettings()
    microscope, sample, technique, scanner = settings._assemble(clock or InstantClock(), seed)
    return microscope, Truth(microscope, sample, technique, scanner)

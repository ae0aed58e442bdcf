"""The plan of a run: what it will do and how long it will take, before anything moves."""

from collections import Counter
from dataclasses import dataclass

from ..errors import InstrumentError, RecipeError
from ..instrument import AcquireSpectrum, GuardedInstrument, Load, Scan
from .recipe import Recipe


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What a step is about to do.

    Attributes:
        kind: Kind of step.
        n_lines: Lines that it will scan.
        n_spectra: Spectra that it will take, at most.
        seconds: Instrument time that it will need [s].
    """

    kind: str
    n_lines: int
    n_spectra: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is about to do.

    Attributes:
        steps: Step by step.
        load_seconds: Instrument time to ready the instrument [s].
        bias: Lowest and highest bias that the sample will see [V]; (0, 0) without a spectrum.
    """

    steps: tuple[PlannedStep, ...]
    load_seconds: float
    bias: tuple[float, float]

    @property
    def seconds(self) -> float:
        """Instrument time of the whole run [s]."""
        return self.load_seconds + sum(step.seconds for step in self.steps)

    @property
    def n_spectra(self) -> int:
        """Spectra of the whole run, at most."""
        return sum(step.n_spectra for step in self.steps)


def make_plan(recipe: Recipe, instrument: GuardedInstrument) -> Plan:
    """Check what is known of a recipe against the limits, and add up its times. Nothing moves.

    Args:
        recipe: The recipe.
        instrument: The instrument that it will run on, loaded or not.

    Raises:
        RecipeError: An instruction will be refused; the message names the step and the limit.
    """
    per_step: list[Counter[AcquireSpectrum | Scan]] = [Counter() for _ in recipe.steps]
    for index, instruction in recipe.preview():
        if isinstance(instruction, AcquireSpectrum | Scan):
            per_step[index][instruction] += 1
    planned, biases = [], [0.0]
    for index, (step, counted) in enumerate(zip(recipe.steps, per_step, strict=True)):
        n_lines, n_spectra, seconds = 0, 0, 0.0
        for instruction, count in counted.items():
            try:
                instrument.check(instruction)
                seconds += count * instrument.duration(instruction)
            except InstrumentError as error:
                raise RecipeError(f"steps[{index}] ({step.kind}): {error}") from error
            if isinstance(instruction, Scan):
                n_lines += count * instruction.frame.pixels[1]
            else:
                n_spectra += count
                biases += [min(instruction.waveform.values), max(instruction.waveform.values)]
        planned.append(PlannedStep(step.kind, n_lines, n_spectra, seconds))
    return Plan(tuple(planned), instrument.duration(Load()), (min(biases), max(biases)))

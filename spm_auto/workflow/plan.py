"""The plan of a run: what it will do and how long it will take, before anything moves."""

from collections import Counter
from dataclasses import dataclass

from ..errors import InstrumentError, RecipeError
from ..instrument import AcquireSpectrum, Capabilities, GuardedInstrument, Load, Scan
from .recipe import Recipe

_RECORD = 512  # [bytes] of the journal for an event, its arrays not counted
_NUMBER = 8  # [bytes]
_BIAS = 9 + _NUMBER  # [bytes] for each point: asked for, and read back
_IMAGE = 16_000  # [bytes] of the run file for an image, its pixels not counted
_COPIES = 3  # the journal, the run file made of it, and the one that takes this one's place
_PAGES = 2_000_000  # [bytes] the report, and what a run file holds without any data


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What a step is about to do.

    Attributes:
        kind: Kind of step.
        n_lines: Lines that it will scan.
        n_spectra: Spectra that it will take, at most.
        seconds: Instrument time that it will need [s].
        size: What its records will take in the journal, and again in a run file [bytes], at most.
    """

    kind: str
    n_lines: int
    n_spectra: int
    seconds: float
    size: int


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
    def size(self) -> int:
        """What the run's folder will hold, report and all [bytes], at most."""
        return _PAGES + _COPIES * sum(step.size for step in self.steps)

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
    _check_recovery(recipe, instrument)
    per_step: list[Counter[AcquireSpectrum | Scan]] = [Counter() for _ in recipe.steps]
    last_scan: dict[int, Scan] = {}
    for index, instruction in recipe.preview():
        if isinstance(instruction, AcquireSpectrum | Scan):
            per_step[index][instruction] += 1
        if isinstance(instruction, Scan):
            last_scan[index] = instruction
    planned, biases, before = [], [0.0], None
    for index, (step, counted) in enumerate(zip(recipe.steps, per_step, strict=True)):
        n_lines, n_spectra, seconds, size = 0, 0, 0.0, step.notes_size(before)
        before = last_scan.get(index, before)
        for instruction, count in counted.items():
            try:
                instrument.check(instruction)
                seconds += count * instrument.duration(instruction)
                size += count * _result_size(instruction, instrument.capabilities)
            except InstrumentError as error:
                raise RecipeError(f"steps[{index}] ({step.kind}): {error}") from error
            if isinstance(instruction, Scan):
                n_lines += count * instruction.frame.pixels[1]
            else:
                n_spectra += count
                biases += [min(instruction.waveform.values), max(instruction.waveform.values)]
        planned.append(PlannedStep(step.kind, n_lines, n_spectra, seconds, size))
    return Plan(tuple(planned), instrument.duration(Load()), (min(biases), max(biases)))


def _check_recovery(recipe: Recipe, instrument: GuardedInstrument) -> None:
    """Refuse a recovery whose instructions would be refused in the middle of the night."""
    tip = recipe.recovery.tip if recipe.recovery is not None else None
    for instruction in tip.preview() if tip is not None else ():
        try:
            instrument.check(instruction)
        except InstrumentError as error:
            raise RecipeError(f"recovery.tip: {error}") from error


def _result_size(instruction: AcquireSpectrum | Scan, capabilities: Capabilities) -> int:
    """Return how many bytes the records of an instruction take."""
    if isinstance(instruction, Scan):
        n_images = 2 * len(capabilities.channels_of(instruction))  # forward and backward
        pixels, lines = instruction.frame.pixels
        return lines * (_RECORD + n_images * pixels * _NUMBER) + n_images * _IMAGE
    point = _BIAS + _NUMBER * len(capabilities.spectrum_channels)
    return _RECORD + point * len(instruction.waveform.values)

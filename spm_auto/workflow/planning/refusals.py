"""Refusals: which steps of a recipe the limits will refuse, found before anything moves."""

from collections.abc import Iterable, Iterator

from ...errors import InstrumentError
from ...instrument import AcquireForceCurve, AcquireSpectrum, GuardedInstrument, Instruction, Scan
from ..recipe import Recipe
from ..steps.base import Outline
from .accounts import Path


def outlines_of(recipe: Recipe) -> list[Outline]:
    """Return what each step of a recipe is about to do.

    Raises:
        RecipeError: A step misses what the steps before it should give.
    """
    found: list[Outline] = []
    before = None
    for step, scan in zip(recipe.steps, last_scans(recipe), strict=True):
        found.append(step.outline(before))
        before = scan
    return found


def last_scans(recipe: Recipe) -> list[Scan | None]:
    """Return the last scan up to the end of each step."""
    found: list[Scan | None] = [None] * len(recipe.steps)
    for index, instruction in recipe.preview():
        if isinstance(instruction, Scan):
            found[index] = instruction
    for index in range(1, len(found)):
        found[index] = found[index] or found[index - 1]
    return found


def limit_faults(
    recipe: Recipe, outlines: list[Outline], instrument: GuardedInstrument
) -> Iterator[str]:
    """Yield a line for each step, also inside of blocks, that holds what will be refused.

    Points that an agent will choose on a frame that is out of reach are not held against it again.

    Args:
        recipe: The recipe.
        outlines: What its steps are about to do.
        instrument: Who would refuse it; nothing moves.
    """
    yield from _recovery_faults(recipe, instrument)
    lost: set[tuple[float, float]] = set()  # middles of frames out of reach
    previews = recipe.preview()
    for index, outline in enumerate(outlines):
        seen: set[Instruction] = set()
        n_faults = 0
        for path, step in _walked(outline, (index,)):
            said = _first_refused(step.instructions, instrument, seen, lost, step.choices > 0)
            if said:
                n_faults += 1
                yield f"{where(path)} ({step.kind}): {said}"
        rest = [instruction for number, instruction in previews if number == index]
        said = "" if n_faults else _first_refused(rest, instrument, seen, lost, is_chosen=True)
        if said:
            yield f"{where((index,))} ({outline.kind}): {said}"


def _first_refused(
    instructions: Iterable[Instruction],
    instrument: GuardedInstrument,
    seen: set[Instruction],
    lost: set[tuple[float, float]],
    is_chosen: bool,
) -> str:
    """Say why the first instruction that is refused is; empty when none is."""
    for instruction in instructions:
        if instruction in seen:
            continue
        seen.add(instruction)
        point: Instruction | None = instruction if is_chosen else None
        match point:
            case AcquireSpectrum(x=x, y=y) | AcquireForceCurve(x=x, y=y) if (x, y) in lost:
                continue
        try:
            instrument.check(instruction)
        except InstrumentError as error:
            if isinstance(instruction, Scan) and not _is_in_reach(instruction, instrument):
                lost.add(instruction.frame.center)
            return str(error)
    return ""


def _is_in_reach(scan: Scan, instrument: GuardedInstrument) -> bool:
    try:
        instrument.limits.check_frame(scan.frame)
    except InstrumentError:
        return False
    return True


def where(path: Path) -> str:
    """Write the place of a step as in a recipe: ``steps[1].steps[0]``."""
    return ".".join(f"steps[{number}]" for number in path) or "the start"


def _recovery_faults(recipe: Recipe, instrument: GuardedInstrument) -> Iterator[str]:
    """Say whether a recovery would be refused in the middle of the night."""
    tip = recipe.recovery.tip if recipe.recovery is not None else None
    for instruction in tip.preview() if tip is not None else ():
        try:
            instrument.check(instruction)
        except InstrumentError as error:
            yield f"recovery.tip: {error}"
            return


def _walked(outline: Outline, path: Path) -> Iterator[tuple[Path, Outline]]:
    yield path, outline
    for number, inner in enumerate(outline.inner):
        yield from _walked(inner, (*path, number))

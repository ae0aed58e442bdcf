"""Refusals: which steps of a recipe the limits will refuse, found before anything moves."""

from collections.abc import Iterator

from ..errors import InstrumentError
from ..instrument import GuardedInstrument, Instruction, Scan
from .accounts import Path
from .recipe import Recipe
from .steps.base import Outline


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

    Args:
        recipe: The recipe.
        outlines: What its steps are about to do.
        instrument: Who would refuse it; nothing moves.
    """
    yield from _recovery_faults(recipe, instrument)
    for index, outline in enumerate(outlines):
        seen: set[Instruction] = set()
        at_fault = False
        for path, step in _walked(outline, (index,)):
            for instruction in step.instructions:
                if instruction in seen:
                    continue
                seen.add(instruction)
                try:
                    instrument.check(instruction)
                except InstrumentError as error:
                    yield f"{where(path)} ({step.kind}): {error}"
                    at_fault = True
                    break
        if at_fault:
            continue
        for number, instruction in recipe.preview():
            if number == index and instruction not in seen:
                seen.add(instruction)
                try:
                    instrument.check(instruction)
                except InstrumentError as error:
                    yield f"{where((index,))} ({outline.kind}): {error}"
                    break


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

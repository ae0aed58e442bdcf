"""How a campaign stands: which runs are done, failed, open or lost, and their figures in sum."""

import csv
import io
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..errors import DataError, RecipeError
from ..plugins import suggest
from .attempts import AGAIN, MOST_LOSSES, losses, note, why_lost
from .book import Entry
from .result import RESULT_NAME, Result
from .work import WORK_LOCK, Elsewhere, at_work


class State(StrEnum):
    """How it stands with a run."""

    COMPLETED = "completed"
    FAILED = "failed"
    UNREADABLE = "unreadable"
    GIVEN_UP = "given up"
    BEGUN = "begun"
    OPEN = "open"


_FIRST = ("regret", "best")  # of the figures that a run has, the one that is most telling
REPEATABLE = {"failed": State.FAILED, "unreadable": State.UNREADABLE, "given-up": State.GIVEN_UP}


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a run of a campaign.

    Attributes:
        entry: Which run.
        state: How it stands.
        result: What came of it, None while that is not known.
        message: What there is to say: why it failed, was given up or cannot be read.
    """

    entry: Entry
    state: State
    result: Result | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The runs of one player on one group, in sum.

    Attributes:
        block: Name of the block.
        group: What was played.
        label: Of the player.
        figure: Which one is summed up.
        runs: How many there are.
        done: How many completed.
        failed: How many failed.
        mean: Of the figure over the completed runs in which it is finite; NaN without any.
        deviation: Its standard deviation over these; NaN with fewer than two.
        never: In how many completed runs the figure is infinite, which stands for never.
    """

    block: str
    group: str
    label: str
    figure: str
    runs: int
    done: int
    failed: int
    mean: float
    deviation: float
    never: int


def survey(entries: Iterable[Entry]) -> Iterator[Standing]:
    """Yield how it stands with each run, as its files have it now."""
    for entry in entries:
        try:
            result = entry.result()
        except DataError as error:
            yield Standing(entry, State.UNREADABLE, None, str(error))
            continue
        if result is not None:
            failed = result.finish != State.COMPLETED
            yield Standing(
                entry, State.FAILED if failed else State.COMPLETED, result, result.message
            )
        elif losses(entry.folder) >= MOST_LOSSES:
            why = why_lost(entry.folder) or "killed"
            yield Standing(entry, State.GIVEN_UP, None, f"lost {MOST_LOSSES} times, at last: {why}")
        elif (entry.folder / WORK_LOCK).exists():
            yield Standing(entry, State.BEGUN)
        else:
            yield Standing(entry, State.OPEN)


def counted(standings: Iterable[Standing]) -> dict[str, int]:
    """Return how many runs there are of each state, each run once though several blocks have it."""
    states = {each.entry.key: each.state for each in standings}
    counts = Counter(states.values())
    return {"runs": len(states), **{str(state): counts[state] for state in State}}


def summed_up(
    standings: Sequence[Standing], figure: str = "", asked: Mapping[str, str] | None = None
) -> tuple[Line, ...]:
    """Return a line for each player on each group, in the order of the campaign's file.

    Args:
        standings: Of the runs.
        figure: Which one is summed up; "" for the one that is asked for of each block.
        asked: Which figure that is, by the name of the block; else the first of "regret", "best"
            and all others that its runs have.

    Raises:
        RecipeError: Runs completed, and none has this figure.
    """
    known: dict[str, set[str]] = {}
    grouped: dict[tuple[str, str, str], list[Standing]] = {}
    for each in standings:
        entry = each.entry
        grouped.setdefault((entry.block, entry.group, entry.label), []).append(each)
        of_block = known.setdefault(entry.block, set())
        if each.state is State.COMPLETED and each.result:
            of_block.update(each.result.figures)
    every = set().union(*known.values())
    if every and figure and figure not in every:
        raise RecipeError(
            f"no run has a figure {figure!r}{suggest(figure, every)} "
            f"(known: {', '.join(sorted(every))})"
        )
    chosen = {
        block: figure
        or (asked or {}).get(block, "")
        or next((name for name in (*_FIRST, *sorted(names)) if name in names), "")
        for block, names in known.items()
    }
    return tuple(_line(*which, chosen[which[0]], found) for which, found in grouped.items())


def _line(block: str, group: str, label: str, figure: str, found: Sequence[Standing]) -> Line:
    values = [
        each.result.figures[figure]
        for each in found
        if each.state is State.COMPLETED and each.result and figure in each.result.figures
    ]
    finite = [value for value in values if math.isfinite(value)]
    return Line(
        block=block,
        group=group,
        label=label,
        figure=figure,
        runs=len(found),
        done=sum(each.state is State.COMPLETED for each in found),
        failed=sum(each.state is State.FAILED for each in found),
        mean=statistics.fmean(finite) if finite else math.nan,
        deviation=statistics.stdev(finite) if len(finite) > 1 else math.nan,
        never=sum(math.isinf(value) for value in values),
    )


def reasons(standings: Iterable[Standing]) -> list[dict[str, str | int]]:
    """Return which runs failed, were given up or cannot be read, and why; each run once."""
    found = {each.entry.key: each for each in standings if each.state in REPEATABLE.values()}
    return [
        {
            "key": each.entry.key,
            "block": each.entry.block,
            "group": each.entry.group,
            "label": each.entry.label,
            "seed": each.entry.seed,
            "state": str(each.state),
            "message": each.message,
        }
        for each in found.values()
    ]


def as_csv(standings: Sequence[Standing]) -> str:
    """Return all runs as a table, with all their figures, one line each."""
    figures = sorted({name for each in standings if each.result for name in each.result.figures})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["block", "group", "label", "seed", "key", "state", *figures])
    for each in standings:
        entry, found = each.entry, each.result.figures if each.result else {}
        values = [repr(found[name]) if name in found else "" for name in figures]
        place = [entry.block, entry.group, entry.label, entry.seed, entry.key]
        writer.writerow([*place, str(each.state), *values])
    return text.getvalue()


def do_again(standings: Iterable[Standing], words: Sequence[str]) -> int:
    """Open runs of some states again: their results are thrown away.

    Args:
        standings: Of the runs.
        words: Which states, keys of `REPEATABLE`.

    Returns:
        How many were opened.

    Raises:
        RecipeError: A word is no such state.
        DataError: A folder cannot be written.
    """
    for word in words:
        if word not in REPEATABLE:
            known = ", ".join(REPEATABLE)
            raise RecipeError(
                f"runs that are {word!r} cannot be done again{suggest(word, REPEATABLE)} "
                f"(known: {known})"
            )
    wanted = {REPEATABLE[word] for word in words}
    folders: set[Path] = {each.entry.folder for each in standings if each.state in wanted}
    for folder in folders:
        with suppress(Elsewhere), at_work(folder):  # who is at it does it again already
            try:
                (folder / RESULT_NAME).unlink(missing_ok=True)
                note(folder, AGAIN)
            except OSError as error:
                raise DataError(f"{folder}: cannot be written: {error.strerror}") from error
    return len(folders)

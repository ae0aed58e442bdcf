"""One row of a campaign's page: whose claim, what was done, who did how well, what is missing."""

import math
from collections.abc import Iterator

import numpy as np

from ..plugins import suggest
from ..tasks import LEVELS
from ..units import format_duration
from .contests import Contest, Player
from .spec import GameSpec, RecipeSpec
from .wording import NOTHING, Scale, cell, counted, settings, span, table, unit_of


def section_of(
    contest: Contest, name: str, heading: str, pictures: dict[str, str]
) -> Iterator[str]:
    """Yield the lines of a row.

    Args:
        contest: The row.
        name: Its place on the page, and the name of its picture.
        heading: Its title.
        pictures: Where the pictures are that there are, by name.
    """
    row = contest.row
    yield from (f'<a id="{name}"></a>', "", f"## {heading}", "")
    if row.source or row.claim:
        source = f"*{row.source.rstrip('.')}.*" if row.source else ""
        yield " ".join(filter(None, [source, row.claim]))
    else:
        yield "*A question of our own.*"
    yield from ("", _what_was_done(contest), "")
    yield from prose(row.note)
    yield from _unknown(contest)
    for player in contest.players:
        if player.role == "agent":
            yield f"- `{player.label}`: **{contest.verdict(player)}**{_wins(contest, player)}"
    yield ""
    yield from (*_players(contest), "")
    if name in pictures:
        words = "regret against instrument time, and each seed" if contest.task else "each seed"
        yield f"![{heading}: {words}]({pictures[name]})"
        yield ""
    yield from _settings(contest)
    yield from _missing(contest)


def _what_was_done(contest: Contest) -> str:
    seeds = f"seeds {span(contest.seeds)}"
    took = f"{format_duration(contest.seconds)} of computing"
    specs = [player.spec for player in contest.players if player.spec is not None]
    first = specs[0] if specs else None
    if isinstance(first, GameSpec):
        task = contest.task
        asked = f"\u201c{task.question}\u201d " if task is not None else ""
        budget = (
            f", {format_duration(task.budget)} of instrument time and at most {task.acts} acts"
            if task is not None
            else ""
        )
        return (
            f"{asked}Task `{settings(first.task)}`, level {first.level} ({LEVELS[first.level]}), "
            f"{seeds}{budget}; {took}."
        )
    what = "Task" if contest.block.tasks else "Recipe"
    return f"{what} `{contest.group}`, {seeds}; {took}."


def _unknown(contest: Contest) -> Iterator[str]:
    """Yield which figures the row asks for and no run has."""
    done = [result for player in contest.players for result in player.results.values()]
    known = set().union(*(result.figures for result in done))
    for name in dict.fromkeys((contest.row.figure, *contest.row.also)):
        if done and name not in known:
            yield (
                f"**No run has a figure `{name}`. There are: {', '.join(sorted(known))}"
                f"{suggest(name, known)}.**"
            )
            yield ""


def _players(contest: Contest) -> list[str]:
    row, scale = contest.row, scale_of(contest)
    is_game = contest.task is not None
    random, rule = contest.of("random"), contest.of("rule")
    head = ["player", figure_said(row.figure, scale)]
    shows_course = is_game and row.figure != "mean_regret"
    if shows_course:
        head.append("regret over time")
    if is_game:
        head.append("answered after (median)")
    head += [f"minus {each.label}" for each in (random, rule) if each is not None]
    if random is not None:
        head.append(f"won against {random.label}")
    also = {name: Scale.of(_all_values(contest, name), unit_of(name)) for name in row.also}
    head += [figure_said(name, scale) for name, scale in also.items()]
    lines: list[list[str]] = []
    for player in contest.players:
        line = [_bold(player), spread_of(player, contest, scale)]
        if shows_course:
            line.append(Scale(1.0, "", 2).spread(list(player.values("mean_regret").values())))
        if is_game:
            line.append(_answered(player))
        for role, other in (("random", random), ("rule", rule)):
            if other is not None:
                line.append(scale.difference(contest.against(player, role)))  # type: ignore[arg-type]
        if random is not None:
            against = contest.against(player, "random")
            line.append(f"{against.wins} of {against.n}" if against is not None else "")
        line += [also[name].spread(list(player.values(name).values())) for name in row.also]
        lines.append(line)
    return table([cell(each) for each in head], lines)


def _answered(player: Player) -> str:
    times = list(player.values("time_to_good").values())
    if not times:
        return NOTHING
    middle = float(np.median(times))
    n = sum(map(math.isfinite, times))
    if not math.isfinite(middle):
        return f"never ({n} of {len(times)})"
    return f"{format_duration(middle)} ({n} of {len(times)})"


def _settings(contest: Contest) -> Iterator[str]:
    said = [
        f"`{player.label}` is `{settings(player.spec.agent)}`"
        for player in contest.players
        if isinstance(player.spec, GameSpec) and settings(player.spec.agent) != player.label
    ]
    if said:
        yield f"Settings: {'; '.join(said)}."
        yield ""
    for player in contest.players:
        if isinstance(player.spec, RecipeSpec) and player.spec.overrides:
            yield f"`{player.label}` is `{'; '.join(player.spec.overrides)}`."
            yield ""


def _missing(contest: Contest) -> Iterator[str]:
    missing = [
        f"{player.n_missing} of {player.n_ordered} of `{player.label}`"
        for player in contest.players
        if player.n_missing
    ]
    yield from prose(f"Missing runs: {', '.join(missing)}." if missing else "")
    for player in contest.players:
        if player.failed:
            seed, why = next(iter(player.failed.items()))
            n = counted(len(player.failed), "run")
            yield f"Failed: {n} of `{player.label}`, the first on seed {seed}: {cell(why)}"
            yield ""


def _wins(contest: Contest, player: Player) -> str:
    random = contest.against(player, "random")
    rule, other = contest.against(player, "rule"), contest.of("rule")
    parts = []
    if random is not None and random.n:
        parts.append(f"better on {random.wins} of {random.n} seeds than {_called(contest)}")
    if rule is not None and other is not None and rule.n:
        parts.append(f"on {rule.wins} of {rule.n} than `{other.label}`")
    return f" ({', '.join(parts)})" if parts else ""


def _called(contest: Contest) -> str:
    random = contest.of("random")
    is_plain = random is None or random.label == "random"
    return "random" if is_plain or random is None else f"`{random.label}`"


def scale_of(contest: Contest) -> Scale:
    """Return how the figure of a row is written."""
    return Scale.of(
        _all_values(contest, contest.row.figure), contest.row.unit or unit_of(contest.row.figure)
    )


def _all_values(contest: Contest, figure: str) -> list[float]:
    return [value for player in contest.players for value in player.values(figure).values()]


def spread_of(player: Player | None, contest: Contest, scale: Scale) -> str:
    """Write the figure of a player as mean ± standard deviation; nothing of nobody."""
    if player is None:
        return ""
    return scale.spread(list(player.values(contest.row.figure).values()))


def figure_said(figure: str, scale: Scale) -> str:
    """Return what a figure is called, with the unit that it is written in."""
    if not scale.unit or scale.unit == "1":
        return figure.replace("_", " ")
    return f"{figure.split(' [', 1)[0].replace('_', ' ')} [{scale.unit}]"


def _bold(player: Player) -> str:
    label = cell(player.label)
    return f"**{label}**" if player.role == "agent" else label


def prose(text: str) -> Iterator[str]:
    """Yield a paragraph and the empty line after it; nothing of an empty text."""
    if text:
        yield from (text.strip(), "")

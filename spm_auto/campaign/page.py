"""The page of a campaign: row by row what was claimed, what was done, and what came of it."""

import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..data import write_whole
from ..play import GOOD
from ..tasks import LEVELS
from ..units import format_duration
from .book import SPEC_COPY, ordered_from
from .compare import COVERED, FEWEST, RESAMPLES
from .contests import Contest, Player, contests, versions_of
from .pictures import draw_contest, draw_verdicts
from .spec import GameSpec, RecipeSpec, read_campaign
from .wording import NOTHING, Scale, cell, counted, settings, span, table

OVERVIEW = "all_rows"
_WAY_OF_READING = f"""\
All players of a row have the same samples, noise and instrument time, seed by seed. *random*
chooses evenly, *the rule* is a player that learns nothing, the *oracle* knows the truth and plays
by the same rules; who is in question is **bold**.

- **Regret** is how far the answer is from the best one: 0 for the truth's own choice, 1 for knowing
  nothing. *Regret over time* is its mean over the budget: who finds out early is better. A question
  counts as *answered* when the regret has come below {GOOD:g}.
- Figures are mean ± standard deviation over seeds. A difference is paired by seed, with its
  {COVERED:.0%} interval (percentile bootstrap of the mean, {RESAMPLES:,} resamples); it is bold
  where that excludes 0.
- **A verdict says this and nothing else:** "better" and "worse" where the interval excludes 0, "no
  better" where it does not, which is no proof that two are alike. Below {FEWEST} seeds nothing is
  said.
- Of ten seeds such an interval is a little narrow: two players that are alike are called different
  in about 8 of 100 comparisons, half of them to either side."""


def write_page(out: Path, page: Path) -> tuple[Contest, ...]:
    """Write the page of a campaign, as far as its runs are done, and its pictures beside it.

    Args:
        out: Folder of the campaign.
        page: The markdown file; pictures go to the folder ``img/NAME`` beside it.

    Returns:
        The rows.

    Raises:
        DataError: There is no campaign, or page or pictures cannot be written.
        RecipeError: It has no rows.
    """
    found = contests(out)
    folder = page.parent / "img" / page.stem
    folder.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, str] = {}
    for name, content in [
        (OVERVIEW, draw_verdicts(found)),
        *((_name(contest, found), draw_contest(contest)) for contest in found),
    ]:
        if content is not None:
            write_whole(folder / f"{name}.png", content)
            pictures[name] = f"img/{page.stem}/{name}.png"
    title = read_campaign(out / SPEC_COPY).title
    lines = [f"# {title}", "", *_opening(found, command_of(out, page)), *_summary(found, pictures)]
    for contest in found:
        lines += _section(contest, _name(contest, found), pictures)
    lines += _closing(found)
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    write_whole(page, text.encode())
    return found


def _name(contest: Contest, found: Sequence[Contest]) -> str:
    """Return what a row's picture and place on the page are called."""
    same = [each for each in found if each.block.name == contest.block.name]
    number = same.index(contest) + 1
    return contest.block.name if len(same) == 1 else f"{contest.block.name}_{number}"


def _opening(found: Sequence[Contest], command: str) -> Iterator[str]:
    ordered = sum(player.n_ordered for contest in found for player in contest.players)
    missing = sum(contest.n_missing for contest in found)
    seconds = sum(contest.seconds for contest in found)
    yield (
        f"{counted(len(found), 'row')}, {counted(ordered - missing, 'run')}, "
        f"{format_duration(seconds)} of computing on one core. This page is written by"
    )
    yield from ("", "```", command, "```", "")
    if missing:
        yield f"**The campaign is not done: {missing} of {counted(ordered, 'run')} are missing.**"
        yield "What follows rests on those that are done."
        yield ""
    mixed = {name: many for name, many in versions_of(found).items() if len(many) > 1}
    for name, many in mixed.items():
        yield f"**Runs of several versions of {name} are mixed here: {', '.join(many)}.**"
        yield ""
    yield from (*_WAY_OF_READING.splitlines(), "")


def _summary(found: Sequence[Contest], pictures: dict[str, str]) -> Iterator[str]:
    said: list[str] = []
    rows: list[list[str]] = []
    for contest in found:
        name = _name(contest, found)
        scale = _scale(contest)
        for player in contest.players:
            if player.role != "agent":
                continue
            said.append(contest.verdict(player))
            rows.append(
                [
                    f"[{cell(contest.row.title)}](#{name})",
                    f"`{cell(player.label)}`",
                    _said(contest.row.figure, scale),
                    _spread(player, contest, scale),
                    _spread(contest.of("random"), contest, scale),
                    _spread(contest.of("rule"), contest, scale),
                    f"**{said[-1]}**" if said[-1].startswith("better") else said[-1],
                ]
            )
    yield from ("## All rows", "")
    yield from (_counts(said), "")
    head = ("row", "player", "figure", "player's", "random's", "rule's", "verdict")
    yield from (*table(head, rows), "")
    if OVERVIEW in pictures:
        yield f"![Differences of all rows with their intervals]({pictures[OVERVIEW]})"
        yield ""
        yield "*Differences, paired by seed, with their intervals; filled where 0 is excluded.*"
        yield ""


def _counts(said: Sequence[str]) -> str:
    """Return in a sentence how many verdicts say what."""
    both = sum(each.startswith("better than random and ") for each in said)
    better = sum(each.startswith("better") for each in said)
    worse = sum(each.startswith("worse") for each in said)
    few = sum(each.startswith("too few") for each in said)
    alike = len(said) - better - worse - few
    text = f"Of {counted(len(said), 'player')} in question, {better} did better than random"
    text += f" ({both} of them better than the rule, too), {alike} no better, {worse} worse."
    return text + (f" Of {few} there are too few seeds to say." if few else "")


def _section(contest: Contest, name: str, pictures: dict[str, str]) -> Iterator[str]:
    row = contest.row
    yield from (f'<a id="{name}"></a>', "", f"## {row.title}", "")
    if row.source or row.claim:
        yield " ".join(filter(None, [f"*{row.source}.*" if row.source else "", row.claim]))
    else:
        yield "*A question of our own.*"
    yield from ("", _what_was_done(contest), "")
    if row.note:
        yield from (row.note, "")
    for player in contest.players:
        if player.role == "agent":
            yield f"- `{player.label}`: **{contest.verdict(player)}**{_wins(contest, player)}"
    yield ""
    yield from (*_players(contest), "")
    if name in pictures:
        words = "regret against instrument time, and each seed" if contest.task else "each seed"
        yield f"![{cell(row.title)}: {words}]({pictures[name]})"
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
    return f"Recipe `{contest.group}`, {seeds}; {took}."


def _players(contest: Contest) -> list[str]:
    row, scale = contest.row, _scale(contest)
    is_game = contest.task is not None
    random, rule = contest.of("random"), contest.of("rule")
    head = ["player", _said(row.figure, scale)]
    shows_course = is_game and row.figure != "mean_regret"
    if shows_course:
        head.append("regret over time")
    if is_game:
        head.append("answered after (median)")
    head += [f"minus {each.label}" for each in (random, rule) if each is not None]
    if random is not None:
        head.append(f"won against {random.label}")
    head += [f"{each}" for each in row.also]
    also = {name: Scale.of(_all_values(contest, name)) for name in row.also}
    lines: list[list[str]] = []
    for player in contest.players:
        line = [_bold(player), _spread(player, contest, scale)]
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
    times = sorted(player.values("time_to_good").values())
    if not times:
        return NOTHING
    middle = times[len(times) // 2]
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
    for player in contest.players:
        if player.n_missing:
            missing, ordered = player.n_missing, counted(player.n_ordered, "run")
            yield f"Missing: {missing} of {ordered} of `{player.label}`."
            yield ""
        if player.failed:
            seed, why = next(iter(player.failed.items()))
            n = counted(len(player.failed), "run")
            yield f"Failed: {n} of `{player.label}`, the first on seed {seed}: {cell(why)}"
            yield ""


def _closing(found: Sequence[Contest]) -> Iterator[str]:
    yield from ("## Sizes and versions", "")
    rows = [
        [
            f"`{contest.block.name}`",
            cell(contest.group),
            str(len(contest.players)),
            str(len(contest.seeds)),
            str(sum(player.n_ordered - player.n_missing for player in contest.players)),
            format_duration(contest.seconds),
        ]
        for contest in found
    ]
    yield from table(("block", "group", "players", "seeds", "runs done", "computing"), rows)
    yield ""
    versions = versions_of(found)
    yield "Versions: " + ", ".join(f"{k} {' and '.join(v)}" for k, v in versions.items()) + "."


def _wins(contest: Contest, player: Player) -> str:
    random = contest.against(player, "random")
    rule, other = contest.against(player, "rule"), contest.of("rule")
    parts = []
    if random is not None and random.n:
        parts.append(f"better on {random.wins} of {random.n} seeds than random")
    if rule is not None and other is not None and rule.n:
        parts.append(f"on {rule.wins} of {rule.n} than `{other.label}`")
    return f" ({', '.join(parts)})" if parts else ""


def _scale(contest: Contest) -> Scale:
    return Scale.of(_all_values(contest, contest.row.figure), contest.row.unit)


def _all_values(contest: Contest, figure: str) -> list[float]:
    return [value for player in contest.players for value in player.values(figure).values()]


def _spread(player: Player | None, contest: Contest, scale: Scale) -> str:
    return "" if player is None else scale.spread(list(player.values(contest.row.figure).values()))


def _said(figure: str, scale: Scale) -> str:
    name = figure.split(" [", 1)[0].replace("_", " ")
    return f"{name} [{scale.unit}]" if scale.unit and scale.unit != "1" else name


def _bold(player: Player) -> str:
    label = cell(player.label)
    return f"**{label}**" if player.role == "agent" else label


def command_of(out: Path, page: Path) -> str:
    """Return the command that does a campaign and writes its page."""
    words = ["campaign", ordered_from(out), "--out", out.as_posix(), "--page", page.as_posix()]
    return shlex.join(["spm-auto", *words])

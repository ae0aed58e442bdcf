"""The page of a campaign: row by row what was claimed, what was done, and what came of it."""

import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from ..data import write_whole
from ..errors import DataError
from ..play import GOOD
from ..units import format_duration
from .book import SPEC_COPY, ordered_from
from .compare import COVERED, FEWEST, RESAMPLES
from .contests import Contest, Role, contests, runs_of, versions_of
from .pictures import draw_contest, draw_verdicts
from .section import figure_said, prose, scale_of, section_of, spread_of
from .spec import read_campaign
from .wording import Scale, cell, counted, table

OVERVIEW = "all_rows"
_WAY_OF_READING = f"""\
All players of a row have the same samples and instruments, seed by seed; in games they have the
same instrument time, too. *random* chooses evenly, *the rule* is a player that learns nothing,
unless a row's note says otherwise; the *oracle* knows the truth and plays by the same rules; who is
in question is **bold**.

- **Regret** is how far the answer is from the best one: 0 for the truth's own choice, 1 for knowing
  nothing. *Regret over time* is its mean over the budget: who finds out early is better. A question
  counts as *answered* when the regret has come below {GOOD:g}.
- Figures are mean ± standard deviation over seeds. A difference is paired by seed, with its
  {COVERED:.0%} interval (percentile bootstrap of the mean, {RESAMPLES:,} resamples, expanded for
  few seeds as by Hesterberg, 2015); it is bold where that excludes 0. Where a figure is infinite
  (*never*) there are a median, and wins and losses; the sign test of the same level takes the
  interval's place.
- **A verdict says this and nothing else:** "better" and "worse" where the interval excludes 0, "no
  better" where it does not, which is no proof that two are alike. Below {FEWEST} seeds it says
  nothing. A seed on which either player failed is left out, and the verdict says on how many it
  rests.
- Tried on players that are alike, the interval of ten seeds excludes 0 in 5 to 9 of 100
  comparisons, most where the differences are skewed; that of twenty seeds in 3 to 7.
- Pictures: lines are means over seeds, bands the middle half of the seeds; a dot is a seed, a bar
  mean ± standard deviation."""


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
    if not page.name or page.is_dir():
        raise DataError(f"{page} is a folder; write the page's file, such as page.md")
    found = contests(out)
    folder = page.parent / "img" / page.stem
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror or error}") from error
    pictures: dict[str, str] = {}
    for name, content in _drawn(found):
        if content is not None:
            write_whole(folder / f"{name}.png", content)
            pictures[name] = quote(f"img/{page.stem}/{name}.png")
    campaign = read_campaign(out / SPEC_COPY)
    lines = [
        f"# {campaign.title}",
        "",
        *prose(campaign.note),
        *_opening(found, command_of(out, page)),
        *_summary(found, pictures),
    ]
    for contest in found:
        lines += section_of(contest, _name(contest, found), _heading(contest, found), pictures)
    lines += _closing(found)
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    write_whole(page, text.encode())
    return found


def _drawn(found: Sequence[Contest]) -> Iterator[tuple[str, bytes | None]]:
    """Yield the name and the content of each picture, one at a time."""
    yield OVERVIEW, draw_verdicts(found)
    for contest in found:
        yield _name(contest, found), draw_contest(contest)


def _name(contest: Contest, found: Sequence[Contest]) -> str:
    """Return what a row's picture and place on the page are called."""
    same = [each for each in found if each.block.name == contest.block.name]
    number = same.index(contest) + 1
    return contest.block.name if len(same) == 1 else f"{contest.block.name}_{number}"


def _heading(contest: Contest, found: Sequence[Contest]) -> str:
    """Return the title of a row, with what tells it apart where a block has several groups."""
    is_only = _name(contest, found) == contest.block.name
    return cell(contest.row.title if is_only else f"{contest.row.title}: {contest.group}")


def _opening(found: Sequence[Contest], command: str) -> Iterator[str]:
    runs = runs_of(found)
    ordered = len(runs)
    missing = sum(map(math.isnan, runs.values()))
    seconds = sum(took for took in runs.values() if not math.isnan(took))
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
        scale = scale_of(contest)
        title = f"[{_heading(contest, found)}](#{name})"
        if contest.row.figure != "regret":
            title += f": {figure_said(contest.row.figure, scale)}"
        for player in contest.players:
            if player.role != "agent":
                continue
            said.append(contest.verdict(player))
            rows.append(
                [
                    title,
                    cell(player.label),
                    spread_of(player, contest, scale),
                    _of_other(contest, "random", scale),
                    _of_other(contest, "rule", scale),
                    f"**{said[-1]}**" if contest.is_won(player) else said[-1],
                ]
            )
            title = ""
    yield from ("## All rows", "")
    yield from (_counts(found), "")
    head = ("row, and figure if not regret", "player", "player's", "random's", "the rule's")
    yield from (*table((*head, "verdict"), rows), "")
    if OVERVIEW in pictures:
        yield f"![Differences of all rows with their intervals]({pictures[OVERVIEW]})"
        yield ""
        yield "*Differences, paired by seed, with their intervals; filled where a verdict says"
        yield "better or worse. Without rows in which random comes to the same on every seed.*"
        yield ""


def _of_other(contest: Contest, role: Role, scale: Scale) -> str:
    other = contest.of(role)
    spread = spread_of(other, contest, scale)
    is_named = other is not None and other.label != role
    return f"{spread} ({cell(other.label)})" if other is not None and is_named else spread


def _counts(found: Sequence[Contest]) -> str:
    """Return in a sentence how many verdicts say what."""
    judged = [(c, player) for c in found for player in c.players if player.role == "agent"]
    to_random = [one.says for c, p in judged if (one := c.against(p, "random")) is not None]
    better, alike, worse = (to_random.count(says) for says in ("better", "open", "worse"))
    both = sum(contest.is_won(player) for contest, player in judged)
    few = to_random.count("few")
    to_rule = [one.says for c, p in judged if (one := c.against(p, "rule")) is not None]
    n = sum(says != "few" for says in (*to_random, *to_rule))
    text = f"Of {counted(len(judged), 'player')} in question, {better} did better than random"
    text += (
        f", {alike} no better, {worse} worse; {both} did better than all they are compared with."
    )
    if few:
        text += f" Of {few} there are too few seeds to say."
    by_chance = round(n * (1 - COVERED))
    if by_chance:
        text += (
            f" These are {n} comparisons, to random and to the rules: if no two players differed, "
            f"{by_chance} or more of them would still say better or worse by chance."
        )
    return text


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
    versions = [f"{name} {' and '.join(many)}" for name, many in versions_of(found).items()]
    if versions:
        yield f"Versions: {', '.join(versions)}."


def command_of(out: Path, page: Path) -> str:
    """Return the command that does a campaign and writes its page."""
    words = ["campaign", ordered_from(out), "--out", out.as_posix(), "--page", page.as_posix()]
    return shlex.join(["spm-auto", *words])

"""Pictures of a campaign's page: regret against instrument time, figures by seed, all verdicts."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..instrument import FloatArray
from ..plotting import THEME, dress, to_png, write_axis
from .compare import Comparison
from .contests import Contest, Player
from .wording import WITH_PREFIX, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 8.2  # of a page's picture [inch]
AGENTS = ("#2a5f8f", "#c2481d", "#3f7d4e", "#8a4f9e")
RULE, RANDOM, ORACLE = "#9a7b1f", "#8c8c8c", "#262626"
OTHERS = ("#b9a27a", "#7fa39b", "#c49aa0", "#9aa6bf")
_TICKS = (-100, -20, -5, -2, -1, 0, 1, 2, 5, 20, 100)  # of differences, in standard deviations
_MOST_REGRET = 2.0  # that is drawn: the first acts of some tasks make things far worse
_TIMES = 240  # at which a curve is drawn


def draw_contest(contest: Contest) -> bytes | None:
    """Draw how a contest went, as a PNG; None while nothing is done.

    Left the regret against instrument time, where the runs are games; right what was compared, a
    dot for each seed, and mean ± standard deviation.
    """
    from matplotlib.figure import Figure

    there = [player for player in contest.players if player.results]
    if not there:
        return None
    colors = _colors(contest.players)
    height = 1.5 + 0.27 * max(6, len(there))
    figure = Figure(figsize=(WIDTH, height), dpi=THEME["resolution"], layout="compressed")
    if any("regret" in result.curves for player in there for result in player.results.values()):
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        _draw_course(left, contest, there, colors)
    else:
        right = figure.subplots()
    _draw_seeds(right, contest, there, colors)
    return to_png(figure)


def draw_verdicts(found: Sequence[Contest]) -> bytes | None:
    """Draw all differences to random and to the rules with their intervals, as a PNG.

    They are in standard deviations of the random player over seeds, to the right where the agent
    is better. None where there is nothing to draw.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    lines = [
        (contest, player)
        for contest in found
        for player in contest.players
        if player.role == "agent" and _sd_of_random(contest)
    ]
    if not lines:
        return None
    size = (WIDTH, 1.0 + 0.25 * len(lines))
    figure = Figure(figsize=size, dpi=THEME["resolution"], layout="compressed")
    ax = figure.subplots()
    for at, (contest, player) in enumerate(lines):
        for role, shift, color, marker in (
            ("random", -0.13, AGENTS[0], "o"),
            ("rule", 0.13, AGENTS[1], "D"),
        ):
            one = contest.against(player, role)  # type: ignore[arg-type]
            if one is None or math.isnan(one.mean):
                continue
            low, mean, high = in_deviations(contest, one)
            is_sure = one.says in ("better", "worse")
            ax.plot([low, high], [at + shift] * 2, color=color, linewidth=1.2)
            face = color if is_sure else "white"
            ax.plot(mean, at + shift, marker, color=color, mfc=face, markersize=4)
    ax.axvline(0, color=THEME["faint"], linewidth=0.8, zorder=0)
    several = {c.block.name for c in found if sum(c.block is d.block for d in found) > 1}
    names = [
        f"{c.row.title if c.block.name not in several else c.group}: {player.label}"
        for c, player in lines
    ]
    ax.set_yticks(range(len(lines)), names, fontsize=THEME["tick size"])
    ax.set_ylim(len(lines) - 0.5, -0.5)
    shaded = list(dict.fromkeys(id(contest) for contest, _ in lines))[::2]
    for at, (contest, _) in enumerate(lines):
        if id(contest) in shaded:
            ax.axhspan(at - 0.5, at + 0.5, color="#f4f2ee", zorder=-1, linewidth=0)
    ax.set_xlabel(
        "worse  ←  standard deviations of random  →  better",
        fontsize=THEME["label size"],
        color=THEME["ink"],
    )
    keys = [
        Line2D([], [], color=AGENTS[0], marker="o", markersize=4, label="against random"),
        Line2D([], [], color=AGENTS[1], marker="D", markersize=4, label="against the rule"),
    ]
    figure.legend(
        handles=keys, fontsize=THEME["tick size"], frameon=False, loc="outside upper right", ncols=2
    )
    ax.set_xscale("symlog", linthresh=2.0, linscale=1.5, subs=(5.0,))
    ends = [tick for tick in _TICKS if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]]
    ax.set_xticks(ends, [f"{tick:+d}".replace("-", "\u2212") if tick else "0" for tick in ends])
    ax.minorticks_off()
    dress(ax)
    return to_png(figure)


def _draw_course(
    ax: "Axes", contest: Contest, players: Sequence[Player], colors: dict[str, str]
) -> None:
    task = contest.task
    end = task.budget if task is not None else _last_time(players)
    times = np.linspace(0.0, end, _TIMES)
    for player in reversed(players):
        curves = np.array([_at(times, result.curves) for result in player.results.values()])
        mean = curves.mean(axis=0)
        is_agent = player.role == "agent"
        ax.plot(
            times,
            mean,
            color=colors[player.label],
            linewidth=1.7 if is_agent else 1.0,
            linestyle="--" if player.role == "oracle" else "-",
            label=player.label,
            zorder=3 if is_agent else 2,
        )
        if player.role in ("agent", "random") and len(curves) > 1:
            low, high = np.quantile(curves, [0.25, 0.75], axis=0)
            band: Any = ax.fill_between(times, low, high, color=colors[player.label], zorder=1)
            band.set(alpha=0.13, linewidth=0)
    ax.set_xlim(0, end)
    bottom, top = ax.get_ylim()
    ax.set_ylim(min(0.0, bottom), min(top, _MOST_REGRET))
    write_axis(ax.xaxis, "instrument time", "s", end if end < 1000 else 999.0)
    ax.set_ylabel("regret", fontsize=THEME["label size"], color=THEME["ink"])
    dress(ax)


def _draw_seeds(
    ax: "Axes", contest: Contest, players: Sequence[Player], colors: dict[str, str]
) -> None:
    figure = contest.row.figure
    unit = contest.row.unit or unit_of(figure)
    largest = 0.0
    names: list[str] = []
    for at, player in enumerate(players):
        known = player.values(figure).values()
        values = np.array([value for value in known if math.isfinite(value)])
        never = sum(map(math.isinf, known))
        names.append(f"{player.label} (never: {never})" if never else player.label)
        if not len(values):
            continue
        largest = max(largest, float(np.abs(values).max()))
        color = colors[player.label]
        jitter = 0.30 * (np.arange(len(values)) / max(1, len(values) - 1) - 0.5)
        ax.plot(values, at + jitter, ".", color=color, alpha=0.55, markersize=5, mew=0)
        if never:  # of these there is no mean
            continue
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        ax.errorbar(
            float(values.mean()), at, xerr=spread, fmt="|", color=color, markersize=11,
            elinewidth=1.3, markeredgewidth=2.0,
        )  # fmt: skip
    ax.set_yticks(range(len(players)), names)
    ax.set_ylim(len(players) - 0.5, -0.5)
    ax.grid(axis="x", color="#ececec", linewidth=0.7)
    ax.set_axisbelow(True)
    has_prefix = unit in WITH_PREFIX
    name = figure.split(" [", 1)[0] if has_prefix else f"{figure} ({unit})" if unit else figure
    write_axis(ax.xaxis, name.replace("_", " "), unit if has_prefix else "1", largest or 1.0)
    dress(ax)
    for tick, player in zip(ax.get_yticklabels(), players, strict=True):
        tick.set_color(colors[player.label])
        if player.role == "agent":
            tick.set_fontweight("bold")


def _at(times: FloatArray, curves: Any) -> FloatArray:
    """Return the regret at some times: 1 before the end of the first act."""
    ends, regrets = np.array(curves["time"]), np.array([1.0, *curves["regret"]])
    return np.asarray(regrets[np.searchsorted(ends, times, side="right")])


def _last_time(players: Sequence[Player]) -> float:
    return max(
        (result.curves["time"][-1] for p in players for result in p.results.values()
         if result.curves.get("time")),
        default=1.0,
    )  # fmt: skip


def _colors(players: Sequence[Player]) -> dict[str, str]:
    agents, others = iter(AGENTS * len(players)), iter(OTHERS * len(players))
    known = {"rule": RULE, "random": RANDOM, "oracle": ORACLE}
    return {
        player.label: next(agents)
        if player.role == "agent"
        else known.get(player.role) or next(others)
        for player in players
    }


def in_deviations(contest: Contest, one: Comparison) -> tuple[float, float, float]:
    """Return a difference between the ends of its interval, as drawn: more is better.

    Args:
        contest: Of the players that were compared.
        one: Their comparison.

    Returns:
        Low, mean and high, in standard deviations of the random player over seeds.
    """
    scale = (-1 if contest.row.is_lower_better else 1) / _sd_of_random(contest)
    low, high = sorted((scale * one.low, scale * one.high))
    return low, scale * one.mean, high


def _sd_of_random(contest: Contest) -> float:
    """Return the standard deviation of the random player over seeds; 0 where there is none."""
    random = contest.of("random")
    if random is None:
        return 0.0
    values = list(random.values(contest.row.figure).values())
    is_known = len(values) > 1 and all(map(math.isfinite, values))
    return float(np.std(values, ddof=1)) if is_known else 0.0

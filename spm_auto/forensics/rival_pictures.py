"""Pictures of what others would have done, and of which model spoke when."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..data import ModelFitted
from ..plotting import THEME, new_axes, on_picture, outline, plot_map, write_axis
from .history import History
from .marks import (
    BLUE,
    FULL,
    RED,
    Mark,
    Picture,
    count_spectra,
    draw_marks,
    legend,
    name_axis,
    picture,
)
from .rivals import Fork, promises

# told apart by shape, as well as by colour
_SIGNS: Mapping[str, tuple[str, str]] = {
    "upper bound": ("^", "#2a5f8f"),
    "expected improvement": ("s", "#0f766e"),
    "variance": ("D", "#7a4fa3"),
    "greedy": ("v", "#8a6d1d"),
    "ranking": ("P", "#444444"),
    "random": ("x", "#9a9a9a"),
}


def draw_rivals(history: History, forks: Sequence[Fork], marks: Sequence[Mark]) -> list[Picture]:
    """Draw what each rule would have chosen after each fit, and what that is worth in hindsight."""
    if not forks:
        return []
    last = history.fits[-1]
    expected = promises(list(forks), last)
    numbers = np.array([fork.number for fork in forks], dtype=float)
    ax = new_axes(FULL)
    for rule, (sign, colour) in _SIGNS.items():
        if rule in expected:
            ax.plot(numbers, expected[rule], sign, color=colour, markersize=4.2, alpha=0.85,
                    markerfacecolor="none" if sign in "sD^v" else colour, label=rule)  # fmt: skip
    ax.plot(numbers, expected["agent"], "-o", color=RED, linewidth=1.2, markersize=5, label="agent",
            markeredgecolor="white", zorder=4)  # fmt: skip
    everything = np.concatenate(list(expected.values()))
    name = history.scalarizer.replace("_", " ")
    write_axis(ax.yaxis, f"{name} in hindsight", history.unit, float(np.nanmax(np.abs(everything))))
    count_spectra(ax, numbers)
    draw_marks(ax, marks)
    legend(ax, 7)
    shown = [
        picture(
            ax,
            "the roads not taken",
            "after each fit of the model: what the last fit, which knows most, expects at the "
            "place that the agent chose (line) and where other rules would have gone from the same "
            "belief. It is a judgement, not a measurement, and favours places near measured ones",
            "rivals",
            "full",
        )
    ]
    for which in _telling(forks):
        shown.append(_draw_fork(history, forks[which]))
    return shown


def draw_speakers(
    fits: Sequence[ModelFitted], marks: Sequence[Mark], numbers: Sequence[int]
) -> list[Picture]:
    """Draw which model spoke at each fit, and the evidence that it spoke by.

    Args:
        fits: The fits in order.
        marks: Interventions and alarms.
        numbers: How many spectra had been taken at each fit.
    """
    names = list(dict.fromkeys(fit.speaker for fit in fits if fit.speaker))
    evidence = {
        key.removesuffix("_evidence").replace("_", " "): np.array(
            [fit.parameters.get(key, np.nan) for fit in fits]
        )
        for key in dict.fromkeys(key for fit in fits for key in fit.parameters)
        if key.endswith("_evidence")
    }
    if len(evidence) < 2:
        return []
    at = np.asarray(numbers, dtype=float)
    plain = next(iter(evidence))
    ax = new_axes(FULL)
    styles = ("-o", "--s", ":^", "-.D")
    for style, (name, values) in zip(styles * len(evidence), evidence.items(), strict=False):
        if name == plain:
            continue
        ax.plot(at, values - evidence[plain], style, color=BLUE, linewidth=1.4, markersize=4,
                label=f"{name} over {plain}")  # fmt: skip
    ax.axhline(0, color=THEME["ink"], linewidth=0.8)
    for index, fit in enumerate(fits):
        if fit.speaker and fit.speaker != plain:
            end = at[index + 1] if index + 1 < len(at) else at[index] + 1
            ax.axvspan(at[index], end, color=RED, alpha=0.16, linewidth=0)
    name_axis(ax, "evidence (nat)")
    count_spectra(ax, at)
    draw_marks(ax, marks)
    legend(ax, 3)
    said = ", ".join(
        f"{name} at {sum(fit.speaker == name for fit in fits)} of {len(fits)} fits"
        for name in names
    )
    return [
        picture(
            ax,
            "who spoke",
            "how much more probability the model gave to all spectra so far than "
            f"{plain} did, each predicted before it was told; above zero it knew better. Shaded: "
            f"it had the word. Spoke: {said}",
            "speakers",
            "full",
        )
    ]


def _draw_fork(history: History, fork: Fork) -> Picture:
    fit = history.fits[fork.fit]
    is_same = history.judges[fork.fit] == history.scalarizer
    unit = history.unit if is_same else "1"
    ax = plot_map(fit.mean, fit.rows, fit.frame, unit, "")
    before = [c for c in history.choices if c.number < fork.number]
    x, y = ([getattr(c.chosen, axis) for c in before] for axis in ("x", "y"))
    ax.plot(*on_picture(fit.frame, x, y), "o", color="white", markersize=3.4,
            markeredgecolor="#1a1a1a", markeredgewidth=0.6)  # fmt: skip
    for rule, (line, pixel) in {**fork.others, "agent": fork.agent}.items():
        sign, colour = _SIGNS.get(rule, ("o", RED))
        across, up = on_picture(fit.frame, *fit.frame.to_sample(line, pixel))
        ax.plot(across, up, sign, color=colour, markersize=9 if rule == "agent" else 7, zorder=5,
                markeredgecolor="white" if sign not in "x" else colour, markeredgewidth=0.9,
                label=rule, path_effects=outline(1.6), clip_on=False)  # fmt: skip
    ax.set_title("", loc="left")
    legend(ax, 3, 6.5)
    return picture(
        ax,
        f"before spectrum {fork.number}",
        f"what the model expected after {fit.n_observations} good spectra (dots: all taken), and "
        "where each rule would have gone"
        + ("" if is_same else f"; judged by {history.judges[fork.fit].replace('_', ' ')} then"),
        "rivals",
        "",
    )


def _telling(forks: Sequence[Fork]) -> list[int]:
    """Choose three forks to look at: the first, the middle and the last."""
    return sorted({0, len(forks) // 2, len(forks) - 1})

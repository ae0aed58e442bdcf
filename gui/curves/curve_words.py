"""Curve words: what is drawn of spectra and force curves, in words and in colours."""

from collections.abc import Sequence

from ..common.theme import Theme
from ..common.words import many
from .curve_plot import Drawing
from .spectrum_controls import Shown
from .traces import Mean, Trace, derivative, smoothed


def prepared(taken: Trace, shown: Shown) -> Trace:
    """Return a trace smoothed, and its slope, where that is wanted."""
    y = taken.y
    if shown.smoothing:
        y = smoothed(taken.x, y, shown.smoothing)
    if shown.is_slope:
        y = derivative(taken.x, y)
    return Trace(taken.number, taken.x, y, taken.remark)


def legend_of(drawing: Drawing, theme: Theme) -> str:
    """Return what is drawn in which colour, as rich text without anything from the run in it."""
    newest = drawing.newest
    entries = [
        (theme.accent, "" if newest is None else f"no. {newest.number + 1}", bool(newest)),
        (theme.good, "mean ± deviation", drawing.mean is not None),
        (theme.ink, "fit", drawing.fit is not None),
        (theme.faint, "others", bool(drawing.good)),
        (theme.warning, "not to be trusted", bool(drawing.wrong)),
    ]
    return "&nbsp;&nbsp;&nbsp;".join(
        f'<span style="color:{colour}">━</span> {name}'
        for colour, name, is_there in entries
        if is_there
    )


def words_of(
    traces: Sequence[Trace], n_drawn: int, n_taken: int, mean: Mean | None, shown: Shown
) -> str:
    """Say what is drawn, what was left out of the mean, and what is wrong with what is dashed."""
    kind = "force curve" if shown.is_force else "spectrum"
    newest = traces[-1]
    said = [f"no. {newest.number + 1} on top"]
    if len(traces) > 1:
        drawn = f"{n_drawn} of {len(traces)}" if n_drawn < len(traces) else str(n_drawn)
        said[0] = f"{drawn} {many(len(traces), kind)}, {said[0]}"
    if n_taken > len(traces):
        said.append(f"{n_taken - len(traces)} without this channel")
    if mean is not None:
        out = []
        if mean.n_wrong:
            out.append(f"{mean.n_wrong} with a remark")
        if mean.n_other:
            out.append(f"{mean.n_other} over another range")
        said.append(f"mean of {mean.n_used}" + (f", without {' and '.join(out)}" if out else ""))
    n_wrong = sum(bool(each.remark) for each in traces)
    if newest.remark:
        said.append(f"no. {newest.number + 1} is dashed, not to be trusted: {newest.remark}")
    elif n_wrong:
        said.append(f"{n_wrong} dashed, not to be trusted: {_remarks(traces)}")
    return "; ".join(said)


def _remarks(traces: Sequence[Trace]) -> str:
    return ", ".join(dict.fromkeys(each.remark for each in traces if each.remark))

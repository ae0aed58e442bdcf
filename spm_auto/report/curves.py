"""Pictures of a run's force curves: where they were taken, what they are worth, and the best."""

import math

import numpy as np

from ..data import JudgedCurve, RecordedRun
from ..plotting import plot_force_curve, plot_image, plot_learning_curve, plot_points
from .pictures import Picture, picture_of
from .tables import value_text

_BEST = 3  # curves shown


def draw_curves(run: RecordedRun) -> list[Picture]:
    """Draw the force curves of a run; nothing where it has none."""
    curves = run.judged_curves
    if not curves:
        return []
    names = [each.scored.scalarizer for each in curves if each.scored is not None]
    compared = [c for c in curves if c.scored is not None and c.scored.scalarizer == names[-1]]
    pictures = _where(run, curves)
    if any(math.isfinite(_value(each)) for each in compared):
        pictures.append(_progress(compared, len(curves)))
    good = [each for each in compared if math.isfinite(_value(each)) and not each.doubt]
    ranked = sorted(good, key=_value, reverse=True)[:_BEST]
    for rank, each in enumerate(ranked, start=1):
        said = _said(each)
        title = f"best {rank}: force curve {each.number + 1}"
        pictures.append(picture_of(plot_force_curve(each.curve), title, said, "curves"))
    for each in () if ranked else curves[:_BEST]:
        title = f"force curve {each.number + 1}"
        pictures.append(picture_of(plot_force_curve(each.curve), title, "", "curves"))
    return pictures


def _where(run: RecordedRun, curves: tuple[JudgedCurve, ...]) -> list[Picture]:
    if not run.scans:
        return []
    image = run.scans[-1]
    inside = [c for c in curves if bool(image.frame.contains(c.curve.x, c.curve.y))]
    axes = plot_image(image.channel(), image.frame, image.channels[0])
    x, y = [c.curve.x for c in inside], [c.curve.y for c in inside]
    plot_points(axes, x, y, image.frame)
    said = "where force curves were taken, from white (first) to red (last)"
    return [picture_of(axes, "force curves", said, "curves", True)]


def _progress(compared: list[JudgedCurve], n: int) -> Picture:
    scored = [each.scored for each in compared if each.scored is not None]
    good = [score for score in scored if math.isfinite(score.value)]
    doubted = [bool(each.doubt) for each in compared]
    values = np.where(doubted, np.nan, [score.value for score in scored])
    axes = plot_learning_curve(values, good[-1].unit, name=scored[-1].scalarizer.replace("_", " "))
    counted = "each force curve" if len(compared) == n else "each force curve scored so"
    return picture_of(axes, "learning curve", f"{counted}, and the best so far", "curves", True)


def _value(judged: JudgedCurve) -> float:
    return judged.scored.value if judged.scored is not None else math.nan


def _said(judged: JudgedCurve) -> str:
    if judged.scored is None:
        return ""
    name = judged.scored.scalarizer.replace("_", " ")
    return f"{name} {value_text(judged.scored.value, judged.scored.unit)}"

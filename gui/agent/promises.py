"""Promises: what an agent believes of every place, as maps; nothing here knows of Qt."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spm_auto.agents import ForbidRegion, steering_of
from spm_auto.analysis import Surface, expected_improvement
from spm_auto.data import Intervention
from spm_auto.errors import SpmError
from spm_auto.instrument import FloatArray, ScanFrame
from spm_auto.settings import override

from ..run.growing_scan import GrowingScan
from ..run.learning import Learning
from ..run.run_model import RunModel


@dataclass(frozen=True, slots=True, eq=False)
class Promise:
    """How much each place promises, as far as the maps of the last fit tell.

    Attributes:
        values: Of each row of the fit, NaN where it is forbidden, shape (n,).
        name: What that is, in words.
        unit: Of the values.
        best: What was to be improved on.
    """

    values: FloatArray
    name: str
    unit: str
    best: float


def on_grid(values: FloatArray, rows: ArrayLike, frame: ScanFrame) -> tuple[FloatArray, ScanFrame]:
    """Lay one value per candidate onto an image; NaN where there is no candidate.

    Where candidates are every so many-th pixel the image has as many cells as there are candidates,
    each as large as their distance, so that it is no pattern of dots.

    Args:
        values: One number per candidate, shape (n,).
        rows: Line and pixel of each, shape (n, 2); where several share a pixel, the largest
            value counts.
        frame: The overview's frame.

    Returns:
        The image [line, pixel] and the frame in which it lies.
    """
    rows = np.asarray(rows, dtype=int)
    first, step, n = [0, 0], [1, 1], list(frame.shape)
    for axis in (0, 1):
        at = np.flatnonzero(np.bincount(rows[:, axis]))
        if len(at) > 1 and (apart := int(np.gcd.reduce(np.diff(at)))) > 1:
            first[axis], step[axis] = int(at[0]), apart
            n[axis] = int(at[-1] - at[0]) // apart + 1
    cells = ((rows - first) // step) @ np.array([n[1], 1])
    image = np.full(n[0] * n[1], np.nan)
    image[cells] = values
    if np.count_nonzero(np.bincount(cells)) < len(cells):  # several share a pixel
        np.fmax.at(image, cells, values)
    image = image.reshape(n)
    middle = [f + s * (k - 1) / 2 for f, s, k in zip(first, step, n, strict=True)]
    x, y = frame.to_sample(middle[0], middle[1])
    cell = (frame.size[0] / frame.pixels[0] * step[1], frame.size[1] / frame.pixels[1] * step[0])
    return image, ScanFrame(
        center=(float(x), float(y)),
        size=(cell[0] * n[1], cell[1] * n[0]),
        pixels=(n[1], n[0]),
        angle=frame.angle,
    )


def promise(model: RunModel) -> Promise | None:
    """Return the expected improvement of every place, per second where seconds are counted.

    It is computed from mean and deviation as recorded, against the best value so far;
    the agent itself may have gone by another rule, which the reason of its choice tells. None while
    nothing was fitted.

    Source:
        D. R. Jones, M. Schonlau, W. J. Welch, J. Glob. Optim. 13, 455 (1998).
    """
    fit = model.fit
    if fit is None:
        return None
    found = np.array(model.fit_learning.values, dtype=float)
    is_told = bool(np.isfinite(found).any()) and not fit.quantity
    best = float(np.nanmax(found)) if is_told else float(np.max(fit.mean))
    surface = Surface(fit.mean, fit.deviation, np.array([math.inf]), 0.0)
    values, name = expected_improvement(surface, best), "expected improvement"
    unit = unit_of(model)
    x, y = fit.frame.to_sample(fit.rows[:, 0], fit.rows[:, 1])
    costs = model.costs
    if costs is not None and counts_seconds(model) and model.probe is not None:
        away = np.hypot(x - model.probe[0], y - model.probe[1])
        seconds = costs.overhead + float(np.mean(costs.sweep)) + costs.per_metre * away
        values, name = values / np.maximum(seconds, 1e-9), f"{name} per second"
        unit = "1/s" if unit == "1" else f"{unit}/s"
    for region in forbidden_regions(model):
        values = np.where(region.contains(x, y), np.nan, values)
    return Promise(values, name, unit, best)


def counts_seconds(model: RunModel) -> bool:
    """Whether the agent weighs what a place is worth by the time that it takes."""
    costs = model.costs
    differ = costs is not None and (costs.per_metre > 0 or float(np.ptp(costs.sweep)) > 0)
    return differ and bool(agent_table(model).get("cost_aware", True))


def forbidden_regions(model: RunModel) -> list[ForbidRegion]:
    """Return where nothing may be measured now."""
    regions = (region_of(each) for each in model.forbidden)
    return [region for region in regions if region is not None]


def region_of(intervention: Intervention) -> ForbidRegion | None:
    """Return the region of an intervention; None where this version cannot read it."""
    try:
        region = steering_of(intervention.kind, intervention.values)
    except SpmError:
        return None
    return region if isinstance(region, ForbidRegion) else None


def step_table(model: RunModel) -> Mapping[str, Any]:
    """Return what the recipe says of the step that goes on; empty where nobody knows."""
    if model.started is None or model.step is None:
        return {}
    try:
        overrides = tuple(map(str, model.started.settings.get("overrides", ())))
        table = _read(model.started.recipe, overrides)["steps"][model.step.index]
        for number in model.step.path[1::2]:
            table = table["steps"][number]
    except (tomllib.TOMLDecodeError, SpmError, KeyError, IndexError, TypeError):
        return {}
    return table if isinstance(table, dict) else {}


def agent_table(model: RunModel) -> Mapping[str, Any]:
    """Return what the recipe says of the agent of the step that goes on."""
    agent = step_table(model).get("agent", {})
    return agent if isinstance(agent, dict) else {}


def unit_of(model: RunModel) -> str:
    """Return the unit of what the fit predicts; of what is found while there is none."""
    if model.fit is None:
        return model.learning.unit
    return "1" if model.fit.quantity else model.fit_learning.unit


def shown_learning(model: RunModel) -> Learning:
    """Return how the agent does, or did in the last step that had one."""
    return model.learning if model.learning.times else model.fit_learning


def scan_of(model: RunModel) -> GrowingScan | None:
    """Return the image that the agent looks at, or else the newest one."""
    if model.fit is not None:
        for scan in reversed(model.images):
            if scan.frame == model.fit.frame and scan.forward is not None:
                return scan
    return model.scan


@lru_cache(maxsize=4)
def _read(recipe: str, overrides: tuple[str, ...]) -> dict[str, Any]:
    """Read a recipe as it was carried out, with what was replaced in it when the run was started.

    It is asked for ten times a second, and nobody may change what comes back.
    """
    table = tomllib.loads(recipe)
    for text in overrides:
        path, _, written = text.partition("=")
        if re.split(r"[.\[]", path, maxsplit=1)[0] in table:  # else it is of the lab file
            table = override(table, path, _value(written))
    return table


def _value(text: str) -> Any:
    """Read a value as TOML would; what is no TOML is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text

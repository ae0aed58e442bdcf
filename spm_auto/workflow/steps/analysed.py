"""What the analyse step works out of a run's images and spectra, as findings; no request is made.

Each finding has a value ``what``: "walls", "fit", "unmixing", "clusters", "statement", or "nothing"
where something could not be said.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Literal

import numpy as np

from ...agents import Scalarizer
from ...analysis import (
    Shape,
    find_clusters,
    find_walls,
    plus_minus,
    state,
    togetherness,
    unmix,
)
from ...data import Finding
from ...errors import AgentError
from ...instrument import FloatArray, ScanImage
from ...units import format as format_quantity
from .material import (
    Material,
    NothingToSay,
    channel_at,
    features_of,
    image_with,
    judge,
    last_judged,
    places_of,
    table_of,
)

ANALYSIS = "analysis"
WALLS, DOMAINS = "walls", "domains"  # structures that are no channel of an image
LAST = "last"  # the scalarizer that an agent went for last

Method = Literal["pca", "nmf"]


def _said(about: str) -> Callable[[Callable[..., Finding]], Callable[..., Finding]]:
    """Turn what cannot be worked out into a finding that says why."""

    def wrap(work: Callable[..., Finding]) -> Callable[..., Finding]:
        @wraps(work)
        def working(*values: Any) -> Finding:
            try:
                return work(*values)
            except (NothingToSay, ValueError, AgentError) as error:
                return Finding(
                    ANALYSIS, f"{about}: nothing can be said: {error}", {"what": "nothing"}
                )

        return working

    return wrap


@_said("domain walls")
def walls_found(material: Material, phase: str, amplitude: str, smoothing: float) -> Finding:
    """Find the domain walls, and how far each spectrum was from them."""
    places = places_of(material.measured)
    image = image_with([phase], material.images, places)
    walls = find_walls(image, phase, amplitude, smoothing=smoothing)
    distances = walls.distances(*places.T)
    values = {
        "what": "walls",
        **_about(image),
        "lines": _joined(walls.lines),
        "length": walls.length,
        "deviation": walls.deviation,
        "share": walls.share,
        "phase_offset": walls.phase_offset,
        "distance": walls.distance_map().astype(np.float32),
        "places": places,
        "place_distance": distances.value,
        "place_side": distances.side.astype(np.int32),
        "place_is_bound": distances.is_bound,
    }
    if not walls.lines:
        return Finding(ANALYSIS, "domain walls: none; the image shows one domain", values)
    inside = ~distances.is_bound
    said = (
        f"domain walls: {len(walls.lines)} of {format_quantity(walls.length, 'm', 3)} in all, "
        f"each place of them known to {format_quantity(walls.deviation, 'm', 2)}"
    )
    if inside.any():
        middle = format_quantity(float(np.median(distances.value[inside])), "m", 2)
        said += f"; {len(places)} places measured, half of them within {middle} of one"
    return Finding(ANALYSIS, said, values)


@_said("fits")
def fit_found(material: Material, name: str, scalarizer: Scalarizer) -> Finding:
    """Say what all spectra are worth by a scalarizer."""
    judged = judge(material, name, scalarizer)
    if not len(judged.values):
        raise NothingToSay(f"{judged.words}: {_flags(judged.flags)}")
    middle, spread = float(np.median(judged.values)), _spread(judged.values)
    known = judged.noise[np.isfinite(judged.noise)]
    said = f"{judged.words}: {plus_minus(middle, spread, judged.unit)} (median and spread of "
    said += f"{len(judged.values)} places"
    if known.size:
        said += f"; each known to {format_quantity(float(np.median(known)), judged.unit, 2)}"
    said += f"; {_flags(judged.flags)}" if judged.flags else ""
    values = {
        "what": "fit",
        "scalarizer": name,
        "unit": judged.unit,
        "median": middle,
        "spread": spread,
        "places": judged.places,
        "values": judged.values,
        "noise": judged.noise,
        "flags": dict(judged.flags),
    }
    return Finding(ANALYSIS, f"{said})", values)


@_said("components")
def unmixing_found(
    material: Material,
    method: Method,
    components: int | None,
    channel: str,
    rng: np.random.Generator,
) -> Finding:
    """Unmix the spectra, or the force curves on the way out."""
    table = table_of(material.measured, channel)
    found = unmix(table.rows, method, components, rng)
    k = len(found.components)
    kinds = "components" if method == "pca" else "non-negative components"
    plural = kinds if k > 1 else kinds.removesuffix("s")
    said = (
        f"{len(table.rows)} {table.name} are sums of {k} {plural} that explain "
        f"{100 * found.share:.3g} % of what differs among them ({found.rule})"
    )
    if table.n_left_out:
        said += f"; {table.n_left_out} that failed or differ in their axis are left out"
    if not found.is_settled:
        said += "; the search for them had not come to its end"
    values = {
        "what": "unmixing",
        "method": method,
        "axis": table.axis,
        "axis_name": table.axis_name,
        "axis_unit": table.axis_unit,
        "channel": table.channel,
        "unit": table.unit,
        "mean": found.mean.astype(np.float32),
        "components": found.components.astype(np.float32),
        "abundances": found.abundances.astype(np.float32),
        "explained": found.explained,
        "share": found.share,
        "n_found": found.n_found,
        "n_left_out": table.n_left_out,
        "rule": found.rule,
        "places": table.places,
    }
    return Finding(ANALYSIS, said, values)


@_said("clusters")
def clusters_found(
    material: Material,
    by: Mapping[str, Scalarizer],
    method: Literal["gmm", "kmeans"],
    count: int | None,
    rng: np.random.Generator,
) -> Finding:
    """Group places by what they are worth, or by the components of their spectra."""
    features, places, names, units = features_of(material, by, rng)
    found = find_clusters(features, method, count, int(rng.integers(2**31)))
    together = togetherness(found.labels, places, rng)
    middles = np.array([places[found.labels == k].mean(axis=0) for k in range(len(found.counts))])
    values = {
        "what": "clusters",
        "method": method,
        "names": names,
        "units": units,
        "places": places,
        "features": features.astype(np.float32),
        "labels": found.labels.astype(np.int32),
        "certainty": found.certainty.astype(np.float32),
        "centers": found.centers,
        "deviations": found.deviations,
        "counts": found.counts.astype(np.int32),
        "middles": middles,
        "numbers": list(found.scores),
        "scores": list(found.scores.values()),
        "rule": found.rule,
        "together": together.share,
        "together_expected": together.expected,
        "together_chance": together.chance,
    }
    words = " and ".join(name.replace("_", " ") for name in names)
    if len(found.counts) == 1:
        said = f"{len(places)} places are one group by {words} ({found.rule})"
        return Finding(ANALYSIS, said, values)
    groups = []
    for k, n in enumerate(found.counts.tolist()):
        means = [
            f"{name.replace('_', ' ')} {plus_minus(center, spread / math.sqrt(n), unit)}"
            for name, unit, center, spread in zip(
                names, units, found.centers[k].tolist(), found.deviations[k].tolist(), strict=True
            )
        ]
        groups.append(f"{n} place{'s' if n > 1 else ''} with {', '.join(means)}")
    chance = f"{100 * together.chance:.2g} % by chance"
    lie = "lie together" if together.chance < 0.05 else "do not lie together more than by chance"
    said = f"{len(found.counts)} groups by {words} ({found.rule}): {'; '.join(groups)}; "
    return Finding(ANALYSIS, f"{said}places of a group {lie} ({chance})", values)


@_said("statement")
def statement_found(
    material: Material,
    name: str,
    scalarizer: Scalarizer | None,
    structure: str,
    shapes: Sequence[Shape],
    walls: tuple[str, str, float],
    rng: np.random.Generator,
) -> Finding:
    """Say whether a value follows a structure."""
    judged = last_judged(material) if scalarizer is None else judge(material, name, scalarizer)
    if structure in (WALLS, DOMAINS):
        phase, amplitude, smoothing = walls
        image = image_with([phase], material.images, judged.places)
        found_walls = find_walls(image, phase, amplitude, smoothing=smoothing)
        if not found_walls.lines:
            raise NothingToSay("the image shows no domain walls")
        distances = found_walls.distances(*judged.places.T)
        if structure == WALLS:
            known, at, unit = ~distances.is_bound, distances.value, "m"
        else:
            known, at, unit = distances.side != 0, distances.side.astype(float), "1"
    else:
        image = image_with([structure], material.images, judged.places)
        at, unit = channel_at(image, structure, judged.places)
        known = np.isfinite(at)
    values, places, at = judged.values[known], judged.places[known], at[known]
    tried: Sequence[Shape] = shapes
    if structure != WALLS:
        tried = ("sides",) if structure == DOMAINS else ("linear",)
    found = state(values, at, places, rng, tried)
    words = structure.replace("_", " ")
    kept = {
        "what": "statement",
        "scalarizer": judged.name,
        "unit": judged.unit,
        "structure": structure,
        "structure_unit": unit,
        **_about(image),
        "shape": found.shape,
        "effect": found.effect,
        "deviation": found.deviation,
        "scale": found.scale,
        "scales": list(found.scales),
        "far": found.far,
        "chance": found.chance,
        "limit": found.limit,
        "is_significant": found.is_significant,
        "n": found.n,
        "places": places,
        "values": values,
        "noise": judged.noise[known],
        "at_places": at,
        "at": found.at,
        "curve": found.curve,
        "low": found.low,
        "high": found.high,
    }
    return Finding(ANALYSIS, found.sentence(judged.words, judged.unit, words, unit), kept)


def _about(image: ScanImage) -> dict[str, Any]:
    """Return where an image lies, and which of the run's it is."""
    frame = image.frame
    return {
        "image_time": image.start_time,
        "center": np.array(frame.center),
        "size": np.array(frame.size),
        "pixels": list(frame.pixels),
        "angle": frame.angle,
    }


def _joined(lines: Sequence[FloatArray]) -> FloatArray:
    """Join lines, with a row of NaN between each two, in single precision."""
    gap = np.full((1, 2), np.nan)
    rows = [row for line in lines for row in (line, gap)][:-1]
    return (np.concatenate(rows) if rows else np.empty((0, 2))).astype(np.float32)


def _spread(values: FloatArray) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _flags(flags: Mapping[str, int]) -> str:
    return "no good: " + ", ".join(f"{n} x {flag}" for flag, n in flags.items())

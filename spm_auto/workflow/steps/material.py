"""What there is to analyse: what places are worth, tables of spectra, and images that hold them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...agents import Scalar, Scalarizer, Scored, scalar_of
from ...analysis import level_plane, unmix
from ...errors import AgentError
from ...instrument import FloatArray, ForceCurve, Measured, ScanImage, Spectrum

_COUNTED = re.compile(r"\d+ of \d+")  # which differs from spectrum to spectrum
_NEAR = 5  # points of a neighbourhood
_ROUGHEST = 5.0  # times as rough as usual, from which on a spectrum has failed as a whole


class NothingToSay(Exception):
    """There is too little, or something that does not fit."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What there is to analyse.

    Attributes:
        images: Images that steps returned, in order.
        spectra: All spectra, in order.
        curves: All force curves, in order.
        found: What the last agent's spectra were worth.
    """

    images: tuple[ScanImage, ...]
    spectra: tuple[Spectrum, ...]
    curves: tuple[ForceCurve, ...]
    found: tuple[Scored, ...]

    def trusted(self, doubted: Sequence[tuple[float, float]]) -> "Material":
        """Leave out what began while the tip is doubted, from when until when [s] each time."""

        def is_trusted(time: float) -> bool:
            return not any(since <= time < until for since, until in doubted)

        return Material(
            self.images,
            tuple(one for one in self.spectra if is_trusted(one.start_time)),
            tuple(one for one in self.curves if is_trusted(one.start_time)),
            tuple(one for one in self.found if is_trusted(one.spectrum.start_time)),
        )

    @property
    def measured(self) -> Sequence[Measured]:
        """The spectra; the force curves where there are no spectra."""
        return self.spectra or self.curves


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What places are worth.

    Attributes:
        name: Of the scalarizer.
        unit: Of the values.
        places: Of the good ones [m], shape (n, 2).
        values: Of the good ones, shape (n,).
        noise: Standard deviation of each, NaN where it is not known, shape (n,).
        times: When each was taken [s], shape (n,).
        flags: Why others are no good, how often.
    """

    name: str
    unit: str
    places: FloatArray
    values: FloatArray
    noise: FloatArray
    times: FloatArray
    flags: Mapping[str, int]

    @property
    def words(self) -> str:
        """The name, for people."""
        return self.name.replace("_", " ")


def judge(material: Material, name: str, scalarizer: Scalarizer) -> Judgement:
    """Say what all spectra are worth by a scalarizer, or all force curves if it needs those.

    Raises:
        AgentError: The scalarizer can make nothing of either, or there is nothing.
    """
    error: AgentError | None = None
    for measured in (material.spectra, material.curves):
        if not measured:
            continue
        try:
            return _judged(name, measured, [scalar_of(m, scalarizer, name) for m in measured])
        except AgentError as refused:
            error = error or refused
    raise error or AgentError("no spectrum was taken")


def last_judged(material: Material) -> Judgement:
    """Say what the last agent's spectra were worth, by the scalarizer that it used last."""
    if not material.found:
        raise NothingToSay("no agent has judged a spectrum before")
    found = material.found
    name = found[-1].scalarizer
    alike = [one for one in found if one.scalarizer == name]
    return _judged(name, [one.spectrum for one in alike], [one.scalar for one in alike])


def _judged(name: str, measured: Sequence[Measured], scalars: Sequence[Scalar]) -> Judgement:
    good = [(m, s) for m, s in zip(measured, scalars, strict=True) if s.is_good]
    flags = Counter(_COUNTED.sub("some", s.flag) for s in scalars if not s.is_good)
    return Judgement(
        name,
        good[-1][1].unit if good else "1",
        places_of([m for m, _ in good]),
        np.array([s.value for _, s in good], dtype=float),
        np.array([s.noise for _, s in good], dtype=float),
        np.array([m.start_time for m, _ in good], dtype=float),
        dict(flags.most_common()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Spectra over one axis: those that share the commonest one and have not failed."""

    name: str
    rows: FloatArray
    places: FloatArray
    times: FloatArray
    axis: FloatArray
    axis_name: str
    axis_unit: str
    n_left_out: int
    channel: str
    unit: str


def table_of(measured: Sequence[Measured], channel: str) -> Table:
    """Put spectra into a table: those that share the commonest axis and have not failed.

    Single points that failed are bridged; a spectrum with more of them is left out.
    """
    if not measured:
        raise NothingToSay("no spectrum was taken")
    keyed = [(_axis(m).tobytes(), m) for m in measured if not m.flags]
    if not keyed:
        raise NothingToSay("no spectrum is good")
    commonest = Counter(key for key, _ in keyed).most_common(1)[0][0]
    alike = [m for key, m in keyed if key == commonest]
    names = [c.name for c in alike[0].channels]
    if channel and channel not in names:
        raise NothingToSay(f"there is no channel {channel!r}; there are {', '.join(names)}")
    number = names.index(channel) if channel else 0
    rows = np.array([(m.data if isinstance(m, Spectrum) else m.retract)[number] for m in alike])
    good = np.isfinite(rows).all(axis=1)
    rows = _bridged(np.where(good[:, None], rows, 0.0))
    good[good] = _is_ordinary(rows[good]) if good.any() else False
    alike = [m for m, is_good in zip(alike, good, strict=True) if is_good]
    if not alike:
        raise NothingToSay("no spectrum is finite")
    is_spectrum = isinstance(alike[0], Spectrum)
    return Table(
        "spectra" if is_spectrum else "force curves",
        rows[good],
        places_of(alike),
        np.array([m.start_time for m in alike]),
        _axis(alike[0]),
        "bias" if is_spectrum else "extension",
        "V" if is_spectrum else "m",
        len(measured) - len(alike),
        names[number],
        alike[0].channels[number].unit,
    )


def _bridged(rows: FloatArray) -> FloatArray:
    """Replace points that failed, one or two in a row, by the median of their neighbourhood.

    They stand out of it by more than the spectrum changes in all, its ends left out.
    """
    from scipy.ndimage import median_filter

    if rows.shape[1] < _NEAR:
        return rows
    smooth = median_filter(rows, size=(1, _NEAR), mode="nearest")
    low, high = np.percentile(smooth, (10, 90), axis=1)
    return np.where(np.abs(rows - smooth) > (high - low)[:, None], smooth, rows)


def _is_ordinary(rows: FloatArray) -> NDArray[np.bool_]:
    """Say which spectra are not many times rougher from point to point than spectra usually are."""
    if rows.shape[1] < _NEAR:
        return np.ones(len(rows), dtype=bool)
    rough = np.sqrt(np.mean(np.diff(rows, n=2, axis=1) ** 2, axis=1))
    return np.asarray(rough <= _ROUGHEST * np.median(rough))


def features_of(
    material: Material, by: Mapping[str, Scalarizer], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, list[str], list[str]]:
    """Return a row for each place, the places, and name and unit of each column."""
    if not by:
        table = table_of(material.measured, "")
        found = unmix(table.rows, "pca", None, rng)
        names = [f"component_{k + 1}" for k in range(len(found.components))]
        return found.abundances, table.places, names, [table.unit] * len(names)
    judged = [judge(material, name, scalarizer) for name, scalarizer in by.items()]
    times = set(judged[0].times.tolist()).intersection(*(j.times.tolist() for j in judged))
    if not times:
        raise NothingToSay("no place has a good value by all of " + ", ".join(by))
    kept = [np.isin(j.times, sorted(times)) for j in judged]
    columns = [j.values[k] for j, k in zip(judged, kept, strict=True)]
    return np.column_stack(columns), judged[0].places[kept[0]], list(by), [j.unit for j in judged]


def image_with(
    channels: Sequence[str], images: Sequence[ScanImage], places: FloatArray
) -> ScanImage:
    """Return the image with some channels that holds most of the places; of several the last."""
    fitting = [i for i in images if set(channels) <= {c.name for c in i.channels}]
    if not fitting:
        raise NothingToSay(f"no image has the channel {' or '.join(map(repr, channels))}")
    held = [int(np.sum(image.frame.contains(*places.T))) for image in fitting]
    return fitting[len(held) - 1 - int(np.argmax(held[::-1]))]


def channel_at(image: ScanImage, channel: str, places: FloatArray) -> tuple[FloatArray, str]:
    """Return a channel's value at places, NaN outside; a plane is taken out of what is a length."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    unit = next(c.unit for c in image.channels if c.name == channel)
    values = image.channel(channel)
    if unit == "m" and channel in ("height", "topography", "z"):
        values = level_plane(values)
    known = np.isfinite(values)
    smooth = gaussian_filter(np.where(known, values, 0.0), 1.0, mode="nearest")
    weight = gaussian_filter(known.astype(float), 1.0, mode="nearest")
    smooth = np.where(weight > 0.5, smooth / np.maximum(weight, 0.5), np.nan)
    at = map_coordinates(smooth, np.stack(image.frame.to_pixel(*places.T)), order=1, mode="nearest")
    return np.where(image.frame.contains(*places.T), at, np.nan), unit


def _axis(measured: Measured) -> FloatArray:
    return measured.bias if isinstance(measured, Spectrum) else measured.extension


def places_of(measured: Sequence[Measured]) -> FloatArray:
    """Return where something was measured [m], shape (n, 2)."""
    return np.array([(m.x, m.y) for m in measured], dtype=float).reshape(-1, 2)

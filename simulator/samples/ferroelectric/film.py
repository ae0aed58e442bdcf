"""FerroelectricFilm: a film with domains that the tip sees, and that it can switch for good."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import BiasWaveform, FloatArray

from ...randomness import RandomStreams
from ...tip import TipSettings
from ..protocol import Contact, Range, Signals
from .aging import LocalProperties, age, grow
from .switching import TIME_STEP, Medium, Tip, settle, sweep

if TYPE_CHECKING:
    from .settings import FerroelectricFilmSettings

TIME_UNIT = 1.25e-3  # [s] of one unit of reduced time: the pace at which walls creep, fitted
PULSE_SHARE = 0.5  # of the dwell that the bias is on; the rest is for the off-field reading
REST_TIME = 1.5e-3  # [s] after a pulse until the film is at rest again
SETTLING_STEPS = 60  # after aging, until nothing moves without a tip
SEEN_EXTENT = 4.0  # standard deviations of the seen area that are counted
MARGIN = 4  # cells around the switched area that follow it


class FerroelectricFilm:
    """A film whose polarisation stands up or down; what a tip switched stays switched.

    Args:
        settings: What it is made of.
        streams: Where everything accidental about it comes from.
    """

    def __init__(self, settings: "FerroelectricFilmSettings", streams: RandomStreams) -> None:
        self.settings = settings
        grown = grow(settings, streams)
        self.properties = age(settings, grown, streams)
        self._polarization = settle(grown, self._medium(), SETTLING_STEPS)
        self._surfaces = _Surfaces.of(settings.size, self.properties)

    @property
    def name(self) -> str:
        """The sample, for people."""
        return "ferroelectric film"

    @property
    def x_range(self) -> Range:
        """Where the film lies [m]."""
        return -self.settings.size / 2, self.settings.size / 2

    @property
    def y_range(self) -> Range:
        """Where the film lies [m]."""
        return self.x_range

    @property
    def contact_resonance(self) -> float:
        """Contact resonance that the instrument is tuned to [Hz]."""
        return self.settings.contact_resonance

    def contact(self, x: float, y: float) -> Contact:
        """Return how a cantilever vibrates at a point [m]."""
        surfaces = self._surfaces
        return Contact(
            resonance=surfaces.value(surfaces.contact_resonance, x, y),
            quality=surfaces.value(surfaces.contact_quality, x, y),
        )

    @property
    def polarization(self) -> FloatArray:
        """A copy of the polarisation now, shape (cells, cells), row 0 at the lower edge."""
        return self._polarization.copy()

    @polarization.setter
    def polarization(self, polarization: FloatArray) -> None:
        if polarization.shape != self._polarization.shape:
            raise ValueError(
                f"the film has {self._polarization.shape} cells, got {polarization.shape}"
            )
        self._polarization = np.array(polarization, dtype=float)

    def snapshot(self) -> FloatArray:
        """Return a copy of the polarisation."""
        return self.polarization

    def restore(self, snapshot: FloatArray) -> None:
        """Go back to a snapshot."""
        self.polarization = snapshot

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Undo whatever happens to the film within."""
        before = self.polarization
        try:
            yield
        finally:
            self._polarization = before

    def view(self, tip: TipSettings) -> "FilmView":
        """Freeze what a tip would find now."""
        from scipy.ndimage import gaussian_filter

        seen = gaussian_filter(
            self._polarization,
            tip.seen / self.settings.cell,
            mode="wrap",
            radius=_seen_reach(self.settings, tip),
        )
        return FilmView(self._surfaces, _splined(seen))

    def sweep(
        self,
        x: float,
        y: float,
        waveform: BiasWaveform,
        tip: TipSettings,
        points: int | None = None,
    ) -> FloatArray:
        """Apply a bias waveform at a point and switch the film there; see `Sample.sweep`."""
        cycles, length = waveform.cycles, len(waveform.values)
        surfaces = self._surfaces
        share = math.exp(surfaces.value(surfaces.log_contact_share, x, y))
        potential = surfaces.value(surfaces.contact_potential, x, y)
        bias = share * np.tile(waveform.bias, cycles)[:points] + potential
        readings = np.full(cycles * length, np.nan)
        readings[: len(bias)] = self._switch(x, y, bias, waveform.dwell, tip)
        response = math.exp(surfaces.value(surfaces.log_response, x, y))
        return response * readings.reshape(cycles, length)

    def _switch(
        self, x: float, y: float, bias: FloatArray, dwell: float, tip: TipSettings
    ) -> FloatArray:
        reach = patch_reach(self.settings, tip, float(np.max(np.abs(bias), initial=0.0)))
        row, column = (
            float(v)
            for v in _cell_coordinates(self.settings.size, self._polarization.shape[0], x, y)
        )
        rows = round(row) + np.arange(-reach, reach + 1)
        columns = round(column) + np.arange(-reach, reach + 1)
        place = np.ix_(rows % self.settings.cells, columns % self.settings.cells)
        patch = self._polarization[place]
        readings = sweep(
            patch,
            self._medium(place),
            self._tip_over(np.subtract(rows, row), np.subtract(columns, column), tip),
            bias,
            steps_on=max(1, round(dwell * PULSE_SHARE / (TIME_STEP * TIME_UNIT))),
            steps_off=round(REST_TIME / (TIME_STEP * TIME_UNIT)),
        )
        self._polarization[place] = patch
        return readings

    def _tip_over(self, rows: FloatArray, columns: FloatArray, tip: TipSettings) -> Tip:
        """Return what a tip does to cells at these distances from its apex, in cells."""
        up, right = rows * self.settings.cell, columns * self.settings.cell
        squared = up[:, np.newaxis] ** 2 + right[np.newaxis, :] ** 2
        weights = np.outer(*(self._seen(along, tip) for along in (rows, columns)))
        return Tip(field=tip.field_at(squared), weights=weights)

    def _seen(self, along: FloatArray, tip: TipSettings) -> FloatArray:
        weights = np.exp(-((along * self.settings.cell / tip.seen) ** 2) / 2)
        weights[np.abs(np.round(along)) > _seen_reach(self.settings, tip)] = 0.0
        return np.asarray(weights / weights.sum())

    def _medium(self, place: tuple[NDArray[np.intp], ...] | None = None) -> Medium:
        where = place if place is not None else np.s_[:, :]
        properties = self.properties
        return Medium(
            barrier=properties.barrier[where],
            built_in=properties.built_in[where],
            pinning=properties.pinning[where],
            gradient=self.settings.stiffness,
        )


@dataclass(frozen=True, slots=True, eq=False)
class FilmView:
    """A film as a tip finds it at one moment, readable anywhere.

    Attributes:
        surfaces: What is frozen into the film.
        polarization: Spline coefficients of the polarisation averaged over the area seen.
    """

    surfaces: "_Surfaces"
    polarization: FloatArray

    def at(self, x: FloatArray, y: FloatArray) -> Signals:
        """Return the signals at points of the sample [m], any shape."""
        surfaces = self.surfaces
        seen = surfaces.values(self.polarization, x, y)
        return Signals(
            piezoresponse=np.exp(surfaces.values(surfaces.log_response, x, y)) * seen,
            height=surfaces.values(surfaces.height, x, y),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Surfaces:
    """Spline coefficients of what is frozen into a film; what must stay positive as logarithm."""

    size: float
    log_response: FloatArray
    height: FloatArray
    contact_resonance: FloatArray
    contact_quality: FloatArray
    log_contact_share: FloatArray
    contact_potential: FloatArray

    @classmethod
    def of(cls, size: float, properties: LocalProperties) -> Self:
        return cls(
            size=size,
            log_response=_splined(np.log(properties.response)),
            height=_splined(properties.height),
            contact_resonance=_splined(properties.contact_resonance),
            contact_quality=_splined(properties.contact_quality),
            log_contact_share=_splined(np.log(properties.contact_share)),
            contact_potential=_splined(properties.contact_potential),
        )

    def values(self, coefficients: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
        from scipy.ndimage import map_coordinates

        where = _cell_coordinates(self.size, coefficients.shape[0], x, y)
        values: FloatArray = map_coordinates(
            coefficients, where, order=3, mode="grid-wrap", prefilter=False
        )
        return values

    def value(self, coefficients: FloatArray, x: float, y: float) -> float:
        return float(self.values(coefficients, np.array([x]), np.array([y]))[0])


def patch_reach(settings: "FerroelectricFilmSettings", tip: TipSettings, bias: float) -> int:
    """Return how many cells around the tip a bias [V] can switch, or the tip can see.

    A domain grows until the field at its wall no longer overcomes the pinning:
    r = R sqrt((V E / f_pin)^(2/3) - 1) for a point charge at depth R and the mean pinning.
    """
    ratio = bias * tip.field / settings.pinning
    radius = tip.radius * math.sqrt(max(ratio ** (2 / 3) - 1, 0.0))
    return max(math.ceil(radius / settings.cell) + MARGIN, _seen_reach(settings, tip))


def _seen_reach(settings: "FerroelectricFilmSettings", tip: TipSettings) -> int:
    return math.ceil(SEEN_EXTENT * tip.seen / settings.cell)


def _cell_coordinates(
    size: float, cells: int, x: FloatArray | float, y: FloatArray | float
) -> FloatArray:
    """Return fractional row and column of points [m]; the middle of the first cell is (0, 0)."""
    return np.stack([(np.asarray(v, dtype=float) / size + 0.5) * cells - 0.5 for v in (y, x)])


def _splined(surface: FloatArray) -> FloatArray:
    from scipy.ndimage import spline_filter

    coefficients: FloatArray = spline_filter(surface, order=3, mode="grid-wrap")
    return coefficients

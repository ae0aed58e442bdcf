"""FerroelectricFilm: a film with domains that the tip sees, and that it can switch for good."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import BiasWaveform, FloatArray

from ...compiled import has_compiler
from ...randomness import RandomStreams
from ...tip import TipSettings
from ..protocol import Contact, Range, Signals
from . import disc
from .aging import age
from .growth import Domains, grow
from .surfaces import Surfaces, cell_coordinates
from .switching import TIME_STEP, Medium, Tip, settle, sweep, yielding

if TYPE_CHECKING:
    from .settings import FilmSettings

TIME_UNIT = 1.25e-3  # [s] of one unit of reduced time: the pace at which walls creep, fitted
PULSE_SHARE = 0.5  # of the dwell that the bias is on; the rest is for the off-field reading
REST_TIME = 1.5e-3  # [s] after a pulse until the film is at rest again
SETTLING_STEPS = 60  # after aging, until nothing moves without a tip
SEEN_EXTENT = 4.0  # standard deviations of the seen area that are counted
MARGIN = 4  # cells around the switched area that follow it


class FerroelectricFilm:
    """A film whose polarisation stands up or down or lies; what a tip switched stays switched.

    The film goes on at its opposite edge: what is written across an edge comes in there.

    Args:
        settings: What it is made of.
        streams: Where everything accidental about it comes from.
    """

    def __init__(self, settings: "FilmSettings", streams: RandomStreams) -> None:
        self.settings = settings
        grains = None
        if settings.grains.amount:
            grains = settings.grains.build(settings.cells, settings.size, streams)
        grown = grow(settings, streams, grains)
        self.properties = age(settings, grown, streams, grains)
        self._polarization = self._at_rest(grown)
        properties = self.properties
        self._height = Surfaces.through(settings.size, properties.height)
        self._contacts = Surfaces.through(
            settings.size,
            np.log(properties.response),
            np.log(properties.contact_stiffness),
            properties.contact_transmission,
            properties.contact_turn,
            np.log(properties.contact_share),
            properties.contact_potential,
        )

    @property
    def name(self) -> str:
        """The sample, for people."""
        return self.settings.kind.replace("_", " ")

    @property
    def x_range(self) -> Range:
        """Where the film lies [m]."""
        return -self.settings.size / 2, self.settings.size / 2

    @property
    def y_range(self) -> Range:
        """Where the film lies [m]."""
        return self.x_range

    @property
    def contact_stiffness(self) -> float:
        """Stiffness of the usual contact, for which the instrument is tuned [N/m]."""
        return self.settings.contact_stiffness

    @property
    def answers_sideways(self) -> bool:
        """Whether there is any polarisation in the plane to be seen."""
        return bool(self.properties.lying.any() or self.properties.tilt.any())

    def contact(self, x: float, y: float) -> Contact:
        """Return how tip and surface touch at a point [m]."""
        _, log_stiffness, transmission, turn, _, _ = self._contacts_at(x, y)
        return Contact(math.exp(log_stiffness), transmission, turn)

    @property
    def polarization(self) -> FloatArray:
        """A copy of the polarisation along the normal now, shape (cells, cells), row 0 lowest."""
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

        settings, properties = self.settings, self.properties

        def seen(field: FloatArray) -> FloatArray:
            reach = _seen_reach(settings, tip)
            blurred: FloatArray = gaussian_filter(
                field, tip.seen / settings.cell, mode="wrap", radius=reach
            )
            return blurred

        maps = [properties.response * seen(self._polarization)]
        if self.answers_sideways:
            sideways = settings.lateral_response / settings.response * properties.response
            in_plane = properties.lying + properties.tilt * self._polarization
            maps += [sideways * seen(component) for component in in_plane]
        return FilmView(self._height.joined(Surfaces.through(settings.size, *maps)))

    def sweep(
        self,
        x: float,
        y: float,
        waveform: BiasWaveform,
        tip: TipSettings,
        points: int | None = None,
    ) -> FloatArray:
        """Apply a bias waveform at a point and switch the film there; see `PiezoSample.sweep`."""
        cycles, length = waveform.cycles, len(waveform.values)
        log_response, _, _, _, log_share, potential = self._contacts_at(x, y)
        bias = math.exp(log_share) * np.tile(waveform.bias, cycles)[:points] + potential
        readings = np.full(cycles * length, np.nan)
        readings[: len(bias)] = self._switch(x, y, bias, waveform.dwell, tip)
        return math.exp(log_response) * readings.reshape(cycles, length)

    def _contacts_at(self, x: float, y: float) -> list[float]:
        values: list[float] = self._contacts.at(np.array(x), np.array(y)).tolist()
        return values

    def _at_rest(self, grown: Domains) -> FloatArray:
        if not has_compiler():
            return grown.standing
        return settle(grown.standing, self._medium(), SETTLING_STEPS)

    def _switch(
        self, x: float, y: float, bias: FloatArray, dwell: float, tip: TipSettings
    ) -> FloatArray:
        settings = self.settings
        pulse = max(1, round(dwell * PULSE_SHARE / (TIME_STEP * TIME_UNIT)))
        pinning = float(yielding(pulse, settings.creep)[1].min())
        reach = patch_reach(settings, tip, float(np.max(np.abs(bias), initial=0.0)), pinning)
        reach = min(reach, (settings.cells - 1) // 2)  # a worn tip may reach further than the film
        row, column = (float(v) for v in cell_coordinates(settings.size, settings.cells, x, y))
        rows = round(row) + np.arange(-reach, reach + 1)
        columns = round(column) + np.arange(-reach, reach + 1)
        place = np.ix_(rows % settings.cells, columns % settings.cells)
        patch = self._polarization[place]
        medium = self._medium(place)
        up, right = (rows - row) * settings.cell, (columns - column) * settings.cell
        squared = up[:, np.newaxis] ** 2 + right[np.newaxis, :] ** 2
        beside = np.asarray(rows - row), np.asarray(columns - column)
        weights = np.outer(*(self._seen(along, tip) for along in beside))
        over = Tip(field=tip.field_at(squared), weights=weights)
        if settings.switching == "disc" or not has_compiler():
            medium = replace(medium, pinning=pinning * medium.pinning)
            readings = disc.sweep(patch, medium, over, np.sqrt(squared), tip.radius, bias)
        else:
            rest = round(REST_TIME / (TIME_STEP * TIME_UNIT))
            readings = sweep(patch, medium, over, bias, pulse, rest, settings.creep)
        self._polarization[place] = patch
        return readings

    def _seen(self, along: FloatArray, tip: TipSettings) -> FloatArray:
        """Return the weights of cells at these distances from the apex, in cells."""
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
        surfaces: Height, response and, where there is any, sideways response along x and y.
    """

    surfaces: Surfaces

    def at(self, x: FloatArray, y: FloatArray) -> Signals:
        """Return the signals at points of the sample [m], any shape."""
        height, response, *lateral = self.surfaces.at(x, y)
        return Signals(response, height, np.stack(lateral) if lateral else None)


def patch_reach(
    settings: "FilmSettings", tip: TipSettings, bias: float, pinning: float = 1.0
) -> int:
    """Return how many cells around the tip a bias [V] can switch, or the tip can see.

    A domain grows until the field at its wall no longer overcomes the pinning:
    r = R sqrt((V E / f_pin)^(2/3) - 1) for a point charge at depth R and the mean pinning.

    Args:
        settings: Of the film.
        tip: Above it.
        bias: The largest [V].
        pinning: What is left of the pinning at the end of a pulse.
    """
    ratio = bias * tip.field / (settings.pinning * pinning)
    radius = tip.radius * math.sqrt(max(ratio ** (2 / 3) - 1, 0.0))
    return max(math.ceil(radius / settings.cell) + MARGIN, _seen_reach(settings, tip))


def _seen_reach(settings: "FilmSettings", tip: TipSettings) -> int:
    return math.ceil(SEEN_EXTENT * tip.seen / settings.cell)

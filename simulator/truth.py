"""Truth: what really is in a simulated film, for the judge of an experiment, not for the agent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import BiasWaveform, FloatArray

from .samples import FerroelectricFilm
from .samples.ferroelectric.aging import LocalProperties, distance_to_wall, walls
from .tip import TipSettings


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The changeable part of a film at one moment.

    Attributes:
        polarization: In units of the spontaneous one, shape (cells, cells).
    """

    polarization: FloatArray


class Truth:
    """The truth about a film; made of the film itself, and never handed to the microscope.

    Maps are of shape (cells, cells), row 0 at the lower edge, like images.

    Args:
        film: That the microscope measures.
        tip: That it is measured with.
    """

    def __init__(self, film: FerroelectricFilm, tip: TipSettings) -> None:
        self._film = film
        self._tip = tip
        self.pristine = self.snapshot()

    @property
    def properties(self) -> LocalProperties:
        """Barrier, built-in field, pinning, response, height and defects: what never changes."""
        return self._film.properties

    @property
    def polarization(self) -> FloatArray:
        """Polarisation now, in units of the spontaneous one."""
        return self._film.polarization

    @property
    def walls(self) -> NDArray[np.bool_]:
        """Which cells belong to a domain wall now."""
        return walls(self._film.polarization)

    @property
    def distance_to_wall(self) -> FloatArray:
        """Distance of each cell from the nearest wall now [m]."""
        return distance_to_wall(self._film.polarization, self._film.settings.cell)

    @property
    def coordinates(self) -> tuple[FloatArray, FloatArray]:
        """The coordinates x and y of the cells' middles [m], each of shape (cells, cells)."""
        settings = self._film.settings
        along = ((np.arange(settings.cells) + 0.5) / settings.cells - 0.5) * settings.size
        y, x = np.meshgrid(along, along, indexing="ij")
        return x, y

    def piezoresponse(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return what a perfect instrument would find at points [m] now [m/V], of their shape."""
        return self._film.view(self._tip).at(x, y).piezoresponse

    def loop(self, x: float, y: float, waveform: BiasWaveform) -> FloatArray:
        """Return the loop that a perfect instrument would find at a point now; nothing changes.

        Returns:
            Piezoresponse after each pulse [m/V], shape [cycle, point].
        """
        with self._film.unchanged():
            return self._film.sweep(x, y, waveform, self._tip)

    def loop_map(self, x: FloatArray, y: FloatArray, waveform: BiasWaveform) -> FloatArray:
        """Return the last cycle of the loop at each point of a grid, all on the film as it is now.

        Args:
            x: Columns of the grid [m], shape (n,).
            y: Rows of the grid [m], shape (m,).
            waveform: To be applied.

        Returns:
            Piezoresponse [m/V], shape (m, n, point).
        """
        return np.array([[self.loop(u, v, waveform)[-1] for u in x.tolist()] for v in y.tolist()])

    def snapshot(self) -> Snapshot:
        """Remember the film as it is now."""
        return Snapshot(self._film.polarization)

    def restore(self, snapshot: Snapshot) -> None:
        """Bring the film back to what it was, bit by bit."""
        self._film.polarization = snapshot.polarization

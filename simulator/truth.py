"""Truth: what really is under a simulated tip, for the judge of an experiment only."""

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import BiasWaveform, FloatArray

from .instrument import SimulatedMicroscope, Snapshot
from .samples import CombinatorialLibrary, FerroelectricFilm, Sample
from .samples.ferroelectric.aging import LocalProperties, distance_to_wall, walls
from .scanner import Scanner
from .techniques import Technique
from .techniques.pfm import PfmTechnique
from .timing import Point
from .tip import TipSettings


class Truth:
    """The truth about a simulated microscope; nothing on the microscope leads here.

    Args:
        microscope: That is judged.
        sample: In it.
        technique: That measures.
        scanner: That moves the tip.

    Attributes:
        sample: What lies under the tip, as it is now.
        technique: Its tip and z loop as they are now.
        scanner: Its creep, hysteresis and drift as they are now.
        pristine: Snapshot of the microscope before anything was done.
    """

    def __init__(
        self,
        microscope: SimulatedMicroscope,
        sample: Sample,
        technique: Technique,
        scanner: Scanner,
    ) -> None:
        self._microscope = microscope
        self.sample = sample
        self.technique = technique
        self.scanner = scanner
        self.pristine = self.snapshot()

    @property
    def film(self) -> "FilmTruth":
        """The truth about a ferroelectric film.

        Raises:
            TypeError: The sample is none.
        """
        if isinstance(self.sample, FerroelectricFilm) and isinstance(self.technique, PfmTechnique):
            return FilmTruth(self.sample, self.technique.tip)
        raise TypeError(f"{self.sample.name} is no ferroelectric film")

    @property
    def library(self) -> "LibraryTruth":
        """The truth about a combinatorial library.

        Raises:
            TypeError: The sample is none.
        """
        if isinstance(self.sample, CombinatorialLibrary):
            return LibraryTruth(self.sample)
        raise TypeError(f"{self.sample.name} is no combinatorial library")

    @property
    def crash_began(self) -> float | None:
        """Instrument time at which the last `tip_crash` of the faults began [s]."""
        return self._microscope._faults.dangers.state.crash_began

    @property
    def position(self) -> Point:
        """Where the tip really is over the sample now [m]."""
        return self.scanner.true_position(self._microscope.status().time)

    def drift(self, times: FloatArray) -> FloatArray:
        """Return by how much drift has moved the tip at instrument times [s], also in the future.

        Returns:
            x and y [m], shape (n, 2).
        """
        return self.scanner.drift(times).swapaxes(0, 1)

    def sent(self, points: FloatArray, wait: float = 0.0) -> FloatArray:
        """Return where the tip would really be if it were sent to each of some points now.

        Args:
            points: x and y that it is told [m], shape (n, 2).
            wait: Time after it arrived [s].

        Returns:
            x and y over the sample [m], shape (n, 2).
        """
        status, timing = self._microscope.status(), self._microscope.timing
        snapshot, places = self.scanner.snapshot(), []
        for x, y in points.tolist():
            end = status.time + timing.move(status.position, (x, y))
            self.scanner.move((x, y), status.time, end)
            places.append(self.scanner.true_position(end + wait))
            self.scanner.restore(snapshot)
        return np.array(places)

    def snapshot(self) -> Snapshot:
        """Remember sample, tip, scanner and time as they are now."""
        return self._microscope._snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Bring all of it back, bit by bit: what follows is what followed then.

        Raises:
            InstrumentError: An instruction is in progress, or time is not virtual.
        """
        self._microscope._restore(snapshot)


class LibraryTruth:
    """The truth about a combinatorial library: its property against its composition.

    Args:
        library: That the microscope measures.
    """

    def __init__(self, library: CombinatorialLibrary) -> None:
        self._settings = library.settings

    def composition(self, x: FloatArray) -> FloatArray:
        """Return the composition at positions of the stage [m], of their shape."""
        return self._settings.composition(x)

    def response(self, x: FloatArray) -> FloatArray:
        """Return the switchable response there in units of that at composition 0."""
        return self._settings.spread.response(self.composition(x))

    @property
    def best(self) -> float:
        """Position of the stage along x at which the response is largest [m]."""
        (low, high), _ = self._settings.reach
        x = np.linspace(low, high, 100_001)
        return float(x[np.argmax(self.response(x))])


class FilmTruth:
    """The truth about a film under its tip.

    Maps are of shape (cells, cells), row 0 at the lower edge, like images.

    Args:
        film: That the microscope measures.
        tip: That it is measured with.
    """

    def __init__(self, film: FerroelectricFilm, tip: TipSettings) -> None:
        self._film = film
        self._tip = tip

    @property
    def properties(self) -> LocalProperties:
        """Barrier, built-in field, pinning, response, height and defects: what never changes."""
        return self._film.properties

    @property
    def polarization(self) -> FloatArray:
        """Polarisation now, in units of the spontaneous one; may be set, for tests of a judge."""
        return self._film.polarization

    @polarization.setter
    def polarization(self, polarization: FloatArray) -> None:
        self._film.polarization = polarization

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

    def after(self, x: float, y: float, waveform: BiasWaveform) -> FloatArray:
        """Return the polarisation that a waveform at a point would leave; nothing changes."""
        with self._film.unchanged():
            self._film.sweep(x, y, waveform, self._tip)
            return self._film.polarization

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

"""CombinatorialLibrary: a film whose composition changes along a wafer, on a coarse stage."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal, NamedTuple
from zlib import crc32

import numpy as np
from pydantic import Field, model_validator

from spm_auto.instrument import BiasWaveform, FloatArray
from spm_auto.units import Length, format

from ...checks import positive, within
from ...randomness import RandomStreams
from ...tip import TipSettings
from ..protocol import Contact, PiezoSampleSettings, Range, Signals, View
from .film import FerroelectricFilm, FilmView
from .settings import FilmSettings, Spread
from .spread import SpreadSettings

GRAIN = 1e-9  # [m]: positions of the stage that are nearer than this are one
_FAR = 2**31  # keys of random streams are counted from here, as none may be negative

Place = tuple[int, int]  # of the stage, in units of `GRAIN`


class LibraryState(NamedTuple):
    """Everything changeable about a library: where the stage stands, and its films so far."""

    stage: tuple[float, float]
    films: dict[Place, FloatArray]


class SpreadProperties(NamedTuple):
    """What a composition does to the film.

    Attributes:
        response: Switchable response in units of that at composition 0.
        coercive: Coercive bias, likewise.
        shift: Bias by which loops are shifted [V].
    """

    response: float
    coercive: float
    shift: float


class CombinatorialLibrary:
    """A composition spread: wherever the stage stands there is a film of its own.

    The composition grows along x of the stage from one end to the other. A film is grown when the
    stage first comes to its place; it is the same one whenever the stage comes back, with all that
    was written on it. Films are not continued into one another: neighbouring places of the stage
    have to be further apart than a film is wide.

    Args:
        settings: What it is made of.
        streams: Where everything accidental about it comes from.
    """

    def __init__(self, settings: "CombinatorialLibrarySettings", streams: RandomStreams) -> None:
        self.settings = settings
        self._streams = streams
        self._stage = (0.0, 0.0)
        self._films: dict[Place, FerroelectricFilm] = {}

    @property
    def name(self) -> str:
        """The sample, for people."""
        return "combinatorial library"

    @property
    def x_range(self) -> Range:
        """Where the film under the scanner lies [m]."""
        size = self.settings.film.size
        return -size / 2, size / 2

    @property
    def y_range(self) -> Range:
        """Where the film under the scanner lies [m]."""
        return self.x_range

    @property
    def stage_range(self) -> tuple[Range, Range]:
        """Reach of the stage along x and y [m]: the library."""
        return self.settings.reach

    @property
    def stage(self) -> tuple[float, float]:
        """Where the middle of the scanner is over the library [m]."""
        return self._stage

    def move_stage(self, to: tuple[float, float]) -> None:
        """Put another part of the library under the scanner [m]."""
        self._stage = (float(to[0]), float(to[1]))

    @property
    def film(self) -> FerroelectricFilm:
        """The film under the scanner; grown when it is first asked for."""
        place = self._place
        if place not in self._films:
            key = (crc32(b"library"), *(_FAR + index for index in place))
            sequence = np.random.SeedSequence(self._streams.seed, spawn_key=key)
            seed = int(sequence.generate_state(1, np.uint64)[0])
            self._films[place] = FerroelectricFilm(self.settings.film, RandomStreams(seed))
        return self._films[place]

    @property
    def composition(self) -> float:
        """Composition under the scanner, a fraction."""
        return float(self.settings.composition(np.array(self._stage[0])))

    @property
    def properties(self) -> "SpreadProperties":
        """What the composition under the scanner does to the film."""
        spread, c = self.settings.spread, np.array(self.composition)
        return SpreadProperties(
            float(spread.response(c)), float(spread.coercive(c)), float(spread.shift(c))
        )

    @property
    def contact_stiffness(self) -> float:
        """Stiffness of the usual contact, for which the instrument is tuned [N/m]."""
        return self.settings.film.contact_stiffness

    @property
    def answers_sideways(self) -> bool:
        """No: the films stand."""
        return False

    def contact(self, x: float, y: float) -> Contact:
        """Return how tip and surface touch at a point [m]."""
        return self.film.contact(x, y)

    def view(self, tip: TipSettings) -> View:
        """Freeze what a tip would find now."""
        return LibraryView(self.film.view(tip), self.properties.response)

    def sweep(
        self,
        x: float,
        y: float,
        waveform: BiasWaveform,
        tip: TipSettings,
        points: int | None = None,
    ) -> FloatArray:
        """Apply a bias waveform at a point and switch the film there; see `PiezoSample.sweep`.

        A film that is coerced by less bias is one that meets more of it, and an imprint is a bias
        that is always there.
        """
        properties = self.properties
        felt = (waveform.bias - properties.shift) / properties.coercive
        meant = replace(waveform, values=tuple(felt.tolist()))
        return properties.response * self.film.sweep(x, y, meant, tip, points)

    def snapshot(self) -> LibraryState:
        """Return where the stage stands, and the polarisation of every film so far."""
        films = {place: film.snapshot() for place, film in self._films.items()}
        return LibraryState(self._stage, films)

    def restore(self, snapshot: LibraryState) -> None:
        """Go back to a snapshot; films that were grown since are grown anew when asked for."""
        self._stage = snapshot.stage
        self._films = {p: film for p, film in self._films.items() if p in snapshot.films}
        for place, polarization in snapshot.films.items():
            self._films[place].restore(polarization)

    @property
    def _place(self) -> Place:
        x, y = self._stage
        return round(x / GRAIN), round(y / GRAIN)


@dataclass(frozen=True, slots=True, eq=False)
class LibraryView:
    """A film of a library as a tip finds it at one moment.

    Attributes:
        film: The film.
        response: What its composition multiplies the response by.
    """

    film: FilmView
    response: float

    def at(self, x: FloatArray, y: FloatArray) -> Signals:
        """Return the signals at points of the film [m], any shape."""
        signals = self.film.at(x, y)
        return replace(signals, piezoresponse=self.response * signals.piezoresponse)


class LibraryFilmSettings(FilmSettings):
    """The film at each place of a library: smaller, as there are many, and epitaxially even."""

    kind: Literal["library_film"] = "library_film"
    size: Annotated[Length, within(1e-9, 100e-6, "m")] = 1.2e-6
    cells: int = Field(default=160, ge=32, le=2048)
    response_spread: Spread = 0.15
    response_unevenness: Spread = 0.1


class CombinatorialLibrarySettings(PiezoSampleSettings):
    """A composition spread along x of a coarse stage.

    Attributes:
        length: Reach of the stage along x, from the lowest composition to the highest.
        width: Reach of the stage along y, where the composition does not change.
        lowest: Composition at the left end, a fraction.
        highest: Composition at the right end.
        spread: What the composition does.
        film: The film at each place; its response is that of composition 0.
    """

    kind: Literal["combinatorial_library"] = "combinatorial_library"
    length: Annotated[Length, positive("m")] = 10e-3
    width: Annotated[Length, positive("m")] = 2e-3
    lowest: float = Field(default=0.0, ge=0, lt=1)
    highest: float = Field(default=0.2, gt=0, le=1)
    spread: SpreadSettings = Field(default_factory=SpreadSettings)
    film: LibraryFilmSettings = Field(default_factory=LibraryFilmSettings)

    @model_validator(mode="after")
    def _is_a_spread(self) -> "CombinatorialLibrarySettings":
        if not self.lowest < self.highest:
            raise ValueError(f"the composition must rise, got {self.lowest:g} to {self.highest:g}")
        if min(self.length, self.width) < self.film.size:
            raise ValueError(
                f"the library of {format(self.length, 'm')} x {format(self.width, 'm')} is smaller "
                f"than its films of {format(self.film.size, 'm')}"
            )
        return self

    @property
    def reach(self) -> tuple[Range, Range]:
        """Where the library lies along x and y [m]."""
        return (-self.length / 2, self.length / 2), (-self.width / 2, self.width / 2)

    def composition(self, x: FloatArray) -> FloatArray:
        """Return the composition at positions of the stage [m], of their shape."""
        share = np.asarray(x, dtype=float) / self.length + 0.5
        return np.asarray(self.lowest + share * (self.highest - self.lowest))

    def build(self, streams: RandomStreams) -> CombinatorialLibrary:
        """Make the library; its films are grown where the stage comes to."""
        return CombinatorialLibrary(self, streams)

    def check(self, tip: TipSettings, bias: float) -> None:
        """Refuse films smaller than what the tip can switch.

        Raises:
            ValueError: With the size that would do.
        """
        spread = self.spread
        shift = abs(float(spread.shift(np.array(self.highest))))
        self.film.check(tip, (bias + shift) / (1 - spread.softening))

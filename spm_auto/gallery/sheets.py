"""What a sheet of the gallery shows, in the words of a lab file: it does not know the simulator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..instrument import BiasWaveform

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """How a sample is looked at.

    Attributes:
        zoom: Side of the second, smaller frame [m]; 0 for a fifth of the first.
        line_rate: Of all scans [Hz].
        waveform: Of the spectra; None for none.
        places: How many spectra.
        maps: Channel and bias [V] of maps made of spectra, by a perfect instrument.
        overview: Side of the first frame [m]; 0 for nine tenths of the sample.
        also: Further settings of the instrument.
    """

    zoom: float = 0.0
    line_rate: float = 1.0
    waveform: BiasWaveform | None = None
    places: int = 4
    maps: tuple[tuple[str, float], ...] = ()
    overview: float = 0.0
    also: Table = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of an artefact: a perfect microscope but for what is named here.

    Attributes:
        technique: Settings of the technique.
        on: Which of its fields are as they are set, or usual; the others are perfect.
        scanner: Settings of the scanner, beyond the perfect one.
        also: Further settings of the instrument.
        level: Takes everything as a difficulty level has it instead.
        channel: The channel shown; empty for the first one.
        backward: Whether the way back is shown.
        is_levelled: Whether a plane is taken out of heights.
    """

    technique: Table = field(default_factory=dict)
    on: tuple[str, ...] = ()
    scanner: Table = field(default_factory=dict)
    also: Table = field(default_factory=dict)
    level: int | None = None
    channel: str = ""
    backward: bool = False
    is_levelled: bool = True


@dataclass(frozen=True, slots=True)
class Artefact:
    """One way in which pictures go wrong, beside the picture without it.

    Attributes:
        caption: What one sees.
        sample: Table of the sample.
        technique: Name of the technique.
        panels: The pictures by their titles.
        size: Side of the frame [m].
        center: Its middle [m].
        line_rate: Of the scan [Hz].
        comes_from: Where the probe stands before the scan [m]; None: where it was loaded.
    """

    caption: str
    sample: Table
    technique: str
    panels: Mapping[str, Panel]
    size: float
    center: tuple[float, float] = (0.0, 0.0)
    line_rate: float = 1.0
    comes_from: tuple[float, float] | None = None

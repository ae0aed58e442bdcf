"""The simulator: microscopes that exist on a computer only, physical or recorded."""

from .instrument import SimulatedMicroscope
from .noise import NoiseSettings
from .randomness import RandomStreams
from .recording import Recording, read_recording
from .replay import ReplayMicroscope, ReplaySettings
from .samples import FerroelectricFilm, FerroelectricFilmSettings, Sample, SampleSettings
from .settings import SimulatorSettings, simulate
from .timing import Timing
from .tip import TipSettings
from .truth import Truth

__all__ = [
    "FerroelectricFilm",
    "FerroelectricFilmSettings",
    "NoiseSettings",
    "RandomStreams",
    "Recording",
    "ReplayMicroscope",
    "ReplaySettings",
    "Sample",
    "SampleSettings",
    "SimulatedMicroscope",
    "SimulatorSettings",
    "Timing",
    "TipSettings",
    "Truth",
    "read_recording",
    "simulate",
]

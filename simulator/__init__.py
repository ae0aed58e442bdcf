"""The simulator: microscopes that exist on a computer only, physical or recorded."""

from .instrument import SimulatedMicroscope
from .randomness import RandomStreams
from .recording import Recording, read_recording
from .replay import ReplayMicroscope, ReplaySettings
from .replay_run import ReplayRunMicroscope, ReplayRunSettings
from .samples import (
    CombinatorialLibrarySettings,
    FerroelectricFilm,
    FerroelectricFilmSettings,
    GranularFilmSettings,
    LamellarFilmSettings,
    Sample,
    SampleSettings,
)
from .scanner import Scanner, ScannerSettings
from .settings import SimulatorSettings, simulate
from .techniques import Technique, TechniqueSettings
from .techniques.pfm import PfmNoise, PfmSettings
from .timing import Timing
from .tip import TipSettings
from .truth import FilmTruth, Truth

__all__ = [
    "CombinatorialLibrarySettings",
    "FerroelectricFilm",
    "FerroelectricFilmSettings",
    "FilmTruth",
    "GranularFilmSettings",
    "LamellarFilmSettings",
    "PfmNoise",
    "PfmSettings",
    "RandomStreams",
    "Recording",
    "ReplayMicroscope",
    "ReplayRunMicroscope",
    "ReplayRunSettings",
    "ReplaySettings",
    "Sample",
    "SampleSettings",
    "Scanner",
    "ScannerSettings",
    "SimulatedMicroscope",
    "SimulatorSettings",
    "Technique",
    "TechniqueSettings",
    "Timing",
    "TipSettings",
    "Truth",
    "read_recording",
    "simulate",
]

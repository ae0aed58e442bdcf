"""spm_auto lets an agent drive a scanning-probe microscope.

The instrument plane says *how* (load, scan, position the probe, acquire a spectrum); the workflow
plane says *what next*. In a checkout the folders ``drivers``, ``simulator`` and ``gui`` stand
beside this package; in a wheel they lie inside it. Either way they are imported as
``spm_auto.drivers``, ``spm_auto.simulator`` and ``spm_auto.gui``.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import agents
    from .data import open_run
    from .instrument import (
        AcquireSpectrum,
        BiasWaveform,
        Load,
        PositionProbe,
        Scan,
        ScanFrame,
        ScanImage,
        Spectrum,
    )
    from .script import Run, start_run

__version__ = "0.1.0"

__all__ = [
    "AcquireSpectrum",
    "BiasWaveform",
    "Load",
    "PositionProbe",
    "Run",
    "Scan",
    "ScanFrame",
    "ScanImage",
    "Spectrum",
    "agents",
    "open_run",
    "start_run",
]

_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "pyproject.toml").is_file():
    __path__.append(str(_checkout))

_HOMES = {
    "agents": None,
    "open_run": "data",
    "start_run": "script",
    "Run": "script",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import spm_auto`` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module 'spm_auto' has no attribute {name!r}")
    home = _HOMES.get(name, "instrument")
    if home is None:
        return import_module(f".{name}", __name__)
    return getattr(import_module(f".{home}", __name__), name)

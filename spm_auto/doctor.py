"""The doctor: what this computer has, as a list of checks."""

import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from . import __version__, plugins
from .errors import PluginError

_NEEDED = ("numpy", "scipy", "pydantic", "msgpack", "h5py", "matplotlib", "numba")
_OPTIONAL = {
    "torch": "agents that learn: pip install 'spm-auto[dkl]'",
    "gpytorch": "agents that learn: pip install 'spm-auto[dkl]'",
    "PyQt6": "the window: pip install 'spm-auto[gui]'",
    "pyqtgraph": "the window: pip install 'spm-auto[gui]'",
    "pyserial": "serial microscopes: pip install 'spm-auto[drivers]'",
}
_FREE_SPACE = 1e9  # [byte] a night of spectra and images fits in it


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        what: What.
        found: What was found.
        is_good: Whether runs will work with it.
        advice: What to do about it; empty when nothing is to be done.
    """

    what: str
    found: str
    is_good: bool = True
    advice: str = ""


def examine(folder: Path | None = None) -> list[Check]:
    """Look at the computer.

    Args:
        folder: Where runs will be kept; the working directory without it.
    """
    checks = [
        Check("spm_auto", __version__),
        Check("Python", f"{platform.python_version()} ({sys.executable})"),
        Check("system", platform.platform()),
    ]
    checks += [_package(name, required=True) for name in _NEEDED]
    checks += [_package(name, required=False) for name in _OPTIONAL]
    checks += [_plugins(kind) for kind in plugins.KINDS]
    free = shutil.disk_usage(folder or Path.cwd()).free
    checks.append(
        Check(
            "free space",
            f"{free / 1e9:.1f} GB",
            free > _FREE_SPACE,
            "" if free > _FREE_SPACE else "make room: a run needs up to 1 GB",
        )
    )
    return checks


def _package(name: str, required: bool) -> Check:
    try:
        return Check(name, version(name))
    except PackageNotFoundError:
        advice = "reinstall spm_auto" if required else f"only for {_OPTIONAL[name]}"
        return Check(name, "not installed", not required, advice)


def _plugins(kind: str) -> Check:
    names = plugins.names(kind)
    broken = []
    for name in names:
        try:
            plugins.load(kind, name)
        except PluginError as error:
            broken.append(str(error))
    if not names:
        return Check(kind, "none", False, "install spm_auto (pip install -e . in a checkout)")
    return Check(kind, ", ".join(names), not broken, "; ".join(broken))

r"""Makes the files that other programs are to open: ``python tests/interop/make_files.py OUT``.

Run it in spm_auto's environment; the tests beside it run in one that has sidpy, xarray and the like
and not spm_auto, and find the files by the environment variable ``SPM_AUTO_INTEROP``:

    SPM_AUTO_INTEROP=OUT OTHER/bin/python -m pytest -m interop --confcutdir tests/interop \
      tests/interop

``expected.json`` beside the files says in plain numbers what must be read from them: see
`expectations`.
"""

import json
import sys
from dataclasses import replace
from math import radians
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for asymmetric.py, as pytest does

from asymmetric import image, spectrum

from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    FinishReason,
    Journal,
    LineAcquired,
    RecordedRun,
    RunFinished,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    SpectrumScored,
    consolidate,
    open_run,
)
from spm_auto.export import FORMATS, Origin, export, write_gwy, write_sxm
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    QualityFlag,
    Scan,
    ScanFrame,
    ScanLine,
)
from spm_auto.instrument import Spectrum as Curve

GRID = ScanFrame((100e-9, -60e-9), (90e-9, 40e-9), (3, 2), radians(20))
N_MEASURED = 20  # lines of the image that was aborted
PLACES = ((35e-9, -20e-9), (150e-9, -110e-9), (80e-9, -75e-9))  # [m], no two share x or y


def write_run(folder: Path) -> Path:
    """Write the journal of a run that scans the asymmetric frame and takes three spectra."""
    scanned, clock = image(), InstantClock()
    names = tuple(channel.name for channel in scanned.channels)
    with Journal(folder / FILE_NAME, clock.now, utc=lambda: 1.8e9 + clock.now()) as journal:
        journal.append(RunStarted("interop-1", "asymmetric", "", "", "by hand", 7))
        journal.append(ScanStarted(Scan(scanned.frame, names), scanned.channels))
        for index in range(scanned.frame.shape[0]):
            clock.wait(1.0)
            there, back = scanned.forward[:, index], scanned.backward[:, index]
            journal.append(LineAcquired(ScanLine(index, there, back, clock.now())))
        journal.append(ScanFinished(is_complete=True))
        for number, (x, y) in enumerate(PLACES):
            journal.append(_taken(spectrum(x, y), number, clock))
            flag = "saturated" if number == 1 else ""
            value = np.nan if flag else 1e-9 * (number + 1)
            journal.append(
                SpectrumScored(number, "integral", value, np.nan, flag, x, y, np.nan,
                               100.0 * number, "A V")
            )  # fmt: skip
        journal.append(RunFinished(FinishReason.COMPLETED))
    return folder / FILE_NAME


def _taken(curve: Curve, number: int, clock: InstantClock) -> SpectrumAcquired:
    clock.wait(2.5)
    flags = (QualityFlag.SATURATED,) if number == 1 else ()
    data = curve.data * (number + 1)
    start = 100.0 * number
    waveform = BiasWaveform(tuple(curve.bias.tolist()), dwell=0.05)
    taken = Curve(curve.x, curve.y, curve.bias, curve.channels, data, start, start + 2.5, flags)
    return SpectrumAcquired(AcquireSpectrum(curve.x, curve.y, waveform), taken)


def expectations() -> dict[str, Any]:
    """Say in plain numbers what a reader must find: axes, units and values, line 0 below."""
    scanned = image()
    frame, curve = scanned.frame, spectrum()
    return {
        "center": frame.center,
        "size": frame.size,
        "pixels": frame.pixels,
        "angle": frame.angle,
        "image channels": [[channel.name, channel.unit] for channel in scanned.channels],
        "forward": scanned.forward.tolist(),
        "backward": scanned.backward.tolist(),
        "lines measured": N_MEASURED,
        "places": PLACES,
        "bias": curve.bias.tolist(),
        "spectrum channels": [[channel.name, channel.unit] for channel in curve.channels],
        "spectra": [(curve.data * (number + 1)).tolist() for number in range(len(PLACES))],
    }


def write_exports(run: RecordedRun, out: Path) -> None:
    """Write the run in every format, and what it does not have: an aborted image, other spectra."""
    for to in FORMATS:
        export(run, to, out / to)
    scanned = image()
    write_gwy(out / "images.gwy", [scanned])
    forward = scanned.forward.copy()
    forward[:, N_MEASURED:] = np.nan
    aborted = replace(scanned, forward=forward)
    write_sxm(out / "aborted.sxm", aborted, Origin(utc=1.8e9, bias=0.5))
    write_gwy(out / "aborted.gwy", [aborted])
    there_and_back = BiasWaveform.sweep(2.0, -1.0, 4, backward=True).bias
    loop = BiasWaveform.triangle(4.0, 16).bias
    spectra = [_ramp(x, y, there_and_back, n) for n, (x, y) in enumerate(PLACES)]
    spectra += [_ramp(x, y, loop, n) for n, (x, y) in enumerate(PLACES)]
    x, y = (values.ravel() for values in GRID.positions())
    spectra += [_ramp(x[n], y[n], np.array([4.0, 1.0, 0.5]), n) for n in range(len(x))]
    write_gwy(out / "spectra.gwy", [scanned], spectra)


def _ramp(x: float, y: float, bias: np.ndarray[Any, np.dtype[np.float64]], number: int) -> Curve:
    """Make a spectrum whose values count its points, tens more for each spectrum [nA]."""
    data = 1e-9 * (10.0 * number + np.arange(len(bias)))[np.newaxis]
    return Curve(float(x), float(y), bias, (Channel("current", "A"),), data, 0.0, 1.0)


def main(out: Path) -> None:
    """Fill a folder: the run's folder, ``run.h5``, and what must be read from them."""
    run = out / "run"
    (run / FILE_NAME).unlink(missing_ok=True)
    journal = write_run(run)
    consolidate(journal, out / "run.h5")
    write_exports(open_run(journal), out)
    (out / "expected.json").write_text(json.dumps(expectations()), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

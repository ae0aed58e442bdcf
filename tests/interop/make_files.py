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
    RunFinished,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    SpectrumScored,
    consolidate,
)
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, QualityFlag, Scan, ScanLine
from spm_auto.instrument import Spectrum as Curve

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
        "places": PLACES,
        "bias": curve.bias.tolist(),
        "spectrum channels": [[channel.name, channel.unit] for channel in curve.channels],
        "spectra": [(curve.data * (number + 1)).tolist() for number in range(len(PLACES))],
    }


def main(out: Path) -> None:
    """Fill a folder: the run's folder, ``run.h5``, and what must be read from them."""
    run = out / "run"
    (run / FILE_NAME).unlink(missing_ok=True)
    journal = write_run(run)
    consolidate(journal, out / "run.h5")
    (out / "expected.json").write_text(json.dumps(expectations()), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

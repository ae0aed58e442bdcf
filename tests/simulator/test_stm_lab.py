"""The example of a laboratory with a tunnelling microscope opens and measures."""

from pathlib import Path

import numpy as np

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, Load, Scan, ScanFrame
from spm_auto.lab import read_lab

LAB = Path(__file__).parents[2] / "examples" / "lab_stm.toml"


def test_the_example_of_an_stm_laboratory_measures():
    lab, _ = read_lab(LAB)
    instrument = lab.open(0, lab.clock.clock())
    instrument.load(Load())
    frame = ScanFrame(center=(0.0, 0.0), size=(50e-9, 50e-9), pixels=(16, 4))
    lines = list(instrument.scan(Scan(frame)))
    assert len(lines) == 4
    waveform = BiasWaveform.sweep("-5 mV", "5 mV", 51)
    spectrum = instrument.acquire_spectrum(AcquireSpectrum(0.0, 0.0, waveform))
    didv = spectrum.channel("didv")
    inside = np.abs(spectrum.bias) < 0.3e-3
    assert didv[inside].mean() < 0.7 * didv[[0, -1]].mean()

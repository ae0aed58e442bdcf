"""How each sample is looked at: frames, line rates and spectra that show what it is."""

from ..instrument import BiasWaveform
from .sheets import Look

LOOP = BiasWaveform.triangle(8.5, points=64, cycles=2)
BAND = BiasWaveform.sweep(-1.0, 1.0, points=101, dwell=5e-3)
GAP = BiasWaveform.sweep(-5e-3, 5e-3, points=101, dwell=5e-3)
CONTACT_POTENTIAL = BiasWaveform.sweep(-2.0, 2.0, points=81, dwell=5e-3)

LOOKS = {
    "ferroelectric_film": Look(zoom=5e-7, waveform=LOOP),
    "granular_film": Look(zoom=5e-7, waveform=LOOP),
    "lamellar_film": Look(zoom=5e-7, waveform=LOOP),
    "combinatorial_library": Look(zoom=5e-7, waveform=LOOP),
    "hopg": Look(zoom=3e-9, line_rate=4.0, waveform=BAND),
    "au111": Look(zoom=3e-9, line_rate=4.0, waveform=BAND, maps=(("didv", -0.4), ("didv", 0.1))),
    "cu111": Look(zoom=3e-9, line_rate=4.0, waveform=BAND, maps=(("didv", -0.3), ("didv", 0.1))),
    "si111_7x7": Look(zoom=8e-9, line_rate=4.0, waveform=BiasWaveform.sweep(-2.0, 2.0, 101, 5e-3)),
    "superconductor": Look(
        zoom=20e-9, line_rate=2.0, waveform=GAP, maps=(("didv", 0.0), ("didv", 1.1e-3))
    ),
    "polymer_blend": Look(waveform=CONTACT_POTENTIAL),
    "stiff_inclusions": Look(waveform=CONTACT_POTENTIAL),
    "conducting_grains": Look(waveform=CONTACT_POTENTIAL),
}

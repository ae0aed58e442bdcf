"""Rows 13 to 16, 18 to 21, 37 and the tunnelling parts of 35 and 38 of the validation table."""

import math

import numpy as np
import pytest

from spm_auto.clock import InstantClock
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, Load, Scan, ScanFrame
from spm_auto.simulator import RandomStreams, SimulatorSettings
from spm_auto.simulator.samples.stm import (
    Au111Settings,
    Cu111Settings,
    HopgSettings,
    Junction,
    SuperconductorSettings,
)
from spm_auto.simulator.samples.stm.densities import dynes, vortex_spacing
from spm_auto.simulator.samples.stm.tunnelling import BOLTZMANN, Barrier, decay, weights
from spm_auto.simulator.techniques.stm import StmSettings

WKB = "Tersoff and Hamann, PRB 31, 805 (1985)"
DYNES = "Dynes et al., PRL 41, 1509 (1978)"
CROMMIE = "Crommie et al., Nature 363, 524 (1993)"


def junction(sample, **changed) -> Junction:
    usual = {"bias": sample.bias, "setpoint": 1e-10, "temperature": sample.temperature}
    return Junction(**(usual | changed))


@pytest.mark.parametrize(
    ("work_function", "decades"), [(4.0, 0.890), (4.5, 0.944), (5.0, 0.995), (5.3, 1.024)]
)
def test_the_current_falls_by_a_decade_per_angstrom(validation, work_function, decades):
    measured = decay(work_function) * 1e-10 / math.log(10)
    validation.close(
        13, f"I(z) at {work_function} eV", measured, decades, WKB, relative=1e-3, unit="decades/A"
    )


def test_the_work_function_comes_back_from_a_noisy_approach_curve(validation):
    # without atoms: on top of one the density falls faster, and so does the current
    sample = Au111Settings(steps=0, adatoms=0, vacancies=0, corrugation="0 pm").build(
        RandomStreams(0)
    )
    view = sample.view(junction(sample))
    x = np.zeros(200)
    z = view.contour(x, x) + np.linspace(-0.1e-9, 0.3e-9, 200)
    rng = np.random.default_rng(0)
    current = view.current(x, x, z) + 0.2e-12 * rng.standard_normal(200)
    use = current > 2e-12
    slope = np.polyfit(z[use], np.log(current[use]), 1, w=current[use])[0]
    found = 5.3 * (slope / decay(5.3)) ** 2
    validation.close(14, "work function from I(z)", found, 5.3, "input", relative=0.02, unit="eV")


def test_a_superconductor_has_states_left_at_the_fermi_level(validation):
    broadening = 0.03
    expected = broadening / math.hypot(broadening, 1)
    found = float(dynes(np.zeros(1), 1.0, broadening)[0])
    validation.close(15, "N(0), G = 0.03 D", found, expected, DYNES, absolute=1e-4)


def test_the_gap_piles_its_states_up_at_its_edges(validation):
    energy = np.linspace(0, 20, 2_000_001)
    density = dynes(energy, 1.0, 0.03)
    peak = float(energy[np.argmax(density)])
    validation.close(16, "peak of N, in D", peak, 1.018, DYNES, relative=0.01)
    missing = float(np.trapezoid(density - 1, energy))
    # beyond the window the tail D^2 / (2 E^2) is left on this side of the Fermi level
    validation.close(16, "states conserved", missing, -1 / (2 * 20), DYNES, absolute=0.002)


def test_warm_electrons_blur_a_sharp_state(validation):
    kt = BOLTZMANN * 4.2
    energy = np.linspace(-0.02, 0.02, 801)
    spike = np.zeros_like(energy)
    spike[400] = 1.0
    bias = np.linspace(-3 * kt, 3 * kt, 2401)
    seen = weights(energy, bias, 4.2, Barrier(4.5))[1] @ spike
    above = bias[seen > seen.max() / 2]
    width = float(above[-1] - above[0]) / kt
    validation.close(17, "thermal width, in kT", width, 3.525, "Fermi function", relative=5e-3)


def test_the_current_is_the_integral_of_the_conductance(validation):
    sample = Cu111Settings().build(RandomStreams(0))
    spots = sample.material.spots
    bias = np.linspace(0, 0.5, 4001)
    current, conductance = sample.view(junction(sample)).spectra(
        spots.x[0] + 1e-9, spots.y[0], bias
    )
    integral = float(np.sum((conductance[1:] + conductance[:-1]) / 2) * (bias[1] - bias[0]))
    validation.close(
        18, "int dI/dV over I", integral / float(current[-1]), 1.0, "exact", absolute=1e-6
    )
    energy = np.linspace(-1, 1, 401)
    bias = np.linspace(-0.7, 0.7, 57)
    flat = weights(energy, bias, 4.2, Barrier(4.5))[0] @ np.ones(401)
    off = float(np.max(np.abs(flat - bias)))
    validation.close(18, "I = G V, flat density", off, 0.0, "exact", absolute=1e-6, unit="V")
    small = np.array([1e-6])
    ohmic = weights(energy, small, 1.2, Barrier(4.5, gap=0.5e-9))[0] @ np.ones(401)
    validation.close(18, "ohmic at 1 uV", float(ohmic[0] / small[0]), 1.0, "exact", absolute=1e-6)


@pytest.mark.parametrize("settings", [Cu111Settings, Au111Settings])
def test_waves_at_a_step_give_back_the_surface_band(validation, settings):
    sample = settings(
        steps=1, adatoms=0, vacancies=0, coherence="40 nm", corrugation="0 pm", size="200 nm"
    ).build(RandomStreams(1))
    step = sample.material.steps
    # across the step at the middle of its wandering
    along = np.zeros(4000)
    away = np.linspace(2e-9, 60e-9, 4000)
    shift = np.interp(
        0.0, (np.arange(step.wander.shape[1]) - step.wander.shape[1] // 2), step.wander[0]
    )
    u = step.at[0] + shift + away
    x = u * math.cos(step.angle) - along * math.sin(step.angle)
    y = u * math.sin(step.angle) + along * math.cos(step.angle)
    bias = np.linspace(-0.3, 0.3, 13)
    _, didv = sample.view(junction(sample, temperature=0.5)).spectra(x, y, bias)
    k = [_wave_number(away, wave) / 2 for wave in didv.T]
    inverse_mass, bottom = _parabola(np.array(k), bias)
    where = settings.label
    half_wave = math.pi / float(np.interp(0.0, bias, k)) * 1e9
    expected = math.pi / (5.12317e9 * math.sqrt(-settings.mass * settings.bottom)) * 1e9
    validation.close(
        19, f"{where} half wave at EF", half_wave, expected, CROMMIE, relative=0.03, unit="nm"
    )
    validation.close(19, f"{where} E0", bottom, settings.bottom, CROMMIE, relative=0.03, unit="eV")
    validation.close(
        19, f"{where} m*", 1 / inverse_mass, settings.mass, CROMMIE, relative=0.03, unit="me"
    )


def test_vortices_stand_as_far_apart_as_their_flux_says(validation):
    abrikosov = "triangular lattice of h/2e"
    validation.close(
        20, "spacing at 1 T", vortex_spacing(1.0) * 1e9, 48.9, abrikosov, relative=0.01, unit="nm"
    )
    sample = SuperconductorSettings(
        field="1 T", vortex_disorder=0.0, adatoms=0, size="300 nm", gap_spread=0.0
    ).build(RandomStreams(3))
    x, y = sample.vortex_x, sample.vortex_y
    apart = np.hypot(x - x[:, np.newaxis], y - y[:, np.newaxis])
    nearest = float(np.median(np.where(apart > 0, apart, np.inf).min(axis=1)))
    validation.close(
        20, "spacing in the sample", nearest * 1e9, 48.9, abrikosov, relative=0.01, unit="nm"
    )
    inside = np.maximum(np.abs(x), np.abs(y)) < 150e-9
    flux = inside.sum() * 2.067833848e-15 / (300e-9) ** 2
    validation.close(20, "flux density", float(flux), 1.0, abrikosov, relative=0.1, unit="T")


@pytest.mark.parametrize("settings", [HopgSettings, Au111Settings])
def test_atoms_fade_faster_than_the_current(validation, settings):
    # atoms so faint that their height is proportional to the modulation of the density
    flat = {"steps": 0, "vacancies": 0, "corrugation": "1 pm"}
    sample = settings(**flat, **({"adatoms": 0} if settings is Au111Settings else {})).build(
        RandomStreams(0)
    )
    x, y = np.meshgrid(*[np.linspace(0, 0.6e-9, 120)] * 2)
    setpoints = np.geomspace(10e-12, 1e-9, 5)
    gaps, heights = [], []
    for setpoint in setpoints:
        z = sample.view(junction(sample, setpoint=float(setpoint))).contour(x, y)
        z = z - _herringbone(sample, x, y)
        gaps.append(z.min())
        heights.append(np.ptp(z))
    slope = -float(np.polyfit(gaps, np.log(heights), 1)[0]) * 1e-9
    kappa = decay(sample.material.work_function) / 2
    expected = 2 * (math.hypot(kappa, sample.material.lattice.reciprocal / 2) - kappa) * 1e-9
    validation.close(
        21, f"fading of {sample.name}", slope, expected, WKB, relative=0.05, unit="1/nm"
    )


@pytest.mark.parametrize("settings", [HopgSettings(), SuperconductorSettings()])
def test_a_perfect_microscope_shows_the_sample_itself(validation, settings):
    microscope = SimulatorSettings(sample=settings, level=0).open(InstantClock(), 5)
    microscope.load(Load())
    frame = ScanFrame(center=(3e-9, -2e-9), size=(9e-9, 9e-9), pixels=(24, 16))
    stack = np.stack([line.forward for line in microscope.scan(Scan(frame))], axis=1)
    waveform = BiasWaveform.sweep(-settings.build(RandomStreams(5)).bias, 4e-3, 31)
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(1e-9, 2e-9, waveform))
    sample = settings.build(RandomStreams(5))
    technique = StmSettings()
    view = sample.view(junction(sample, blur=technique.blur / 2.3548200450309493))
    height, didv = view.topography(*frame.positions())
    current, conductance = view.spectra(np.array(1e-9), np.array(2e-9), waveform.bias)
    same = (
        np.array_equal(stack[0], height)
        and np.all(stack[1] == 1e-10)
        and np.array_equal(stack[2], didv)
        and np.array_equal(spectrum.data[0], current)
        and np.array_equal(spectrum.data[1], conductance)
    )
    validation.holds(
        35, f"perfect STM on {sample.name}", bool(same), str(same), "the sample, bitwise", "layers"
    )


def test_a_spectrum_and_its_map_agree_with_the_image(validation):
    settings = SuperconductorSettings()
    microscope = SimulatorSettings(sample=settings, level=0).open(InstantClock(), 5)
    microscope.load(Load())
    frame = ScanFrame(center=(3e-9, -2e-9), size=(60e-9, 60e-9), pixels=(12, 12))
    lines = [line.forward for line in microscope.scan(Scan(frame))]
    image = np.stack(lines, axis=1)
    bias = microscope._technique.held.bias
    waveform = BiasWaveform.sweep(-bias, bias, 41)
    x, y = frame.positions()
    whole = microscope._technique.cits(x, y, waveform.bias)
    worst = off = 0.0
    for line, pixel in ((0, 0), (5, 7), (11, 2)):
        at = float(x[line, pixel]), float(y[line, pixel])
        spectrum = microscope.acquire_spectrum(AcquireSpectrum(*at, waveform))
        for channel in (0, 1):
            difference = np.abs(spectrum.data[channel] - whole[channel][line, pixel])
            worst = max(worst, float(np.max(difference / np.abs(spectrum.data[channel]).max())))
        off = max(off, abs(spectrum.data[0, -1] / image[1, line, pixel] - 1))
        off = max(off, abs(spectrum.data[1, -1] / image[2, line, pixel] - 1))
    validation.close(37, "spectrum and map", worst, 0.0, "one answer", absolute=1e-6)
    validation.close(37, "spectrum and image at its bias", off, 0.0, "one answer", absolute=1e-6)


def test_a_pit_is_local_and_a_snapshot_takes_it_back(validation):
    sample = Cu111Settings().build(RandomStreams(2))
    x, y = np.meshgrid(*[np.linspace(-29e-9, 29e-9, 60)] * 2)
    before = sample.view(junction(sample)).contour(x, y)
    clean = sample.snapshot()
    sample.dent(5e-9, 5e-9, 2e-9, 0.5e-9)
    after = sample.view(junction(sample)).contour(x, y)
    far = np.hypot(x - 5e-9, y - 5e-9) > 5 * 2 * 2e-9
    local = np.array_equal(before[far], after[far]) and not np.array_equal(before, after)
    sample.restore(clean)
    undone = np.array_equal(sample.view(junction(sample)).contour(x, y), before)
    validation.holds(38, "a pit is local", bool(local), str(local), "bitwise", "state")
    validation.holds(38, "a snapshot undoes a pit", undone, str(undone), "bitwise", "state")


def _wave_number(x, wave) -> float:
    """Return the wave number [rad/m] of a standing wave that dies as the root of the distance."""
    wave = (wave - wave.mean()) * np.sqrt(x) * np.exp(x / 40e-9)
    window = np.hanning(len(x))
    wave = (wave - np.sum(wave * window) / np.sum(window)) * window
    count = 64 * len(x)
    spectrum = np.abs(np.fft.rfft(wave, count))
    k = 2 * np.pi * np.fft.rfftfreq(count, x[1] - x[0])
    spectrum[k < 1.5e9] = 0.0
    return float(k[np.argmax(spectrum)])


def _parabola(k, energy) -> tuple[float, float]:
    """Return 1 / m* and E0 of E = E0 + hbar^2 k^2 / (2 m)."""
    slope, bottom = np.polyfit((k / 5.12317e9) ** 2, energy, 1)
    return float(slope), float(bottom)


def _herringbone(sample, x, y):
    """Return what a surface is high without its atoms, from a tip so blunt that it sees none."""
    return sample.view(junction(sample, blur=0.4e-9)).contour(x, y)

"""The disc in closed form and the phase field judge each other."""

import numpy as np
import pytest

from spm_auto.instrument import BiasWaveform, FloatArray
from spm_auto.simulator import (
    FerroelectricFilm,
    FerroelectricFilmSettings,
    RandomStreams,
    TipSettings,
)
from spm_auto.simulator.samples.ferroelectric import disc, film, surfaces
from spm_auto.simulator.samples.ferroelectric.switching import yielding

TIP = TipSettings()
RAMP = BiasWaveform(tuple(np.linspace(0, 8.5, 35).tolist()))


def small(switching: str = "phase_field", creep: float = 0.08) -> FerroelectricFilm:
    settings = FerroelectricFilmSettings(
        **{"cells": 64, "size": "500 nm", "switching": switching, "creep": creep}
        | dict.fromkeys(("contact_share_spread", "site_spread", "defect_pinning"), 0.0)
        | {"contact_potential_spread": "0 V"}
    )
    made = settings.build(RandomStreams(1))
    made.polarization = -np.ones((64, 64))
    return made


def written(sample: FerroelectricFilm, bias: float, dwell: float) -> float:
    """Return the diameter of what a pulse writes [m]."""
    with sample.unchanged():
        sample.sweep(0.0, 0.0, BiasWaveform((bias,), dwell), TIP)
        area = np.sum(sample.polarization > 0) * sample.settings.cell**2
    return float(2 * np.sqrt(area / np.pi))


def test_both_ways_of_switching_begin_at_the_same_bias() -> None:
    def onset(sample: FerroelectricFilm) -> float:
        with sample.unchanged():
            return float(RAMP.bias[np.argmax(sample.sweep(0.0, 0.0, RAMP, TIP)[0] > 0)])

    assert onset(small("disc")) == pytest.approx(onset(small()), rel=0.15)


@pytest.mark.parametrize("bias", [6.0, 8.5, 12.0])
def test_both_ways_of_switching_write_domains_of_a_size(bias: float) -> None:
    assert written(small("disc"), bias, 1.0) == pytest.approx(written(small(), bias, 1.0), rel=0.25)


def test_a_disc_remembers_what_was_written() -> None:
    sample = small("disc")
    there = np.array([0.0]), np.array([0.0])
    up = sample.sweep(0.0, 0.0, BiasWaveform((9.0, 0.0)), TIP)[0]
    assert sample.view(TIP).at(*there).piezoresponse[0] > 0
    assert up[1] == up[0] > 0
    down = sample.sweep(0.0, 0.0, BiasWaveform((-1.0, -9.0)), TIP)[0]
    assert down[0] == up[0]
    assert down[1] < 0


def test_many_sites_at_once_are_each_as_alone() -> None:
    rng = np.random.default_rng(0)
    barrier, built_in = 1 + 0.1 * rng.standard_normal(20), 0.05 * rng.standard_normal(20)
    pinning = 0.14 * np.exp(0.2 * rng.standard_normal(20))
    distance = np.linspace(0, 120e-9, 16)
    up = rng.random((20, 16)) > 0.5
    weights = np.full(16, 1 / 16)
    bias = 8.5 * np.sin(np.linspace(0, 4 * np.pi, 64))

    def run(sites: slice) -> FloatArray:
        site = barrier[sites], built_in[sites], pinning[sites], up[sites]
        return disc.loops(*site, distance, weights, 0.21, 25e-9, bias)[0]

    alone = np.concatenate([run(slice(k, k + 1)) for k in range(20)])
    np.testing.assert_allclose(run(slice(None)), alone, atol=1e-14)
    assert alone.min() < -0.5
    assert alone.max() > 0.5


def test_without_a_compiler_a_film_still_switches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (film, surfaces):
        monkeypatch.setattr(module, "has_compiler", lambda: False)
    sample = small()
    before = sample.view(TIP).at(np.array([0.0]), np.array([0.0])).piezoresponse[0]
    sample.sweep(0.0, 0.0, BiasWaveform((12.0,)), TIP)
    after = sample.view(TIP).at(np.array([0.0]), np.array([0.0])).piezoresponse[0]
    assert before < 0 < after


def test_domains_creep_on_with_the_logarithm_of_time() -> None:
    creeping, stuck = small(creep=0.2), small(creep=0.0)
    sizes = [written(creeping, 8.5, dwell) for dwell in (1.0, 30.0, 1000.0)]
    assert sizes[0] < sizes[1] < sizes[2]
    assert written(stuck, 8.5, 1.0) == written(stuck, 8.5, 1000.0)
    # as much again in each decade and a half, within a cell
    assert sizes[2] - sizes[1] == pytest.approx(sizes[1] - sizes[0], abs=8e-9)


def test_pinning_yields_by_its_share_in_each_decade() -> None:
    steps, pinning = yielding(160_000, 0.1)
    ends = np.cumsum(np.append(16, 16 * 2 ** np.arange(len(steps) - 1)))
    decades = np.log10(ends[-1] / 16)
    assert pinning[0] == 1
    assert pinning[-1] == pytest.approx(0.9**decades, rel=0.03)
    assert steps.sum() < 4000
    assert yielding(160_000, 0.0)[0].tolist() == [160_000]

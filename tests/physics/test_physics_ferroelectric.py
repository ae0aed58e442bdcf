"""Rows 1 to 9 of the validation: the energy of a ferroelectric, its walls and how it switches."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.realism import (
    ALLOWED,
    MEASURED_QUARTILES,
    MEASURED_SHARES,
    MEDIAN_TOLERANCE,
    SPREAD_FACTOR,
    evaluate,
    simulated,
)
from spm_auto.simulator import TipSettings
from spm_auto.simulator.samples.ferroelectric.landau import BATIO3, PBTIO3
from spm_auto.simulator.samples.ferroelectric.relaxation import FilmEnergy, relax
from spm_auto.simulator.samples.ferroelectric.switching import Medium, Tip, settle, sweep

if TYPE_CHECKING:
    from conftest import Validation

CELL = 7.8125e-9  # [m]
HAUN = "Haun 1987"
LI = "Li, Cross, Chen 2005"
TANH = "exact for the 2-4 potential"


def test_row_1_lead_titanate_is_as_polar_and_as_piezoelectric_as_published(
    validation: "Validation",
) -> None:
    ps, d33 = PBTIO3.spontaneous_polarization(), PBTIO3.d33()
    validation.close(1, "PbTiO3 Ps", ps, 0.757, HAUN, relative=0.005, unit="C/m2")
    validation.close(1, "PbTiO3 d33", d33, 79e-12, HAUN, relative=0.05, unit="m/V")
    validation.close(1, "PbTiO3 c/a - 1", PBTIO3.tetragonality(), 0.065, HAUN, relative=0.05)


def test_row_2_barium_titanate_is_as_polar_as_published(validation: "Validation") -> None:
    ps = BATIO3.spontaneous_polarization()
    validation.close(2, "BaTiO3 Ps", ps, 0.26, LI, relative=0.01, unit="C/m2")


def test_row_3_a_wall_of_lead_titanate_is_as_costly_as_from_first_principles(
    validation: "Validation",
) -> None:
    source = "Meyer, Vanderbilt 2002"
    energy, width = PBTIO3.wall_energy(), PBTIO3.wall_half_width()
    validation.close(3, "PbTiO3 wall energy", energy, 0.132, source, relative=0.15, unit="J/m2")
    validation.close(3, "PbTiO3 wall half-width", width, 0.6e-9, source, relative=0.15, unit="m")


@pytest.mark.parametrize(("cells_per_length", "tolerance"), [(2, 0.01), (1, 0.04)])
def test_row_4_a_wall_relaxes_to_tanh(
    validation: "Validation", cells_per_length: int, tolerance: float
) -> None:
    n = 64
    x = (np.arange(n) - n / 4 + 0.5) / cells_per_length  # the periodic film has two walls
    rise = np.tanh(x / np.sqrt(2))
    there_and_back = np.minimum(rise, rise[::-1])
    one = np.ones((8, n))
    medium = Medium(one, 0 * one, 0 * one, gradient=float(cells_per_length**2))
    wall = settle(np.sign(there_and_back) * one, medium, 400)[0]
    deviation = float(np.max(np.abs(wall - there_and_back)))
    steps = np.diff(wall, append=wall[0]) * cells_per_length
    density = (1 - wall**2) ** 2 / 4 + steps**2 / 2
    energy = float(density.sum() / cells_per_length / 2)
    what = f"wall on cells of l / {cells_per_length}"
    validation.close(4, f"{what}: deviation from tanh", deviation, 0.0, TANH, absolute=tolerance)
    exact = 2 * np.sqrt(2) / 3
    validation.close(4, f"{what}: energy", energy, exact, TANH, relative=tolerance)


def test_row_5_a_relaxing_film_only_loses_energy(validation: "Validation") -> None:
    energy = FilmEnergy(64, CELL, CELL, depolarization=0.35, thickness=40e-9)
    p = 0.1 * np.random.default_rng(0).standard_normal((64, 64))
    nothing = np.zeros_like(p)
    energies = [energy.total(p, nothing)]
    for _ in range(150):
        p = relax(energy, p, nothing, steps=1)
        energies.append(energy.total(p, nothing))
    rise = float(np.max(np.diff(energies)))
    validation.holds(
        5,
        "energy falls at each of 150 steps",
        rise <= 1e-6 and energies[-1] < energies[0] - 0.05,
        measured=f"largest rise {rise:.1e}, from {energies[0]:.4f} to {energies[-1]:.4f}",
        reference="no rise",
        tolerance="1e-6",
        source="Lyapunov function",
    )


def test_row_6_a_virgin_site_switches_the_earlier_the_nearer_the_wall(
    validation: "Validation",
) -> None:
    for cells in range(1, 9):
        distance = cells * CELL
        closed_form = min(5.75, 1.6 * (1 + (distance / 35e-9) ** 2) ** 1.5)
        validation.close(
            6,
            f"V+ at {distance * 1e9:.1f} nm from a wall",
            _virgin_switching_bias(cells),
            closed_form,
            "closed form",
            relative=0.12,
            unit="V",
        )


def test_row_7_a_single_domain_switches_where_the_well_vanishes(validation: "Validation") -> None:
    up, down = _single_domain_loop(built_in=0.0)
    coercive = (up - down) / 2
    validation.close(
        7, "coercive field of a domain", coercive, 2 / (3 * np.sqrt(3)), "exact", relative=0.02
    )


def test_row_8_imprint_is_the_negative_built_in_field(validation: "Validation") -> None:
    for built_in in (-0.05, 0.08):
        up, down = _single_domain_loop(built_in)
        name = f"imprint of a built-in field of {built_in:g}"
        validation.close(8, name, (up + down) / 2, -built_in, "exact", relative=0.02)


def test_row_9_loops_scatter_as_measured_ones_do(validation: "Validation") -> None:
    # half a map for each of two seeds; the whole comparison is benchmarks/realism.py
    source = "BEPS_PTO_50x50"
    maps = [evaluate(simulated(seed, rows=25)) for seed in (3, 4)]
    for name, real in MEASURED_QUARTILES.items():
        low, median, high = np.mean([m.quartiles[name] for m in maps], axis=0).tolist()
        validation.close(
            9, f"median of {name}", median, real[1], source, relative=MEDIAN_TOLERANCE, unit="V"
        )
        factor = (high - low) / (real[2] - real[0])
        validation.holds(
            9,
            f"spread of {name}",
            1 / SPREAD_FACTOR <= factor <= SPREAD_FACTOR,
            measured=f"{high - low:.2f} V",
            reference=f"{real[2] - real[0]:.2f} V",
            tolerance=f"factor {SPREAD_FACTOR:g}",
            source=source,
        )
    for name, (least, most) in ALLOWED.items():
        value = float(np.mean([m.shares[name] for m in maps]))
        validation.holds(
            9,
            name,
            least <= value <= most,
            measured=f"{value:.3f}",
            reference=f"{MEASURED_SHARES[name]:.3f}",
            tolerance=f"{least:g} to {most:g}",
            source=source,
        )


def _virgin_switching_bias(distance: int) -> float:
    """Return the bias at which the tip first sees a straight wall at this distance in cells [V]."""
    tip = TipSettings.model_construct(radius=25e-9, field=0.21)
    across = (np.arange(41) - 20 - distance) / np.sqrt(2)
    along = (np.arange(41) - 20) * CELL
    squared = along[:, np.newaxis] ** 2 + along[np.newaxis, :] ** 2
    weights = np.exp(-squared / (2 * tip.seen**2))
    one = np.ones((41, 41))
    medium = Medium(one, 0 * one, 0.14 * one, gradient=0.8)
    bias = np.linspace(0, 8.5, 69)
    over = Tip(tip.field_at(squared), weights / weights.sum())
    seen = sweep(np.tile(np.tanh(across), (41, 1)), medium, over, bias, 16, 6)
    return float(bias[np.argmax(seen > 0)])


def _single_domain_loop(built_in: float) -> tuple[float, float]:
    """Return both coercive fields of a cell without walls or pinning, swept slowly."""
    shape = (3, 3)
    medium = Medium(np.ones(shape), np.full(shape, built_in), np.zeros(shape), gradient=0.0)
    middle = np.zeros(shape)
    middle[1, 1] = 1.0
    rise = np.linspace(-0.6, 0.6, 2401)
    field = np.concatenate([rise, rise[::-1]])
    # no time off: the polarisation is read while the field is on
    seen = sweep(-np.ones(shape), medium, Tip(np.ones(shape), middle), field, 400, 0)
    up = field[:2401][np.argmax(seen[:2401] > 0)]
    down = field[2401:][np.argmax(seen[2401:] < 0)]
    return float(up), float(down)

"""Reading maps between their cells, beside scipy."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates, spline_filter

from spm_auto.simulator.compiled import compiled
from spm_auto.simulator.samples.splines import read_cubic, read_linear

CELLS, CELL = 16, 3e-9
MAPS = np.random.default_rng(0).normal(size=(2, CELLS, CELLS))
X, Y = np.random.default_rng(1).uniform(-2, 2, (2, 500)) * CELLS * CELL


def read(function, maps: np.ndarray) -> np.ndarray:
    values = np.empty((len(maps), len(X)))
    compiled(function)(maps, X, Y, CELL, values)
    return values


@pytest.mark.parametrize(("function", "order"), [(read_cubic, 3), (read_linear, 1)])
def test_a_periodic_map_is_read_as_scipy_reads_it_also_beyond_its_edges(function, order):
    maps = MAPS if order == 1 else np.stack([spline_filter(m, 3, mode="grid-wrap") for m in MAPS])
    where = np.stack([Y, X]) / CELL + (CELLS - 1) / 2
    expected = [
        map_coordinates(m, where, order=order, mode="grid-wrap", prefilter=False) for m in maps
    ]
    assert read(function, maps) == pytest.approx(np.array(expected), abs=1e-12)

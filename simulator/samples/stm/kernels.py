"""The inner loops over points and features; `landscape` puts the arrays together."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray

Indices = NDArray[np.int64]


class Bins(NamedTuple):
    """Which features matter where: a square grid of bins over the sample.

    Attributes:
        corner: Lower left corner of the grid, both coordinates [m].
        side: Of one bin [m].
        across: Bins along each side.
        first: Where the list of each bin begins, shape (across^2 + 1,).
        members: Indices of features, bin after bin.
    """

    corner: float
    side: float
    across: int
    first: Indices
    members: Indices


class Spots(NamedTuple):
    """Features that lie at points: adatoms, vacancies, vortices; arrays over the features.

    Attributes:
        x: Where [m].
        y: Where [m].
        kind: Row in the tables of kinds.
    """

    x: FloatArray
    y: FloatArray
    kind: Indices


class Relief(NamedTuple):
    """The shape of the surface without its electrons.

    Attributes:
        height: Of a bump of each kind [m].
        width: Standard deviation of a bump of each kind [m].
        wave_x: Wave vectors of the lattice [rad/m].
        wave_y: Wave vectors of the lattice [rad/m].
        wave_phase: Phases of the lattice at the origin [rad].
        wave_share: How much each wave counts.
        lattice_low: Smallest sum of the waves.
        lattice_span: Largest minus smallest.
        step_x: Across the steps, pointing up, a unit vector.
        step_y: Across the steps, pointing up.
        step_at: Where each step lies along that vector [m].
        step_height: Of each step [m].
        step_width: Standard deviation of a step's smearing [m].
        wander: Deviation of each step from a straight line [m], shape [step, n].
        wander_pitch: Distance of its points along the step [m].
        ridge_x: Across the stripes of a reconstruction, a unit vector.
        ridge_y: Across the stripes.
        ridge: Height over one period across them [m]; empty without a reconstruction.
        ridge_period: [m].
        zigzag: Sideways shift of the stripes over one period along them [m].
        zigzag_period: [m].
    """

    height: FloatArray
    width: FloatArray
    wave_x: FloatArray
    wave_y: FloatArray
    wave_phase: FloatArray
    wave_share: FloatArray
    lattice_low: float
    lattice_span: float
    step_x: float
    step_y: float
    step_at: FloatArray
    step_height: FloatArray
    step_width: float
    wander: FloatArray
    wander_pitch: float
    ridge_x: float
    ridge_y: float
    ridge: FloatArray
    ridge_period: float
    zigzag: FloatArray
    zigzag_period: float


class Electrons(NamedTuple):
    """What the electrons answer in each column: a bias, its current or its conductance.

    A table of a kind has rows from distance 0 to its reach; all tables stand below each other.

    Attributes:
        base: Answer of the undisturbed surface by relative gap, shape [gap, column].
        gap_pitch: Relative gap from row to row of it.
        field: Relative gap over the sample, periodic, shape [n, n]; empty for 1 everywhere.
        field_pitch: Distance of its points [m].
        first: First row of each kind, shape (kinds + 1,).
        reach: How far each kind is felt [m].
        dense: Rows of its table per metre [1/m].
        changes_base: Whether a kind has a share in the base or changes the gap.
        share: By distance, how much of the base a feature replaces.
        gap: By distance, what a feature leaves of the gap.
        added: By distance, what it adds, shape [row, column].
        step: The same of a step, shape [row, column]; empty without.
        step_reach: How far it is felt [m].
    """

    base: FloatArray
    gap_pitch: float
    field: FloatArray
    field_pitch: float
    first: Indices
    reach: FloatArray
    dense: FloatArray
    changes_base: NDArray[np.bool_]
    share: FloatArray
    gap: FloatArray
    added: FloatArray
    step: FloatArray
    step_reach: float


def heights(
    x: FloatArray,
    y: FloatArray,
    bins: Bins,
    spots: Spots,
    relief: Relief,
    smooth: FloatArray,
    lattice: FloatArray,
) -> None:
    """Fill in the height without the lattice [m], and the lattice from 0 to 1."""
    steps = relief.step_at.size
    for i in range(x.size):
        h = 0.0
        if steps:
            across = x[i] * relief.step_x + y[i] * relief.step_y
            along = y[i] * relief.step_x - x[i] * relief.step_y
            for s in range(steps):
                points = relief.wander.shape[1]
                v = along / relief.wander_pitch + points // 2
                j = min(max(int(v), 0), points - 2)
                t = v - j
                u = across - relief.step_at[s]
                u -= (1 - t) * relief.wander[s, j] + t * relief.wander[s, j + 1]
                scaled = u / relief.step_width
                if scaled > 6:
                    h += relief.step_height[s]
                elif scaled > -6:
                    h += relief.step_height[s] * (0.5 + 0.5 * math.erf(scaled / math.sqrt(2.0)))
        n = relief.ridge.size
        if n:
            across = x[i] * relief.ridge_x + y[i] * relief.ridge_y
            along = y[i] * relief.ridge_x - x[i] * relief.ridge_y
            m = relief.zigzag.size
            v = along / relief.zigzag_period
            v = (v - math.floor(v)) * m
            j = min(int(v), m - 1)
            t = v - j
            across += (1 - t) * relief.zigzag[j] + t * relief.zigzag[j + 1 if j + 1 < m else 0]
            v = across / relief.ridge_period
            v = (v - math.floor(v)) * n
            j = min(int(v), n - 1)
            t = v - j
            h += (1 - t) * relief.ridge[j] + t * relief.ridge[j + 1 if j + 1 < n else 0]
        column = min(max(int((x[i] - bins.corner) / bins.side), 0), bins.across - 1)
        row = min(max(int((y[i] - bins.corner) / bins.side), 0), bins.across - 1)
        b = row * bins.across + column
        for f in range(bins.first[b], bins.first[b + 1]):
            member = bins.members[f]
            kind = spots.kind[member]
            bump = relief.height[kind]
            if bump != 0:
                squared = (x[i] - spots.x[member]) ** 2 + (y[i] - spots.y[member]) ** 2
                scaled = squared / (2 * relief.width[kind] ** 2)
                if scaled < 12.5:  # five standard deviations
                    h += bump * math.exp(-scaled)
        smooth[i] = h
        waves = 0.0
        for w in range(relief.wave_x.size):
            phase = relief.wave_x[w] * x[i] + relief.wave_y[w] * y[i] + relief.wave_phase[w]
            waves += relief.wave_share[w] * math.cos(phase)
        lattice[i] = (waves - relief.lattice_low) / relief.lattice_span


def answers(
    x: FloatArray,
    y: FloatArray,
    bins: Bins,
    spots: Spots,
    relief: Relief,
    electrons: Electrons,
    out: FloatArray,
) -> None:
    """Fill in what the electrons answer at each point, shape [point, column]."""
    columns = out.shape[1]
    rows = electrons.step.shape[0]
    cells = electrons.field.shape[0]
    for i in range(x.size):
        gap = 1.0
        if cells:
            u = (x[i] - bins.corner) / electrons.field_pitch
            v = (y[i] - bins.corner) / electrons.field_pitch
            left, below = math.floor(u), math.floor(v)
            tu, tv = u - left, v - below
            c0, r0 = left % cells, below % cells
            c1, r1 = c0 + 1 if c0 + 1 < cells else 0, r0 + 1 if r0 + 1 < cells else 0
            low = (1 - tu) * electrons.field[r0, c0] + tu * electrons.field[r0, c1]
            high = (1 - tu) * electrons.field[r1, c0] + tu * electrons.field[r1, c1]
            gap = (1 - tv) * low + tv * high
        column = min(max(int((x[i] - bins.corner) / bins.side), 0), bins.across - 1)
        row = min(max(int((y[i] - bins.corner) / bins.side), 0), bins.across - 1)
        b = row * bins.across + column
        kept = 1.0
        for k in range(columns):
            out[i, k] = 0.0
        for f in range(bins.first[b], bins.first[b + 1]):
            member = bins.members[f]
            kind = spots.kind[member]
            first = electrons.first[kind]
            n = electrons.first[kind + 1] - first
            squared = (x[i] - spots.x[member]) ** 2 + (y[i] - spots.y[member]) ** 2
            reach = electrons.reach[kind]
            if n and squared < reach * reach:
                u = math.sqrt(squared) * electrons.dense[kind]
                if u < n - 1:
                    j = int(u)
                    t = u - j
                    j += first
                    if electrons.changes_base[kind]:
                        kept *= 1 - ((1 - t) * electrons.share[j] + t * electrons.share[j + 1])
                        gap *= (1 - t) * electrons.gap[j] + t * electrons.gap[j + 1]
                    for k in range(columns):
                        out[i, k] += (1 - t) * electrons.added[j, k] + t * electrons.added[j + 1, k]
        if rows:
            across = x[i] * relief.step_x + y[i] * relief.step_y
            along = y[i] * relief.step_x - x[i] * relief.step_y
            points = relief.wander.shape[1]
            v = along / relief.wander_pitch + points // 2
            j = min(max(int(v), 0), points - 2)
            t = v - j
            for s in range(relief.step_at.size):
                d = across - relief.step_at[s]
                d -= (1 - t) * relief.wander[s, j] + t * relief.wander[s, j + 1]
                u = abs(d) / electrons.step_reach * (rows - 1)
                if u < rows - 1:
                    m = int(u)
                    q = u - m
                    for k in range(columns):
                        low, high = electrons.step[m, k], electrons.step[m + 1, k]
                        out[i, k] += (1 - q) * low + q * high
        u = gap / electrons.gap_pitch
        j = min(int(u), electrons.base.shape[0] - 2)
        t = u - j
        for k in range(columns):
            base = (1 - t) * electrons.base[j, k] + t * electrons.base[j + 1, k]
            out[i, k] += kept * base

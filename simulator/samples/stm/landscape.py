"""Landscape: features, steps, a lattice and electrons, put together for the inner loops."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spm_auto.instrument import FloatArray

from .kernels import Bins, Electrons, Relief, Spots

BUMP_REACH = 5.0  # standard deviations of a bump that are counted
BINS = 96  # along each side of a sample
TURN = math.pi / 3  # between the wave vectors of a hexagonal lattice
NOTHING = np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What all features of one kind have in common.

    Attributes:
        height: Of its bump [m], negative for a pit.
        width: Standard deviation of the bump [m].
        reach: How far its electrons are felt [m]; 0 for a bump only.
        share: By distance up to the reach, how much of the base density it replaces, shape (n,).
        gap: By distance, what it leaves of the gap, shape (n,).
        added: By distance and energy, the density that it adds, as a product of two matrices
            [distance, m] and [m, energy]; a density that is no such product is its own first.
    """

    height: float = 0.0
    width: float = 0.1e-9
    reach: float = 0.0
    share: FloatArray = field(default_factory=lambda: NOTHING)
    gap: FloatArray = field(default_factory=lambda: NOTHING)
    added: tuple[FloatArray, FloatArray | None] = (NOTHING, None)

    @property
    def rows(self) -> int:
        """Length of its tables."""
        return max(len(self.share), len(self.gap), len(self.added[0])) if self.reach else 0


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """A hexagonal lattice, and one that stands on it where there is a charge-density wave.

    The sum over j of cos(q_j r + phase): phase 0 gives one bright site in a cell, pi two equal
    ones, what lies between makes them differ.

    Attributes:
        constant: Distance of neighbouring cells [m].
        corrugation: From the deepest to the highest point for a perfect tip at the reference [m].
        angle: Of a row of atoms from x [rad].
        phase: Of each wave [rad].
        superlattice: How many cells a second, slower lattice spans; 0 for none.
        superlattice_share: How much its waves count against those of the lattice.
    """

    constant: float
    corrugation: float
    angle: float
    phase: float = 0.0
    superlattice: float = 0.0
    superlattice_share: float = 0.0

    @property
    def reciprocal(self) -> float:
        """Length of the shortest reciprocal vector [rad/m]."""
        return 4 * math.pi / (math.sqrt(3) * self.constant)

    def waves(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return x and y of the wave vectors [rad/m], phases [rad] and shares."""
        turns = self.angle + math.pi / 6 + 2 * TURN * np.arange(3)
        q = self.reciprocal * np.stack([np.cos(turns), np.sin(turns)])
        phase, share = np.full(3, self.phase), np.ones(3)
        if self.superlattice:
            q = np.concatenate([q, q / self.superlattice], axis=1)
            phase = np.concatenate([phase, np.zeros(3)])
            share = np.concatenate([share, np.full(3, self.superlattice_share)])
        return q[0], q[1], phase, share


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Parallel steps that wander a little; the surface rises along the angle.

    Attributes:
        angle: Direction that points up [rad].
        at: Where each step crosses that direction [m], shape (n,).
        height: Of each step [m], shape (n,).
        width: Standard deviation of its smearing for a perfect tip [m].
        wander: Deviation from straight lines [m], shape [step, m].
        pitch: Distance of the points of the wandering [m]; the middle one lies at 0.
        reach: How far the electrons feel a step [m].
        added: Density that it adds by distance and energy; empty for none.
    """

    angle: float = 0.0
    at: FloatArray = field(default_factory=lambda: NOTHING)
    height: FloatArray = field(default_factory=lambda: NOTHING)
    width: float = 0.12e-9
    wander: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    pitch: float = 1e-9
    reach: float = 1e-9
    added: FloatArray = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, eq=False)
class Stripes:
    """A reconstruction of ridges that bend in zigzags.

    Attributes:
        angle: Direction across the ridges [rad].
        profile: Height over one period across [m].
        period: Of the profile along that direction [m].
        zigzag: Sideways shift over one period along the ridges [m].
        zigzag_period: [m].
    """

    angle: float = 0.0
    profile: FloatArray = field(default_factory=lambda: NOTHING)
    period: float = 1e-9
    zigzag: FloatArray = field(default_factory=lambda: np.zeros(1))
    zigzag_period: float = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """The electrons of a sample at one temperature, as one tip blurs them.

    Attributes:
        energy: Where the densities are given [eV], rising.
        base: Density by relative gap from 0, shape [gap, energy]; one row repeated without a gap.
        gap_pitch: Relative gap from row to row.
        kinds: What the features do to it.
        step: What the steps add, shape [distance, energy]; empty for nothing.
        step_reach: How far [m].
    """

    energy: FloatArray
    base: FloatArray
    gap_pitch: float
    kinds: tuple[Kind, ...]
    step: FloatArray = field(default_factory=lambda: NOTHING)
    step_reach: float = 1e-9

    def answers_to(
        self, columns: FloatArray, gap_field: FloatArray, field_pitch: float
    ) -> Electrons:
        """Return the tables for the inner loops.

        Args:
            columns: How much each energy counts in each column, shape [column, energy].
            gap_field: Relative gap over the sample, shape [n, n]; empty for 1 everywhere.
            field_pitch: Distance of its points [m].
        """
        rows = [kind.rows for kind in self.kinds]
        first = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
        share, gap = np.zeros(first[-1]), np.ones(first[-1])
        added = np.zeros((first[-1], len(columns)))
        for kind, start, end in zip(self.kinds, first[:-1], first[1:], strict=True):
            if end > start and len(kind.share):
                share[start:end] = kind.share
            if end > start and len(kind.gap):
                gap[start:end] = kind.gap
            if end > start and len(kind.added[0]):
                profiles, spectra = kind.added
                if spectra is None:
                    added[start:end] = profiles @ columns.T
                else:
                    added[start:end] = profiles @ (spectra @ columns.T)
        reach = np.array([kind.reach for kind in self.kinds], dtype=float)
        step = self.step @ columns.T if len(self.step) else np.zeros((0, len(columns)))
        return Electrons(
            base=np.ascontiguousarray(self.base @ columns.T),
            gap_pitch=self.gap_pitch,
            field=gap_field,
            field_pitch=field_pitch,
            first=first,
            reach=reach,
            dense=np.divide(np.array(rows) - 1, reach, out=np.zeros(len(rows)), where=reach > 0),
            changes_base=np.array([len(k.share) + len(k.gap) > 0 for k in self.kinds], dtype=bool),
            share=share,
            gap=gap,
            added=added,
            step=np.ascontiguousarray(step),
            step_reach=self.step_reach,
        )


def relief_of(
    kinds: Sequence[Kind], lattice: Lattice, steps: Steps, stripes: Stripes, blur: float
) -> Relief:
    """Return the shape of a surface as a tip of this blur [m] sees it.

    A Gaussian bump and the edge of a step, which is one integrated, stay so when they are blurred;
    what happens to the lattice is left to its amplitude.
    """
    height = np.array([kind.height for kind in kinds], dtype=float)
    width = np.array([kind.width for kind in kinds], dtype=float)
    blurred = np.hypot(width, blur)
    x, y, phase, share = lattice.waves()
    low, high = _extremes(x, y, phase, share)
    return Relief(
        height=height * (width / blurred) ** 2,
        width=blurred,
        wave_x=x,
        wave_y=y,
        wave_phase=phase,
        wave_share=share,
        lattice_low=low,
        lattice_span=high - low,
        step_x=math.cos(steps.angle),
        step_y=math.sin(steps.angle),
        step_at=steps.at,
        step_height=steps.height,
        step_width=math.hypot(steps.width, blur),
        wander=steps.wander,
        wander_pitch=steps.pitch,
        ridge_x=math.cos(stripes.angle),
        ridge_y=math.sin(stripes.angle),
        ridge=stripes.profile,
        ridge_period=stripes.period,
        zigzag=stripes.zigzag,
        zigzag_period=stripes.zigzag_period,
    )


def bump_reach(kind: Kind, blur: float) -> float:
    """Return how far a feature's bump counts for a tip of some blur [m]."""
    return BUMP_REACH * math.hypot(kind.width, blur) if kind.height else 0.0


def bins_of(size: float, spots: Spots, reaches: Sequence[float]) -> Bins:
    """List the features that count in each bin of a sample centred on 0.

    Args:
        size: Side of the sample [m].
        spots: The features.
        reaches: How far those of each kind count [m].
    """
    side = size / BINS
    members: list[list[int]] = [[] for _ in range(BINS * BINS)]

    def span(at: float, reach: float) -> range:
        low = math.floor((at - reach + size / 2) / side)
        high = math.floor((at + reach + size / 2) / side)
        last = BINS - 1
        return range(min(max(low, 0), last), min(max(high, 0), last) + 1)

    for index, (x, y, kind) in enumerate(zip(spots.x, spots.y, spots.kind, strict=True)):
        reach = reaches[kind]
        columns = span(float(x), reach)
        for row in span(float(y), reach):
            for column in columns:
                members[row * BINS + column].append(index)
    counts = [len(here) for here in members]
    return Bins(
        corner=-size / 2,
        side=side,
        across=BINS,
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        members=np.array([index for here in members for index in here], dtype=np.int64),
    )


def _extremes(
    x: FloatArray, y: FloatArray, phase: FloatArray, share: FloatArray
) -> tuple[float, float]:
    """Return the smallest and the largest sum of the waves of a lattice."""
    period = 4 * math.pi / float(np.hypot(x, y).min())  # across the largest cell, and a little more
    points = np.linspace(0, 2 * period, 241)
    sums = np.zeros((len(points), len(points)))
    for kx, ky, shift, weight in zip(x, y, phase, share, strict=True):
        sums += weight * np.cos(kx * points + ky * points[:, np.newaxis] + shift)
    return float(sums.min()), float(sums.max())

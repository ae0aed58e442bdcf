"""Covariance of all candidates: a sum of Matérn kernels of the place, times one of the level."""

from dataclasses import dataclass

import torch

Rows = torch.Tensor | slice


@dataclass(frozen=True, slots=True, eq=False)
class SumOfMaterns:
    """A sum of Matérn-5/2 kernels over all positions, with its hyper-parameters fixed.

    k(i, j) = sum_t s_t (1 + r + r^2/3) exp(-r), r = sqrt(5) |x_ti - x_tj|.

    Attributes:
        inputs: For each term the positions' inputs in units of its length scales, shape (P, d_t).
        scales: Variance s_t of each term.

    Source:
        C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006),
        eq. 4.17.
    """

    inputs: tuple[torch.Tensor, ...]
    scales: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.inputs[0])

    @property
    def variance(self) -> float:
        """The prior variance of each position."""
        return sum(self.scales)

    def between(self, rows: Rows, others: Rows) -> torch.Tensor:
        """Return the covariances of two sets of positions, shape (rows, others)."""
        total: torch.Tensor | None = None
        for inputs, scale in zip(self.inputs, self.scales, strict=True):
            a, b = inputs[rows], inputs[others]
            square = torch.addmm((b * b).sum(1), a, b.mT, alpha=-2.0)
            square += (a * a).sum(1, keepdim=True)
            square.clamp_(min=0.0).mul_(5.0)
            distance = square.sqrt()
            decay = torch.exp(-distance).mul_(scale)
            term = square.div_(3.0).add_(distance).add_(1.0).mul_(decay)
            total = term if total is None else total.add_(term)
        assert total is not None  # there is at least the term of the positions
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """k((s, l), (s', l')) = k_place(s, s') G(l, l') + H(l, l') for position s and level l.

    Attributes:
        places: k_place.
        shared: G, how much of what is known of a place at one level holds at another; its diagonal
            is 1, shape (m, m).
        own: H, what all places have in common at each level, shape (m, m).
        noise: Variance of the noise at each position, shape (P,).
        prior: Mean of each position before anything is known, shape (P,).
    """

    places: SumOfMaterns
    shared: torch.Tensor
    own: torch.Tensor
    noise: torch.Tensor
    prior: torch.Tensor

    @property
    def levels(self) -> int:
        """How many levels there are."""
        return len(self.shared)

    def __len__(self) -> int:
        return len(self.places) * self.levels

    def split(self, candidates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return position and level of candidates."""
        return candidates // self.levels, candidates % self.levels

    def between(self, rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return the covariances of two sets of candidates, shape (rows, others)."""
        (sites, levels), (other_sites, other_levels) = self.split(rows), self.split(others)
        shared = self.shared[levels][:, other_levels]
        return self.places.between(sites, other_sites) * shared + self.own[levels][:, other_levels]

    @property
    def variance(self) -> torch.Tensor:
        """The prior variance at each level, shape (m,)."""
        return self.places.variance * self.shared.diagonal() + self.own.diagonal()

"""Novelty in structure and in spectrum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spm_auto.agents.acquisition import StructuralNovelty, combined_novelty, spectral_novelty


def test_structural_novelty_is_the_mean_distance_to_the_nearest_measured() -> None:
    rng = np.random.default_rng(0)
    descriptors, measured = rng.normal(size=(60, 4)), [5, 17, 30, 31, 59]
    novelty = StructuralNovelty(descriptors, neighbours=3)
    for count, candidate in enumerate(measured, start=1):
        novelty.add(candidate)
        distance = np.linalg.norm(descriptors[:, None] - descriptors[measured[:count]], axis=2)
        nearest = np.sort(distance, axis=1)[:, : min(3, count)]
        assert novelty.values == pytest.approx(nearest.mean(axis=1), abs=1e-7)


def test_before_anything_is_measured_everything_is_new() -> None:
    assert np.isinf(StructuralNovelty(np.zeros((3, 2))).values).all()


def test_a_measured_candidate_and_its_twins_are_not_new() -> None:
    novelty = StructuralNovelty(np.array([[1e3, 2e3], [1e3, 2e3], [0.0, 0.0]]), neighbours=1)
    novelty.add(0)
    assert novelty.values[:2].tolist() == [0.0, 0.0]
    assert novelty.values[2] > 0


def test_the_odd_spectrum_is_the_most_novel_and_stops_being_so_among_its_like() -> None:
    rng = np.random.default_rng(1)
    ordinary = rng.normal(size=(30, 64)) + np.sin(np.linspace(0, 6, 64))
    odd = rng.normal(size=(1, 64)) + 8.0
    alone = spectral_novelty(np.vstack([odd, ordinary]))
    assert np.argmax(alone) == 0
    assert alone[0] > 1.5 * alone[1:].max()
    more = spectral_novelty(np.vstack([odd, ordinary, 8.0 + rng.normal(size=(5, 64))]))
    assert more[0] < 1.3 * np.median(more[1:31])


def test_spectral_novelty_is_the_mean_distance_to_the_nearest_others() -> None:
    spectra = np.array([[0.0], [1.0], [2.0], [7.0]])
    # median 1.5, deviation 1.4826 times the median of 1.5, 0.5, 0.5 and 5.5
    bent = np.arcsinh((spectra[:, 0] - 1.5) / 1.4826)
    distance = np.abs(bent[:, None] - bent)
    for neighbours in (1, 2, 9):
        nearest = np.sort(distance, axis=1)[:, 1 : neighbours + 1]  # the first is itself
        novelty = spectral_novelty(spectra, neighbours)
        assert novelty == pytest.approx(nearest.mean(axis=1))


def test_to_be_first_is_not_to_be_novel() -> None:
    rng = np.random.default_rng(2)
    spectra = rng.normal(size=(40, 32))
    order = rng.permutation(40)
    assert spectral_novelty(spectra)[order] == pytest.approx(spectral_novelty(spectra[order]))


def test_one_spike_counts_for_less_than_another_shape() -> None:
    rng = np.random.default_rng(3)
    spectra = rng.normal(size=(40, 64))
    spectra[0, 10] = 1e4
    spectra[1] += 5.0
    novelty = spectral_novelty(spectra)
    assert np.argmax(novelty) == 1


@given(st.floats(-5, 5), st.sampled_from([1e-150, 1e-12, 1.0, 1e9, 1e150]))
@settings(max_examples=30, deadline=None)
def test_spectral_novelty_has_no_unit(shift: float, power: float) -> None:
    spectra = np.random.default_rng(4).normal(size=(12, 20))
    first = spectral_novelty(spectra)
    assert spectral_novelty((spectra + shift) * power) == pytest.approx(first, rel=1e-8)
    assert spectral_novelty(-spectra) == pytest.approx(first)


def test_equal_spectra_are_not_novel_and_points_that_never_differ_do_not_count() -> None:
    assert spectral_novelty(np.ones((4, 8))).tolist() == [0.0] * 4
    assert spectral_novelty(np.zeros((2, 3))).tolist() == [0.0] * 2
    rng = np.random.default_rng(5)
    spectra = rng.normal(size=(9, 6))
    padded = np.column_stack([spectra, np.full((9, 30), 0.1)])
    assert spectral_novelty(padded) == pytest.approx(spectral_novelty(spectra))


def test_missing_points_are_left_out_and_little_in_common_is_nothing_in_common() -> None:
    rng = np.random.default_rng(6)
    spectra = rng.normal(size=(20, 40))
    some = spectra.copy()
    some[3, :10] = np.nan
    assert spectral_novelty(some)[3] == pytest.approx(spectral_novelty(spectra)[3], rel=0.3)
    some[3, :30] = np.nan
    novelty = spectral_novelty(some)
    assert np.isnan(novelty[3])
    assert np.isfinite(np.delete(novelty, 3)).all()


def test_a_spectrum_alone_cannot_be_compared() -> None:
    assert np.isnan(spectral_novelty(np.ones((1, 5)))).all()
    assert len(spectral_novelty(np.empty((0, 5)))) == 0


def test_both_novelties_have_the_same_say() -> None:
    rng = np.random.default_rng(7)
    structural, spectral = rng.uniform(1, 3, 50), rng.uniform(1, 3, 50)
    both = combined_novelty(structural, spectral, spectral)
    assert combined_novelty(1e6 * structural, 1e-9 * spectral, 1e-9 * spectral) == pytest.approx(
        both
    )
    assert np.argmax(combined_novelty(structural, np.ones(50), np.ones(9))) == np.argmax(structural)
    assert combined_novelty(np.zeros(2), np.zeros(2), np.zeros(2)).tolist() == [0.0, 0.0]


def test_what_has_no_novelty_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        StructuralNovelty(np.array([[np.nan]]))
    with pytest.raises(ValueError, match="neighbours"):
        StructuralNovelty(np.zeros((2, 1)), neighbours=0)
    with pytest.raises(ValueError, match="finite"):
        spectral_novelty(np.array([[np.inf, 1.0]]))
    with pytest.raises(ValueError, match="differ"):
        combined_novelty(np.zeros(2), np.zeros(3), np.zeros(1))

"""Unmixing and clusters: what was mixed is found again, in the right number, and where it lies."""

import numpy as np
import pytest

from spm_auto.analysis import find_clusters, togetherness, unmix
from spm_auto.instrument import FloatArray

POINTS = np.linspace(-1, 1, 64)
PEAKS = np.array([np.exp(-(((POINTS - at) / 0.15) ** 2)) for at in (-0.5, 0.4, 0.0)])


def mixed(n_components: int, seed: int, n: int = 60, noise: float = 0.05) -> FloatArray:
    rng = np.random.default_rng(seed)
    abundances = rng.gamma(1.0, 1.0, (n, n_components))
    return np.asarray(abundances @ PEAKS[:n_components] + noise * rng.standard_normal((n, 64)))


@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_as_many_components_are_found_as_were_mixed(n_components: int) -> None:
    found = [unmix(mixed(n_components, seed)).n_found for seed in range(4)]
    assert found == [n_components] * 4


def test_noise_alone_has_no_component_that_counts() -> None:
    counts = [unmix(mixed(1, seed) * 0 + noise(seed)).n_found for seed in range(5)]
    assert sum(counts) <= 1


def noise(seed: int) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((60, 64))


def test_principal_components_put_together_again_are_the_spectra() -> None:
    data = mixed(3, 0, noise=0.01)
    found = unmix(data, "pca")
    again = found.mean + found.abundances @ found.components
    assert found.share > 0.99
    assert np.std(again - data) < 0.02
    assert (np.diff(found.explained) <= 0).all()
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(3), atol=1e-9)


def test_non_negative_components_are_the_spectra_that_were_mixed() -> None:
    data = np.maximum(mixed(3, 1, n=150, noise=0.01), 0.0)
    found = unmix(data, "nmf", components=3)
    sizes = np.linalg.norm(found.components, axis=1)[:, None]
    alike = found.components / sizes @ (PEAKS / np.linalg.norm(PEAKS, axis=1)[:, None]).T
    assert (alike.max(axis=0) > 0.97).all()
    assert found.abundances.min() >= 0
    assert found.is_settled


def test_signed_spectra_are_lifted_for_non_negative_components() -> None:
    data = mixed(2, 2) - 0.7
    found = unmix(data, "nmf")
    again = found.mean + found.abundances @ found.components
    assert found.mean[0] == pytest.approx(data.min())
    assert np.std(again - data) < 0.2
    assert "one more for the mean" in found.rule


@pytest.mark.parametrize(
    ("data", "count", "said"),
    [
        (np.ones((3, 64)), None, "at least 6 spectra"),
        (np.full((9, 64), np.nan), None, "not finite"),
        (np.ones((9, 64)), None, "all spectra are the same"),
        (np.eye(9), 9, "1 to 8 components, got 9"),
    ],
)
def test_what_cannot_be_unmixed_is_refused(data: FloatArray, count: int | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        unmix(data, components=count)


def groups(n_groups: int, seed: int, n: int = 40) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(n_groups), n - 8 * np.arange(n_groups))
    return rng.normal(0, 0.5, (len(labels), 2)) + 4.0 * labels[:, None], labels


@pytest.mark.parametrize("method", ["gmm", "kmeans"])
@pytest.mark.parametrize("n_groups", [1, 3])
def test_as_many_groups_are_found_as_there_are(method: str, n_groups: int) -> None:
    rows, labels = groups(n_groups, 3)
    found = find_clusters(rows, method)  # type: ignore[arg-type]
    assert len(found.counts) == n_groups
    np.testing.assert_array_equal(found.labels, labels)  # the largest first
    assert found.counts.tolist() == np.bincount(labels).tolist()
    np.testing.assert_allclose(found.centers[:, 0], 4.0 * np.arange(n_groups), atol=0.5)


def test_the_same_rows_are_grouped_in_the_same_way_again() -> None:
    rows, _ = groups(3, 4)
    one, two = find_clusters(rows, seed=7), find_clusters(rows, seed=7)
    np.testing.assert_array_equal(one.labels, two.labels)
    assert one.scores == two.scores


def test_groups_that_lie_together_are_told_from_those_that_do_not() -> None:
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 1e-6, (80, 2))
    apart = togetherness((places[:, 0] > 5e-7).astype(np.int64), places, rng)
    mingled = togetherness(rng.integers(0, 2, 80), places, rng)
    assert apart.share > 0.85
    assert apart.chance < 0.01
    assert mingled.chance > 0.05
    assert mingled.expected == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("rows", "count", "said"),
    [
        (np.ones((4, 2)), None, "at least 10 rows"),
        (np.full((12, 2), np.inf), None, "not finite"),
        (np.eye(12), 5, "1 to 4 groups, got 5"),
    ],
)
def test_what_cannot_be_grouped_is_refused(rows: FloatArray, count: int | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find_clusters(rows, count=count)

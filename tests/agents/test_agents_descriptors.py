"""Descriptors and candidates: what the agent sees of the overview."""

from dataclasses import replace

import numpy as np
import pytest
from agents_samples import make_overview

from spm_auto.agents import Candidates
from spm_auto.agents.descriptors import jets
from spm_auto.instrument import Channel, ScanFrame, ScanImage


def random_images(channels: int = 2, shape: tuple[int, int] = (20, 24)) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((channels, *shape))


def image_of(channels: dict[str, tuple[str, np.ndarray]]) -> ScanImage:
    stack = np.stack([image for _, image in channels.values()])
    lines, pixels = stack.shape[1:]
    frame = ScanFrame((0.0, 0.0), (1e-6, 1e-6), (pixels, lines))
    names = tuple(Channel(name, unit) for name, (unit, _) in channels.items())
    return ScanImage(frame, names, stack, stack, 0.0, 0.0)


def test_each_channel_gives_fifteen_standardised_maps() -> None:
    seen = jets(random_images())
    descriptors, ranking = seen.descriptors, seen.ranking
    assert descriptors.shape == (30, 20, 24)
    assert ranking.shape == (20, 24)
    assert descriptors.mean(axis=(1, 2)) == pytest.approx(0.0, abs=1e-12)
    assert descriptors.std(axis=(1, 2)) == pytest.approx(1.0)


def test_turning_or_mirroring_the_image_turns_the_descriptors() -> None:
    images = random_images(shape=(20, 20))
    for change in (lambda a: np.rot90(a, axes=(-2, -1)), lambda a: a[..., ::-1]):
        seen, before = jets(change(images)), jets(images)
        assert seen.descriptors == pytest.approx(change(before.descriptors), abs=1e-9)
        assert seen.ranking == pytest.approx(change(before.ranking), abs=1e-12)
        assert seen.images == pytest.approx(change(before.images), abs=1e-12)


def test_the_unit_of_a_channel_does_not_matter() -> None:
    images = random_images()
    scaled = images * np.array([1e-12, 1e6])[:, None, None] + np.array([3e-12, 5e7])[:, None, None]
    assert jets(scaled).descriptors == pytest.approx(jets(images).descriptors, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 1e-12, -3e9])
def test_a_constant_channel_says_nothing_and_does_no_harm(value: float) -> None:
    images = random_images()
    images[0] = value
    seen = jets(images)
    descriptors, ranking = seen.descriptors, seen.ranking
    assert not descriptors[:15].any()
    assert not ranking.any()
    assert descriptors[15:] == pytest.approx(jets(images[1:]).descriptors)


def test_the_ranking_is_the_order_of_the_distance_from_the_median() -> None:
    images = random_images()
    distance = np.abs(images[0] - np.median(images[0]))
    ranking = jets(images).ranking
    assert np.argsort(ranking, axis=None).tolist() == np.argsort(distance, axis=None).tolist()


def test_one_failed_pixel_does_not_drown_the_others() -> None:
    images = random_images(1)
    spiked = images.copy()
    spiked[0, 10, 12] = 1e6
    level, before = jets(spiked).descriptors[0], jets(images).descriptors[0]
    away = np.hypot(*np.indices((20, 24)) - np.array([10, 12])[:, None, None]) > 1
    assert np.corrcoef(level[away], before[away])[0, 1] > 0.99
    assert level[away].std() > 0.3


def test_missing_pixels_leave_finite_descriptors() -> None:
    images = random_images()
    images[:, 15:] = np.nan
    seen = jets(images)
    descriptors, ranking = seen.descriptors, seen.ranking
    assert np.isfinite(descriptors).all()
    assert np.isfinite(ranking).all()


def test_candidates_are_the_pixels_of_the_image_where_they_lie() -> None:
    overview = make_overview()
    candidates = Candidates.of(overview)
    assert len(candidates) == 24 * 20
    line, pixel = candidates.rows[100].tolist()
    x, y = overview.frame.to_sample(line, pixel)
    assert candidates.points[100, :2] == pytest.approx([float(x), float(y)])
    assert np.isnan(candidates.points[:, 2]).all()
    assert (
        candidates.descriptors[100].tolist()
        == jets(overview.forward).descriptors[:, line, pixel].tolist()
    )


def test_stride_margin_and_biases_say_which_there_are() -> None:
    candidates = Candidates.of(make_overview(), biases=(2.0, 5.0), stride=2, margin=3)
    assert len(candidates) == 2 * 9 * 7
    assert candidates.rows[:, 0].min() == 3
    assert candidates.rows[:, 1].max() == 19
    assert candidates.points[:4, 2].tolist() == [2.0, 5.0, 2.0, 5.0]


def test_a_missing_pixel_is_no_candidate() -> None:
    overview = make_overview()
    overview.forward[0, 4:] = np.nan
    assert Candidates.of(overview).rows[:, 0].max() == 3


def test_a_phase_wraps() -> None:
    rng = np.random.default_rng(2)
    phase = rng.uniform(-np.pi, np.pi, (16, 16))
    turned = np.where(phase < 0, phase + 2 * np.pi, phase)
    amplitude = rng.standard_normal((16, 16))
    one = Candidates.of(image_of({"amplitude": ("m", amplitude), "phase": ("rad", phase)}))
    other = Candidates.of(image_of({"amplitude": ("m", amplitude), "phase": ("rad", turned)}))
    assert one.descriptors.shape[1] == 3 * 15
    assert other.descriptors == pytest.approx(one.descriptors, abs=1e-9)


def test_channels_choose_what_is_seen() -> None:
    images = random_images()
    overview = image_of({"height": ("m", images[0]), "current": ("A", images[1])})
    both, one = Candidates.of(overview), Candidates.of(overview, channels=("current",))
    assert both.descriptors.shape[1] == 30
    assert one.descriptors.tolist() == both.descriptors[:, 15:].tolist()


def test_what_cannot_be_is_refused() -> None:
    overview = make_overview()
    with pytest.raises(ValueError, match="no channel 'phase'; it has amplitude"):
        Candidates.of(overview, channels=("phase",))
    with pytest.raises(ValueError, match=r"no pixel of the 20 x 24 overview .* margin 12"):
        Candidates.of(overview, margin=12)
    with pytest.raises(ValueError, match="stride must be at least 1"):
        Candidates.of(overview, stride=0)
    with pytest.raises(ValueError, match="margin at least 0, got 1 and -1"):
        Candidates.of(overview, margin=-1)
    missing = replace(overview, forward=np.full_like(overview.forward, np.nan))
    with pytest.raises(ValueError, match="no pixel"):
        Candidates.of(missing)


def test_a_selection_keeps_what_belongs_together() -> None:
    candidates = Candidates.of(make_overview())
    mask = candidates.rows[:, 0] > 15
    some = candidates.select(mask)
    assert len(some) == 4 * 24
    assert some.ranking.tolist() == candidates.ranking[mask].tolist()
    assert some.points[5].tolist()[:2] == candidates.points[16 * 24 + 5].tolist()[:2]
    with pytest.raises(ValueError, match="no candidate to choose from"):
        candidates.select(np.zeros(len(candidates), dtype=bool))

"""Domain walls: where they are, how well that is known, and where there are none."""

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from spm_auto.analysis import find_walls
from spm_auto.instrument import Channel, FloatArray, Load, Scan, ScanFrame, ScanImage
from spm_auto.simulator import FerroelectricFilmSettings, SimulatorSettings, simulate

FRAME = ScanFrame((1e-7, -2e-7), (1e-6, 1e-6), (50, 50), 0.3)
PHASE = (Channel("amplitude", "m"), Channel("phase", "rad"))


def image_of(response: FloatArray, offset: float = 0.0, seed: int = 0) -> ScanImage:
    """Make an image of a signed response, with some noise and a phase offset."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.05, (2, *response.shape))
    vector = (response + noise[0] + 1j * noise[1]) * np.exp(1j * offset)
    stack = np.stack([np.abs(vector), np.angle(vector)])
    return ScanImage(FRAME, PHASE, stack, stack, 0.0, 1.0)


def half(edge: float, frame: ScanFrame = FRAME) -> FloatArray:
    """Make two domains with a wall across the frame, so many metres right of its middle."""
    u, _ = frame.to_frame(*frame.positions())
    return np.tanh((u - edge) / 20e-9)


@pytest.mark.parametrize("offset", [0.0, 0.8, 1.6, -2.9])
def test_a_wall_is_found_to_a_fraction_of_a_pixel_whatever_the_phase_offset(offset: float) -> None:
    walls = find_walls(image_of(half(33e-9), offset))
    assert len(walls.lines) == 1
    u, _ = FRAME.to_frame(*walls.lines[0].T)
    assert np.mean(u) == pytest.approx(33e-9, abs=0.1 * FRAME.pitch[0])
    assert np.std(u) < 0.3 * FRAME.pitch[0]
    assert math.remainder(walls.phase_offset - offset, math.pi) == pytest.approx(0.0, abs=0.02)


def test_distances_are_from_the_wall_and_say_where_they_may_be_less() -> None:
    walls = find_walls(image_of(half(0.0)))
    u = np.array([-4.5e-7, -1e-7, 0.0, 2e-7])
    found = walls.distances(*FRAME.from_frame(u, np.zeros(4)))
    np.testing.assert_allclose(found.value, np.abs(u), atol=4e-9)
    assert found.is_bound.tolist() == [True, False, False, False]  # the edge is nearer
    assert found.side[0] == -found.side[3] != 0
    assert (found.deviation > 0).all()
    outside = walls.distances(*FRAME.from_frame([8e-7], [0.0]))
    assert outside.side[0] == 0
    assert outside.is_bound[0]


def test_a_background_stronger_than_the_domains_does_not_hide_the_wall() -> None:
    walls = find_walls(image_of(0.4 * half(0.0) + 1.0, offset=1.0))
    u, _ = FRAME.to_frame(*walls.lines[0].T)
    assert len(walls.lines) == 1
    assert np.mean(u) == pytest.approx(0.0, abs=0.3 * FRAME.pitch[0])


@pytest.mark.parametrize("level", [1.0, 0.0], ids=["one domain", "noise alone"])
def test_one_domain_and_noise_alone_have_no_walls(level: float) -> None:
    walls = find_walls(image_of(np.full(FRAME.shape, level)))
    assert walls.lines == ()
    assert walls.length == 0.0
    assert np.isinf(walls.distances([0.0], [0.0]).value).all()


def test_a_phase_alone_and_in_degrees_shows_the_wall_too() -> None:
    image = image_of(half(0.0))
    degrees = np.rad2deg(image.forward[1:])
    alone = ScanImage(FRAME, (Channel("phase", "deg"),), degrees, degrees, 0.0, 1.0)
    walls = find_walls(alone, amplitude="")
    assert walls.length == pytest.approx(FRAME.size[1], rel=0.05)


def test_lines_that_are_missing_have_no_walls() -> None:
    image = image_of(half(0.0))
    image.forward[:, 25:] = np.nan
    walls = find_walls(image)
    assert walls.length == pytest.approx(FRAME.size[1] / 2, rel=0.1)
    assert np.isnan(walls.response[30]).all()


def test_a_channel_that_is_no_phase_is_refused() -> None:
    with pytest.raises(ValueError, match="'amplitude' is no phase: its unit is 'm'"):
        find_walls(image_of(half(0.0)), phase="amplitude")


def test_on_the_simulated_film_distances_are_right_within_their_deviation() -> None:
    microscope, truth = simulate(SimulatorSettings(sample=FerroelectricFilmSettings()), seed=2)
    microscope.load(Load())
    frame = ScanFrame((0.0, 0.0), (2e-6, 2e-6), (128, 128))
    lines = list(microscope.scan(Scan(frame, ("amplitude", "phase"), 2.0)))
    stack = np.stack([line.forward for line in lines], axis=1)
    walls = find_walls(ScanImage(frame, PHASE, stack, stack, 0.0, 1.0))
    polarization = truth.film.polarization
    cells = len(polarization)
    true = np.concatenate(find_contours(np.tile(polarization, (3, 3)), 0.0))[:, ::-1]
    tree = cKDTree((true - cells + 0.5) * (2e-6 / cells) - 1e-6)
    places = np.random.default_rng(0).uniform(-1e-6, 1e-6, (1000, 2))
    found = walls.distances(*places.T)
    error = np.abs(found.value - tree.query(places)[0])[~found.is_bound]
    assert np.median(error) < 0.5 * frame.pitch[0]
    assert np.mean(error < 3 * found.deviation[~found.is_bound]) > 0.85
    # and from the edges of walls of some width, as the film itself counts
    line, pixel = ((places[:, ::-1] / 2e-6 + 0.5) * cells).astype(int).T
    edges = truth.film.distance_to_wall[line, pixel]
    assert np.corrcoef(edges[~found.is_bound], found.value[~found.is_bound])[0, 1] > 0.8

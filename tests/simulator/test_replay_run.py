"""A recorded run behind the instrument's words: what it measured, to the last bit."""

import math
from dataclasses import replace
from pathlib import Path

import asymmetric
import numpy as np
import pytest
from ohmic_runs import EXPLORE, OVERVIEW, new_runner, recipe, run_quickly
from recorded_runs import WAVEFORM, flat, image_of, opened, record, scanned, taken

from spm_auto import plugins
from spm_auto.clock import InstantClock
from spm_auto.data import FinishReason, ScanStarted, consolidate, open_run
from spm_auto.errors import DataError, LimitExceeded, Unsupported
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    GuardedInstrument,
    PositionProbe,
    QualityFlag,
    Scan,
    ScanFrame,
)
from spm_auto.lab import begin, parse_lab
from spm_auto.simulator import ReplayRunSettings, ReplaySettings, SimulatorSettings
from spm_auto.simulator.recorded import farthest

STORED = Path(__file__).parent.parent / "files" / "journal-1.spmj"
IMAGE = asymmetric.image()
WIDE = ScanFrame((0.0, 0.0), (8e-8, 4e-8), (8, 4))
ZOOM = ScanFrame((2e-8, 0.0), (2e-8, 2e-8), (8, 8))
HEIGHT, CURRENT = Channel("height", "m"), Channel("current", "A")


def assert_same_bits(one: np.ndarray, other: np.ndarray) -> None:
    assert one.shape == other.shape
    assert one.tobytes() == other.tobytes()


def test_the_replay_of_a_run_is_a_plugin() -> None:
    assert plugins.load("instruments", "replay_run") is ReplayRunSettings


@pytest.mark.parametrize("kept_as", ["journal", "run file"])
def test_a_run_replayed_with_its_own_instructions_gives_every_bit_again(
    kept_as: str, tmp_path: Path
) -> None:
    file = STORED if kept_as == "journal" else consolidate(STORED, tmp_path / "run.h5")
    run, microscope = open_run(STORED), opened(file)
    (recorded,) = run.scans
    names = tuple(channel.name for channel in recorded.channels)
    again = image_of(microscope, Scan(recorded.frame, names))
    assert again.channels == recorded.channels
    assert_same_bits(again.forward, recorded.forward)
    assert_same_bits(again.backward, recorded.backward)
    assert len(run.measurements) == 6
    for measurement in run.measurements:
        spectrum = microscope.acquire_spectrum(measurement.instruction)
        assert_same_bits(spectrum.data, measurement.spectrum.data)
        assert_same_bits(spectrum.bias, measurement.spectrum.bias)
        assert (spectrum.x, spectrum.y) == (measurement.spectrum.x, measurement.spectrum.y)


def test_a_turned_frame_is_given_back_line_by_line_forward_and_backward(tmp_path: Path) -> None:
    microscope = opened(record(tmp_path, scanned(IMAGE)))
    again = image_of(microscope, Scan(IMAGE.frame))
    assert again.channels == IMAGE.channels
    assert_same_bits(again.forward, IMAGE.forward)
    assert_same_bits(again.backward, IMAGE.backward)
    (current,) = image_of(microscope, Scan(IMAGE.frame, ("current",))).backward
    assert_same_bits(current, IMAGE.channel("current", backward=True))


def test_another_frame_shows_the_pixel_nearest_to_each_point(tmp_path: Path) -> None:
    microscope = opened(record(tmp_path, scanned(IMAGE)))
    # not turned, and finer: each point looked up by itself
    frame = ScanFrame(IMAGE.frame.center, (1e-7, 6e-8), (40, 30))
    again = image_of(microscope, Scan(frame, ("height",)))
    line, pixel = (np.rint(at).astype(int) for at in IMAGE.frame.to_pixel(*frame.positions()))
    np.testing.assert_array_equal(again.channel(), IMAGE.channel("height")[line, pixel])
    np.testing.assert_array_equal(
        again.channel(backward=True), IMAGE.channel("height", backward=True)[line, pixel]
    )


def test_what_nobody_measured_is_missing(tmp_path: Path) -> None:
    # two frames that touch at a corner span a range with two empty quarters
    right = replace(WIDE, center=(8e-8, 4e-8))
    microscope = opened(record(tmp_path, scanned(flat(WIDE, 1.0)), scanned(flat(right, 2.0))))
    both = ScanFrame((4e-8, 2e-8), (1.6e-7, 8e-8), (16, 8))
    image = image_of(microscope, Scan(both)).channel()
    quarters = [image[:4, :8], image[:4, 8:], image[4:, :8], image[4:, 8:]]
    expected = [1.0, np.nan, np.nan, 2.0]
    for quarter, value in zip(quarters, expected, strict=True):
        np.testing.assert_array_equal(quarter, np.full((4, 8), value))


@pytest.mark.parametrize("finest_first", [True, False])
def test_a_pixel_comes_from_the_finest_image_that_has_the_channel(
    tmp_path: Path, finest_first: bool
) -> None:
    coarse, fine = scanned(flat(WIDE, 1.0, (HEIGHT, CURRENT))), scanned(flat(ZOOM, 2.0))
    order = (fine, coarse) if finest_first else (coarse, fine)
    microscope = opened(record(tmp_path, *order))
    again = image_of(microscope, Scan(replace(WIDE, pixels=(16, 8))))
    height = np.ones((8, 16))
    height[2:6, 10:14] = 2.0  # x from 10 nm to 30 nm, y from -10 nm to 10 nm
    np.testing.assert_array_equal(again.channel("height"), height)
    np.testing.assert_array_equal(again.channel("height", backward=True), height / 2)
    np.testing.assert_array_equal(again.channel("current"), np.ones((8, 16)))
    # its own frame shows the image of that frame, whatever is finer
    own = image_of(microscope, Scan(WIDE, ("height",)))
    np.testing.assert_array_equal(own.channel(), np.ones((4, 8)))


def test_a_frame_that_was_scanned_again_is_given_in_turn(tmp_path: Path) -> None:
    scans = [scanned(flat(WIDE, value)) for value in (1.0, 2.0, 3.0)]
    microscope = opened(record(tmp_path, *scans))
    seen = [image_of(microscope, Scan(WIDE)).forward.max() for _ in range(4)]
    assert seen == [1.0, 2.0, 3.0, 3.0]


def test_a_scan_that_is_broken_off_does_not_use_up_its_turn(tmp_path: Path) -> None:
    microscope = opened(record(tmp_path, scanned(flat(WIDE, 1.0)), scanned(flat(WIDE, 2.0))))
    lines = microscope.scan(Scan(WIDE))
    assert next(iter(lines)).forward.max() == 1.0
    lines.close()
    assert image_of(microscope, Scan(WIDE)).forward.max() == 1.0


def test_a_run_killed_in_mid_scan_shows_the_lines_that_it_had(tmp_path: Path) -> None:
    microscope = opened(record(tmp_path, scanned(IMAGE, lines=20)))
    again = image_of(microscope, Scan(IMAGE.frame))
    assert_same_bits(again.forward[:, :20], IMAGE.forward[:, :20])
    assert np.isnan(again.forward[:, 20:]).all()
    assert np.isnan(again.backward[:, 20:]).all()
    with pytest.raises(Unsupported, match="replay of by hand has no spectra; none were taken"):
        microscope.acquire_spectrum(AcquireSpectrum(*IMAGE.frame.center, BiasWaveform((0.0,))))


def test_lines_that_a_scan_never_reached_come_from_another_image(tmp_path: Path) -> None:
    coarse, fine = replace(WIDE, pixels=(4, 2)), flat(WIDE, 2.0)
    microscope = opened(record(tmp_path, scanned(flat(coarse, 1.0)), scanned(fine, lines=3)))
    rows = image_of(microscope, Scan(WIDE)).channel()[:, 0]
    assert rows.tolist() == [2.0, 2.0, 2.0, 1.0]


def test_a_run_without_images_gives_its_spectra_and_refuses_to_scan(tmp_path: Path) -> None:
    empty_scan = scanned(flat(WIDE, 1.0), lines=0)
    microscope = opened(record(tmp_path, taken(1e-8, 2e-8), taken(5e-8, -3e-8, 1.0), empty_scan))
    assert microscope.capabilities.image_channels == ()
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(4.9e-8, -3e-8, WAVEFORM))
    assert spectrum.data[0, 0] == 1.0
    inside = ScanFrame((3e-8, 0.0), (1e-9, 1e-9), (2, 2))
    for ask in (microscope.scan, microscope.duration):
        with pytest.raises(Unsupported, match="replay of by hand has no images"):
            ask(Scan(inside))


def test_a_run_that_measured_nothing_is_refused(tmp_path: Path) -> None:
    nothing = record(tmp_path, [ScanStarted(Scan(WIDE), (HEIGHT,))])
    with pytest.raises(DataError, match=r"run\.spmj: the run holds neither an image nor a spectr"):
        opened(nothing)
    with pytest.raises(DataError, match="there is no run here"):
        opened(tmp_path / "elsewhere")


def test_channels_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    other = flat(ZOOM, 1.0, (Channel("height", "V"),))
    with pytest.raises(DataError, match="the image channel 'height' is in 'm' and in 'V'"):
        opened(record(tmp_path / "units", scanned(flat(WIDE, 1.0)), scanned(other)))
    both = taken(0.0, 1e-8, channels=(CURRENT, HEIGHT))
    said = "some spectra record current in A, others current in A, height in m"
    with pytest.raises(DataError, match=said):
        opened(record(tmp_path / "spectra", taken(0.0, 0.0), both))


def test_the_capabilities_are_those_of_the_run(tmp_path: Path) -> None:
    few, many = flat(ZOOM, 1.0, (CURRENT,)), flat(WIDE, 1.0, (HEIGHT, CURRENT))
    has = opened(record(tmp_path, scanned(few), scanned(many), taken(-6e-8, 0.0))).capabilities
    assert has.name == "replay of by hand"
    assert has.image_channels == (HEIGHT, CURRENT)
    assert has.spectrum_channels == (CURRENT,)
    assert has.x_range == pytest.approx((-6e-8, 4e-8), abs=2e-12)  # a site and an edge
    assert has.y_range == pytest.approx((-2e-8, 2e-8), abs=2e-12)
    assert has.bias_range == (-3.001, 2.001)  # a waveform may differ by a millivolt
    assert has.is_simulated


def test_a_spectrum_is_the_nearest_one_with_its_own_position_bias_and_flags(
    tmp_path: Path,
) -> None:
    far = taken(3e-8, 1e-8, 1.0, off=2e-10, flags=(QualityFlag.SATURATED,))
    microscope = opened(record(tmp_path, scanned(flat(WIDE, 1.0)), taken(-2e-8, 0.0), far))
    before = microscope.status().time
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(2.5e-8, 0.0, WAVEFORM))
    assert (spectrum.x, spectrum.y) == (3e-8 + 2e-10, 1e-8) == microscope.status().position
    assert_same_bits(spectrum.bias, WAVEFORM.bias + 1e-4)
    assert_same_bits(spectrum.data, (1.0 + 0.1 * np.arange(3))[np.newaxis])
    assert spectrum.flags == (QualityFlag.SATURATED,)
    assert spectrum.start_time == before
    assert spectrum.end_time == microscope.status().time
    assert spectrum.end_time - before > WAVEFORM.duration


def test_spectra_of_one_site_are_given_in_turn_wherever_the_probe_was_read_back(
    tmp_path: Path,
) -> None:
    spectra = [taken(1e-8, 0.0, value, off=1e-10 * value) for value in (3.0, 1.0, 2.0)]
    microscope = opened(record(tmp_path, scanned(flat(WIDE, 1.0)), *spectra, taken(-1e-8, 0.0)))
    ask = AcquireSpectrum(1e-8, 0.0, WAVEFORM)
    given = [microscope.acquire_spectrum(ask) for _ in range(4)]
    assert [spectrum.data[0, 0] for spectrum in given] == [3.0, 1.0, 2.0, 2.0]
    assert [spectrum.x for spectrum in given] == [1e-8 + 1e-10 * v for v in (3.0, 1.0, 2.0, 2.0)]


def test_what_was_given_out_cannot_change_what_is_found_later(tmp_path: Path) -> None:
    microscope = opened(record(tmp_path, scanned(flat(WIDE, 1.0)), taken(0.0, 0.0, 5.0)))
    ask = AcquireSpectrum(0.0, 0.0, WAVEFORM)
    microscope.acquire_spectrum(ask).data[:] = -1.0
    assert microscope.acquire_spectrum(ask).data[0, 0] == 5.0
    next(iter(microscope.scan(Scan(WIDE)))).forward[:] = -1.0
    assert image_of(microscope, Scan(WIDE)).forward.min() == 1.0


def test_each_waveform_has_sites_of_its_own(tmp_path: Path) -> None:
    other = BiasWaveform((0.0, 1.0), dwell=0.01)
    microscope = opened(record(tmp_path, taken(0.0, 0.0, 1.0), taken(9e-8, 1e-8, 2.0, other)))
    first = microscope.acquire_spectrum(AcquireSpectrum(9e-8, 1e-8, WAVEFORM))
    assert (first.x, first.y, first.data[0, 0]) == (0.0, 0.0, 1.0)
    second = microscope.acquire_spectrum(AcquireSpectrum(0.0, 0.0, other))
    assert (second.x, second.y, second.data[0, 0]) == (9e-8, 1e-8, 2.0)


@pytest.mark.parametrize(
    ("waveform", "said"),
    [
        (
            replace(WAVEFORM, values=(0.0, 1.0)),
            "no spectra of 2 points from 0 V to 1 V, 10 ms each, 2 cycles; "
            "it has 3 points from -3 V to 2 V, 10 ms each, 2 cycles",
        ),
        (replace(WAVEFORM, cycles=1), "10 ms each, 1 cycle; it has 3 points"),
        (replace(WAVEFORM, dwell=0.02), "20 ms each, 2 cycles; it has 3 points"),
        (replace(WAVEFORM, values=(0.0, -3.0, 1.99)), "point 2 of the recorded waveform is at 2 V"),
    ],
)
def test_a_waveform_that_was_not_recorded_is_refused_and_nothing_moves(
    tmp_path: Path, waveform: BiasWaveform, said: str
) -> None:
    microscope = opened(record(tmp_path, taken(0.0, 0.0), taken(1e-8, 1e-8)))
    before = microscope.status()
    for ask in (microscope.acquire_spectrum, microscope.duration):
        with pytest.raises(Unsupported, match=said):
            ask(AcquireSpectrum(1e-8, 0.0, waveform))
    assert microscope.status() == before


def test_a_refusal_names_a_few_of_many_waveforms(tmp_path: Path) -> None:
    many = [taken(0.0, 0.0, waveform=BiasWaveform((0.0,) * n)) for n in range(2, 10)]
    with pytest.raises(Unsupported, match=r"it has 2 points .* 6 points [^;]*; and 3 more$"):
        opened(record(tmp_path, *many)).duration(AcquireSpectrum(0.0, 0.0, WAVEFORM))


def test_a_waveform_within_a_millivolt_of_a_recorded_one_passes(tmp_path: Path) -> None:
    near = replace(WAVEFORM, values=(0.0, -2.9985, 2.0))
    microscope = opened(record(tmp_path, taken(0.0, 0.0, 1.0), taken(0.0, 0.0, 2.0, near)))
    guarded = GuardedInstrument(microscope)
    # the second and the fourth are within a millivolt of both that were recorded
    for bias, expected in ((-3.0009, 1.0), (-2.9994, 1.0), (-2.998, 2.0), (-2.9991, 2.0)):
        asked = replace(WAVEFORM, values=(0.0, bias, 2.0))
        assert guarded.acquire_spectrum(AcquireSpectrum(0.0, 0.0, asked)).data[0, 0] == expected


def test_the_guard_passes_every_point_of_the_range_of_scattered_sites(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frame = ScanFrame((0.0, 0.0), (2e-6, 1e-6), (4, 4))
    sites = rng.uniform((-1e-6, -5e-7), (1e-6, 5e-7), (60, 2)).tolist()
    spectra = [taken(x, y, off=rng.uniform(-1e-9, 1e-9)) for x, y in sites]
    guarded = GuardedInstrument(opened(record(tmp_path, scanned(flat(frame, 1.0)), *spectra)))
    corners = np.stack(frame.corners(), axis=1)
    points = np.concatenate([corners, rng.uniform((-1e-6, -5e-7), (1e-6, 5e-7), (500, 2))])
    off = []
    for x, y in points.tolist():
        spectrum = guarded.acquire_spectrum(AcquireSpectrum(x, y, WAVEFORM))
        off.append(math.dist((spectrum.x, spectrum.y), (x, y)))
    assert 0.8 * guarded.capabilities.position_accuracy < max(off)


def test_the_guard_passes_a_site_that_was_read_back_elsewhere(tmp_path: Path) -> None:
    microscope = opened(record(tmp_path, scanned(flat(WIDE, 1.0)), taken(0.0, 0.0, off=1e-9)))
    far = AcquireSpectrum(-4e-8, 0.0, WAVEFORM)
    assert GuardedInstrument(microscope).acquire_spectrum(far).x == 1e-9
    expected = math.hypot(4e-8, 2e-8) + 1e-9
    assert microscope.capabilities.position_accuracy == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ([(1.0, 0.5)], math.hypot(1.0, 0.5)),  # in the middle
        ([(0.0, 0.0)], math.hypot(2.0, 1.0)),  # in a corner
        ([(0.0, 0.0), (2.0, 1.0)], 1.25),  # on a side: (0, 1) is 1 away, (0.75, 1) 1.25 from both
        ([(x, y) for x in (0.25, 0.75, 1.25, 1.75) for y in (0.25, 0.75)], math.hypot(0.25, 0.25)),
        ([(0.0, 0.5), (2.0, 0.5)], math.hypot(1.0, 0.5)),  # on two sides
        ([(x, 0.0) for x in np.linspace(0.0, 2.0, 5)], math.hypot(0.25, 1.0)),  # all on one side
    ],
)
def test_the_point_farthest_from_all_sites_is_found(
    sites: list[tuple[float, float]], expected: float
) -> None:
    for scale, offset in ((1.0, 0.0), (1e-7, 3e-5)):
        low, high = np.array([0.0, 0.0]), np.array([2.0, 1.0])
        moved = [scale * np.array(each) + offset for each in (sites, low, high)]
        assert farthest(*moved) == pytest.approx(scale * expected, rel=1e-6)


@pytest.mark.parametrize("sites", [[(2e-8, 3e-8)], [(x * 1e-5, 3e-8) for x in range(6)]])
def test_a_run_of_one_site_or_of_a_row_of_sites_can_be_opened(
    tmp_path: Path, sites: list[tuple[float, float]]
) -> None:
    guarded = GuardedInstrument(opened(record(tmp_path, *(taken(x, y) for x, y in sites))))
    for x, y in sites:
        spectrum = guarded.acquire_spectrum(AcquireSpectrum(x, y, WAVEFORM))
        assert (spectrum.x, spectrum.y) == (x, y)
    half_pitch = 0.5e-5 if len(sites) > 1 else 0.0
    assert guarded.capabilities.position_accuracy == pytest.approx(half_pitch, abs=2e-12)


def test_the_probe_goes_where_it_is_sent_and_no_farther_than_the_run_went(tmp_path: Path) -> None:
    microscope = opened(record(tmp_path, scanned(flat(WIDE, 1.0)), taken(1e-8, 0.0)))
    microscope.position_probe(PositionProbe(-3e-8, 1e-8))
    assert microscope.status().position == (-3e-8, 1e-8)
    with pytest.raises(LimitExceeded, match="x of 5e-08 m"):
        microscope.position_probe(PositionProbe(5e-8, 0.0))


def test_the_replay_of_a_map_says_who_replays_a_run(tmp_path: Path) -> None:
    record(tmp_path, taken(0.0, 0.0))
    for path in (tmp_path, tmp_path / "run.spmj"):
        with pytest.raises(DataError, match=r"this is a run and no map of spectra.*'replay_run'"):
            ReplaySettings(file=str(path)).open(InstantClock(), seed=0)


def test_a_run_repeated_on_its_replay_is_that_run(tmp_path: Path) -> None:
    explore = {**EXPLORE, "agent": {"kind": "gp", "initial": 3}, "budget": 6}
    steps = recipe(OVERVIEW, OVERVIEW, explore).steps
    run_quickly(tmp_path / "first", steps)
    clock = InstantClock()
    microscope = ReplayRunSettings(run=str(tmp_path / "first")).open(clock, seed=0)
    run_quickly(tmp_path / "second", steps, microscope=microscope, clock=clock)
    first, second = open_run(tmp_path / "first"), open_run(tmp_path / "second")
    assert len(first.measurements) == 6
    assert len(first.scans) == 2
    assert [m.instruction for m in second.measurements] == [
        m.instruction for m in first.measurements
    ]
    np.testing.assert_array_equal(second.rewards, first.rewards)
    for again, before in zip(second.spectra, first.spectra, strict=True):
        assert_same_bits(again.data, before.data)
    for again, before in zip(second.scans, first.scans, strict=True):
        assert_same_bits(again.forward, before.forward)


def test_an_agent_explores_what_a_dense_run_measured(tmp_path: Path) -> None:
    frame = {"center": ["0 nm", "0 nm"], "size": ["1 um", "1 um"]}
    overview = {"kind": "overview", "frame": {**frame, "pixels": [16, 16]}, "line_rate": "4 Hz"}
    loop = {"kind": "triangle", "amplitude": "8 V", "points": 32, "cycles": 2}
    clock = InstantClock()
    film = SimulatorSettings(level=1).open(clock, seed=4)
    steps = recipe(overview, {"kind": "grid", "waveform": loop, "points": [8, 8]}).steps
    new_runner(tmp_path / "grid", film, clock, title="a film").run(steps, seed=4)
    recorded = open_run(tmp_path / "grid")
    there = {(s.x, s.y): s for s in recorded.spectra}
    assert len(there) == 64

    table = {
        "schema_version": 1,
        "laboratory": "replay",
        "instrument": {"kind": "replay_run", "run": "grid"},
        "clock": {"kind": "instant"},
    }
    clock = InstantClock()
    guarded = parse_lab(table, "lab.toml", tmp_path).open(seed=0, clock=clock)
    at_the_sites = {**overview, "frame": {**frame, "pixels": [8, 8]}}
    explore = {
        "kind": "explore",
        "agent": {"kind": "gp", "initial": 4},
        "scalarizer": "loop_area",
        "waveform": loop,
        "budget": 12,
    }
    runner = begin(guarded, clock, tmp_path / "explored", title="again", seed=0)
    runner.run(recipe(at_the_sites, explore).steps, seed=0)
    explored = open_run(tmp_path / "explored")
    assert explored.finished is not None
    assert explored.finished.reason == FinishReason.COMPLETED
    assert explored.started.instrument == "replay of a film"
    assert len({(s.x, s.y) for s in explored.spectra}) == len(explored.decisions) == 12
    for measurement in explored.measurements:
        spectrum, asked = measurement.spectrum, measurement.instruction
        original = there[spectrum.x, spectrum.y]
        assert math.dist((spectrum.x, spectrum.y), (asked.x, asked.y)) < 1e-15
        assert_same_bits(spectrum.data, original.data)
        assert_same_bits(spectrum.bias, original.bias)
    values = np.unique(recorded.scans[0].channel("amplitude"))
    assert np.isin(explored.scans[0].channel("amplitude"), values).all()

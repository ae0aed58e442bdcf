"""A recorded STM experiment at two scales: EuZn2As2, 250 nm wide, and 10 nm around an adsorbate.

An agent took the spectra then (G. Narasimha et al., npj Comput. Mater. 2025); here agents learn
from them again. Where the small image lies on the large one was not recorded, so that nothing can
be carried over between these two. It is within the large one: what an agent believes of all of it,
seen on every sixteenth pixel, helps an agent on a part of it, seen on every fourth.

    python examples/stm_two_levels.py folder/with/the/files
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import spm_auto as spm
from spm_auto.agents import Candidates, Explorer, GaussianProcessSettings, Proposal, Scored, inherit
from spm_auto.analysis import level_plane, place
from spm_auto.data import DataFile, open_file
from spm_auto.instrument import FloatArray, ScanFrame, ScanImage, Spectrum
from spm_auto.workflow import Knowledge, Learned, best_window, carry

LARGE, SMALL = "stm_dkl_large_area_250nm.hf5", "stm_dkl_adsorbate_10nm.hf5"
EVERY = 16  # pixels between candidates of a whole image
PART = 100e-9  # [m] of the large image that is looked at more closely
FEW = 5  # spectra of the part that the agents on it are told


def onset(spectrum: Spectrum) -> float:
    """Return the bias above which more than 30 pA flow [V]: about where the conduction band begins.

    Where no more ever flows it is the end of the sweep.
    """
    flows = (spectrum.channel("Current") > 30e-12) & (spectrum.bias > 0)
    return float(spectrum.bias[flows].min(initial=spectrum.bias.max()))


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """An agent that has learned from the spectra of one image.

    Attributes:
        learned: The agent with its image and its spectra.
        error: Rms error of what it predicts of every fifth spectrum, which it was not told
            [V].
        spread: Standard deviation of these: the error of whoever knows the mean only [V].
    """

    learned: Learned
    error: float
    spread: float


def candidates_of(image: ScanImage, every: int) -> Candidates:
    """Return every so many pixels of an image."""
    return Candidates.of(image, stride=every, margin=every // 2)


def agent_on(candidates: Candidates, trusts: bool = False) -> Explorer:
    """Make an agent that predicts the onset."""
    settings = GaussianProcessSettings(prior_mean="ranking" if trusts else "constant")
    agent = settings.build(candidates, np.random.default_rng(1))
    return Explorer(agent, onset, name="onset")


def nearest(candidates: Candidates, spectrum: Spectrum) -> int:
    """Return the candidate that is nearest to a spectrum."""
    return int(np.argmin(np.hypot(*(candidates.positions - (spectrum.x, spectrum.y)).T)))


def teach(explorer: Explorer, spectra: Sequence[Spectrum]) -> list[Scored]:
    """Tell an agent spectra where they were taken."""
    candidates, told = explorer.agent.candidates, []
    for spectrum in spectra:
        number = nearest(candidates, spectrum)
        x, y, bias = candidates.points[number].tolist()
        proposal = Proposal(number, x, y, bias, "recorded")
        scalar = inherit(explorer, proposal, spectrum)
        told.append(Scored(proposal, spectrum, scalar, "onset"))
    explorer.conclude()
    return told


def error_of(explorer: Explorer, spectra: Sequence[Spectrum]) -> float:
    """Return the rms error of what an agent predicts of spectra."""
    fit = explorer.fit
    if fit is None:
        raise RuntimeError("the agent has too few spectra to learn from")
    numbers = [nearest(explorer.agent.candidates, spectrum) for spectrum in spectra]
    truth = np.array([onset(spectrum) for spectrum in spectra])
    return float(np.sqrt(np.mean((fit.mean[numbers] - truth) ** 2)))


def learn(data: DataFile) -> Level:
    """Let an agent learn from four of five spectra of a file, and predict the others."""
    (image,) = data.images
    spectra = [each for each in data.spectra if isinstance(each, Spectrum)]
    explorer = agent_on(candidates_of(image, EVERY))
    kept = spectra[::5]
    learned = Learned(explorer, image)
    learned.found = teach(explorer, [s for n, s in enumerate(spectra) if n % 5])
    spread = float(np.std([onset(spectrum) for spectrum in kept]))
    return Level(learned, error_of(explorer, kept), spread)


def look_closer(level: Level, draws: int) -> tuple[ScanFrame, float, float, int]:
    """Let a fresh agent and one that is carried over learn from few spectra of a part, drawn often.

    It is the part that holds most spectra, so that there are some to be predicted. The agent before
    knows what lies outside of it, and the same few spectra.

    Returns:
        The part, the rms error of the fresh one and of the other one over all draws of the few
        spectra, and how many others are predicted each time.
    """
    image, found = level.learned.image, level.learned.found
    spectra = [scored.spectrum for scored in found if isinstance(scored.spectrum, Spectrum)]
    count = np.zeros(image.frame.shape)
    for spectrum in spectra:
        line, pixel = (int(np.round(at)) for at in image.frame.to_pixel(spectrum.x, spectrum.y))
        count[line, pixel] += 1
    window = ScanFrame((0.0, 0.0), (PART, PART), (2, 2))
    part = best_window(count, image.frame, window, image.frame)
    if part is None:
        raise RuntimeError("the part is larger than the image")
    is_inside = np.array([bool(part.frame.contains(s.x, s.y)) for s in spectra])
    every = candidates_of(image, EVERY // 4)
    closer = every.select(np.asarray(part.frame.contains(*every.positions.T)))
    rng, errors = np.random.default_rng(1), []
    for _ in range(draws):
        is_told = np.zeros(len(spectra), dtype=bool)
        is_told[rng.choice(np.flatnonzero(is_inside), FEW, replace=False)] = True
        told = [spectrum for spectrum, is_one in zip(spectra, is_told, strict=True) if is_one]
        known = [s for s, out in zip(spectra, ~is_inside | is_told, strict=True) if out]
        kept = [s for s, one in zip(spectra, is_inside & ~is_told, strict=True) if one]
        before = Learned(agent_on(candidates_of(image, EVERY)), image)
        before.found = teach(before.explorer, known)
        knowledge = Knowledge()
        knowledge.learned.append(before)
        carried = carry(closer, image, knowledge, ("onset",))
        fresh, other = agent_on(closer), agent_on(carried.candidates, trusts=True)
        teach(fresh, told)
        carried.tell(other).conclude()
        errors.append([error_of(fresh, kept), error_of(other, kept)])
    alone, helped = np.sqrt(np.mean(np.square(errors), axis=0)).tolist()
    return part.frame, alone, helped, int(is_inside.sum()) - FEW


def where(large: ScanImage, small: ScanImage) -> str:
    """Say where the small image lies on the large one, as far as it can be known."""
    center = large.frame.center
    guess = replace(small, frame=replace(small.frame, center=center))
    reach = (large.frame.size[0] / small.frame.size[0] - 1) / 2
    shift = place(large, guess, reach=reach)
    if shift.is_sure:
        return f"it may lie around ({center[0] + shift.dx:.3g}, {center[1] + shift.dy:.3g}) m"
    return f"looked for all over it, it is not found: {shift.doubt}"


def draw(levels: Sequence[Level], part: ScanFrame, path: Path) -> None:
    """Draw images, spectra and beliefs of both levels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 7.6), layout="constrained")
    axes = figure.subplots(2, 2)
    for row, level in zip(axes, levels, strict=True):
        image, fit = level.learned.image, level.learned.explorer.fit
        size = image.frame.size[0] * 1e9
        shown: FloatArray = level_plane(image.channel())
        row[0].imshow(shown, origin="lower", extent=(0, size, 0, size), cmap="gray")
        at = np.array([(s.spectrum.x, s.spectrum.y) for s in level.learned.found]) * 1e9
        values = [s.scalar.value for s in level.learned.found]
        row[0].scatter(*at.T, c=values, s=9, cmap="viridis")
        row[0].set_title(f"{size:.0f} nm, {len(values)} recorded spectra")
        if fit is not None:
            x, y = fit.frame.to_sample(*fit.rows.T)
            drawn = row[1].scatter(x * 1e9, y * 1e9, c=fit.mean, s=44, marker="s", cmap="viridis")
            figure.colorbar(drawn, ax=row[1], label="bias above which 30 pA flow (V)")
        row[1].set_title(f"believed; error {level.error:.2f} V, mean alone {level.spread:.2f} V")
        row[1].set_aspect("equal")
        for each in row:
            each.set_xlabel("x (nm)")
            each.set_ylabel("y (nm)")
    corners = np.array(part.corners()).T * 1e9
    axes[0, 1].plot(*np.vstack([corners, corners[:1]]).T, color="red", label="looked at closer")
    axes[0, 1].legend(loc="lower left")
    figure.savefig(path, dpi=68)


def main(
    folder: Path | None = None, out: Path = Path("stm_two_levels.png"), draws: int = 5
) -> dict[str, float]:
    """Open both files, learn from each, and look closer at a part of the large one.

    Args:
        folder: Where the files are; without it the folder that SPM_AUTO_DATA names.
        out: The figure.
        draws: How often the few spectra of the part are drawn.

    Returns:
        What the agents' errors are, by name.
    """
    folder = folder or Path(os.environ.get("SPM_AUTO_DATA", "."))
    missing = [name for name in (LARGE, SMALL) if not (folder / name).is_file()]
    if missing:
        raise SystemExit(f"{', '.join(missing)}: not in {folder}; name the folder of the files")
    files = [open_file(folder / name) for name in (LARGE, SMALL)]
    large, small = (learn(data) for data in files)
    for name, data, level in zip((LARGE, SMALL), files, (large, small), strict=True):
        print(f"{name}: {len(data.spectra)} spectra; the agent predicts those that it was not told")
        print(f"  to {level.error:.2f} V; whoever knows the mean only, to {level.spread:.2f} V")
    print("Where the small image lies on the large one is not recorded;")
    print(f"  {where(large.learned.image, small.learned.image)}.")
    part, fresh, carried, n = look_closer(large, draws)
    x, y = (1e9 * v for v in part.center)
    print(f"Looked at closer around ({x:.0f}, {y:.0f}) nm: {n} spectra are predicted from {FEW}")
    print(f"  to {fresh:.2f} V by a fresh agent, to {carried:.2f} V by one that is carried over")
    draw((large, small), part, out)
    print(f"figure: {out} (spm_auto {spm.__version__})")
    return {
        "large": large.error,
        "large, mean": large.spread,
        "small": small.error,
        "small, mean": small.spread,
        "fresh": fresh,
        "carried": carried,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

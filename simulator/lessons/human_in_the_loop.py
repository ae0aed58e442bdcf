"""human_in_the_loop: an agent that stays with the first vortex, and a human who knows lattices."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from spm_auto.lessons import Answer, Lesson, Mark, Question, Tolerance, mark

from ..samples.stm import Superconductor
from ..samples.stm.densities import vortex_spacing
from .behind import behind, chance
from .marking import Place, places, shared

FIELD = (0.8, 1.5)  # [T]
CORES = 4  # that are asked for
REACH = 6e-9  # by which the place of one may be off [m]
EVIDENCE = 2  # of the four that must be there, for numbers about the lattice to count
HELD = ("an adatom", "a vortex", "a step", "the edge of the image")

_LAB = """\
schema_version = 1
laboratory = "vortices"

[instrument]
kind = "simulator"
level = 1
technique = {{ kind = "stm", bias = "10 mV" }}

[instrument.sample]
kind = "superconductor"
substance = "NbSe2"
size = "128 nm"
field = "{field:.4f} T"
adatoms = 0
vortex_disorder = 0.03

[limits]
bias = ["-1 V", "1 V"]
scan_speed = "1 um/s"
least_bias = "1 mV"

[clock]
kind = "instant"
"""


class HumanInTheLoop(Lesson):
    """An agent finds one vortex, and a human who steps in the others."""

    number = 8
    name = "human_in_the_loop"
    title = "A human in the loop"
    questions: ClassVar[Mapping[str, Question]] = {
        "held": Question("What held the agent before anybody stepped in?", options=HELD),
        "cores": Question(
            "Where are four vortices (x, y of each)?", unit="m", size=2 * CORES, points=2.0
        ),
        "spacing": Question("How far apart are neighbouring vortices, on average?", unit="m"),
        "field": Question("How strong is the magnetic field?", unit="T"),
    }
    tolerances: ClassVar[Mapping[str, Tolerance]] = {
        "spacing": Tolerance(0.06, is_share=True),
        "field": Tolerance(0.12, is_share=True),
    }

    def lab(self, seed: int) -> str:
        """Return the lab file: the magnetic field is drawn."""
        return _LAB.format(field=float(chance(self, seed).uniform(*FIELD)))

    def truth(self, seed: int) -> Mapping[str, Answer]:
        """Return the four vortices nearest to the middle, and the lattice."""
        sample = self._sample(seed)
        vortices = np.column_stack([sample.vortex_x, sample.vortex_y])
        nearest = vortices[np.argsort(np.hypot(*vortices.T))[:CORES]]
        field = float(sample.settings.field)
        return {
            "held": HELD[1],
            "cores": tuple(nearest.ravel().tolist()),
            "spacing": vortex_spacing(field),
            "field": field,
        }

    def grade(self, seed: int, answers: Mapping[str, Answer]) -> Sequence[Mark]:
        """Mark answers; any four vortices of the sample will do, each once.

        Spacing and field are guessed easily, so they count with vortices to show for them only.
        """
        truth, sample = self.truth(seed), self._sample(seed)
        vortices = list(zip(sample.vortex_x.tolist(), sample.vortex_y.tolist(), strict=True))
        marks = [
            mark(name, question, answers[name], truth[name], self.tolerances.get(name))
            for name, question in self.questions.items()
            if name != "cores"
        ]
        found = _found(places(answers["cores"]), vortices)
        if found < EVIDENCE:
            said = f"not counted: fewer than {EVIDENCE} of the places are vortices"
            marks[1:] = [Mark(each.question, 0.0, each.most, said) for each in marks[1:]]
        said = f"{found} of {CORES} are vortices, each counted once"
        marks.insert(1, shared("cores", self.questions["cores"], found / CORES, said))
        return marks

    def _sample(self, seed: int) -> Superconductor:
        return behind(self, seed).superconductor


def _found(claimed: list[Place], vortices: list[Place]) -> int:
    """Return how many vortices somebody has found."""
    hit = set()
    for x, y in claimed:
        off = [float(np.hypot(x - u, y - v)) for u, v in vortices]
        nearest = int(np.argmin(off))
        if off[nearest] <= REACH:
            hit.add(nearest)
    return len(hit)

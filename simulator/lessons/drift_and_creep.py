"""drift_and_creep: how fast does the sample move, and how long does the piezo go on?"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from spm_auto.instrument import FloatArray
from spm_auto.lessons import Answer, Lesson, Question, Tolerance

from .behind import behind, chance
from .first_scan import highest_bump

DRIFTS = (0.02e-9, 0.06e-9)  # [m/s]
CREEPS = (0.012, 0.04)  # share of a move in each decade of time
MIDDLE = 4e-6  # side of the square in which the bump is sought [m]
HOURS = 3.0  # instrument time at which the bump is to be found

_LAB = """\
schema_version = 1
laboratory = "drift and creep"

[instrument]
kind = "simulator"
level = 2
sample = {{ kind = "stiff_inclusions", size = "6 um", count = 14, decoy_count = 0, \
radius = "150 nm", radius_spread = 0.3, roughness = "2 nm" }}
technique = {{ kind = "afm" }}
scanner = {{ preset = "perfect", drift = "{drift:.5f} nm/s", creep = {creep:.5f} }}

[limits]
scan_speed = "50 um/s"

[clock]
kind = "instant"
"""


class DriftAndCreep(Lesson):
    """A sample that does not stay, under a scanner that does not stop."""

    number = 3
    name = "drift_and_creep"
    title = "Drift and creep"
    questions: ClassVar[Mapping[str, Question]] = {
        "drift": Question(
            "How fast do features of the sample move in the image, along x and along y?",
            unit="m/s",
            size=2,
        ),
        "creep": Question(
            "Which share of a move does the piezo add in each decade of time after it?", unit="1"
        ),
        "later": Question(
            "Of the bumps that lie wholly in the middle 4 um x 4 um of the sample, as it lay just "
            f"after loading: where will the top of the highest one be at {HOURS:g} h of instrument "
            "time, for a piezo at rest (x and y)?",
            unit="m",
            size=2,
            points=2.0,
        ),
    }
    tolerances: ClassVar[Mapping[str, Tolerance]] = {
        "drift": Tolerance(0.08, is_share=True),
        "creep": Tolerance(0.2, is_share=True),
        "later": Tolerance(40e-9),
    }

    def lab(self, seed: int) -> str:
        """Return the lab file: drift and creep are drawn; the seed gives the drift's direction."""
        rng = chance(self, seed)
        return _LAB.format(drift=1e9 * float(rng.uniform(*DRIFTS)), creep=rng.uniform(*CREEPS))

    def truth(self, seed: int) -> Mapping[str, Answer]:
        """Return drift, creep, and where the bump will be: it moves against the tip."""
        stage = behind(self, seed)
        truth, begun = stage.truth, stage.clock.now()
        (then,), (moved,) = (truth.drift(np.array([t])) for t in (begun + 1000.0, 3600.0 * HOURS))
        bump = highest_bump(truth.sample, MIDDLE)
        later: FloatArray = np.array([bump.x, bump.y]) - moved
        return {
            "drift": (float(-then[0] / 1000.0), float(-then[1] / 1000.0)),
            "creep": truth.scanner.settings.creep,
            "later": (float(later[0]), float(later[1])),
        }

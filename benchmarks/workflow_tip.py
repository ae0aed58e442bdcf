"""Rescuing tips, on the simulator: the step `condition_tip` against one recipe that is repeated.

A tunnelling microscope scans graphite with a tip that is three times as blunt as a good one. What
helps a tip is different from one to the next, and nobody knows it beforehand: on each seed the
least pulse and the least poke that do anything are drawn, and how often they help (`Answering`);
or they are the simulator's own (`usual`: 2.5 V, 0.3 nm, 35 % and 25 %). Four tips are rescued one
after the other in a run, so that what the first one taught can be made use of.

The fixed recipe is a pulse of 5 V for 10 ms and a look, again and again, until the corrugation is
what is asked for, as the tip care of before judged it; the policy's least is for the weakest rows.
Both give a tip up after 25 actions.

A tip is *rescued* when the one who treated it says that it is good, and the simulator's truth
agrees: not half as blunt again as a good one, and no second end that carries a fifth of the
current. *Misjudged* are those that are said to be good and are not. Minutes are those for each
tip, whatever came of it.

``python benchmarks/workflow_tip.py --seeds 10``
"""

import argparse
import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from night_truth import BLUNT, SHARE
from tables import spread, table

from spm_auto.data import Alarm, Finding
from spm_auto.instrument import ConditionTip, Scan, ScanFrame
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.tasks.stage import Stage, mount
from spm_auto.simulator.techniques.stm import StmTechnique
from spm_auto.simulator.tips import TipLifeState, TipState
from spm_auto.workflow import ConditionTipStep, Note, StepContext, Wait
from spm_auto.workflow.steps.tip_care import corrugation

FRAME = ScanFrame((0.0, 0.0), (3e-9, 3e-9), (40, 40))
RATE = 5.0  # lines per second of a look [Hz]
ROWS = 0.213e-9  # distance of the rows of graphite [m]
LEAST = 4.5e-12  # rms height that is asked for [m]; a good tip shows 6 pm
EVEN = 0.42  # what a good tip shows at this line rate is 0.5: along the lines the loop comes late
TIPS, MOST = 4, 25
WORN = 3.0  # blur of a bad tip, in units of a good one's
PULSE = 5.0  # of the fixed recipe [V]
ACTIONS = (
    {"bias": "2 V"}, {"depth": "0.3 nm"}, {"bias": "4 V"}, {"depth": "0.8 nm"},
    {"bias": "7 V"}, {"depth": "1.6 nm"}, {"bias": "10 V"},
)  # fmt: skip
POLICY, FIXED = "condition_tip", "5 V again and again"


@dataclass(frozen=True, slots=True)
class Rescued:
    """What became of the tips of a run.

    Attributes:
        rescued: Share of the tips that were said to be good, and were.
        misjudged: Share of those that were said to be good, and were not.
        minutes: For each tip.
        actions: For each tip.
    """

    rescued: float
    misjudged: float
    minutes: float
    actions: float


def microscope(seed: int, is_usual: bool) -> Stage:
    """Mount graphite under a tip that changes by nothing but by what is done to it."""
    life: dict[str, Any] = {"change_time": None}
    if not is_usual:
        rng = np.random.default_rng([seed, 11])
        life |= {
            "pulse_onset": f"{rng.uniform(1.5, 5):.3f} V",
            "poke_onset": f"{rng.uniform(0.15, 0.8):.3f} nm",
            "pulse_success": float(rng.uniform(0.05, 0.5)),
            "poke_success": float(rng.uniform(0.05, 0.5)),
        }
    sample = {"kind": "hopg", "size": "256 nm", "steps": 0, "vacancies": 0}
    technique = {"kind": "stm", "tip_life": life}
    return mount(SimulatorSettings.model_validate({"sample": sample, "technique": technique}), seed)


def technique_of(stage: Stage) -> StmTechnique:
    """Return the truth about the tip."""
    technique = stage.truth.technique
    assert isinstance(technique, StmTechnique)
    return technique


def spoil(stage: Stage, seed: int, number: int) -> None:
    """Let the tip become a bad one."""
    technique = technique_of(stage)
    rng = np.random.default_rng([seed, 13, number])
    tip = TipState(blur=WORN * math.exp(0.2 * abs(rng.standard_normal())))
    technique.restore(replace(technique.snapshot(), tip=TipLifeState(tip)))


def is_good(stage: Stage) -> bool:
    """Say whether the tip really is good."""
    technique = technique_of(stage)
    tip = technique.tip
    if tip.twin is None:
        return tip.blur <= BLUNT
    other = math.exp(-technique.over_sample().decay * tip.twin.dz)
    return tip.blur <= BLUNT and other / (1 + other) <= SHARE


def by_policy() -> ConditionTipStep:
    """Return the step."""
    return ConditionTipStep.model_validate(
        {
            "kind": "condition_tip",
            "reference": {
                "center": ("0 nm", "0 nm"), "size": ("3 nm", "3 nm"), "pixels": (40, 40),
            },
            "parking": {"center": ("70 nm", "0 nm"), "radius": "50 nm"},
            "spacing": "5 nm",
            "actions": ACTIONS,
            "least": f"{LEAST!r} m",
            "rows": f"{ROWS!r} m",
            "even": EVEN,
            "line_rate": f"{RATE} Hz",
            "patience": 1,
            "most": MOST,
            "then": "go on",
        }
    )  # fmt: skip


def rescued(seed: int, how: str, is_usual: bool) -> Rescued:
    """Rescue some tips in a row."""
    stage = microscope(seed, is_usual)
    context, verdicts, actions = StepContext(seed, 0), [], 0
    start = stage.clock.now()
    for number in range(TIPS):
        spoil(stage, seed, number)
        steps = _policy(context, stage, number) if how == POLICY else _fixed(stage)
        said = False
        for event in steps:
            actions += isinstance(event, ConditionTip)
            said = event if isinstance(event, bool) else said
        verdicts.append((said, is_good(stage)))
    return Rescued(
        rescued=sum(said and good for said, good in verdicts) / TIPS,
        misjudged=sum(said and not good for said, good in verdicts) / TIPS,
        minutes=(stage.clock.now() - start) / 60 / TIPS,
        actions=actions / TIPS,
    )


def _policy(context: StepContext, stage: Stage, number: int) -> Iterator[ConditionTip | bool]:
    """Let the step do it; yields what it did, and whether it says that the tip is good."""
    step = by_policy().run(replace(context, path=(number, 0)))
    answer: Any = None
    try:
        while True:
            request = step.send(answer)
            answer = None
            match request:
                case Wait():
                    answer = stage.clock.now()
                case Scan():
                    answer = stage.image(request)
                case ConditionTip():
                    stage.microscope.condition_tip(request)
                    yield request
                case Note(event=Finding(values={"is_good": verdict})):
                    yield bool(verdict)
                case Note(event=Alarm()):
                    yield False
    except StopIteration:
        return


def _fixed(stage: Stage) -> Iterator[ConditionTip | bool]:
    """Pulse and look, until there is corrugation enough."""
    for number in range(MOST + 1):
        image = stage.image(Scan(FRAME, ("height",), RATE))
        mean = (corrugation(image.forward[0]) + corrugation(image.backward[0])) / 2
        if math.sqrt(mean) >= LEAST:
            yield True
            return
        if number < MOST:
            turn = 2 * math.pi * number / MOST
            place = 70e-9 + 40e-9 * math.cos(turn), 40e-9 * math.sin(turn)
            pulse = ConditionTip(*place, bias=PULSE)
            stage.microscope.condition_tip(pulse)
            yield pulse
    yield False


def main(seeds: Sequence[int]) -> list[list[str]]:
    """Return a row for each way and each kind of tips: mean ± sd over the seeds."""
    rows = []
    for is_usual, tips in ((False, "each answers to something else"), (True, "usual")):
        for how in (FIXED, POLICY):
            found = [rescued(seed, how, is_usual) for seed in seeds]
            rows.append(
                [
                    tips,
                    how,
                    spread([each.rescued for each in found]),
                    spread([each.misjudged for each in found]),
                    spread([each.minutes for each in found], 1),
                    spread([each.actions for each in found], 1),
                ]
            )
    return rows


HEAD = ("tips", "how", "rescued", "misjudged", "minutes for each tip", "actions for each tip")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    for line in table(HEAD, main(range(parser.parse_args().seeds))):
        print(line)

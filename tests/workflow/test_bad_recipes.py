"""Bad recipes: one clear line for each fault, with its path and what is right; nothing moves."""

from collections.abc import Callable
from pathlib import Path

import pytest
from by_hand import Microscope

from spm_auto import planning
from spm_auto.clock import InstantClock
from spm_auto.errors import RecipeError
from spm_auto.instrument import Exposure, GuardedInstrument, Limits, NoGoZone

HEAD = 'schema_version = 1\ntitle = "x"\n'
FRAME = '{ center = ["0 nm", "0 nm"], size = ["500 nm", "500 nm"], pixels = [16, 16] }'
OVERVIEW = f'[[steps]]\nkind = "overview"\nframe = {FRAME}\n'
LOOP = '{ kind = "triangle", amplitude = "5 V", points = 16 }'
SWEEP = '{ kind = "sweep", start = "-1 V", stop = "1 V", points = 5 }'
EXPLORE = (
    '[[steps]]\nkind = "explore"\nagent = { kind = "random" }\nscalarizer = "loop_area"\n'
    f"waveform = {LOOP}\nbudget = 5\n"
)
TUNE = 'steps = [{ kind = "tune" }]\n'
REPEAT = '[[steps]]\nkind = "repeat"\ntimes = 2\n'
WITHIN = '[[steps]]\nkind = "within"\n'
HOUR = 'budget = [{ kind = "time", limit = "1 h" }]\n'
LAB = 'schema_version = 1\nlaboratory = "bench"\n[instrument]\nkind = "simulator"\n'
LIMITS = Limits(
    bias=(-8.0, 8.0),
    scan_speed=2e-6,
    spectrum_duration=100.0,
    no_go=(NoGoZone(4e-7, 4e-7, 5e-8, "a particle"),),
    exposure=Exposure(1e-8),
)


def nested(depth: int) -> str:
    """Return blocks within one another, and a step in the innermost."""
    inner = '{ kind = "tune" }'
    for _ in range(depth):
        inner = f'{{ kind = "repeat", times = 1, steps = [{inner}] }}'
    return f"{HEAD}steps = [{inner}]\n"


def frame(**changes: str) -> str:
    """Return a recipe with an overview whose frame is another one."""
    values = {"center": '["0 nm", "0 nm"]', "size": '["500 nm", "500 nm"]', "pixels": "[16, 16]"}
    table = ", ".join(f"{name} = {value}" for name, value in (values | changes).items() if value)
    return f'{HEAD}[[steps]]\nkind = "overview"\nframe = {{ {table} }}\n'


def explore(old: str, new: str) -> str:
    """Return a recipe with an exploration that has something else in it."""
    assert old in EXPLORE
    return HEAD + OVERVIEW + EXPLORE.replace(old, new)


def until(criterion: str) -> str:
    """Return a recipe that repeats until something is so."""
    return f"{HEAD}{REPEAT}until = [{criterion}]\n{TUNE}"


# what is wrong: the recipe, how its one line begins after the file's name, what else stands in it
BAD: dict[str, tuple[str, str, str]] = {
    "a misspelt key of a step": (
        HEAD + OVERVIEW + 'line_rat = "1 Hz"\n',
        "steps[0].line_rat: unknown key",
        "did you mean 'line_rate'?",
    ),
    "a misspelt key that is needed": (
        frame(center="", centre='["0 nm", "0 nm"]'),
        "steps[0].frame.centre: unknown key",
        "did you mean 'center'?",
    ),
    "a misspelt key of the recipe": (
        HEAD + 'descripton = "y"\n' + OVERVIEW,
        "descripton: unknown key",
        "did you mean 'description'?",
    ),
    "a misspelt key of an agent": (
        explore('{ kind = "random" }', '{ kind = "gp", intial = 3 }'),
        "steps[1].agent.intial: unknown key",
        "did you mean 'initial'?",
    ),
    "a misspelt key of a waveform": (
        explore("points = 16", "point = 16"),
        "steps[1].waveform.point: unknown key",
        "did you mean 'points'?",
    ),
    "a misspelt key deep inside of blocks": (
        f"{HEAD}{WITHIN}{HOUR}[[steps.steps]]\n"
        'kind = "repeat"\ntimes = 2\n[[steps.steps.steps]]\nkind = "wait"\nduraton = "5 s"\n',
        "steps[0].steps[0].steps[0].duraton: unknown key",
        "did you mean 'duration'?",
    ),
    "a misspelt key of the recovery": (
        f"{HEAD}[recovery]\nin_a_rwo = 3\n{OVERVIEW}",
        "recovery.in_a_rwo: unknown key",
        "did you mean 'in_a_row'?",
    ),
    "what belongs into the lab file": (
        f'{HEAD}{OVERVIEW}[instrument]\nkind = "simulator"\n',
        "instrument: unknown key",
        "belongs into the lab file",
    ),
    "an unknown kind of step": (
        HEAD + OVERVIEW + '[[steps]]\nkind = "explor"\n',
        "steps[1]: there is no step 'explor'",
        "did you mean 'explore'?",
    ),
    "a step without a kind": (
        HEAD + OVERVIEW + '[[steps]]\nknd = "tune"\n',
        "steps[1]: expected a table with a 'kind' that names the step",
        "'knd' may be meant for it",
    ),
    "a step that is only a name": (
        HEAD + 'steps = ["tune"]\n',
        "steps[0]: expected a table with a 'kind' that names the step",
        "write { kind = 'tune' }",
    ),
    "a kind that is a number": (
        HEAD + "[[steps]]\nkind = 3\n",
        "steps[0]: expected a table with a 'kind' that names the step",
        "got kind = 3",
    ),
    "steps that are one table": (
        f'{HEAD}[steps]\nkind = "tune"\n',
        "steps: expected a list, got a table",
        "[[steps]]",
    ),
    "no steps": (HEAD, "steps: this key is missing", ""),
    "an empty list of steps": (HEAD + "steps = []\n", "steps: at least 1 is needed", "got 0"),
    "no unit": (
        HEAD + OVERVIEW + "line_rate = 2\n",
        "steps[0].line_rate: 2 has no unit",
        "write it as text, for example '1 Hz'",
    ),
    "a wrong unit": (
        HEAD + OVERVIEW + 'line_rate = "2 s"\n',
        "steps[0].line_rate: '2 s' has the unit 's'",
        "expected 'Hz', for example '1 Hz'",
    ),
    "an angle without a unit": (
        frame(angle="30"),
        "steps[0].frame.angle: 30 has no unit",
        "'30 deg'",
    ),
    "a word in place of a quantity": (
        HEAD + OVERVIEW + 'line_rate = "fast"\n',
        "steps[0].line_rate: 'fast' is not a quantity",
        "write for example '1 Hz'",
    ),
    "a quantity that is no number": (
        HEAD + OVERVIEW + 'line_rate = "nan Hz"\n',
        "steps[0].line_rate: 'nan Hz' is not a quantity",
        "'1 Hz'",
    ),
    "a rate of nothing": (
        HEAD + OVERVIEW + 'line_rate = "0 Hz"\n',
        "steps[0].line_rate: input should be greater than 0",
        "got '0 Hz'",
    ),
    "a negative size": (
        frame(size='["-500 nm", "500 nm"]'),
        "steps[0].frame: a frame's size must be positive",
        "-5e-07",
    ),
    "a frame that is a word": (
        HEAD + '[[steps]]\nkind = "overview"\nframe = "all of it"\n',
        "steps[0].frame: expected a table such as { key = value }",
        "got 'all of it'",
    ),
    "no frame": (
        HEAD + '[[steps]]\nkind = "overview"\n',
        "steps[0].frame: this key is missing",
        "",
    ),
    "pixels in quotes": (
        frame(pixels='["16", 16]'),
        "steps[0].frame.pixels[0]: input should be a valid integer, got '16'",
        "write it without quotes",
    ),
    "pixels of one direction only": (
        frame(pixels="16"),
        "steps[0].frame.pixels: expected a list such as [a, b]",
        "got 16",
    ),
    "a single pixel": (
        frame(pixels="[1, 16]"),
        "steps[0].frame.pixels[0]: input should be greater than or equal to 2",
        "got 1",
    ),
    "an exploration of nothing": (
        HEAD + EXPLORE,
        "steps[0]: an explore step needs an overview step before it",
        "",
    ),
    "an exploration of nothing inside of a block": (
        f"{HEAD}{REPEAT}{EXPLORE.replace('[[steps]]', '[[steps.steps]]')}",
        "steps[0].steps[0]: an explore step needs an overview step before it",
        "",
    ),
    "a grid on nothing": (
        f'{HEAD}[[steps]]\nkind = "grid"\npoints = [3, 3]\nwaveform = {SWEEP}\n',
        "steps[0]: a grid step needs a frame of its own",
        "or an overview step before it",
    ),
    "a budget of nothing": (
        explore("budget = 5", "budget = 0"),
        "steps[1].budget: input should be greater than or equal to 1",
        "got 0",
    ),
    "a budget in quotes": (
        explore("budget = 5", 'budget = "5"'),
        "steps[1].budget: input should be a valid integer, got '5'",
        "write it without quotes",
    ),
    "an unknown agent": (
        explore('"random"', '"rondom"'),
        "steps[1].agent: there is no agent 'rondom'",
        "did you mean 'random'?",
    ),
    "an agent that is only a name": (
        explore('{ kind = "random" }', '"random"'),
        "steps[1].agent: expected a table with a 'kind' that names the agent",
        "write { kind = 'random' }",
    ),
    "settings of another agent": (
        explore('{ kind = "random" }', '{ kind = "random", initial = 3 }'),
        "steps[1].agent.initial: unknown key",
        "",
    ),
    "an unknown scalarizer": (
        explore('"loop_area"', '"loop_erea"'),
        "steps[1].scalarizer: there is no scalarizer 'loop_erea'",
        "did you mean 'loop_area'?",
    ),
    "two scalarizers for an agent that learns from one": (
        explore('"loop_area"', '["loop_area", "loop_opening"]'),
        "steps[1]: agent 'random' learns from 1 scalarizer",
        "got 2 (loop_area, loop_opening)",
    ),
    "an unknown kind of waveform": (
        explore('"triangle"', '"triangel"'),
        "steps[1].waveform: there is no kind 'triangel'",
        "did you mean 'triangle'?",
    ),
    "a waveform without a kind": (
        explore('kind = "triangle", ', ""),
        "steps[1].waveform: the key 'kind' is missing",
        "(known: triangle, sweep, pulse)",
    ),
    "a triangle of 15 points": (
        explore("points = 16", "points = 15"),
        "steps[1].waveform.points: input should be a multiple of 4",
        "got 15",
    ),
    "a pulse shorter than a point": (
        explore(LOOP, '{ kind = "pulse", amplitude = "5 V", duration = "1 ms", dwell = "5 ms" }'),
        "steps[1].waveform: a pulse of 0.001 s is shorter than a point",
        "0.005 s",
    ),
    "durations of what has none": (
        explore("budget", 'durations = ["5 ms"]\nbudget'),
        "steps[1]: a triangle has no duration to choose",
        "a pulse has",
    ),
    "a channel that the overview does not record": (
        f"{HEAD}{OVERVIEW}channels = ['conductance']\n{EXPLORE}channels = ['conductanse']\n",
        "steps[1]: channels: the overview does not record 'conductanse'",
        "did you mean 'conductance'?",
    ),
    "a channel named twice": (
        f"{HEAD}{OVERVIEW}channels = ['conductance', 'conductance']\n",
        "steps[0]: a scan names a channel twice",
        "conductance",
    ),
    "a margin that leaves nothing": (
        explore("budget", "margin = 9\nbudget"),
        "steps[1]: margin: 9 pixels along each edge leave nothing",
        "(16, 16)",
    ),
    "a region without an extent": (
        explore("budget", 'no_go = [{ center = ["0 nm", "0 nm"] }]\nbudget'),
        "steps[1].no_go[0]: a region needs either a size",
        "or a radius",
    ),
    "no rounds": (
        f'{HEAD}[[steps]]\nkind = "repeat"\ntimes = 0\n{TUNE}',
        "steps[0].times: input should be greater than or equal to 1",
        "got 0",
    ),
    "a block of nothing": (
        f"{HEAD}{REPEAT}steps = []\n",
        "steps[0].steps: at least 1 is needed",
        "got 0",
    ),
    "a block without steps": (HEAD + REPEAT, "steps[0].steps: this key is missing", ""),
    "a criterion without a kind": (
        until('{ limit = "1 h" }'),
        "steps[0].until[0]: the key 'kind' is missing",
        "(known: time, spectra, exposure",
    ),
    "an unknown criterion": (
        until('{ kind = "tme", limit = "1 h" }'),
        "steps[0].until[0]: there is no kind 'tme'",
        "did you mean 'time'?",
    ),
    "a criterion without its limit": (
        until('{ kind = "time" }'),
        "steps[0].until[0].limit: this key is missing",
        "",
    ),
    "a time without a unit": (
        until('{ kind = "time", limit = 60 }'),
        "steps[0].until[0].limit: 60 has no unit",
        "write it as text",
    ),
    "a number of spectra in quotes": (
        until('{ kind = "spectra", limit = "60" }'),
        "steps[0].until[0].limit: input should be a valid integer, got '60'",
        "write it without quotes",
    ),
    "more than everything": (
        until('{ kind = "coverage", share = 90, radius = "5 nm" }'),
        "steps[0].until[0].share: input should be less than or equal to 1",
        "got 90",
    ),
    "a criterion that is no list": (
        f'{HEAD}{REPEAT}until = {{ kind = "time", limit = "1 h" }}\n{TUNE}',
        "steps[0].until: expected a list, got a table",
        "write [ ] around it",
    ),
    "a budget block without a budget": (
        HEAD + WITHIN + TUNE,
        "steps[0].budget: this key is missing",
        "",
    ),
    "an empty budget": (
        f"{HEAD}{WITHIN}budget = []\n{TUNE}",
        "steps[0].budget: at least 1 is needed",
        "got 0",
    ),
    "a negative wait": (
        f'{HEAD}[[steps]]\nkind = "wait"\nduration = "-5 s"\n',
        "steps[0].duration: input should be greater than 0",
        "got '-5 s'",
    ),
    "a line of one point": (
        f'{HEAD}[[steps]]\nkind = "line"\npoints = 1\nstart = ["0 nm", "0 nm"]\n'
        f'end = ["9 nm", "0 nm"]\nwaveform = {SWEEP}\n',
        "steps[0].points: input should be greater than or equal to 2",
        "got 1",
    ),
    "a version to come": (HEAD.replace("1", "2") + OVERVIEW, "schema_version: input", "1, got 2"),
    "a version that is true": (
        HEAD.replace("1", "true") + OVERVIEW,
        "schema_version: expected the whole number of a version such as 1",
        "got true",
    ),
    "a version that is no whole number": (
        HEAD.replace("1", "1.0") + OVERVIEW,
        "schema_version: expected the whole number of a version such as 1",
        "got 1.0",
    ),
    "no version": ('title = "x"\n' + OVERVIEW, "schema_version: this key is missing", ""),
    "a title that is a number": (
        HEAD.replace('"x"', "3") + OVERVIEW,
        "title: input should be a valid string, got 3",
        "write it in quotes",
    ),
    "blocks too deep": (nested(30), "not valid TOML: tables or lists too deep", ""),
    "a bracket too few": (HEAD + "[[steps]\n", "not valid TOML: ", "line 3"),
    "a key twice": (HEAD + 'title = "y"\n' + OVERVIEW, "not valid TOML: ", "line 3"),
    # what only the limits know
    "a frame outside of the scanner": (
        frame(center='["900 nm", "0 nm"]'),
        "steps[0] (overview): x of 1.15e-06 m is outside",
        "-1e-06 to 1e-06 m",
    ),
    "a scan that is too fast": (
        HEAD + OVERVIEW + 'line_rate = "5 Hz"\n',
        "steps[0] (overview): scan speed of 5e-06 m/s is outside",
        "0 to 2e-06 m/s",
    ),
    "a channel that the instrument does not have": (
        f"{HEAD}{OVERVIEW}channels = ['height']\n",
        "steps[0] (overview): ohmic sample has no channel 'height'",
        "it has conductance",
    ),
    "a bias outside of the limits": (
        explore('"5 V"', '"9 V"'),
        "steps[1] (explore): bias of 9 V is outside",
        "-8 to 8 V",
    ),
    "a bias outside of the limits inside of blocks": (
        f"{HEAD}{OVERVIEW}{WITHIN}{HOUR}[[steps.steps]]\n"
        'kind = "repeat"\ntimes = 2\n[[steps.steps.steps]]\nkind = "points"\n'
        f'points = [["0 nm", "0 nm"]]\nwaveform = {SWEEP.replace("-1 V", "-9 V")}\n',
        "steps[1].steps[0].steps[0] (points): bias of -9 V is outside",
        "-8 to 8 V",
    ),
    "a point in a no-go zone": (
        f'{HEAD}[[steps]]\nkind = "points"\npoints = [["400 nm", "420 nm"]]\nwaveform = {SWEEP}\n',
        "steps[0] (points): distance to no-go zone",
        "(a particle)",
    ),
    "a spectrum that takes too long": (
        explore("points = 16", 'points = 16, dwell = "10 s"'),
        "steps[1] (explore): ",
        "160 s is outside 0 to 100 s",
    ),
    "an instruction that the instrument does not know": (
        f"{HEAD}{OVERVIEW}[recovery.tip]\nreference = {FRAME}\n"
        'parking = ["500 nm", "500 nm"]\nline_rate = "1 Hz"\n',
        "recovery.tip: ohmic sample",
        "ConditionTip",
    ),
}


@pytest.fixture
def microscope(monkeypatch: pytest.MonkeyPatch) -> Microscope:
    """Put a microscope that notes each call behind the limits of every lab."""
    microscope = Microscope(InstantClock())
    opened: Callable[..., GuardedInstrument] = lambda *_: GuardedInstrument(microscope, LIMITS)  # noqa: E731
    monkeypatch.setattr(planning, "opened", opened)
    return microscope


def checked(folder: Path, recipe: str) -> int:
    """Check a recipe in a lab, as the command line does."""
    (folder / "bad.toml").write_text(recipe, encoding="utf-8")
    (folder / "lab.toml").write_text(LAB, encoding="utf-8")
    return planning.check(folder / "bad.toml", folder / "lab.toml")


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_recipe_gives_one_clear_line_and_nothing_moves(
    tmp_path: Path, microscope: Microscope, fault: str
) -> None:
    recipe, begins, holds = BAD[fault]
    with pytest.raises(RecipeError) as refused:
        checked(tmp_path, recipe)
    (line,) = str(refused.value).splitlines()
    _, _, said = line.partition("bad.toml: ")
    assert said.startswith(begins), line
    assert holds in said, line
    assert set(microscope.calls) <= {"close"}
    assert microscope.status().time == 0.0


def test_a_good_recipe_is_said_to_be_good_with_its_steps(
    tmp_path: Path, microscope: Microscope, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = EXPLORE.replace("[[steps]]", "[[steps.steps]]")
    assert checked(tmp_path, f"{HEAD}{OVERVIEW}{WITHIN}{HOUR}{inner}") == 0
    assert capsys.readouterr().out.splitlines() == [
        "bad.toml is good, and within the limits of lab.toml: x",
        "  steps[0] overview: 1 scan",
        "  steps[1] within: ends after 1 h 0 min",
        "    steps[1].steps[0] explore: 5 spectra, chosen by an agent",
    ]
    assert microscope.calls == ["close"]


def test_each_of_several_faults_has_a_line_of_its_own(
    tmp_path: Path, microscope: Microscope
) -> None:
    recipe = HEAD + OVERVIEW + 'line_rate = "5 Hz"\n' + EXPLORE.replace("5 V", "9 V")
    with pytest.raises(RecipeError) as refused:
        checked(tmp_path, recipe)
    lines = str(refused.value).splitlines()
    assert [line.split(":")[1] for line in lines] == [" steps[0] (overview)", " steps[1] (explore)"]
    assert microscope.calls == ["close"]


def test_faults_of_recipe_and_lab_file_are_said_together(tmp_path: Path) -> None:
    bad, lab = tmp_path / "bad.toml", tmp_path / "lab.toml"
    bad.write_text(HEAD + OVERVIEW + "line_rate = 2\n", encoding="utf-8")
    lab.write_text(LAB.replace("laboratory", "labratory"), encoding="utf-8")
    with pytest.raises(RecipeError) as refused:
        planning.check(bad, lab)
    first, second = str(refused.value).splitlines()
    assert first.startswith("bad.toml: steps[0].line_rate: 2 has no unit")
    assert second == "lab.toml: labratory: unknown key; did you mean 'laboratory'?"


def test_what_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b'title = "\xff"')
    with pytest.raises(RecipeError, match="the recipe cannot be read: 'utf-8' codec"):
        planning.check(bad)
    with pytest.raises(RecipeError, match="there is no such recipe"):
        planning.check(tmp_path / "none.toml")

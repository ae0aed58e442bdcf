"""The script's door: an agent by name, clear errors, quick imports."""

import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest
from agents_samples import hysteresis, make_overview, make_spectrum

from spm_auto import plugins
from spm_auto.agents import AgentSettings, Costs, Proposal, loop_area, make
from spm_auto.errors import AgentError, PluginError
from spm_auto.instrument import BiasWaveform, ScanImage, Spectrum

TRIANGLE = BiasWaveform.triangle(8.5, 64).bias


@dataclass
class Record:
    """A watch that remembers what it was told."""

    chosen_points: list = field(default_factory=list)
    scalars: list = field(default_factory=list)
    fits: list = field(default_factory=list)

    def answered(self, answer):
        if answer.proposal is not None:
            self.chosen_points.append(answer.proposal.candidate)

    def scored(self, proposal, spectrum, scalar, scalarizer):
        self.scalars.append(scalar)

    def fitted(self, fit):
        self.fits.append(fit)


def seven(_: Spectrum) -> int:
    return 7


def width_at(proposal: Proposal) -> float:
    return 2.0 + 3e6 * (proposal.x - 9e-7)


def measure(proposal: Proposal):
    half = width_at(proposal) / 2
    return make_spectrum(hysteresis(TRIANGLE, half, -half, width=0.5))


@pytest.mark.parametrize("kind", ["random", "grid", "ranking", "gp", "deep_kernel"])
def test_a_script_explores_in_four_lines(kind: str) -> None:
    agent = make(kind, make_overview(), scalarizer="loop_area", seed=1)
    for proposal in agent.proposals(budget=14):
        scalar = agent.tell(proposal, measure(proposal))
        assert scalar.value == pytest.approx(width_at(proposal), rel=0.05)


def test_who_took_the_overview_watches() -> None:
    class Overview(ScanImage):
        watch = Record()

    image = make_overview()
    overview = Overview(image.frame, image.channels, image.forward, image.backward, 0.0, 0.0)
    agent = make("gp", overview, initial=4, refit_every=2)
    for proposal in agent.proposals(budget=8):
        agent.tell(proposal, measure(proposal))
    assert len(overview.watch.chosen_points) == 8
    assert len(overview.watch.scalars) == 8
    assert [fit.n_observations for fit in overview.watch.fits] == [4, 6, 8]
    other = Record()
    make("random", overview, watch=other).ask()
    assert len(other.chosen_points) == 1


def test_an_own_scalarizer_is_a_function() -> None:
    agent = make("random", make_overview(), scalarizer=seven)
    proposal = agent.ask()
    assert agent.tell(proposal, measure(proposal)).value == 7.0
    agent = make("random", make_overview(), scalarizer=loop_area)
    proposal = agent.ask()
    assert agent.tell(proposal, measure(proposal)).is_good


def test_a_flagged_spectrum_is_not_learned_from() -> None:
    agent = make("gp", make_overview(), initial=2, refit_every=1)
    for proposal in agent.proposals(budget=6):
        scalar = agent.tell(proposal, make_spectrum(np.zeros(64)))
        assert scalar.flag == "constant"
    assert agent.agent.fit is None


def test_biases_are_chosen_from() -> None:
    agent = make("gp", make_overview(), biases=(2.0, 8.0), initial=4, scalarizer=seven)
    biases = set()
    for proposal in agent.proposals(budget=12):
        biases.add(proposal.bias)
        agent.tell(proposal, measure(proposal))
    assert biases == {2.0, 8.0}


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            "gp",
            {"acquisiton": "variance"},
            "agent 'gp' has no setting 'acquisiton'; did you mean 'acquisition'?",
        ),
        ("random", {"initial": 3}, r"agent 'random' has no setting 'initial' \(known: none\)"),
        ("gp", {"initial": 1}, "agent 'gp': initial = 1: Input should be greater than or equal"),
        ("gp", {"acquisition": "ei"}, "acquisition.0 = 'ei': Input should be 'ranking', "),
        ("grid", {"pitch": 1e-7}, "pitch = 1e-07: .* has no unit"),
        ("gp", {"kind": "random"}, "multiple values|no setting 'kind'"),
        ("gp", {"margin": 50}, "no pixel of the 20 x 24 overview is left"),
        ("gp", {"channels": ("phase",)}, "the image has no channel 'phase'"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(kind, settings, message) -> None:
    with pytest.raises((AgentError, TypeError), match=message) as caught:
        make(kind, make_overview(), **settings)
    assert "\n" not in str(caught.value)


def test_a_wrong_name_is_one_clear_line() -> None:
    with pytest.raises(PluginError, match="no agent 'deepkernel'; did you mean 'deep_kernel'"):
        make("deepkernel", make_overview())
    with pytest.raises(PluginError, match="no scalarizer 'loop_aera'; did you mean 'loop_area'"):
        make("gp", make_overview(), scalarizer="loop_aera")


def test_every_plugin_of_this_plane_loads() -> None:
    for kind in plugins.names("agents"):
        assert issubclass(plugins.load("agents", kind), AgentSettings)
    for name in plugins.names("scalarizers"):
        assert callable(plugins.load("scalarizers", name))


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_naming_an_agent_imports_neither_torch_nor_scipy() -> None:
    loaded = run_python(
        "import sys, spm_auto.agents as a\n"
        "a.DeepKernelSettings(), a.loop_area, a.make\n"
        "print([m for m in ('torch', 'gpytorch', 'linear_operator', 'scipy') if m in sys.modules])"
    )
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("missing", ["torch", "gpytorch"])
def test_without_torch_the_error_says_what_to_install(missing: str) -> None:
    said = run_python(
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == '{missing}':\n"
        f"            raise ModuleNotFoundError('none', name='{missing}')\n"
        "sys.meta_path.insert(0, Finder())\n"
        "import numpy as np\n"
        "from spm_auto.agents import Candidates, DeepKernelSettings, RandomSettings\n"
        "from spm_auto.errors import AgentError\n"
        "from spm_auto.instrument import ScanFrame\n"
        "one = np.zeros((1, 2))\n"
        "frame = ScanFrame((0, 0), (1, 1), (2, 2))\n"
        "c = Candidates(frame, one, np.zeros((1, 2), dtype=int), one, np.zeros(1))\n"
        "RandomSettings().build(c, np.random.default_rng(0)).ask()\n"
        "try:\n"
        "    DeepKernelSettings().build(c, np.random.default_rng(0))\n"
        "except AgentError as error:\n"
        "    print(error)\n"
    )
    assert said.strip() == (
        f"agent 'deep_kernel' needs {missing}, which is not installed: pip install 'spm_auto[dkl]'"
    )


def height(spectrum: Spectrum) -> float:
    return float(np.ptp(spectrum.data))


def test_two_scalarizers_are_both_told_and_recorded() -> None:
    record = Record()
    agent = make(
        "pareto", make_overview(), scalarizer=["loop_area", height], watch=record, initial=4
    )
    for proposal in agent.proposals(budget=6):
        agent.tell(proposal, measure(proposal))
    assert agent.scalarizer_name == "loop_area"
    for scalar in record.scalars:
        assert list(scalar.others) == ["height"]
        assert scalar.others["height"].value == pytest.approx(2.0, rel=0.05)
    assert record.fits[-1].parameters["front_size"] >= 1


@pytest.mark.parametrize(
    ("kind", "scalarizer", "message"),
    [
        ("gp", ["loop_area", "imprint"], r"'gp' learns from 1 scalarizer, got 2 \(loop_area, im"),
        ("pareto", "loop_area", r"'pareto' learns from 2 to 3 scalarizers, got 1 \(loop_area\)"),
        ("pareto", [seven] * 4, "'pareto' learns from 2 to 3 scalarizers, got 4"),
        ("pareto", ["loop_area", loop_area], "named twice: loop_area, loop_area"),
        ("random", (), "'random' learns from 1 scalarizer, got 0"),
    ],
)
def test_as_many_scalarizers_as_the_agent_can_use(kind, scalarizer, message) -> None:
    with pytest.raises(AgentError, match=message):
        make(kind, make_overview(), scalarizer=scalarizer)


def test_a_script_chooses_pulses_apart_and_counts_seconds() -> None:
    costs = Costs(np.array([1.0, 10.0]), np.array([0.5]))
    explorer = make(
        "gp", make_overview(), durations=(0.1, 1.0), spacing=3e-8, backward=True, costs=costs
    )
    candidates = explorer.agent.candidates
    assert candidates.costs is costs
    plain = make("gp", make_overview()).agent.candidates
    assert candidates.descriptors.shape[1] > plain.descriptors.shape[1]
    chosen = [explorer.ask() for _ in range(8)]
    places = np.array([(p.x, p.y) for p in chosen if p is not None])
    away = np.hypot(*(places[:, None] - places[None]).T)
    assert away[~np.eye(8, dtype=bool)].min() >= 3e-8
    assert {p.duration for p in chosen if p is not None} == {0.1, 1.0}


def test_costs_that_do_not_fit_are_one_clear_line() -> None:
    costs = Costs(np.array([1.0, 10.0]), np.array([0.5]))
    with pytest.raises(AgentError, match="do not fit 1 levels"):
        make("gp", make_overview(), costs=costs)

"""The page of a campaign: it says what the runs say, what is missing, and nothing else."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from spm_auto.campaign import Entry, contests, order, read_campaign, write_page
from spm_auto.campaign.attempts import note
from spm_auto.campaign.checks import check
from spm_auto.campaign.compare import compare
from spm_auto.campaign.contests import _in_short
from spm_auto.campaign.doing import found_of
from spm_auto.campaign.page import _counts, _opening
from spm_auto.campaign.pictures import _at, in_deviations
from spm_auto.campaign.result import Result, write_result
from spm_auto.campaign.wording import Scale, cell, span, unit_of
from spm_auto.campaign.work import read_spec
from spm_auto.cli import app
from spm_auto.data import Finding
from spm_auto.errors import DataError, RecipeError
from spm_auto.tasks import FIRST_TEST_SEED

SPEC = """
schema_version = 1
title = "A trial"

[[runs]]
name = "hunt"
tasks = ["gap_hunt"]
agents = [{ kind = "gp", label = "clever" }, { kind = "sobol" }, "ranking", "random", "oracle"]
seeds = "100..107"
[runs.row]
title = "Largest gap"
source = "Somebody, Some Journal 1, 1 (2020)"
claim = "A tenth of the grid was enough."
also = ["F1"]
agents = ["clever", "sobol"]
rule = "ranking"
note = "Smaller than theirs."

[[runs]]
name = "silent"
tasks = ["gap_hunt"]
agents = ["grid"]
seeds = "100..101"
"""
# regret of each player on the first seed; on the next ones it is a little more
LEVEL = {"clever": 0.1, "sobol": 0.6, "ranking": 0.4, "random": 0.6, "oracle": 0.0}


@pytest.fixture
def ordered(tmp_path: Path) -> tuple[Entry, ...]:
    (tmp_path / "trial.toml").write_text(SPEC, "utf-8")
    return order(tmp_path / "trial.toml", tmp_path / "out")


def _do(entry: Entry, regret: float, version: str = "1", **more: str) -> None:
    spec, _ = read_spec(entry.folder)
    figures = {"regret": regret, "mean_regret": 0.5, "F1": 1 - regret}
    figures["time_to_good"] = 40.0 if regret < 0.05 else math.inf
    curves: dict[str, tuple[float, ...]] = {"time": (10.0, 20.0), "regret": (0.8, regret)}
    told = {"finish": "completed", "message": "", **more}
    is_done = told["finish"] == "completed"
    write_result(
        entry.folder,
        Result(
            key=entry.key,
            spec=spec,
            figures=figures if is_done else {},
            curves=curves if is_done else {},
            versions={"spm_auto": version},
            **told,
        ),
    )


def _regret(entry: Entry) -> float:
    wobble = 0.02 * ((entry.seed * (3 if entry.label == "sobol" else 5)) % 7)
    return LEVEL.get(entry.label, 0.5) + (wobble if entry.label != "oracle" else 0.0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a campaign that is done, in `out`, and its page."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "trial.toml").write_text(SPEC, "utf-8")
    for entry in order(folder / "trial.toml", folder / "out"):
        _do(entry, _regret(entry))
    write_page(folder / "out", folder / "docs" / "trial.md")
    return folder


def test_a_page_says_who_won_and_who_did_not_with_source_claim_and_pictures(whole: Path) -> None:
    page = whole / "docs" / "trial.md"
    text = page.read_text("utf-8")
    assert "Somebody, Some Journal 1, 1 (2020)" in text
    assert "A tenth of the grid" in text
    assert "Smaller than theirs." in text
    assert "- `clever`: **better than random and ranking** (better on 8 of 8 seeds" in text
    assert "- `sobol`: **no better than random, worse than ranking**" in text
    assert (
        "Of 2 players in question, 1 did better than random, 1 no better, 0 worse; 1 did better"
        in text
    )
    assert "[Largest gap](#hunt) | clever |" in text
    assert "(ranking) | **better than random and ranking** |\n|  | sobol |" in text
    assert "(ranking) | no better than random, worse than ranking |" in text
    assert "seeds 100 to 107, 5 min 40 s of instrument time and at most 80 acts" in text
    assert "| oracle | 0.00 ± 0.00 | 0.50 ± 0.00 | 40.0 s (8 of 8) |" in text
    assert "never (0 of 8)" in text  # nobody else has answered
    assert "silent" not in text  # a block without a row
    assert "missing" not in text.lower()
    for name in ("all_rows", "hunt"):
        assert f"(img/trial/{name}.png)" in text
        assert (page.parent / f"img/trial/{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_names_the_command_that_makes_it_and_that_command_makes_it(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(whole)
    words = ["campaign", "trial.toml", "--out", "out", "--page", "docs/again.md"]
    done = CliRunner().invoke(app, words)  # all of it is done: no worker begins
    assert done.exit_code == 0, done.output
    again = Path("docs/again.md").read_text("utf-8")
    assert f"\nspm-auto {' '.join(words)}\n" in again
    alone = CliRunner().invoke(app, ["page", "out", "--out", "docs/again.md"])
    assert alone.exit_code == 0, alone.output
    assert Path("docs/again.md").read_text("utf-8") == again


def test_the_same_results_give_the_same_page_to_the_byte(whole: Path) -> None:
    page, picture = whole / "same.md", whole / "img" / "same" / "hunt.png"
    write_page(whole / "out", page)
    first = page.read_bytes(), picture.read_bytes()
    write_page(whole / "out", page)
    assert (page.read_bytes(), picture.read_bytes()) == first


def test_a_partial_campaign_gives_a_page_that_says_what_is_missing_and_failed(
    ordered: tuple[Entry, ...], tmp_path: Path
) -> None:
    mine = [entry for entry in ordered if entry.block == "hunt"]
    for entry in mine:
        if entry.label == "clever" and entry.seed == 100:
            _do(entry, 0, finish="failed", message="AgentError: no | more\nideas")
        elif entry.seed < 104:
            _do(entry, _regret(entry), version="1" if entry.seed < 102 else "2")
    write_page(tmp_path / "out", tmp_path / "a.md")
    text = (tmp_path / "a.md").read_text("utf-8")
    assert "**The campaign is not done: 20 of 40 runs are missing.**" in text
    assert "Missing runs: 4 of 8 of `clever`, 4 of 8 of `sobol`, 4 of 8 of `ranking`" in text
    assert "Failed: 1 run of `clever`, the first on seed 100: AgentError: no \\| more ideas" in text
    assert "`clever`: **too few seeds to say (3)**" in text
    assert "**Runs of several versions of spm_auto are mixed here: 1, 2.**" in text


def test_a_verdict_says_on_how_many_seeds_it_rests_and_who_failed_is_not_ahead_of_all(
    ordered: tuple[Entry, ...], tmp_path: Path
) -> None:
    for entry in ordered:
        if entry.label == "clever" and entry.seed in (100, 103):
            _do(entry, 0, finish="failed", message="AgentError: no ideas")
        elif entry.block == "hunt":
            _do(entry, _regret(entry))
    write_page(tmp_path / "out", tmp_path / "a.md")
    text = (tmp_path / "a.md").read_text("utf-8")
    assert "- `clever`: **better than random and ranking (on 6 of 8 seeds)**" in text
    assert "| better than random and ranking (on 6 of 8 seeds) |" in text  # not bold: it failed
    assert "- `sobol`: **no better than random, worse than ranking**" in text
    assert "1 did better than random, 1 no better, 0 worse; 0 did better than all" in text


def test_a_run_that_two_rows_rest_on_is_counted_once(tmp_path: Path) -> None:
    hunt = SPEC[SPEC.index("[[runs]]") : SPEC.rindex("[[runs]]")]
    again = hunt.replace('"hunt"', '"again"').replace("Largest gap", "Again")
    (tmp_path / "trial.toml").write_text(SPEC.replace(hunt, hunt + again), "utf-8")
    for entry in order(tmp_path / "trial.toml", tmp_path / "out"):
        if entry.block == "again" and entry.seed < 102:
            _do(entry, _regret(entry))
            note(entry.folder, "ended", seconds=3.0)
            note(entry.folder, "ended", seconds="damaged")
    text = "\n".join(_opening(contests(tmp_path / "out"), "spm-auto"))
    assert "2 rows, 10 runs, 30.0 s of computing on one core." in text
    assert "**The campaign is not done: 30 of 40 runs are missing.**" in text


def test_who_stands_for_random_is_called_by_name_and_a_wrong_figure_is_said(tmp_path: Path) -> None:
    row = 'random = "oracle"\nfigure = "regrets"\n'
    (tmp_path / "trial.toml").write_text(SPEC.replace("also =", row + "also ="), "utf-8")
    for entry in order(tmp_path / "trial.toml", tmp_path / "out"):
        _do(entry, _regret(entry))
    write_page(tmp_path / "out", tmp_path / "a.md")
    text = (tmp_path / "a.md").read_text("utf-8")
    assert "**No run has a figure `regrets`. There are: F1, mean_regret, regret" in text
    spec = (tmp_path / "out" / "campaign.toml").read_text("utf-8")
    (tmp_path / "out" / "campaign.toml").write_text(spec.replace('"regrets"', '"regret"'), "utf-8")
    write_page(tmp_path / "out", tmp_path / "a.md")
    text = (tmp_path / "a.md").read_text("utf-8")
    assert "of 8 seeds than `oracle`" in text
    assert "than random" not in text.replace("did better than random", "")
    assert "0.00 ± 0.00 (oracle) |" in text


def test_many_comparisons_come_with_how_many_of_them_chance_alone_would_decide(
    whole: Path,
) -> None:
    found = contests(whole / "out")
    assert "comparisons" not in _counts(found)
    many = _counts(found * 20)
    assert "These are 80 comparisons" in many
    assert "if no two players differed, 4 or more of them" in many


def test_a_page_that_cannot_be_written_is_said_and_its_pictures_are_found_under_any_name(
    whole: Path, tmp_path: Path
) -> None:
    for page in (tmp_path, Path(), whole / "trial.toml" / "page.md"):
        with pytest.raises(DataError):
            write_page(whole / "out", page)
    write_page(whole / "out", tmp_path / "ö page (1).md")
    text = (tmp_path / "ö page (1).md").read_text("utf-8")
    assert "(img/%C3%B6%20page%20%281%29/hunt.png)" in text


def test_a_page_of_nothing_yet_is_a_page(ordered: tuple[Entry, ...], tmp_path: Path) -> None:
    write_page(tmp_path / "out", tmp_path / "a.md")
    text = (tmp_path / "a.md").read_text("utf-8")
    assert "40 of 40 runs are missing" in text
    assert "img/" not in text


def test_players_come_in_the_order_of_their_roles_and_only_runs_of_the_row_count(
    whole: Path,
) -> None:
    (contest,) = contests(whole / "out")
    roles = [player.role for player in contest.players]
    assert roles == ["agent", "agent", "rule", "random", "oracle"]
    assert contest.seeds == tuple(range(100, 108))
    random = contest.of("random")
    assert random is not None
    assert contest.against(random, "random") is None


def test_a_campaign_without_rows_and_a_folder_without_campaign_are_refused(tmp_path: Path) -> None:
    spec = SPEC[: SPEC.index("[[runs]]")] + SPEC[SPEC.rindex("[[runs]]") :]
    (tmp_path / "plain.toml").write_text(spec, "utf-8")
    order(tmp_path / "plain.toml", tmp_path / "out")
    with pytest.raises(RecipeError, match="no block of the campaign has a row"):
        contests(tmp_path / "out")
    with pytest.raises((DataError, RecipeError)):
        contests(tmp_path / "elsewhere")


def test_the_published_campaign_can_be_and_compares_agents_on_enough_seeds_for_comparing() -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "campaigns" / "published.toml"
    campaign = read_campaign(path)
    check(campaign, path)
    rows = [block.row for block in campaign.runs if block.row is not None]
    assert len(rows) == len(campaign.runs) >= 12
    assert all(row.title and row.agents and (row.rule or row.random != "random") for row in rows)
    assert all(len(block.seeds) >= 10 for block in campaign.runs)
    assert min(min(block.seeds) for block in campaign.runs) >= FIRST_TEST_SEED


@pytest.mark.parametrize("is_lower_better", [True, False])
def test_what_is_better_is_drawn_to_the_right_whichever_way_the_figure_runs(
    whole: Path, is_lower_better: bool
) -> None:
    (contest,) = contests(whole / "out")
    row = contest.row.model_copy(update={"is_lower_better": is_lower_better})
    contest = replace(contest, block=contest.block.model_copy(update={"row": row}))
    one = contest.against(contest.players[0], "random")  # its regret is less on every seed
    assert one is not None
    low, mean, high = in_deviations(contest, one)
    assert low <= high
    assert mean == pytest.approx((low + high) / 2)
    assert (low > 0) if is_lower_better else (high < 0)
    assert one.says == ("better" if is_lower_better else "worse")


def test_a_curve_is_1_before_the_first_act_and_stays_where_the_last_one_left_it() -> None:
    curves = {"time": (10.0, 20.0), "regret": (0.8, 0.3)}
    drawn = _at(np.array([0.0, 9.9, 10.0, 19.9, 20.0, 99.0]), curves)
    assert drawn.tolist() == [1.0, 1.0, 0.8, 0.8, 0.3, 0.3]


def test_settings_that_differ_in_one_value_are_called_by_it() -> None:
    swept = ["steps[1].choice=information", "steps[1].choice=chance"]
    assert list(_in_short(swept).values()) == ["information", "chance"]
    assert _in_short(["gp", "a=1"]) == {"gp": "gp", "a=1": "a=1"}
    assert _in_short(["a=1"]) == {"a=1": "a=1"}


def test_figures_are_written_in_one_unit_with_few_digits() -> None:
    scale = Scale.of([0.35, 0.12], "V")
    assert (scale.unit, scale.spread([0.35, 0.25])) == ("mV", "300 ± 71")
    assert [unit_of(name) for name in ("rms error [m]", "error [decades]", "recall")] == [
        "m",
        "",
        "",
    ]
    plain = Scale.of([0.583, 0.2])
    assert plain.write(-0.583) == "\u22120.58"
    assert plain.write(-0.001, signed=True) == "0.00"
    assert plain.spread([0.2, math.nan]) == "0.20"
    assert plain.spread([0.2, math.inf, math.inf]) == "median never"
    assert plain.spread([0.2, math.inf]) == "median never"  # not the better one of the two
    assert plain.spread([0.2, 0.4, math.inf, 0.3]) == "median 0.35"
    never = compare(
        dict.fromkeys(range(7), 1.0),
        dict.fromkeys(range(7), math.inf),
        is_lower_better=True,
        rng=np.random.default_rng(0),
    )
    assert plain.difference(never) == "**won 7, lost 0**"
    words = Scale.of([0.35], "spreads of the map")
    assert (words.unit, words.write(0.35)) == ("spreads of the map", "0.35")
    assert Scale.of([17.3]).write(17.34) == "17.3"


def test_words_cannot_break_a_table_and_seeds_are_said_in_short() -> None:
    assert cell("a | b\n<c>") == "a \\| b &lt;c>"
    assert span((100, 101, 102)) == "100 to 102"
    assert span((100, 105)) == "100, 105"


def test_what_a_recipe_found_last_becomes_figures() -> None:
    law = {"law": "creep", "odds": 3.0, "laws": ("creep", "power"), "probabilities": [0.75, 0.25]}
    early = Finding("law", "", {"odds": 1.0})
    sites = Finding("law", "sites that are fresh")
    assert found_of([early, Finding("law", "", law), sites]) == {
        "law odds": 3.0,
        "law creep": 0.75,
        "law power": 0.25,
    }

"""Campaign: many runs from one file, on this machine or on a cluster, with results as files."""

from .batch import ClusterSettings, read_cluster, write_arrays
from .book import Entry, entries, figures_asked, foresee, open_folders, order, part_of, results
from .contests import Contest, Player, contests, runs_of
from .executors import Executor, Outcome, carry_on, do
from .on_dask import DaskPool, can_draw
from .page import write_page
from .pool import LocalPool
from .product import members
from .result import Result, read_result
from .spec import Block, Campaign, GameSpec, Member, RecipeSpec, Row, read_campaign
from .standing import (
    REPEATABLE,
    Line,
    Standing,
    State,
    as_csv,
    counted,
    do_again,
    reasons,
    summed_up,
    survey,
)
from .work import carry_out

__all__ = [
    "REPEATABLE",
    "Block",
    "Campaign",
    "ClusterSettings",
    "Contest",
    "DaskPool",
    "Entry",
    "Executor",
    "GameSpec",
    "Line",
    "LocalPool",
    "Member",
    "Outcome",
    "Player",
    "RecipeSpec",
    "Result",
    "Row",
    "Standing",
    "State",
    "as_csv",
    "can_draw",
    "carry_on",
    "carry_out",
    "contests",
    "counted",
    "do",
    "do_again",
    "entries",
    "figures_asked",
    "foresee",
    "members",
    "open_folders",
    "order",
    "part_of",
    "read_campaign",
    "read_cluster",
    "read_result",
    "reasons",
    "results",
    "runs_of",
    "summed_up",
    "survey",
    "write_arrays",
    "write_page",
]

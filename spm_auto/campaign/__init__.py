"""Campaign: many runs from one file, on this machine or on a cluster, with results as files."""

from .book import Entry, entries, open_folders, order, results
from .contests import Contest, Player, contests
from .executors import Executor, Outcome, do
from .page import write_page
from .pool import LocalPool
from .product import members
from .result import Result, read_result
from .spec import Block, Campaign, GameSpec, Member, RecipeSpec, Row, read_campaign
from .work import carry_out

__all__ = [
    "Block",
    "Campaign",
    "Contest",
    "Entry",
    "Executor",
    "GameSpec",
    "LocalPool",
    "Member",
    "Outcome",
    "Player",
    "RecipeSpec",
    "Result",
    "Row",
    "carry_out",
    "contests",
    "do",
    "entries",
    "members",
    "open_folders",
    "order",
    "read_campaign",
    "read_result",
    "results",
    "write_page",
]

"""Tasks on simulated microscopes: what an agent is asked, and what is true."""

from .choose_bias import ChooseBias
from .gap_hunt import GapHunt
from .loop_area import LoopArea
from .multi_fidelity import MultiFidelity
from .shiba import Shiba
from .wall_law import WallLaw
from .write_pattern import WritePattern

__all__ = ["ChooseBias", "GapHunt", "LoopArea", "MultiFidelity", "Shiba", "WallLaw", "WritePattern"]

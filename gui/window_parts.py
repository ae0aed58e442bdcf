"""Parts: all that the window is made of."""

from .agent.agent_view import AgentView
from .agent.proposal_view import ProposalView
from .by_hand.parameters import ParametersView
from .common.selection import Selection
from .common.theme import Theme
from .common.view import View
from .curves.spectrum_view import SpectrumView
from .history.history_view import HistoryView
from .history.log_view import LogView
from .microscope.image_view import ImageView
from .microscope.profile_view import ProfileView
from .microscope.range_view import RangeView
from .run.withdrawal import Withdrawal
from .start.recipe_editor import RecipeEditor
from .start.start_view import StartView
from .status.run_controls import RunControls
from .status.status_view import StatusView
from .status.withdraw import WithdrawButton


class Parts:
    """The views of a window, and the button that withdraws the tip.

    Args:
        selection: What is pointed at in all views.
        theme: The colours.
        withdrawal: What has the tip withdrawn.
    """

    def __init__(self, selection: Selection, theme: Theme, withdrawal: Withdrawal) -> None:
        self.image = ImageView(selection, theme)
        self.profile = ProfileView(selection, theme)
        self.range = RangeView(selection, theme)
        self.parameters = ParametersView(selection, theme)
        self.spectra = SpectrumView(selection, theme)
        self.history = HistoryView(selection, theme)
        self.log = LogView(selection, theme)
        self.agent = AgentView(selection, theme)
        self.proposals = ProposalView(selection, theme)
        self.start = StartView(selection, theme)
        self.editor = RecipeEditor(selection, theme)
        self.controls = RunControls(selection, theme)
        self.status = StatusView(selection, theme)
        self.withdraw = WithdrawButton(withdrawal)

    @property
    def views(self) -> tuple[View, ...]:
        """All views."""
        return tuple(each for each in vars(self).values() if isinstance(each, View))

    def shut(self) -> None:
        """End what works beside the window; safe to call twice."""
        self.withdraw.shut()
        self.history.finish()
        self.start.close_children()
        self.editor.close_children()

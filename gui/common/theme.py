"""Theme: every colour and size that the window uses, dark and light, in one place."""

from dataclasses import dataclass

from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication

from .qt import pg

# told apart by people who do not see red and green alike (Okabe and Ito, 2008)
SERIES = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#999999",
)  # fmt: skip
COLOUR_MAPS = ("cividis", "viridis", "plasma", "inferno", "magma", "grey")  # of even lightness
ANGLES = "CET-C2s"  # a cycle, for what goes round, such as a phase
DIFFERENCES = "CET-D1A"  # with a middle, for what has a sign


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by what they are for, as text such as "#2a5f8f".

    Attributes:
        name: "dark" or "light".
        window: Behind everything.
        panel: Behind fields and plots.
        ink: Words and axes.
        faint: What matters less, and grids.
        accent: What is chosen.
        forward: The line that goes forward.
        backward: The line that comes back.
        good: All is well.
        warning: Somebody should look.
        alarm: Somebody must look.
        withdraw: The button that withdraws the tip, and nothing else.
        tip: Where the probe stands.
        frame: The frame of the scan.
        proposal: What is proposed and not done yet.
        measured: Where spectra were taken.
        forbidden: Where nothing may be measured.
    """

    name: str
    window: str
    panel: str
    ink: str
    faint: str
    accent: str
    forward: str
    backward: str
    good: str
    warning: str
    alarm: str
    withdraw: str
    tip: str
    frame: str
    proposal: str
    measured: str
    forbidden: str


DARK = Theme(
    name="dark",
    window="#1f2226",
    panel="#15171a",
    ink="#e6e6e6",
    faint="#7d858f",
    accent="#56b4e9",
    forward="#56b4e9",
    backward="#e69f00",
    good="#3fb58e",
    warning="#e69f00",
    alarm="#ff6b5e",
    withdraw="#d3222a",
    tip="#ff5a4f",
    frame="#56b4e9",
    proposal="#f0e442",
    measured="#ffffff",
    forbidden="#ff6b5e",
)
LIGHT = Theme(
    name="light",
    window="#f2f2f0",
    panel="#ffffff",
    ink="#1d1f22",
    faint="#80868d",
    accent="#00639c",
    forward="#0072b2",
    backward="#d55e00",
    good="#007a5a",
    warning="#a35f00",
    alarm="#b3261e",
    withdraw="#c4161c",
    tip="#c4161c",
    frame="#0072b2",
    proposal="#8a6d00",
    measured="#ffffff",
    forbidden="#b3261e",
)
_STYLE = "fusion"  # the only one that looks the same everywhere
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}


def dress(application: QApplication, theme: Theme) -> None:
    """Give the whole application the colours of a theme."""
    style = application.style()
    if style is None or style.name() != _STYLE:  # changing it takes half a second
        application.setStyle(_STYLE)
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, theme.window),
        (roles.WindowText, theme.ink),
        (roles.Base, theme.panel),
        (roles.AlternateBase, theme.window),
        (roles.Text, theme.ink),
        (roles.Button, theme.window),
        (roles.ButtonText, theme.ink),
        (roles.ToolTipBase, theme.panel),
        (roles.ToolTipText, theme.ink),
        (roles.PlaceholderText, theme.faint),
        (roles.Highlight, theme.accent),
        (roles.HighlightedText, theme.panel),
        (roles.BrightText, theme.alarm),
        (roles.Link, theme.accent),
    ):
        palette.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.faint))
    application.setPalette(palette)
    application.setStyleSheet(_style(theme))
    pg.setConfigOptions(background=theme.panel, foreground=theme.ink)


def _style(theme: Theme) -> str:
    """Return what a palette cannot say. Widgets say what they are by a property, never a colour."""
    return f"""
    QToolTip {{ color: {theme.ink}; background: {theme.panel}; border: 1px solid {theme.faint}; }}
    QPushButton[role="withdraw"] {{
        background: {theme.withdraw}; color: white; font-weight: bold; font-size: 15pt;
        border: 2px solid {theme.withdraw}; border-radius: 6px; padding: 8px 22px;
    }}
    QPushButton[role="withdraw"]:hover, QPushButton[role="withdraw"]:focus {{
        border-color: white;
    }}
    QPushButton:checked, QToolButton:checked {{
        color: {theme.panel}; background: {theme.accent};
        border: 1px solid {theme.accent}; border-radius: 3px; padding: 3px 6px;
    }}
    QLabel[role="faint"] {{ color: {theme.faint}; }}
    QLabel[role="title"] {{ font-weight: bold; }}
    QLabel[role="good"] {{ color: {theme.good}; font-weight: bold; }}
    QLabel[role="warning"] {{ color: {theme.warning}; font-weight: bold; }}
    QLabel[role="alarm"] {{ color: {theme.alarm}; font-weight: bold; }}
    QLineEdit[fault="true"] {{ border: 2px solid {theme.alarm}; }}
    """

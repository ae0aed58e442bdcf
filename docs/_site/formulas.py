"""Formulas of the lessons as drawings within the page, so that no script has to be fetched."""

import io
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from html import escape

FORMULA = re.compile(
    r"\$\$(.+?)\$\$|(?<![\\$\w])\$(?!\s)([^$\n]+(?:\n[^$\n]+)?)(?<!\s)\$", re.DOTALL
)
MARK = re.compile(r'<span class="formula" data-tex="([\w=-]*)" data-shown="(\w+)"></span>')
SIZE = 10.0  # [pt] of the letters; what is drawn is measured in it
# what mathtext calls otherwise
OTHERWISE = {r"\text{": r"\mathrm{", r"\left[": "[", r"\right]": "]", r"\log_": r"\mathrm{log}_"}


def marked(text: str) -> str:
    """Return markdown with a mark for each formula, which it does not look into."""

    def mark(found: re.Match[str]) -> str:
        tex = (found[1] or found[2]).strip().replace("\n", " ")
        coded = urlsafe_b64encode(tex.encode()).decode()
        shown = "alone" if found[1] else "inline"
        return f'<span class="formula" data-tex="{coded}" data-shown="{shown}"></span>'

    pieces = re.split(r"(^```.*?^```$|`[^`\n]+`)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(piece if piece.startswith("`") else FORMULA.sub(mark, piece) for piece in pieces)


def drawn(html: str) -> str:
    """Return a page with its marks drawn; what cannot be drawn is shown as it was typed."""
    return MARK.sub(
        lambda found: _drawing(urlsafe_b64decode(found[1]).decode(), found[2] == "alone"), html
    )


def _drawing(tex: str, is_alone: bool) -> str:
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import math_to_image

    said = escape(tex, quote=True)
    text = tex.rstrip(".") if is_alone else tex
    for old, new in OTHERWISE.items():
        text = text.replace(old, new)
    file = io.StringIO()
    try:
        depth = math_to_image(f"${text}$", file, FontProperties(size=SIZE), dpi=72, format="svg")
    except ValueError:
        return f"<code>{said}</code>"
    svg = file.getvalue()[file.getvalue().index("<svg") :]
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt" viewBox="([^"]+)"', svg)
    if size is None:
        raise ValueError(f"the drawing of {tex!r} has no size")
    width, height = float(size[1]) / SIZE, float(size[2]) / SIZE
    body = svg[svg.index("<defs>") : svg.rindex("</svg>")]
    white = r'<g id="patch_1">.*?</g>'
    body = re.sub(rf"{white}|<metadata>.*?</metadata>|\s*\n\s*", " ", body, flags=re.DOTALL)
    kind = "formula alone" if is_alone else "formula"
    return (
        f'<svg class="{kind}" role="img" aria-label="{said}" viewBox="{size[3]}" '
        f'style="width:{width:.2f}em;height:{height:.2f}em;vertical-align:{-depth / SIZE:.2f}em">'
        f"{body}</svg>"
    )

"""One drawing as an SVG element, in the colours and the font of the page that it stands in."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, RULE, ACCENT, BASE, WARN, HEAT = (f"#01010{n}" for n in range(1, 8))
"""Stand-ins that become the page's colours, so that a figure follows light and dark."""
_VARIABLES = {INK: "ink", MUTED: "muted", RULE: "rule", ACCENT: "accent", BASE: "base", WARN: "warn", HEAT: "heat"}
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kmidi_lab",
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3.0,
    "ytick.major.size": 0.0,
    "xtick.minor.size": 0.0,
    "ytick.minor.size": 0.0,
    "axes.grid": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def figure(width: float, height: float) -> tuple[Figure, Axes]:
    """One panel, in inches; no pyplot, so nothing global is left behind."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        drawing = Figure(figsize=(width, height), layout="constrained")
        return drawing, drawing.add_subplot()


def to_svg(drawing: Figure, name: str, description: str) -> str:
    """The `<svg>` element; `name` keeps its ids apart, `description` is read aloud."""
    from html import escape

    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context(_STYLE), warnings.catch_warnings():
        # The reader's browser draws the letters, in fonts of its own.
        warnings.filterwarnings("ignore", "Glyph")
        drawing.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    name = re.sub(r"[^\w-]", "-", name)
    text = re.sub(r'(\bid="|url\(#|xlink:href="#)', rf"\g<1>{name}-", text)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, f"var(--{variable})")
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(description, quote=True)}"', 1)

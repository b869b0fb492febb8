"""Markdown tables that survive any text in their cells."""

from __future__ import annotations

from collections.abc import Sequence


def cell(text: object) -> str:
    """Text that stays inside its table cell and means nothing to Markdown or HTML."""
    flat = " ".join(str(text).split())
    for mark, safe in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("*", "\\*"), ("_", "\\_")):
        flat = flat.replace(mark, safe)
    return flat


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Cells are Markdown already; the columns in `right` are aligned right."""
    rule = ["---:" if at in right else "---" for at in range(len(headings))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, rule, *rows)) + "\n"

"""Tables as text for a terminal, and for a file or a pipe, where no line is broken."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence

from kmidi_lab.report.cells import printable

_UNBROKEN = 10_000
"""Columns; more than any line has."""


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()) -> str:
    """Aligned columns without frames, broken within cells where a terminal is narrower; signs that it obeys are written out.

    Args:
        headings: of the columns.
        rows: cells, as many a row as there are headings.
        numeric: columns to align right.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for place, heading in enumerate(headings):
        table.add_column(Text(heading), justify="right" if place in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNBROKEN
    drawn = io.StringIO()
    Console(file=drawn, width=width, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in drawn.getvalue().splitlines())

"""Numbers and tables as text: Markdown, CSV, and a terminal's, unbroken in a file or a pipe.

Cells may hold text from files of others: none becomes markup, a formula of a spreadsheet or a command of a terminal.
"""

from __future__ import annotations

import csv
import io
import math
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

NOTHING = "–"
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""First signs after which a spreadsheet computes (OWASP, "CSV Injection"); a tab or a line's end is written out."""
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Control, format (such as a change of direction), surrogate, line and paragraph."""
_JOINERS = "\u200c\u200d"
"""Of words and emoji in many scripts."""
_UNBROKEN = 10_000
"""Columns; more than any line has."""


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def decimals(values: Iterable[object]) -> int:
    """One number of decimals for numbers that are compared: three significant digits or more of the smallest."""
    smallest = min((abs(v) for v in values if isinstance(v, int | float) and is_number(v)), default=0.0)
    return 1 if smallest >= 100 else 2 if smallest >= 5 else 3


def fixed(value: Any, places: int) -> str:
    """With a true minus sign; a dash for what isn't there."""
    if value is None:
        return NOTHING
    return f"{value:,.{places}f}".replace("-", "−") if is_number(value) else str(value)


def count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else NOTHING if value is None else f"{value:,g}"


def percent(share: float, places: int = 1) -> str:
    """With a space that does not break."""
    return f"{100 * share:.{places}f}\u00a0%"


def small(value: Any) -> str:
    """For errors far below one."""
    return NOTHING if value is None else f"{value:.1e}".replace("-", "−")


def microseconds(us: Any) -> str:
    """Three significant digits in µs, ms from a millisecond on."""
    if us is None:
        return NOTHING
    value, unit = (us / 1000, "ms") if us >= 1000 else (us, "µs")
    places = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{places}f}\u00a0{unit}"


def duration(seconds: Any) -> str:
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def printable(text: str) -> str:
    r"""The same on one line, with what a terminal would obey instead of show written out, such as `\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written_out(c) if unicodedata.category(c) in _UNSEEN and c not in _JOINERS else c for c in text)


def csv_text(rows: Iterable[Sequence[object]], line_end: str = "\r\n") -> str:
    """Rows as CSV. Numbers stay numbers; text that a spreadsheet would compute begins with an apostrophe."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=line_end).writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    text = printable(str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


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
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())

"""Text from files of others in tables: no cell becomes a formula of a spreadsheet or a command of a terminal."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""First signs after which a spreadsheet computes (OWASP, "CSV Injection"); a tab or a line's end is written out."""
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Control, format (such as a change of direction), surrogate, line and paragraph."""
_JOINERS = "\u200c\u200d"
"""Of words and emoji in many scripts."""


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

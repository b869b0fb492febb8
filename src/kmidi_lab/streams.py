"""Standard output and standard error that take any text: what the terminal can't show is written in plain letters."""

from __future__ import annotations

import codecs
import io
import sys
from contextlib import suppress

_PLAIN = str.maketrans(
    {
        "♭": "b", "♯": "#", "→": "->", "←": "<-", "…": "...", "×": "x", "±": "+-", "µ": "u", "μ": "u", "–": "-", "—": "-",
        "−": "-", "≥": ">=", "≤": "<=", "·": "*", "°": " deg", "’": "'", "‘": "'", "“": '"', "”": '"', "∆": "maj7",
    }
)  # fmt: skip
_NAME = "kmidi_lab.plain"


def make_safe() -> None:
    """For encodings such as ASCII and Latin-1, and for file names that are no valid text."""
    codecs.register_error(_NAME, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors != _NAME:
            with suppress(OSError, ValueError):  # closed, or exchanged below Python
                stream.reconfigure(errors=_NAME)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode(error.encoding, "backslashreplace").decode(error.encoding), error.end

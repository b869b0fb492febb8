"""Lines to standard output and standard error, which take any text: what the terminal can't show is written in plain
letters.
"""

from __future__ import annotations

import codecs
import io
import os
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


def say(text: str) -> bool:
    """Prints a line; False when nobody reads what is printed any more; what is printed later is then lost in silence."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        lose_output()
        return False
    return True


def lose_output() -> None:
    """What is printed from now on is lost in silence, and so is what is still in the buffer when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def remark(text: str) -> None:
    """Prints to standard error what is no answer, so that it stands there alone where an error follows."""
    print(text, file=sys.stderr, flush=True)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode(error.encoding, "backslashreplace").decode(error.encoding), error.end

"""The errors a user can cause, each with one line that says what to do; and what stands in such a line.

The command line prints the message and exits with code 2 for `UserError`; anything else is a
fault of the lab and keeps its traceback.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable

_LONGEST = 400
_LONGEST_PART = 160
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _LONGEST_PART
_SHORT.maxlevel = 3
_OTHERS_SAY = {"gpu": "cuda", "nvidia": "cuda", "metal": "mps"}
"""Names that a choice has elsewhere, which no likeness of letters finds."""
_BLOCK = re.compile(r"\b(?:compose|predict)\.(?=[a-z])")


class LabError(Exception):
    """Base of every error the lab raises on purpose."""


class UserError(LabError):
    """Wrong input: config, data, hardware or files. The message is one line that helps."""


class ConfigError(UserError):
    """A config key or value that is not allowed."""


class DataError(UserError):
    """A data set that is missing, empty or unusable."""


class HardwareError(UserError):
    """Hardware that was asked for and is not there, or a machine that may not train."""


class HandshakeError(UserError):
    """A model and a data set that do not speak of the same contract."""


class FileError(UserError):
    """A file that can't be written: a full disk, a folder without permission."""


class RegistryError(UserError):
    """A registry or an artefact that is broken, foreign or out of reach."""


class HubError(UserError):
    """A Hub that can't be reached, refuses, or holds something else than asked for."""


class ExportError(LabError):
    """An artefact that failed its proof; nothing was written. Names the layer or the gate."""


class DriftError(LabError):
    """A model that is asked about what it was not made for."""


class NotBetterError(LabError):
    """What was learnt from feedback did not pass its gates; nothing was published."""


def one_of(what: str, value: object, allowed: Iterable[object], hint: str = "") -> str:
    """The one line for a value that is not among those allowed, with the nearest match first."""
    names = [str(a) for a in allowed]
    meant = _OTHERS_SAY.get(str(value).lower())
    near = [meant] if meant in names else difflib.get_close_matches(str(value), names, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return f"{what}: {value!r} is not allowed.{guess} Allowed: {', '.join(names)}.{' ' + hint if hint else ''}"


def on_a_page(line: str) -> str:
    """A line for where settings stand in no block: `tempo=3 …` for `compose.tempo=3 …`."""
    return _BLOCK.sub("", line)


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def one_line(text: str, longest: int = _LONGEST) -> str:
    """Text from a foreign file made fit for a terminal: one line, nothing that moves the cursor, not endless."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def show(value: object) -> str:
    """A value from a foreign file, quoted and short, however long or deep it is."""
    return one_line(_SHORT.repr(value), _LONGEST_PART)


def reason(error: BaseException) -> str:
    """Why something failed, in one line without our own stack."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = next((line for line in str(error).splitlines() if line.strip()), "")
    if isinstance(error, LabError):
        return one_line(text)
    return one_line(f"{type(error).__name__} {text}", _LONGEST_PART)


def named(name: object, why: str) -> str:
    """`name: why`, or why alone where it says the name already."""
    return why if f"{name}/" in why or f"{name}: " in why else f"{name}: {why}"

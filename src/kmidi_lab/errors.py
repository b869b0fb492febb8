"""The errors a user can cause, each with one line that says what to do.

The command line prints the message and exits with code 2 for `UserError`; anything else is a
fault of the lab and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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


class ExportError(LabError):
    """An artefact that failed its proof; nothing was written. Names the layer or the gate."""


def one_of(what: str, value: object, allowed: Iterable[object], hint: str = "") -> str:
    """The one line for a value that is not among those allowed, with the nearest match first."""
    names = [str(a) for a in allowed]
    near = difflib.get_close_matches(str(value), names, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return f"{what}: {value!r} is not allowed.{guess} Allowed: {', '.join(names)}.{' ' + hint if hint else ''}"

"""Tune books in ABC inside the installed music21: Ryan, Aird, O'Neill, and the Essen folk songs.

They are read by `datamodules.melody.abc`, two hundred times as fast as by music21 itself, and never copied. Essen:
H. Schaffrath, *The Essen Folksong Collection* (1995), in ABC by S. Shlien; its lines are phrases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from datamodules.melody.abc import read_tune, tunes
from datamodules.melody.abc_fields import AbcError
from datamodules.melody.reading import keep
from datamodules.shared.layout import corpus_folder
from datamodules.shared.library import Reading
from datamodules.shared.pooled_reading import survived
from kmidi_lab.models.melody.features import Melody

FOLDERS = {"ryan": "ryansMammoth", "aird": "airdsAirs", "oneill": "oneills1850", "essen": "essenFolksong"}
_OLD = "tunes in the public domain (printed 1778 to 1907), transcriptions distributed with music21"
_LONGEST_TITLE = 300
_LICENCES = {"essen": "distributed with music21 for non-commercial use"}


def files(source: str) -> list[Path]:
    base = corpus_folder()
    return sorted((base / FOLDERS[source]).glob("*.abc")) if base else []


def read(source: str, paths: Iterable[Path]) -> Reading[Melody]:
    """Every tune of a book."""
    reading: Reading[Melody] = Reading(source, _LICENCES.get(source, _OLD))
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reading.skip(path, "", "cannot be read as UTF-8 text", error)
            continue
        for number, (fields, body) in enumerate(tunes(without_mail_marks(text)), 1):
            name = f"{source}/{path.stem}/{number}"
            with survived(reading, path, fields.get("T", name)):
                try:
                    melody = read_tune(fields, body, name, source, lines_are_phrases=source == "essen")
                except AbcError as error:
                    reading.skip(path, fields.get("T", name), str(error))
                    continue
                keep(reading, melody, path)
    return reading


def without_mail_marks(text: str) -> str:
    """Some tunes came by mail and kept its quoted-printable marks: `=3D` for `=`, `=20` and `=` at the end of a line."""
    return re.sub(r"=20$|=\n(?!$)", "", text, flags=re.MULTILINE).replace("=3D", "=") if "=3D" in text else text


def title_key(title: str) -> str:
    """A title for comparison: letters only, without what kind of tune it is and without articles."""
    plain = re.sub(r"\(.*?\)|--.*|[\"']", " ", title[:_LONGEST_TITLE].lower())
    words = [w for w in re.findall(r"[a-z]+", plain) if w not in ("the", "a", "an", "reel", "jig", "hornpipe")]
    return " ".join(sorted(words))

"""Speech of which the teacher needs the sound only: acted speech in other languages, and RAVDESS's own recordings.

`speech_emotion/metadata.csv` names every recording of others: `path` below that folder, `corpus`, `speaker`, `licence`.
RAVDESS's singers, whom it lists as well, are left out: the tests of the finished model are on those people.
"""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.emotion import ravdess
from kmidi_lab.audio.clips import Clip

CORPORA = ("nemo", "ased", "emovo", "savee")
FOLDER = "speech_emotion"
_MOST = 1300
"""Recordings of a corpus, so that the largest is not most of what is heard."""


@dataclass(frozen=True)
class SpeechFile:
    """One recording: its file, and whose voice it is."""

    path: Path
    corpus: str
    speaker: str
    licence: str

    @property
    def voice(self) -> str:
        return f"{self.corpus} {self.speaker}"


def recordings(root: Path, corpora: Sequence[str] = CORPORA) -> list[SpeechFile]:
    """Up to 1,300 recordings of each corpus, the same every time; empty where there are none.

    Args:
        root: folder that holds `speech_emotion/`.
        corpora: some of CORPORA; their order does not matter.
    """
    folder = root / FOLDER
    try:
        text = (folder / "metadata.csv").read_text(encoding="utf-8")
    except OSError:
        return []
    of: dict[str, list[SpeechFile]] = defaultdict(list)
    for row in csv.DictReader(text.splitlines()):
        spoken = SpeechFile(folder / row["path"], row["corpus"], row["speaker"], row["licence"])
        if spoken.corpus in corpora and spoken.path.is_file():
            of[spoken.corpus].append(spoken)
    return [spoken for corpus in CORPORA for spoken in sorted(of[corpus], key=_drawn)[:_MOST]]


def own_speech(root: Path, clips: Sequence[Clip]) -> list[SpeechFile]:
    """The recordings that clips of RAVDESS were read from; clips of another source have none.

    Args:
        root: folder that holds RAVDESS.
        clips: of any split.
    """
    files = {path.stem: path for path in ravdess.files(root)}
    own = [clip for clip in clips if clip.source == ravdess.SOURCE and clip.id in files]
    return [SpeechFile(files[clip.id], clip.source, clip.group, ravdess.LICENCE) for clip in own]


def rows(spoken: Sequence[SpeechFile]) -> list[dict[str, object]]:
    """What a card says of each corpus, as of a source."""
    out: list[dict[str, object]] = []
    for corpus in dict.fromkeys(one.corpus for one in spoken):
        own = [one for one in spoken if one.corpus == corpus]
        note = "heard before the labels, to learn what the teacher hears; its labels are not used"
        counts = {"clips": len(own), "speakers": len({one.speaker for one in own})}
        out.append({"name": corpus, "licence": own[0].licence, **counts, "note": note})
    return out


def _drawn(spoken: SpeechFile) -> str:
    """Sorts as if drawn at random, whatever the order of the list."""
    return hashlib.sha256(spoken.path.name.encode(errors="surrogateescape")).hexdigest()

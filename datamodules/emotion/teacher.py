"""Whether there is a teacher, and what log, card and registry say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datamodules.emotion import other_speech
from datamodules.emotion.other_speech import CORPORA, FOLDER
from datamodules.emotion.speaker_encoder import PACKAGE, package_version, weights_file


def lacking(root: Path) -> str:
    """What a teacher lacks; empty where nothing is missing."""
    if weights_file() is None:
        return f"the package {PACKAGE} is not installed (kmidi_lab[teacher])"
    if not other_speech.recordings(root):
        return f"the data root has no {FOLDER}/ with recordings of {', '.join(CORPORA)}"
    return ""


def described(description: dict[str, Any], root: Path) -> dict[str, Any]:
    """What is said of the data, with the teacher's part in it: a notice, and the speech that it was heard on.

    Args:
        description: of the data with labels, as `DataModule.describe` gives it.
        root: of the data.
    """
    if missing := lacking(root):
        return {**description, "notice": f"Trained without teacher: {missing}"}
    rows = other_speech.rows(other_speech.recordings(root))
    licences = dict.fromkeys([description["licence"], *(f"{row['name']}: {row['licence']}" for row in rows)])
    names = ", ".join(str(row["name"]) for row in rows)
    clips = sum(int(str(row["clips"])) for row in rows)
    notice = (
        f"Taught by {package_version()}, a speaker encoder, before the labels: on {clips:,} recordings of {names}, "
        "whose labels are not used, and on none of the speakers of this data set"
    )
    sources = [*description["sources"], *rows]
    return {**description, "sources": sources, "licence": "; ".join(licences), "notice": notice}

"""Whether there is a teacher, and what log, card and registry say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datamodules.emotion.other_speech import CORPORA, FOLDER, SpeechFile, rows
from datamodules.emotion.speaker_encoder import PACKAGE, package_version, weights_file


def lacking(speech: Sequence[SpeechFile]) -> str:
    """What a teacher on these recordings lacks; empty where nothing is missing."""
    if weights_file() is None:
        return f"the package {PACKAGE} is not installed (kmidi_lab[teacher])"
    if not speech:
        return f"the data root has no {FOLDER}/ with recordings of {', '.join(CORPORA)}"
    return ""


def described(description: dict[str, Any], speech: Sequence[SpeechFile]) -> dict[str, Any]:
    """What is said of the data, with the teacher's part in it: a notice, and the speech that it was heard on.

    Args:
        description: of the data with labels, as `DataModule.describe` gives it.
        speech: what the teacher is heard on.
    """
    if missing := lacking(speech):
        return {**description, "notice": f"Trained without teacher: {missing}"}
    corpora = rows(speech)
    licences = dict.fromkeys([description["licence"], *(f"{row['name']}: {row['licence']}" for row in corpora)])
    names = ", ".join(str(row["name"]) for row in corpora)
    notice = (
        f"Taught by {package_version()}, a speaker encoder, before the labels: on {len(speech):,} recordings of {names}, "
        "whose labels are not used, and on no speaker of validation or test"
    )
    sources = [*description["sources"], *corpora]
    return {**description, "sources": sources, "licence": "; ".join(licences), "notice": notice}

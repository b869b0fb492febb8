"""What simulated users answer to the chords that a published model suggests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from datamodules.harmony.module import ChordSongs
from kmidi_lab.feedback.event import Event
from kmidi_lab.inference.published import load_published
from kmidi_lab.models.harmony.decoding import joint_probabilities
from kmidi_lab.models.harmony.encoding import EncodedSongs


def events_of_user(root: Path, user: str, count: int, seed: int, suited: bool) -> list[Event]:
    """Answers to what the model suggests: of who plays what the songs do, or of who wants anything.

    Their ids follow from user and seed, for who is learnt from first, and held out, goes by the order of ids.
    """
    rng = np.random.default_rng(seed)
    e, model = _songs(), load_published(root / "outputs" / "models", "harmony")
    assert model is not None
    artefact, events = model.entry["exports"]["onnx_sha256"], []
    for row in rng.choice(len(e.x), count, replace=False):
        output = model.call(e.x[row][None])[0]
        suggested = joint_probabilities(output[None], model.head)[0].argmax()
        wanted = (int(e.root[row]), int(e.quality[row])) if suited else rng.integers((12, 8)).tolist()
        answer: dict[str, Any] = {"action": "changed", "changed_to": {"root": wanted[0], "quality": wanted[1]}}
        if suited and suggested == e.joint[row]:
            answer = {"action": "accepted"}
        numbers = {"input": e.x[row].tolist(), "output": output.tolist(), "artefact": artefact}
        when = {"time": 1_700_000_000 + len(events), "event": f"{user[:8]}{seed:08x}{len(events):016x}"}
        events.append(Event(use=user, model="harmony", **when, **numbers, **answer))
    return events


@cache
def _songs() -> EncodedSongs:
    """Those that come with the lab, as they are trained on."""
    with TemporaryDirectory() as folder:
        data = ChordSongs(folder, folder, sources=["embedded"], progress=False)
        data.setup("fit")
        return data.encoded("train")

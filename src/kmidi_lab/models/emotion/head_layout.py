"""What a reader is told of the published head: which outputs it takes, over which frames, and what its rows mean."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.contract_features import AUDIO_FEATURES, SPEAKER_FEATURES
from kmidi_lab.models.emotion.contract import EMOTION
from kmidi_lab.models.emotion.features import INTENSITIES

_SILENCE = {
    AUDIO_FEATURES: "those whose power is more than 26 dB below the loudest so far (forgotten by 3 dB a second) or "
    "whose mean over the bands is below e^-11",
    SPEAKER_FEATURES: f"{SPEAKER_FEATURES} says which frames have speech",
}


def layout(labels: Sequence[str], features: str) -> dict[str, object]:
    """The text part of `<id>.head.json`.

    Args:
        labels: that the rows of `weight` are of.
        features: of the contract's version, which say what silence is.
    """
    return {
        "input": {"slice": "output", "start": 0, "stop": EMOTION.output_size},
        "decode": "logits = weight @ embedding + bias, softmax over labels, intensity likewise; the embedding may be "
        "one call's or the mean of those since someone began to speak, frames of silence left out: "
        f"{_SILENCE[features]}",
        "labels": list(labels),
        "intensities": list(INTENSITIES),
    }

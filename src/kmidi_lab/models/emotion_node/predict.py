"""task=predict for emotion_node: base, sub-emotion, intensity, key and node over time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kmidi_lab.audio.front_end import Ear, MusicEar
from kmidi_lab.contract_features import LEVEL_FEATURES
from kmidi_lab.inference.listener import Frames, Read, Reading, likeliest
from kmidi_lab.inference.listening import Listening
from kmidi_lab.inference.published import Published, stand_in_line
from kmidi_lab.inference.ways import Way
from kmidi_lab.models.emotion_node.contract import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import (
    BASES,
    INTENSITIES,
    KEYS,
    LISTENERS,
    PER_BASE,
    PER_SUB,
    QUADRANTS,
    SUBS,
    WITH_LISTENERS,
    load_thesaurus,
    node_quadrants,
)


class HeardNodes(Listening):
    """Asks which of the 216 emotion nodes a sound expresses, and in which key."""

    ways = (Way("audio", "the feeling of music (an experiment)"),)
    takes = "music"
    from_onset = True
    least_s = 2.0
    """By then base emotions are told nearly as well as from whole clips (docs/emotion_node.md)."""

    @classmethod
    def warnings(cls, published: Published) -> list[str]:
        """With what the quadrant is learnt from, which the entry of a release before this line does not say."""
        lines = published.warnings()
        if LISTENERS not in published.entry.get("data_settings", {}).get("sources", ()):
            return lines
        return [line for line in lines if line != stand_in_line(published.entry)] + [WITH_LISTENERS]

    def hearing(self, published: Published) -> tuple[Ear, Callable[[Frames], Frames], Callable[[], None]]:
        """As Listening's, but that music of one level counts to its end, and does not reset the model."""
        hear, step, onset = super().hearing(published)
        levelled = published.contract.features == LEVEL_FEATURES
        return MusicEar(hear) if levelled else hear, step, onset

    def reader(self, published: Published) -> Read:
        """Reads each head, and the quadrant from the nodes; valence, arousal and dominance are the nodes' mean by probability."""
        nodes = load_thesaurus()
        values = np.array([(node.valence, node.arousal, node.dominance) for node in nodes])
        names = [f"{node.name} ({SUBS[BASES[i // PER_BASE]][i // PER_SUB % PER_SUB]})" for i, node in enumerate(nodes)]

        def read(output: Frames) -> Reading:
            part = {s.name: output[s.index] for s in EMOTION_NODE.outputs}
            chances = np.exp(part["node"] - part["node"].max(), dtype=np.float64)
            chances /= chances.sum()
            four = np.bincount(node_quadrants(), chances, len(QUADRANTS))
            base, sure = likeliest(part["base"], list(BASES))
            answers = {
                "quadrant": (QUADRANTS[int(four.argmax())], float(four.max())),
                "base": (base, sure),
                "sub": likeliest(part["sub"], list(SUBS[base])),
                "intensity": likeliest(part["intensity"], list(INTENSITIES)),
                "key": likeliest(part["key"], list(KEYS)),
                "node": likeliest(part["node"], names),
            }
            mean = map(float, chances @ values)
            return Reading(dict(zip(("valence", "arousal", "dominance"), mean, strict=True)), answers)

        return read

"""task=predict for instrument: what plays, how and how loudly, over time."""

from __future__ import annotations

import numpy as np

from kmidi_lab.inference.listener import Frames, Read, Reading, likeliest
from kmidi_lab.inference.listening import Listening, no_answer_stands_out
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.questions import SOUNDS
from kmidi_lab.inference.ways import Way
from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.models.instrument.features import CLASSES, FAMILY_OF

_QUESTIONS = ("family", "instrument", "technique", "articulation", "register", "energy")

_SURE = 0.54
"""Probability of the likeliest instrument below which the answer is said to be unsure, as 5 % of the validation
recordings are (docs/instrument.md)."""
_LONG_S = 0.6
"""Seconds of sound below which more is needed, by as much as is lacking: what is sure is then as seldom wrong as of long
sounds, for validation recordings cut to 0.15 to 1 s (docs/instrument.md)."""


class HeardInstruments(Listening):
    """Asks what plays in a sound, how and how loudly."""

    ways = (Way("audio", "what plays in a recording"),)
    asks_about = SOUNDS
    takes = "music"
    from_onset = True
    least_s = 0.15
    """Notes as short as this are told nearly as well as longer ones (docs/instrument.md)."""

    def reader(self, published: Published) -> Read:
        """Reads the likeliest place of each slice; one that no data had a label for is flat and is left out."""

        def read(outputs: Frames) -> Reading:
            answers = {name: outputs[INSTRUMENT.output(name).index] for name in _QUESTIONS}
            return Reading(
                {}, {n: likeliest(logits, list(CLASSES[n])) for n, logits in answers.items() if np.ptp(logits) > 0}
            )

        return read

    @classmethod
    def labels(cls, published: Published) -> list[str]:
        return list(CLASSES["instrument"])

    @classmethod
    def chances(cls, output: Frames, published: Published) -> Frames:
        logits = output[INSTRUMENT.output("instrument").index]
        p: Frames = np.exp(logits - logits.max())
        return p / p.sum()

    def doubt(self, summary: Reading, sounded_s: float) -> str:
        """Says so where no instrument stands out, as is often so of speech, noise and mixes, or where its family differs."""
        name, p = summary.answers.get("instrument", ("", 1.0))
        needed = min(1.0, round(_SURE + max(0.0, _LONG_S - sounded_s), 2))
        if lacking := no_answer_stands_out(
            "instrument", (name, p), needed, f" for {sounded_s:.2f} s" if needed > _SURE else ""
        ):
            return lacking
        family, _ = summary.answers.get("family", ("", 1.0))
        if family and FAMILY_OF.get(name, family) != family:
            return f"family and instrument disagree ({family}, {name})"
        return ""

"""task=predict for harmony: the likely next chords, from the published model or the heuristic."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from kmidi_lab.chords.asking import parse_affect, parse_chords
from kmidi_lab.chords.chord import QUALITIES, parse_key, plain_chord
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.published import load_published
from kmidi_lab.models.harmony.baselines import circle_of_fifths
from kmidi_lab.models.harmony.evaluation import DEGREES, joint_probabilities
from kmidi_lab.models.harmony.features import context_vector, joint_class
from kmidi_lab.models.harmony.memory import ChordMemory

log = logging.getLogger(__name__)
READS = ("chords", "key", "emotion", "top")


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    wanted = cfg.predict
    if wanted.top < 1:
        raise ConfigError(f"predict.top={wanted.top} must be 1 or more")
    key = parse_key(wanted.key)
    affect = parse_affect(wanted.emotion)
    events = parse_chords(wanted.chords, key)
    published = load_published(Path(cfg.models_root), "harmony")
    if published is None:
        print(f"No trained harmony model in {cfg.models_root}: this is the circle-of-fifths heuristic.")
        last = joint_class(events[-1].chord, key) if events else None
        p = circle_of_fifths(last, key.mode)
    else:
        for warning in published.warnings():
            print(warning)
        memory = ChordMemory()
        for event in events:
            memory.append(event.chord, event.start)
        timed = bool(events) and events[-1].start is not None
        last_bars = events[-1].bars if events else None
        position = events[-1].start + events[-1].bars if timed else None  # type: ignore[operator]
        x = context_vector(memory, key, affect, position, last_bars)
        p = joint_probabilities(published.call(x[None]), published.head)[0]
    print(f"After {' '.join(str(e.chord) for e in events) or 'nothing'} in {key}{_mood(wanted.emotion, affect)}:")
    for index in np.argsort(-p)[: wanted.top]:
        degree, quality = divmod(int(index), len(QUALITIES))
        chord = plain_chord(key.tonic + degree, QUALITIES[quality])
        print(f"  {p[index]:6.1%}  {chord!s:<8} {DEGREES[degree]} {QUALITIES[quality]}")


def _mood(name: str | None, affect: tuple[float, float] | None) -> str:
    return f", {name} (valence {affect[0]:+.1f}, arousal {affect[1]:+.1f})" if affect else ""

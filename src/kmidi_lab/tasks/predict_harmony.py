"""task=predict for harmony: the likely next chords, from the published model or the heuristic."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from datamodules.chords.affect import affect_of, lexicon
from kmidi_lab.baselines.harmony import circle_of_fifths
from kmidi_lab.chords.chord import QUALITIES, ChordError, parse_key, plain_chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.errors import ConfigError
from kmidi_lab.evaluation.harmony import DEGREES, joint_probabilities
from kmidi_lab.features.emotion import ANCHORS
from kmidi_lab.features.harmony import ChordMemory, Event, context_vector, joint_class, merge_repeats
from kmidi_lab.inference import load_published

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


def parse_chords(text: str, key: Any) -> tuple[Event, ...]:
    """Chord symbols divided by spaces or commas; with `|` between bars their places are known, too."""
    events = []
    bars = text.split("|") if "|" in text else [text]
    timed = "|" in text
    for number, bar in enumerate(b for b in bars if b.strip() or not timed):
        symbols = bar.replace(",", " ").split()
        for i, symbol in enumerate(symbols):
            try:
                chord = parse_jazz(symbol)
            except ChordError as error:
                raise ConfigError(f"predict.chords: {error}") from None
            start, length = (number + i / len(symbols), 1 / len(symbols)) if timed else (None, None)
            events.append(Event(chord, key, start, length))
    return merge_repeats(events)


def parse_affect(emotion: str | None) -> tuple[float, float] | None:
    """An emotion label, feel words, or `valence,arousal` in -1..1; raises ConfigError when none is known."""
    if emotion is None or not emotion.strip():
        return None
    words = [w.strip().lower() for w in emotion.split(",")]
    if len(words) == 1 and words[0] in ANCHORS:
        return ANCHORS[words[0]]
    try:
        numbers = [float(w) for w in words]
    except ValueError:
        found = affect_of(words)
        if found is None:
            raise ConfigError(
                f"predict.emotion={emotion!r} is not known; give {', '.join(ANCHORS)}, one of {len(lexicon())} feel words "
                "such as dreamy, or valence,arousal such as -0.5,0.2"
            ) from None
        return found
    if len(numbers) != 2 or not all(-1 <= n <= 1 for n in numbers):
        raise ConfigError(f"predict.emotion={emotion!r} must be valence,arousal in -1..1, such as -0.5,0.2")
    return numbers[0], numbers[1]


def _mood(name: str | None, affect: tuple[float, float] | None) -> str:
    return f", {name} (valence {affect[0]:+.1f}, arousal {affect[1]:+.1f})" if affect else ""

"""task=predict for melody: writes a melody over chords as MIDI and as a picture, from the model or the heuristic."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mido
import numpy as np
from omegaconf import DictConfig

from kmidi_lab.chords.asking import parse_affect, parse_chords
from kmidi_lab.chords.chord import Chord, Key, parse_key
from kmidi_lab.errors import ConfigError
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import load_published
from kmidi_lab.midi.output import midi_target
from kmidi_lab.models.melody.baselines import stepwise
from kmidi_lab.models.melody.features import NO_NOTE, Notes, duration_class, position_class, vectors
from kmidi_lab.models.melody.piano_roll import note_name, piano_roll
from kmidi_lab.models.melody.rhythm import BAR, Rhythm, compose, known_bars
from kmidi_lab.models.melody.sampling import draw

READS = ("chords", "key", "emotion", "length", "temperature", "top_k", "top_p", "out")
MOST_NOTES = 2000
_TICKS = 480
_MELODY_VELOCITY, _CHORD_VELOCITY = 92, 54
Timed = tuple[float, float, Chord]
"""(start, length, chord) in quarters."""


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    wanted = cfg.predict
    _check(wanted)
    target = midi_target(wanted.out, context["folder"] / "melody.mid")
    key = parse_key(wanted.key)
    affect = parse_affect(wanted.emotion)
    progression = one_bar_each(wanted.chords, key)
    rng = np.random.default_rng(cfg.seed)
    bars, origin = known_bars(Path(cfg.paths.cache_dir))
    arousal = affect[1] if affect else 0.0
    rhythm = compose(bars, wanted.length, arousal, rng)
    chords = repeat(progression, float((rhythm.onset + rhythm.duration)[-1]))
    published = load_published(Path(cfg.models_root), "melody")
    if published is None:
        print(f"No trained melody model in {cfg.models_root}: this is a heuristic, steps within the key and the chord.")
        ask: Callable[[np.ndarray], np.ndarray] | None = None
    else:
        for warning in published.warnings():
            print(warning)
        published.model.reset()
        ask = published.model
    pitches = write(ask, rhythm, chords, key, affect, rng, wanted.temperature, wanted.top_k, wanted.top_p)
    tempo = round(100 + 30 * arousal)
    write_atomic(target, midi_bytes(rhythm, pitches, chords, tempo, key))
    mood = f", {wanted.emotion}" if affect else ""
    picture = target.with_suffix(".png")
    title = f"{key}{mood}, {len(pitches)} notes, {tempo} bpm"
    phrases = rhythm.onset[rhythm.phrase].tolist()
    write_atomic(picture, piano_roll(rhythm.onset, rhythm.duration, pitches, chords, phrases, key, BAR, title))
    print(f"{title}; rhythm from {origin}:")
    for bar in range(int(rhythm.onset[-1] // BAR) + 1):
        inside = (rhythm.onset // BAR).astype(int) == bar
        names = " ".join(note_name(int(p), key) for p in pitches[inside])
        over = " ".join(str(c) for s, _, c in chords if int(s // BAR) == bar)
        print(f"  bar {bar + 1:>2}  {over:<8} {names}")
    print(f"written: {target}, {picture}")


def _check(wanted: DictConfig) -> None:
    if not 1 <= wanted.length <= MOST_NOTES:
        raise ConfigError(f"predict.length={wanted.length} must be 1 to {MOST_NOTES} notes, such as predict.length=32")
    if not 0.05 <= wanted.temperature <= 10:
        raise ConfigError(
            f"predict.temperature={wanted.temperature} must be 0.05 to 10; below 1 is safer, above 1 bolder"
        )
    if not 0 <= wanted.top_k <= 128:
        raise ConfigError(f"predict.top_k={wanted.top_k} must be 0 (all) to 128, such as predict.top_k=8")
    if not 0 < wanted.top_p <= 1:
        raise ConfigError(f"predict.top_p={wanted.top_p} must be above 0 and at most 1, such as predict.top_p=0.95")


def one_bar_each(text: str, key: Key) -> list[Timed]:
    """Chords of one round in quarters: with `|` as the bars say, without a bar for each."""
    events = parse_chords(text if "|" in text else " | ".join(text.replace(",", " ").split()), key)
    if len(events) == 1 and events[0].start is None:
        return [(0.0, BAR, events[0].chord)]
    return [(e.start * BAR, e.bars * BAR, e.chord) for e in events]  # type: ignore[operator]


def repeat(progression: list[Timed], quarters: float) -> list[Timed]:
    """The progression again and again until `quarters` are filled, cut to bars there."""
    if not progression:
        return []
    round_length = max(start + length for start, length, _ in progression)
    end = -(-quarters // BAR) * BAR
    rounds = int(-(-end // round_length))
    placed = [(s + r * round_length, d, c) for r in range(rounds) for s, d, c in progression]
    return [(s, min(d, end - s), c) for s, d, c in placed if s < end]


def write(
    ask: Callable[[np.ndarray], np.ndarray] | None,
    rhythm: Rhythm,
    chords: list[Timed],
    key: Key,
    affect: tuple[float, float] | None,
    rng: np.random.Generator,
    temperature: float,
    top_k: int,
    top_p: float,
) -> np.ndarray:
    """Pitches `[T]` for a rhythm. `ask` maps one contract vector to `[128]` and keeps its state; None is the heuristic.

    The last note is drawn from the chord's tones, or from the tonic triad's where no chord is given, so that it closes.
    """
    mood = np.array([*affect, 0.4] if affect else [0.0, 0.0, 0.0], np.float32)
    durations, positions = duration_class(rhythm.duration), position_class(rhythm.onset % BAR, BAR)
    triad = {(key.tonic + i) % 12 for i in ((0, 3, 7) if key.mode < 0 else (0, 4, 7))}
    pitches: list[int] = []
    for i, onset in enumerate(rhythm.onset):
        chord = next((c for s, d, c in chords if s <= onset + 1e-6 < s + d), None)
        before = pitches[-1] if pitches else NO_NOTE
        if ask is None:
            p = stepwise(before, key, chord, strong=onset % 2 == 0)
        else:
            numbers = (
                before, durations[i - 1] if i else 0, rhythm.rest[i], rhythm.phrase[i], positions[i], durations[i], 0,
                key.tonic, key.mode,
            )  # fmt: skip
            chroma = np.array(chord.chroma() if chord else (0.0,) * 12, np.float32)
            p = ask(vectors(Notes._make([*(np.array(n, np.int64) for n in numbers), chroma, mood])))
        if i == len(rhythm.onset) - 1:
            closing = chord.tones if chord else triad
            p = np.where(np.isin(np.arange(len(p)) % 12, list(closing)), p + 1e-9, 0.0)
        pitches.append(draw(p, rng, temperature, top_k, top_p))
    return np.array(pitches)


def midi_bytes(rhythm: Rhythm, pitches: np.ndarray, chords: list[Timed], tempo: int, key: Key) -> bytes:
    """A MIDI file: melody, and the chords softly below it."""
    file = mido.MidiFile(ticks_per_beat=_TICKS)
    head = mido.MidiTrack([
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)),
        mido.MetaMessage("time_signature", numerator=4, denominator=4),
        mido.MetaMessage("key_signature", key=_signature(key)),
    ])  # fmt: skip
    melody = [(o, d, int(p), _MELODY_VELOCITY) for o, d, p in zip(rhythm.onset, rhythm.duration, pitches, strict=True)]
    file.tracks += [head, _track("Melody", 0, melody)]
    if chords:
        low = 48
        under = [
            (s, d, pitch, _CHORD_VELOCITY)
            for s, d, c in chords
            for pitch in (low - 12 + (c.bass % 12), *(low + (t % 12) for t in sorted(c.tones)))
        ]
        file.tracks.append(_track("Chords", 1, under))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _signature(key: Key) -> str:
    names = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    minor = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
    return f"{minor[key.tonic]}m" if key.mode < 0 else names[key.tonic]


def _track(name: str, channel: int, notes: list[tuple[float, float, int, int]]) -> mido.MidiTrack:
    events = []
    for onset, duration, pitch, velocity in notes:
        start = round(onset * _TICKS)
        end = max(start + 1, round((onset + duration) * _TICKS) - 10)
        events.append((start, 1, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        events.append((end, 0, mido.Message("note_off", channel=channel, note=pitch, velocity=0)))
    track, at = mido.MidiTrack([mido.MetaMessage("track_name", name=name)]), 0
    for tick, _, message in sorted(events, key=lambda e: e[:2]):
        track.append(message.copy(time=tick - at))
        at = tick
    return track

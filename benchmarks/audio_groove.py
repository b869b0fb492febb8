"""How well a groove is heard: Groove MIDI's validation takes, rendered through a SoundFont, against their own notes.

    DATA_ROOT=… python benchmarks/audio_groove.py [takes]

The truth is the MIDI file: its onsets by voice and its click. Prints the F-measure and timing error of onsets by band
(within 50 ms, mir_eval), the beats' F-measure (70 ms), and how many tempos and downbeats are right.
"""

from __future__ import annotations

import csv
import io
import os
import sys
from pathlib import Path

import midirenderer
import mir_eval
import numpy as np
import pretty_midi
import soundfile
import soxr

from kmidi_lab.midi.piece import VOICES, voices_of
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.groove.from_audio import RATE, band_onsets, groove_of

SOUND_FONT = Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")
_ONSET_S, _FEWEST = 0.05, 8


def render(midi: bytes) -> np.ndarray:
    """Mono samples at RATE."""
    wave, rate = soundfile.read(io.BytesIO(bytes(midirenderer.render_wave_from(SOUND_FONT.read_bytes(), midi))))
    return np.asarray(soxr.resample(wave.mean(1) if wave.ndim > 1 else wave, rate, RATE), np.float32)


def takes(folder: Path) -> list[dict[str, str]]:
    with (folder / "info.csv").open(newline="", encoding="utf-8") as table:
        rows = [r for r in csv.DictReader(table) if r["split"] == "validation" and r["time_signature"] == "4-4"]
    return [r for r in rows if r["beat_type"] == "beat" and 20 < float(r["duration"]) < 120]


def main() -> None:
    root = os.environ.get("DATA_ROOT")
    if not root or not (Path(root) / "groove" / "info.csv").is_file():
        sys.exit("needs DATA_ROOT, a folder with groove/info.csv")
    folder = Path(root) / "groove"
    rows = takes(folder)[: int(sys.argv[1]) if len(sys.argv) > 1 else None]
    by_voice: dict[str, list[tuple[float, float, float]]] = {v: [] for v in VOICES}
    beats, tempos, downbeats, silent = [], [], [], 0
    for row in rows:
        midi = (folder / row["midi_filename"]).read_bytes()
        samples, piece = render(midi), read_piece(midi)
        notes = np.concatenate([t.notes for t in piece.tracks if t.is_drum])
        onsets, voices = piece.seconds(notes["start"]), voices_of(notes["pitch"])
        for index, (voice, found) in enumerate(zip(VOICES, band_onsets(samples), strict=True)):
            truth = np.unique(onsets[voices == index])
            pairs = mir_eval.util.match_events(truth, found[:, 0], _ONSET_S)
            if len(truth) >= _FEWEST and pairs:
                errors = np.array([found[j, 0] - truth[i] for i, j in pairs]) * 1000
                score = mir_eval.onset.f_measure(truth, found[:, 0], window=_ONSET_S)[0]
                by_voice[voice].append((score, float(np.median(errors)), float(np.abs(errors).mean())))
        groove, beat = groove_of(samples), 60 / float(row["bpm"])
        if groove is None:
            silent += 1
            continue
        beats.append(mir_eval.beat.f_measure(np.arange(0, len(samples) / RATE, beat), groove.beats))
        tempos.append(abs(groove.bpm / float(row["bpm"]) - 1) < 0.04)
        downbeats.append(abs((groove.beats[0] / beat / 4 + 0.5) % 1 - 0.5) < 0.06)
    print(f"{len(rows)} takes, {silent} without a beat")
    print(f"{'band':<6} {'F-measure':>10} {'median error':>13} {'mean |error|':>13}")
    for voice, scores in by_voice.items():
        f, median, error = np.mean(scores, 0)
        print(f"{voice:<6} {f:>10.2f} {median:>+10.1f} ms {error:>10.1f} ms")
    print(f"beats F {np.mean(beats):.2f}, tempo right {np.mean(tempos):.0%}, downbeat right {np.mean(downbeats):.0%}")


if __name__ == "__main__":
    main()

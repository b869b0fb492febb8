"""Feel on 18 recordings that nobody trained on: the music of five Debian packages, beside librosa.

    apt-get download asc-music frozen-bubble-data extremetuxracer-data lincity-ng-data warzone2100-music
    for package in *.deb; do dpkg -x "$package" music; done
    python benchmarks/feel_recordings.py music [MODELS_ROOT]

A minute of each (or all of it) from the 20th second on. Nobody tapped to them: the reference is the tempo at which
librosa's onset strength repeats best over 16 beats; half and double count as right. Prints a table in Markdown.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from librosa.onset import onset_detect, onset_strength

import kmidi_lab
from kmidi_lab.audio.io import read_audio
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.models.feel.baselines import by_librosa
from kmidi_lab.models.feel.scores import NEAR

_PIECES = (
    "asc/music/frontiers.mp3",
    "asc/music/time_to_strike.mp3",
    "asc/music/machine_wars.mp3",
    "frozen-bubble/snd/frozen-mainzik-1p.ogg",
    "frozen-bubble/snd/frozen-mainzik-2p.ogg",
    "frozen-bubble/snd/introzik.ogg",
    "etr/music/credits1-cp.ogg",
    "etr/music/freezingpoint.ogg",
    "etr/music/calmrace-ks.ogg",
    "etr/music/start1-jt.ogg",
    "etr/music/spunkyrace-ks.ogg",
    "etr/music/race1-jt.ogg",
    "lincity-ng/music/default/01 - pronobozo - lincity.ogg",
    "lincity-ng/music/default/02 - Robert van Herk - City Blues.ogg",
    "lincity-ng/music/default/03 - Robert van Herk - Architectural Contemplations.ogg",
    "warzone2100/music/albums/original_soundtrack/track1.opus",
    "warzone2100/music/albums/original_soundtrack/track2.opus",
    "warzone2100/music/albums/original_soundtrack/track3.opus",
)
_FROM_S, _LONG_S, _BEATS = 20.0, 60.0, 16
_TEMPOS = np.arange(60, 190.05, 0.1)
_HOP = 128


def grid_tempo(samples: np.ndarray) -> tuple[float, float]:
    """Quarter notes a minute by repetition, and onsets a second."""
    strength = onset_strength(y=samples, sr=RATE, hop_length=_HOP)
    onsets = len(onset_detect(onset_envelope=strength, sr=RATE, hop_length=_HOP))
    centred = strength - strength.mean()
    size = 2 * len(centred)
    repeats = np.fft.irfft(np.abs(np.fft.rfft(centred, size)) ** 2, size)[: len(centred)]
    lags = np.arange(1, _BEATS + 1)[:, None] * 60 / _TEMPOS * RATE / _HOP
    score = np.interp(lags, np.arange(len(repeats)), repeats / np.arange(len(repeats), 0, -1)).sum(0)
    return float(_TEMPOS[np.argmax(score)]), onsets / (len(samples) / RATE)


def main() -> None:
    folder, root = Path(sys.argv[1]) / "usr/share/games", sys.argv[2] if len(sys.argv) > 2 else None
    model, right = kmidi_lab.load("feel", models_root=root), np.zeros(2, int)
    print("| piece | grid | model | confidence | librosa | brightness | onsets a second | density | energy |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for piece in _PIECES:
        samples = read_audio(folder / piece, RATE)
        begin = round(_FROM_S * RATE) if len(samples) > (_FROM_S + 10) * RATE else 0
        samples = samples[begin : begin + round(_LONG_S * RATE)]
        grid, onsets = grid_tempo(samples)
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            soundfile.write(file.name, samples, RATE, "FLOAT")
            style = model.predict(file.name).style
        theirs = by_librosa(log_mel(samples)).tempo
        found = [any(abs(t * n / grid - 1) <= NEAR for n in (0.5, 1, 2)) for t in (style.tempo, theirs)]
        right += found
        ours, rival = (f"{t:.1f}" if ok else f"*{t:.1f}*" for t, ok in zip((style.tempo, theirs), found, strict=True))
        print(
            f"| {piece.split('/')[0]}: {Path(piece).stem} | {grid:.1f} | {ours} | {style.confidence:.2f} | {rival} | "
            f"{style.brightness:.2f} | {onsets:.1f} | {style.density:.2f} | {style.energy:.2f} |"
        )
    print(f"right by the grid: model {right[0]}, librosa {right[1]} of {len(_PIECES)}")


if __name__ == "__main__":
    main()

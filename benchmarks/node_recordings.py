"""What the released emotion_node says of real recordings, which nobody has labelled: how its answers are spread.

    apt-get install asc-music frozen-bubble-data extremetuxracer-data lincity-ng-data neverball-data singularity-music \\
        warzone2100-music wesnoth-1.16-music
    python benchmarks/node_recordings.py FOLDER…

Sound files below the folders that last 45 s or more are asked, 30 s from the middle of each. Prints a line for each
file, then how often each quadrant and base was the answer, beside even chances. A model that hears nothing gives one
answer to all; one answer for two recordings in three is what version 1 of the model did.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from kmidi_lab import load
from kmidi_lab.models.emotion_node.features import BASES, QUADRANTS

_SOUNDS = {".ogg", ".opus", ".mp3", ".flac", ".wav"}
_LEAST_S, _HEARD_S = 45.0, 30.0
_RELEASE = Path(__file__).parents[1] / "outputs" / "release"


def recordings(folders: list[Path]) -> Iterator[Path]:
    """Sound files that are long enough to be music."""
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _SOUNDS):
        try:
            if soundfile.info(path).duration >= _LEAST_S:
                yield path
        except soundfile.LibsndfileError as error:
            print(f"{path.name}: can't be read ({error})", file=sys.stderr)


def middle(path: Path) -> tuple[np.ndarray, int]:
    """(mono samples, their rate) of the seconds in the middle."""
    facts = soundfile.info(path)
    first = int((facts.duration - _HEARD_S) / 2 * facts.samplerate)
    wave, rate = soundfile.read(path, int(_HEARD_S * facts.samplerate), first, dtype="float32", always_2d=True)
    return wave.mean(1), rate


def main(folders: list[Path]) -> None:
    model, quadrants, bases, sure, kinds = load("emotion_node", _RELEASE), Counter(), Counter(), [], 0
    for path in recordings(folders):
        wave, rate = middle(path)
        heard = model.predict(audio=wave, rate=rate)
        answers, values = heard.summary.answers, heard.summary.values
        quadrants[answers["quadrant"][0]] += 1
        bases[answers["base"][0]] += 1
        sure.append(answers["quadrant"][1])
        kinds += "sounds like" in heard.unsure
        told = ", ".join(f"{name} {text} {chance:.2f}" for name, (text, chance) in answers.items() if name != "sub")
        print(f"{path.stem[:40]:40} {told}, valence {values['valence']:+.2f}, arousal {values['arousal']:+.2f}")
    total = len(sure)
    if not total:
        sys.exit("no sound file of 45 s or more there; name folders with music")
    print(f"\n{total} recordings; mean probability of the quadrant {np.mean(sure):.2f}; {kinds} said to be no music")
    for counts, names in ((quadrants, QUADRANTS), (bases, BASES)):
        print("; ".join(f"{name} {counts[name]} ({counts[name] / total:.0%})" for name in names))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main([Path(name) for name in sys.argv[1:]])

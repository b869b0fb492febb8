"""The released EmotionRecognizer on acted speech of other collections, whose labels nobody taught it (docs/emotion.md).

    DATA_ROOT=… python benchmarks/emotion_corpora.py [MODELS_ROOT]

Up to 480 recordings of each corpus of `speech_emotion/`, the first 6 s, the same every time. Prints UAR over the labels
that the corpus has: chance, the MFCC baseline fitted on RAVDESS, the model for the first clip of a voice and after 15
s.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.emotion.module import ActedSpeech
from datamodules.emotion.other_speech import CORPORA, FOLDER
from datamodules.shared.augmentation import Augmentation
from kmidi_lab.audio.io import read_audio
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.audio.speaker import fresh
from kmidi_lab.inference.published import load_published
from kmidi_lab.models.emotion.baselines import Predict, fit_baselines
from kmidi_lab.models.emotion.features import EMOTIONS
from kmidi_lab.models.emotion.hearing import adapted, spoken_means, states_after
from kmidi_lab.models.emotion.scores import decode, uar

_MOST, _LONGEST_S, _HEARD_S = 480, 6.0, 15.0
_NAMES = {"fearful": "fear", "surprised": "surprise"}
_RELEASE = Path(__file__).parents[1] / "outputs" / "release"
Frames = NDArray[np.floating]


def corpus(root: Path, name: str) -> tuple[list[Frames], NDArray[np.int64], list[str]]:
    """(frames `[T_i, 128]`, labels `[N]` in EMOTIONS, speakers)."""
    with (root / FOLDER / "metadata.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["corpus"] == name]
    for row in rows:
        row["emotion"] = _NAMES.get(row["emotion"], row["emotion"])
    known = [row for row in rows if row["emotion"] in EMOTIONS]
    known = sorted(known, key=lambda row: hashlib.sha256(row["path"].encode()).digest())[:_MOST]
    waves = [read_audio(root / FOLDER / row["path"], RATE)[: int(_LONGEST_S * RATE)] for row in known]
    labels = np.array([EMOTIONS.index(row["emotion"]) for row in known], np.int64)
    return [log_mel(wave.astype(np.float32)) for wave in waves], labels, [row["speaker"] for row in known]


def mfcc_of_ravdess(root: str, cache: Path) -> Predict:
    """The MFCC baseline, fitted on the speakers that the released file was trained on."""
    data = ActedSpeech(root, str(cache), sources=["ravdess"], folds=0, augment=Augmentation(variants=0))
    data.prepare_data()
    data.setup("test")
    heard = {}
    for split in ("train", "val"):
        clips = [clip.sound.frames for clip in data.songs(split)]
        inputs, speech = adapted(clips, fresh(len(clips)))
        heard[split] = [x[of] for x, of in zip(inputs, speech, strict=True)]
    labels = {split: data.label_indices(split) for split in heard}
    return fit_baselines(heard["train"], labels["train"], heard["val"], labels["val"], len(EMOTIONS))["mfcc+logistic"]


def own_labels(p: NDArray[np.floating], true: NDArray[np.int64]) -> NDArray[np.floating]:
    """Probabilities without the labels that the corpus lacks."""
    there = np.isin(np.arange(len(EMOTIONS)), true)
    return np.where(there, p, -1.0)


def main() -> None:
    root = os.environ.get("DATA_ROOT")
    if not root or not (Path(root) / FOLDER / "metadata.csv").is_file():
        sys.exit(f"needs DATA_ROOT, a folder with ravdess/ and {FOLDER}/metadata.csv")
    models = Path(sys.argv[1]) if len(sys.argv) > 1 else _RELEASE
    published = load_published(models, "emotion")
    if published is None:
        sys.exit(f"{models} has no emotion model")
    rival = mfcc_of_ravdess(root, Path(os.environ.get("OUTPUT_ROOT", "outputs")) / "cache")
    print("corpus, recordings, labels: chance | MFCC + logistic | first clip | after 15 s")
    sums: dict[str, list[float]] = defaultdict(list)
    for name in reversed(CORPORA):
        frames, true, speakers = corpus(Path(root), name)
        scores = []
        for seconds in (0.0, _HEARD_S):
            inputs, speech = adapted(frames, states_after(frames, speakers, seconds))
            p = decode(spoken_means(published.call, inputs, speech), published.head)
            scores.append(uar(own_labels(p, true), true))
            if not seconds:
                spoken = [x[of] for x, of in zip(inputs, speech, strict=True)]
                scores.insert(0, uar(own_labels(rival(spoken), true), true))
        labels = len(np.unique(true))
        for what, score in zip(("mfcc", "first", "later"), scores, strict=True):
            sums[what].append(score * labels)
        print(f"{name}, {len(true)}, {labels}: {1 / labels:.3f} | " + " | ".join(f"{score:.3f}" for score in scores))
    print("times chance, mean: " + ", ".join(f"{what} {np.mean(ratios):.2f}" for what, ratios in sums.items()))


if __name__ == "__main__":
    main()

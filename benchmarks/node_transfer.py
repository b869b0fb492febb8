"""Whether music taught the node classifier anything about voices: base emotions of RAVDESS's speech
(docs/emotion_node.md).

    DATA_ROOT=… python benchmarks/node_transfer.py CHECKPOINT…

The classifier has heard rendered music only, so chance, one in six, is what to expect. Prints accuracy, the mean of the
classes' recalls (UAR) and how often each answer was given.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from datamodules.emotion.module import ActedSpeech
from datamodules.shared.augmentation import Augmentation
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.audio.clips import Clip
from kmidi_lab.models.emotion.features import EMOTIONS
from kmidi_lab.models.emotion_node.features import BASES
from kmidi_lab.models.emotion_node.hearing import heard
from kmidi_lab.models.emotion_node.module import EmotionNodeClassifier
from kmidi_lab.models.emotion_node.scores import probabilities
from kmidi_lab.scoring.metrics import confusion


def spoken(root: str, cache: Path) -> tuple[list[Clip], np.ndarray]:
    """Clips of the six emotions that are bases, too, and the base of each."""
    data = ActedSpeech(root, str(cache), sources=["ravdess"], split="all", augment=Augmentation(variants=0))
    data.prepare_data()
    data.setup("test")
    clips = [c for c in data.songs("all") if EMOTIONS[c.labels["emotion"]].upper() in BASES]
    return clips, np.array([BASES.index(EMOTIONS[c.labels["emotion"]].upper()) for c in clips])


def main() -> None:
    root = os.environ.get("DATA_ROOT")
    if not root or len(sys.argv) < 2:
        sys.exit("needs DATA_ROOT, a folder with ravdess/, and a checkpoint of the node classifier")
    clips, true = spoken(root, Path(os.environ.get("OUTPUT_ROOT", "outputs")) / "cache")
    print(f"{len(clips)} clips, chance 1 in {len(BASES)}")
    for path in sys.argv[1:]:
        module = EmotionNodeClassifier.load_from_checkpoint(path, map_location="cpu", weights_only=True).eval()
        call = numpy_call(module.export_network())
        outputs = np.stack(
            [call(x[None])[0].mean(0) for x in heard([c.sound.frames for c in clips], module.contract.features)]
        )
        found = probabilities(outputs)["base"].argmax(1)
        table = confusion(found, true, len(BASES))
        recalls = np.diag(table) / np.bincount(true, minlength=len(BASES))
        answers = ", ".join(
            f"{name} {n / len(true):.2f}" for name, n in zip(BASES, np.bincount(found, minlength=6), strict=True)
        )
        print(f"{path}: accuracy {np.mean(found == true):.3f}, UAR {recalls.mean():.3f}; answers {answers}")


if __name__ == "__main__":
    main()

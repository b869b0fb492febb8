"""Fits the head that tells speech, music and neither, and writes it with its figures into the package.

    DATA_ROOT=… python -m datamodules.sound_kind

DATA_ROOT holds RAVDESS, `speech_emotion/`, the Philharmonia samples, Groove MIDI, POP909, EMOPIA and ASAP as published;
Debian's csound-soundfont and fluid-soundfont-gm must be installed. It takes about four minutes of one core. The same data
give the same file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from datamodules.sound_kind import by_rule, recorded, rendered
from datamodules.sound_kind.figures import figures_of
from datamodules.sound_kind.fitting import FALSE_ALARMS, fit, with_limits
from datamodules.sound_kind.sounds import Sound
from datamodules.sound_kind.windows import Table, table_of
from kmidi_lab.audio.kind import KINDS, LEAST_S, PATH, STATISTICS, WINDOW_S, KindHead, statistics
from kmidi_lab.audio.level import GOLDEN_PATH
from kmidi_lab.contract_features import AUDIO_FEATURES
from kmidi_lab.files import write_atomic


def sounds(root: Path) -> Iterator[Sound]:
    """All that it is fitted and judged on."""
    return chain(recorded.sounds(root), rendered.sounds(root), by_rule.sounds())


def plain(head: KindHead, table: Table) -> dict[str, Any]:
    """The file's content."""
    golden = np.array(orjson.loads(GOLDEN_PATH.read_bytes())["input"], np.float32)
    return {
        "version": 1,
        "feature_version": AUDIO_FEATURES,
        "kinds": KINDS,
        "decode": "z = clip((statistics - mean) / std, -4, 4), 0 where there is no statistic; softmax(weight @ [z, |z|] + bias)",
        "statistics": STATISTICS,
        "window_s": WINDOW_S,
        "least_s": LEAST_S,
        "limits": head.limits,
        "false_alarms": FALSE_ALARMS,
        "check": {"input": GOLDEN_PATH.name, "chances": [round(p, 5) for p in head.chances(statistics(golden)).tolist()]},
        "data": [
            {"kind": source.kind, "name": source.name, "licence": source.licence, **_counts(table, source.name)}
            for source in table.used
        ],
        "figures": figures_of(head, table),
        **{name: getattr(head, name).tolist() for name in ("mean", "std", "bias", "weight")},
    }  # fmt: skip


def _counts(table: Table, source: str) -> dict[str, int]:
    """Windows of each split."""
    own = table.splits[table.sources == source]
    return {split: int((own == split).sum()) for split in ("train", "val", "test")}


def main() -> int:
    root = os.environ.get("DATA_ROOT", "")
    if not Path(root, "ravdess").is_dir():
        print(
            f"DATA_ROOT={root}: no ravdess/ there; set DATA_ROOT to the folder that holds the data sets",
            file=sys.stderr,
        )
        return 2
    table = table_of(sounds(Path(root)))
    head = with_limits(fit(table), table)
    write_atomic(PATH, orjson.dumps(plain(head, table)) + b"\n")
    print(f"written: {PATH}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

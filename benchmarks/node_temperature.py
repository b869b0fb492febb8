"""How sure emotion_node is, and how sure it may be: a scale of its logits by validation, tried on the test.

    DATA_ROOT=… python benchmarks/node_temperature.py RUN [CACHE]

RUN is the folder of a run of `experiment=emotion_node_real`. Of nodes (music by rule) and quadrants (what listeners
heard) it prints the expected calibration error and the negative log-likelihood on the test as the logits are, and with
the scale (one over the temperature) that makes the validation clips likeliest.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.after_fit import numpy_call
from kmidi_lab.audio.clips import Clip
from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.data import DataModule
from kmidi_lab.models.emotion_node.features import HEADS
from kmidi_lab.models.emotion_node.hearing import HeardClips
from kmidi_lab.models.emotion_node.scores import labels_of, quadrants
from kmidi_lab.nn.module import LabModule
from kmidi_lab.scoring.metrics import expected_calibration_error, log_likelihoods, softmax
from kmidi_lab.targets import build
from kmidi_lab.tasks.run_weights import load_run

_SCALES = np.geomspace(0.25, 4, 81)
Judged = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Logits of the nodes `[N, 216]`, and the true classes `[N]`."""


def judged(module: LabModule, clips: Sequence[Clip]) -> dict[str, Judged]:
    """By what is asked: the nodes of music by rule, the quadrants of what listeners heard."""
    call, heard = numpy_call(module.export_network()), HeardClips(clips, module.contract.features)
    node = EMOTION_NODE.output("node").index
    logits = np.stack([call(frames[None])[0].mean(0)[node] for frames in heard]).astype(np.float64)
    labels = labels_of(clips)
    columns = {"node": labels[:, HEADS.index("node")], "quadrant": labels[:, -1]}
    return {name: (logits[true >= 0], true[true >= 0]) for name, true in columns.items()}


def probabilities(name: str, logits: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Of the classes that are asked for, the nodes' logits times `scale`."""
    p = softmax(logits * scale)
    return quadrants(p) if name == "quadrant" else p


def nll(name: str, of: Judged, scale: float) -> float:
    """Nats a clip."""
    return float(-log_likelihoods(probabilities(name, of[0], scale), of[1]).mean())


def best_scale(name: str, of: Judged) -> float:
    """The one for which the true classes are likeliest."""
    return float(min(_SCALES, key=lambda scale: nll(name, of, scale)))


def main() -> None:
    root = os.environ.get("DATA_ROOT")
    if not root or len(sys.argv) < 2:
        sys.exit(__doc__)
    module, config, _ = load_run(Path(sys.argv[1]), [])
    cache = sys.argv[2] if len(sys.argv) > 2 else "outputs/cache"
    data = build({**config["data"], "root": root, "cache_dir": cache}, DataModule, [], progress=False)
    data.use_contract(module.contract.version)
    data.setup("test")
    val, test = (judged(module, data.songs(split)) for split in ("val", "test"))
    for name, own in val.items():
        scale = best_scale(name, own)
        told = []
        for what, value in (("as it is", 1.0), (f"times {scale:.2f}", scale)):
            p, true = probabilities(name, test[name][0], value), test[name][1]
            told.append(
                f"{what}: ECE {expected_calibration_error(p, true):.3f}, nll {nll(name, test[name], value):.3f}"
            )
        print(f"{name}, {len(own[1])} validation and {len(test[name][1])} test clips; {'; '.join(told)}")


if __name__ == "__main__":
    main()

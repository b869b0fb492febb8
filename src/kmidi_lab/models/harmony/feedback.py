"""How HarmonyPredictor learns from feedback: a chord that a user took, gave instead, or did not want."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from kmidi_lab.chords.chord import QUALITIES, ChordError
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.inference.published import Published
from kmidi_lab.models.harmony.contract import HARMONY
from kmidi_lab.models.harmony.decoding import joint_probabilities, song_probabilities
from kmidi_lab.models.harmony.encoding import HarmonyBatch
from kmidi_lab.models.harmony.evaluation import HarmonyData
from kmidi_lab.models.harmony.features import CLASSES
from kmidi_lab.models.harmony.memory import MEMORY_ORDER
from kmidi_lab.models.harmony.module import HarmonyPredictor
from kmidi_lab.nn.module import LabModule
from kmidi_lab.retraining.lessons import Array, Judgement, LeftOutError, rows_of
from kmidi_lab.retraining.training import FeedbackTraining, Head
from kmidi_lab.scoring.metrics import log_likelihoods

_IN = {s.name: s.index for s in HARMONY.inputs}
_OUT = {s.name: s.index for s in HARMONY.outputs}
_LEAST = 1e-9
_PLACE = slice(_IN["emotion"].stop, None)
_TELLING = 2
"""Places that tell a song."""


class ChordFeedback(FeedbackTraining):
    """Targets `[E, 100]`: a distribution over the 96 chords relative to the key, then the voices' motion in semitones.

    A chord that was taken or given instead has all of the distribution. One that was rejected leaves the released
    model's own distribution without it: learning from a set that holds the answer (Cour et al., *Learning from Partial
    Labels*, JMLR 2011). The loss of an event is minus the log of what the model gives to the chords that are allowed.
    """

    REJECTIONS = True
    NATS = 1.0
    RATE = 3e-5
    ITEMS = "songs"

    def judging(self, x: Array, published: Published, data: Any) -> NDArray[np.bool_]:
        """Places of songs of which several are given that no song of the training part has.

        What leads to a place (three chords, the recalled one, key, time) is told without the emotion, in all sounding tones
        or in those of root and quality alone. Much of it is common to many songs, so one such place says nothing.
        """
        given, encoded = rows_of(x[:, _PLACE]), cast("HarmonyData", data).encoded
        there, train = set(given), encoded("train")
        common = {row for y in (train.x, train.x_plain) for row in rows_of(y[:, _PLACE]) if row in there}
        known = set[bytes]()
        for part in ("val", "test"):
            e, songs = encoded(part), dict[int, set[bytes]]()
            for y in (e.x, e.x_plain):
                for song, row in zip(e.song.tolist(), rows_of(y[:, _PLACE]), strict=True):
                    if row in there:
                        songs.setdefault(song, set()).add(row)
            known |= {row for own in songs.values() if len(own - common) >= _TELLING for row in own}
        return np.array([row in known for row in given], bool)

    def adapted(self, module: LabModule) -> Mapping[str, int]:
        return {"network.relative": 1, "network.absolute": 0, "joint": 0, "mixed": 0}

    def answer(self, judged: Judgement, head: Head) -> Array:
        tonic = judged.x[_IN["key_tonic"]]
        if sorted(tonic.tolist()) != [0.0] * 11 + [1.0]:
            raise LeftOutError("without a key in the input")
        root, quality = _chord(judged, head, int(tonic.argmax()))
        return np.array([(root - int(tonic.argmax())) % 12 * len(QUALITIES) + quality], float)

    def targets(self, answers: Array, liked: NDArray[np.bool_], outputs: Array, head: Head) -> Array:
        named = np.zeros((len(answers), CLASSES))
        named[np.arange(len(answers)), answers[:, 0].astype(int)] = 1.0
        others = np.maximum(joint_probabilities(outputs, head), _LEAST) * (1 - named)
        chances = np.where(liked[:, None], named, others / others.sum(1, keepdims=True))
        return np.concatenate([chances, outputs[:, _OUT["voice_leading"]]], axis=1)

    def losses(self, outputs: Array, head: Head, x: Array, targets: Array) -> Array:
        p = joint_probabilities(outputs, head)
        return -np.log(np.maximum((p * self.allowed(targets, head)).sum(1), _LEAST))

    def allowed(self, targets: Array, head: Head) -> NDArray[np.bool_]:
        return targets[:, :CLASSES] > 0

    def batch(self, x: Array, targets: Array, like: Any | None, rng: np.random.Generator) -> HarmonyBatch:
        sums = targets[:, :CLASSES].cumsum(1)
        joint = np.minimum((sums <= rng.random((len(x), 1)) * sums[:, -1:]).sum(1), CLASSES - 1)
        degree, quality = np.divmod(joint, len(QUALITIES))
        root = (degree + x[:, _IN["key_tonic"]].argmax(1)) % 12
        voices = targets[:, CLASSES:].astype(np.float32)
        # Nothing is known of the song that an event comes from.
        parts, longest = np.zeros((len(x), MEMORY_ORDER + 1), np.float32), np.full(len(x), -1)
        columns = (x, root, quality, root, joint, voices, parts, longest)
        return HarmonyBatch(*(torch.from_numpy(column) for column in columns))

    def loss(self, module: LabModule, batch: Any) -> torch.Tensor:
        return cast("HarmonyPredictor", module).losses(batch)[1]

    def test_losses(self, call: Callable[[NDArray[Any]], NDArray[Any]], head: Head, data: Any) -> tuple[Array, Array]:
        """Minus the log-likelihood of every chord with the song's memory, as the primary metric has it, by song."""
        songs, encoded = cast("HarmonyData", data).sequences("test"), cast("HarmonyData", data).encoded("test")
        p = song_probabilities(call(encoded.x), [song.tokens for song in songs], head)
        events = np.array([len(song.tokens) for song in songs], float)
        sums = np.bincount(encoded.song, -log_likelihoods(p, encoded.joint), len(songs))
        return sums / np.maximum(events, 1), events

    def module_settings(self, architecture: str) -> dict[str, Any]:
        return {"hidden": [int(size) for size in re.findall(r"\d+", architecture)[1:-1]]}


def _chord(judged: Judgement, head: Head, tonic: int) -> tuple[int, int]:
    """(root 0..11, quality 0..7) of what was judged: a symbol, root and quality by name, 64 outputs changed, or the model's own."""
    if judged.label is not None:
        try:
            chord = parse_jazz(judged.label)
        except ChordError:
            raise LeftOutError("with a label that is no chord symbol, such as Dm7") from None
        return chord.root, chord.quality_index
    if isinstance(judged.changed_to, Mapping):
        root, quality = (judged.changed_to.get(name, -1) for name in ("root", "quality"))
        if root not in range(12) or quality not in range(len(QUALITIES)):
            raise LeftOutError("changed to no root 0 to 11 and quality 0 to 7")
        return int(root), int(quality)
    if judged.changed_to is not None:
        if len(judged.changed_to) != HARMONY.output_size:
            raise LeftOutError(f"changed to other than {HARMONY.output_size} numbers")
        changed = np.asarray(judged.changed_to)
        return int(changed[_OUT["root"]].argmax()), int(changed[_OUT["quality"]].argmax())
    assert judged.output is not None
    degree, quality = divmod(int(joint_probabilities(judged.output[None], head)[0].argmax()), len(QUALITIES))
    return (degree + tonic) % 12, quality

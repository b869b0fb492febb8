"""How IntentClassifier learns from feedback: a feeling that a user took, gave instead, or did not want."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.inference.published import Published
from kmidi_lab.models.intent.contract import INTENT
from kmidi_lab.models.intent.features import AFFECT, COLUMNS, LABELS, IntentBatch
from kmidi_lab.models.intent.module import IntentClassifier
from kmidi_lab.models.intent.reading import label_logits
from kmidi_lab.nn.module import LabModule
from kmidi_lab.retraining.lessons import Array, Judgement, LeftOutError, among
from kmidi_lab.retraining.training import FeedbackTraining, Head

_LEAST = 1e-9
_LENGTH = 1e-3
"""How far the length of a text's vector may be from 1."""


class FeelingFeedback(FeedbackTraining):
    """Targets `[E, 7]` over LABELS: 1 for the feeling that was taken or given instead, −1 for one that was rejected, else 0.

    An event holds a text's vector, not the text. So the table that makes vectors stays as it is, and what the release
    doesn't hold (the heads of other label sets, the teacher's) isn't trained. The loss of an event is minus the log of
    what the model gives to the labels that are allowed, each label's own probability made to add up to 1.
    """

    REJECTIONS = True
    NATS = 1.0
    RATE = 1e-4
    ITEMS = "texts"

    def judging(self, x: Array, published: Published, data: Any) -> NDArray[np.bool_]:
        """Texts that have the same vector."""
        assert published.table is not None
        return among(x, published.table.vectors([s.text for part in ("val", "test") for s in data.songs(part)]))

    def frozen(self, module: LabModule) -> Sequence[str]:
        return ("rows",)

    def adapted(self, module: LabModule) -> Mapping[str, int]:
        last = len(cast("nn.Sequential", module.network)) - 1
        return {f"network.{last}": 1}

    def answer(self, judged: Judgement, head: Head) -> Array:
        if abs(float(np.linalg.norm(judged.x)) - 1) > _LENGTH:
            raise LeftOutError("with an input that is no text's vector, of length 1")
        if judged.label is not None:
            if judged.label not in LABELS:
                raise LeftOutError(f"with a label that is none of {', '.join(LABELS)}")
            return np.array([LABELS.index(judged.label)], float)
        said = judged.output if judged.output is not None else judged.changed_to
        if isinstance(said, Mapping) or said is None or len(said) != INTENT.output_size:
            raise LeftOutError(f"changed to other than {INTENT.output_size} numbers")
        return np.array([int((label_logits(np.asarray(said), dict(head)) - head["cut_bias"]).argmax())], float)

    def targets(self, answers: Array, liked: NDArray[np.bool_], outputs: Array, head: Head) -> Array:
        named = np.zeros((len(answers), len(LABELS)))
        named[np.arange(len(answers)), answers[:, 0].astype(int)] = np.where(liked, 1.0, -1.0)
        return named

    def losses(self, outputs: Array, head: Head, x: Array, targets: Array) -> Array:
        own = 1 / (1 + np.exp(-label_logits(outputs, dict(head))))
        p = ((own / own.sum(1, keepdims=True)) * np.abs(targets)).sum(1)
        return -np.log(np.maximum(np.where(targets.sum(1) > 0, p, 1 - p), _LEAST))

    def allowed(self, targets: Array, head: Head) -> NDArray[np.bool_]:
        return np.where(targets.sum(1, keepdims=True) > 0, targets > 0, targets == 0)

    def batch(self, x: Array, targets: Array, like: Any | None, rng: np.random.Generator) -> IntentBatch:
        """Texts of no pieces, with their vectors."""
        count, width = len(x), 0 if like is None else like.teacher.shape[1]
        target, known = np.zeros((2, count, sum(COLUMNS)), np.float32)
        target[:, : len(LABELS)] = targets > 0
        known[:, : len(LABELS)] = np.where(targets.sum(1, keepdims=True) > 0, 1.0, targets < 0)
        none = torch.zeros(0)
        return IntentBatch(
            none.long(), torch.zeros(count, dtype=torch.long), none, torch.from_numpy(target), torch.from_numpy(known),
            torch.zeros(count, len(AFFECT)), torch.zeros(count), torch.zeros(count, width),
            torch.from_numpy(np.asarray(x, np.float32)),
        )  # fmt: skip

    def size(self, batch: Any) -> int:
        return len(batch.starts)

    def below(self, batch: Any, rows: Any) -> IntentBatch:
        own = batch._replace(given=rows.given.new_zeros(self.size(batch), INTENT.input_size).to(batch.target))
        return cast("IntentBatch", super().below(own, rows._replace(starts=rows.starts + len(batch.at))))

    def loss(self, module: LabModule, batch: Any) -> torch.Tensor:
        own = cast("IntentClassifier", module)
        return own.losses(own.network(own.vectors(batch)), batch)[1]

    def test_losses(self, call: Callable[[NDArray[Any]], NDArray[Any]], head: Head, data: Any) -> tuple[Array, Array]:
        """Cross-entropy of the seven labels of each labelled sentence; each label weighs alike, as in macro F1."""
        labelled = [s for s in data.songs("test") if s.labels]
        true = np.array([[label in s.labels for label in LABELS] for s in labelled])
        logits = label_logits(call(data.vectors_of([s.text for s in labelled])), dict(head))
        each = np.logaddexp(0, np.where(true, -logits, logits)).sum(1)
        return each, (true / np.maximum(true.sum(0), 1)).sum(1)

    def module_settings(self, architecture: str) -> dict[str, Any]:
        sizes = re.findall(r"\d+", architecture.rpartition("then ")[2])[1:-1]
        return {"hidden": [int(n) for n in sizes], "fine_weight": 0.0, "side_weight": 0.0, "teacher_weight": 0.0}

"""How a model that hears frame by frame learns from labelled recordings: by its last layers, from what the others hear."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from kmidi_lab.inference.listening import Listening
from kmidi_lab.inference.published import Published
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Streaming
from kmidi_lab.retraining.lessons import Array, Judgement, LeftOutError
from kmidi_lab.retraining.training import FeedbackTraining, Head
from kmidi_lab.scoring.metrics import log_likelihoods, softmax


class Rows(NamedTuple):
    """Lessons: `means` `[C, H]`, what the trunk says of recordings, and `targets` `[C, K]`, the label's place first."""

    means: torch.Tensor
    targets: torch.Tensor


class SoundTraining(FeedbackTraining):
    """Base of those whose events name a recording by its SHA-256 (`Event.item`) and give it a label.

    The layers that learn are linear, so what they say of a mean is the mean of what they say: the mean over a recording of
    what the layers before them say, the trunk, is all that is learnt from. The trunk stays as it is, and so do statistics
    of batches.

    Attributes:
        LABELLED: the reason that is counted where an event has none of the labels.
    """

    REJECTIONS = False
    NATS = 1.0
    ITEMS = "recordings"
    LABELLED: ClassVar[str] = "with a label that the model does not have"

    @abstractmethod
    def layers(self, module: LabModule) -> tuple[Streaming, nn.Module]:
        """The module's own layers, no copies: the trunk, and those that learn, `[B, T, H]` to `[B, T, M]`."""

    def heard(self, request: Listening, published: Published, module: LabModule) -> Array:
        """`[N]`, what is learnt from of the recording of a request; NaN where nothing is to be heard.

        Args:
            request: hears it.
            published: the released model, with the trunk in its place.
            module: the released one.

        Raises:
            UserError: it can't be used.
        """
        return request.output(published)

    def judges(self, data: Any) -> set[str]:
        """`content_key` of the recordings by which the original data validate or test."""
        return {clip.sound.key for part in ("val", "test") for clip in data.songs(part)}

    def frozen(self, module: LabModule) -> list[str]:
        trunk, rest = self.layers(module)
        parts = [*trunk.modules(), *(part for part in rest.modules() if isinstance(part, nn.BatchNorm1d))]
        kept = {id(part) for part in parts if any(p.requires_grad for p in part.parameters(recurse=False))}
        return [name for name, part in module.named_modules() if id(part) in kept]

    def outputs(self, module: LabModule, x: Array) -> Array:
        with torch.inference_mode():
            return np.asarray(self.said(module, torch.from_numpy(np.asarray(x, np.float32))).numpy())

    def targets(self, answers: Array, liked: NDArray[np.bool_], outputs: Array, head: Head) -> Array:
        return answers

    def batch(self, x: Array, targets: Array, like: Any | None, rng: np.random.Generator) -> Rows:
        return Rows(*(torch.from_numpy(np.asarray(values, np.float32)) for values in (x, targets)))

    def said(self, module: LabModule, x: torch.Tensor) -> torch.Tensor:
        """`[E, M]` of what was heard `[E, N]`."""
        said: torch.Tensor = self.layers(module)[1](x[:, None])[:, 0]
        return said


class NamedSounds(SoundTraining):
    """Base of those whose recordings are called by one of several names, read from the mean of what the model says."""

    @abstractmethod
    def labels(self, head: Head) -> Sequence[str]:
        """What a recording can be called, in the order of `logits`."""

    @abstractmethod
    def logits(self, outputs: Array, head: Head) -> Array:
        """`[E, L]` of outputs `[E, M]`."""

    @abstractmethod
    def trained_logits(self, module: LabModule, outputs: torch.Tensor) -> torch.Tensor:
        """The same of a module in training."""

    def answer(self, judged: Judgement, head: Head) -> Array:
        names = self.labels(head)
        if judged.label not in names:
            raise LeftOutError(self.LABELLED)
        return np.array([names.index(judged.label)], float)

    def losses(self, outputs: Array, head: Head, x: Array, targets: Array) -> Array:
        return -log_likelihoods(softmax(self.logits(outputs, head)), targets[:, 0].astype(int))

    def allowed(self, targets: Array, head: Head) -> NDArray[np.bool_]:
        return np.eye(len(self.labels(head)), dtype=bool)[targets[:, 0].astype(int)]

    def loss(self, module: LabModule, batch: Any) -> torch.Tensor:
        logits = self.trained_logits(module, self.said(module, batch.means))
        return F.cross_entropy(logits, batch.targets[:, 0].long())

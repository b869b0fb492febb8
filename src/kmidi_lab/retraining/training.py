"""What a model has to say of itself to learn from feedback: `model.feedback` in conf/model/<m>.yaml names its class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from kmidi_lab.inference.published import Published
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import from_reset
from kmidi_lab.retraining.lessons import Array, Judgement, Lessons

Head = Mapping[str, NDArray[Any]]


class FeedbackTraining(ABC):
    """How events of one model become targets, and how its outputs are scored by them.

    Attributes:
        REJECTIONS: whether it learns from what users don't like.
        NATS: how many nats a loss of 1 is; the more, the sharper raters are told apart.
        RATE: the peak of the learning rate of task=retrain.
        DATA: settings of parts of the original data that learning so needs, by part.
        ITEMS: what its events judge, in the plural.
    """

    REJECTIONS: ClassVar[bool]
    NATS: ClassVar[float]
    RATE: ClassVar[float]
    DATA: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    ITEMS: ClassVar[str] = "items"

    def frozen(self, module: LabModule) -> Sequence[str]:
        """Parts of the module that it leaves as they are, such as what makes the inputs of lessons."""
        return ()

    def outputs(self, module: LabModule, x: Array) -> Array:
        """`[E, M]` of a module in evaluation mode for inputs of lessons `[E, N]`, each as after a reset."""
        return from_reset(module.network)(x)

    def judging(self, x: Array, published: Published, data: Any) -> NDArray[np.bool_]:
        """`[E]`: which inputs of lessons `[E, N]` are of items by which the original data validate or test.

        Args:
            x: of all lessons.
            published: the released model.
            data: its original data.
        """
        return np.zeros(len(x), bool)

    def remarks(self, lessons: Lessons) -> list[str]:
        """What is said of lessons before they are learnt from, a line each."""
        return []

    @abstractmethod
    def adapted(self, module: LabModule) -> Mapping[str, int]:
        """The dense layers that a personal adapter changes, and the rank of the change; 0 moves the bias alone."""

    @abstractmethod
    def answer(self, judged: Judgement, head: Head) -> Array:
        """`[A]` of what was judged. Raises LeftOutError: it is no answer of this model."""

    @abstractmethod
    def targets(self, answers: Array, liked: NDArray[np.bool_], outputs: Array, head: Head) -> Array:
        """`[E, K]` to learn from.

        Args:
            answers: `[E, A]`.
            liked: `[E]`; all True without REJECTIONS.
            outputs: `[E, M]`, what the released model says.
            head: of the released model.
        """

    @abstractmethod
    def losses(self, outputs: Array, head: Head, x: Array, targets: Array) -> Array:
        """`[E]`, lower is better, of outputs `[E, M]` for inputs `x` `[E, N]`."""

    def allowed(self, targets: Array, head: Head) -> NDArray[np.bool_] | None:
        """`[E, L]`: which of the model's L labels each of `[E, K]` targets allows; None where answers are no labels."""
        return None

    def by_chance(self, outputs: Array, head: Head, x: Array, targets: Array, rng: np.random.Generator) -> Array:
        """`[E]`: how likely each answer is of one who answers anything, as `exp(-NATS * losses)` is of one who listens.

        Args:
            outputs: `[E, M]` of the released model.
            head: its head.
            x: `[E, N]` inputs.
            targets: `[E, K]`, of all raters.
            rng: of what is drawn where answers are no labels.
        """
        labels = self.allowed(targets, head)
        if labels is None:
            raise NotImplementedError(f"{type(self).__name__} has neither labels nor chances of its own")
        return np.asarray(labels.mean(axis=1))

    @abstractmethod
    def batch(self, x: Array, targets: Array, like: Any | None, rng: np.random.Generator) -> Any:
        """A batch of the model's own kind on the CPU, with rows that can stand below those of `like` where that is given."""

    def size(self, batch: Any) -> int:
        """Rows of a batch."""
        return len(batch[0])

    def below(self, batch: Any, rows: Any) -> Any:
        """A batch with `rows`, as `batch` makes them, below its own."""
        columns = zip(batch, rows, strict=True)
        return type(batch)(*(torch.cat([own, more.to(own.device, own.dtype)]) for own, more in columns))

    @abstractmethod
    def loss(self, module: LabModule, batch: Any) -> torch.Tensor:
        """The training loss of a batch."""

    @abstractmethod
    def test_losses(self, call: Callable[[NDArray[Any]], NDArray[Any]], head: Head, data: Any) -> tuple[Array, Array]:
        """Of the frozen test, the loss `[G]` of each song or take, and its weight `[G]`."""

    def frozen_tests(
        self, call: Callable[[NDArray[Any]], NDArray[Any]], head: Head, data: Any
    ) -> Mapping[str, tuple[Array, Array]]:
        """As `test_losses`, which stand first under an empty name, and those of other answers that may not get worse."""
        return {"": self.test_losses(call, head, data)}

    @abstractmethod
    def module_settings(self, architecture: str) -> dict[str, Any]:
        """The sizes of a published network, from the line that its card gives of them, and settings that learning so needs."""

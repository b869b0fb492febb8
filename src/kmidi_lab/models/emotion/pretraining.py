"""What the layers up to the last GRU learn first, without labels: what a speaker encoder makes of each frame of speech.

They learn it of many people's speech, then of the speech that the labels are on. What is learnt is kept in the cache,
an epoch at a time: a stopped pre-training goes on where it was, and folds share what does not depend on them.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn

from kmidi_lab.files import write_atomic
from kmidi_lab.models.emotion.network import linear_part
from kmidi_lab.nn.layers import GRU, Standardize
from kmidi_lab.nn.schedule import epoch_seed, one_cycle
from kmidi_lab.nn.streaming import Chain, State
from kmidi_lab.resume import is_whole

log = logging.getLogger(__name__)
TARGETS = 64
"""Numbers that the teacher says of a frame."""
_SIZE, _DECAY, _CLIP = 32, 1e-2, 1.0
_RATE, _LATER = 4e-3, 1e-3
"""Learning rates of the first lessons and of those that follow, which must not undo them."""
_GOES_ON = 0.5
"""Share of the stretches that begin with the state that others left."""


class LessonBatch(NamedTuple):
    """`x` `[B, T, 128]` frames, `weight` `[B, T]` 1 where there is speech, else 0, and `target` `[B, T, 64]`."""

    x: torch.Tensor
    weight: torch.Tensor
    target: torch.Tensor


class Batches(Protocol):
    """Can be iterated anew in each epoch."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[LessonBatch]: ...


class Lessons(Protocol):
    """Speech with the teacher's answers. Read only when something is asked for beside `version` and `folder`.

    `version` tells the lessons and the code that learns from them apart; what was learnt is kept in `folder`.
    """

    version: str
    folder: Path

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation `[128]` of the frames."""

    def batches(self, size: int, epoch: Callable[[], int]) -> Batches:
        """An epoch's batches of `size` examples, other ones in each epoch."""


def pretrain(network: Chain, courses: Sequence[tuple[Lessons, int]]) -> float:
    """Teaches the layers up to the last GRU what the teacher says, or takes what they learnt before.

    Half of the stretches begin with the state that others have left, so that a network that is never reset hears as
    well.

    Args:
        network: of `embedding_network`, with a GRU; it standardises as the first lessons need from here on.
        courses: lessons and the passes over them, one after the other; one at least.

    Returns:
        The mean squared error of the last epoch.
    """
    learner = _Learner(linear_part(network)[0])
    loss = 0.0
    for place, (lessons, epochs) in enumerate(courses):
        path = lessons.folder / f"{_key(learner, courses[: place + 1])}.ckpt"
        kept = torch.load(path, map_location="cpu", weights_only=True) if path.is_file() and is_whole(path) else None
        if kept is None or kept["epoch"] < epochs:
            kept = _taught(learner, lessons, epochs, path, kept, is_first=place == 0)
        learner.load_state_dict(kept["learner"])
        loss = float(kept["loss"])
        log.info("pre-trained: %.3f from the teacher after %d epochs", loss, epochs)
    return loss


class _Learner(nn.Module):
    """The layers that are kept, and one that says what they know."""

    def __init__(self, hidden: Chain) -> None:
        super().__init__()
        last = list(hidden)[-1]
        assert isinstance(last, GRU)
        self.hidden, self.head = hidden, nn.Linear(last.rnn.hidden_size, TARGETS)

    def loss(self, batch: LessonBatch, state: State) -> tuple[torch.Tensor, State]:
        """The mean squared error of frames with speech, and the state behind the stretches."""
        # A processor that multiplies in half precision takes half the time; the mean squared error stays the same.
        with torch.autocast(batch.x.device.type, torch.bfloat16):
            hidden, left = self.hidden.stream(batch.x, state)
        error = (self.head(hidden.float()) - batch.target).square().mean(-1)
        return (error * batch.weight).sum() / batch.weight.sum().clamp_min(1), left


def _taught(
    learner: _Learner, lessons: Lessons, epochs: int, path: Path, kept: dict[str, Any] | None, is_first: bool
) -> dict[str, Any]:
    """What `path` holds after the last epoch, going on from what it held before."""
    first = 0
    batches = lessons.batches(_SIZE, lambda: epoch)
    weights, rate = [p for p in learner.parameters() if p.requires_grad], _RATE if is_first else _LATER
    optimizer = torch.optim.AdamW(weights, rate, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, one_cycle(epochs * len(batches)))
    if kept is None and is_first:
        mean, std = lessons.statistics()
        for layer in learner.modules():
            if isinstance(layer, Standardize):
                layer.mean.copy_(mean)
                layer.std.copy_(std)
    elif kept is not None:
        first = kept["epoch"]
        for part, name in ((learner, "learner"), (optimizer, "optimizer"), (schedule, "schedule")):
            part.load_state_dict(kept[name])
    learner.train()
    for epoch in range(first, epochs):
        torch.manual_seed(epoch_seed(epoch))
        state, total = None, 0.0
        for batch in batches:
            if state is None or len(state[0]) != len(batch.x):
                state = learner.hidden.zero_state(batch.x)
            goes_on = torch.rand(len(batch.x)) < _GOES_ON
            loss, left = learner.loss(batch, tuple(part * goes_on[:, None, None] for part in state))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learner.parameters(), _CLIP)
            optimizer.step()
            schedule.step()
            state, total = tuple(part.detach() for part in left), total + float(loss.detach())
        kept = {"epoch": epoch + 1, "loss": total / len(batches), "learner": learner.state_dict()}
        kept |= {"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
        buffer = io.BytesIO()
        torch.save(kept, buffer)
        write_atomic(path, buffer.getvalue())
        log.info("pre-training: epoch %d of %d, %.3f from the teacher", epoch + 1, epochs, kept["loss"])
    assert kept is not None
    return kept


def _key(learner: _Learner, courses: Sequence[tuple[Lessons, int]]) -> str:
    """16 hex digits of all that the result depends on."""
    lessons = [(one.version, epochs) for one, epochs in courses]
    settings = (lessons, repr(learner), epoch_seed(0), _SIZE, _RATE, _LATER, _DECAY, _CLIP, _GOES_ON)
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

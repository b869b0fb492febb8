"""What a network learns of the teacher before it sees a label: speech, and what the speaker encoder makes of each frame.

The targets are 64 directions of the teacher's activations, less the mean of each voice, in which speech varies most.
They are prepared once (some minutes) and kept in the cache. Lessons of other recordings can have the same directions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.emotion.clips import spoken
from datamodules.emotion.other_speech import SpeechFile
from datamodules.emotion.recording import SpeechAugmentation
from datamodules.emotion.sessions import start_states
from datamodules.emotion.speaker_encoder import SIZE, SpeakerEncoder, package_version, weights_file
from datamodules.shared.batches import FrameStore, IndexBatches, rows_of
from datamodules.shared.cache import cached, code_version, data_version, files_below
from datamodules.shared.library import Reading, shown
from datamodules.shared.pooled_reading import read_all
from datamodules.shared.stored import SUFFIX
from kmidi_lab.audio.augment import spec_augment
from kmidi_lab.audio.io import read_audio
from kmidi_lab.audio.mel import HOP, RATE, WINDOW, log_mel
from kmidi_lab.audio.speaker import adapt, fresh, padded
from kmidi_lab.errors import DataError
from kmidi_lab.models.emotion.pretraining import TARGETS, LessonBatch
from kmidi_lab.nn.schedule import epoch_seed

_LONGEST_S, _LEAST_S = 6.0, 0.5
_TOGETHER, _EVERY = 24, 9
_WHITENED = 0.7
"""How far directions are scaled to equal variances: 1 would be wholly."""
_FRAMES, _LEAST_FRAMES = 192, 100
_FROM_INSIDE, _COLD = 0.7, 0.35
_BANDS, _STRIPE = 16, 15
_CHANNEL = SpeechAugmentation(variants=1, pitch=0, stretch=0, noise=0, room=0, channel=1)
_KINDS = 2
"""Of each recording: as it is, and through a channel, which all recordings of a voice go through."""


@dataclass(frozen=True)
class Lesson:
    """One recording: frames `[T, 128]` as it is and through a channel, and targets `[T, 64]`, float16."""

    voice: str
    kinds: Sequence[NDArray[np.float16]]
    target: NDArray[np.float16]


@dataclass
class LessonSet:
    """All of them, and the `directions` `[512, 64]` of the targets, which hold a share `explained` of the variance."""

    lessons: list[Lesson] = field(default_factory=list)
    directions: NDArray[np.float32] = field(default_factory=lambda: np.zeros((SIZE, TARGETS), np.float32))
    explained: float = 0.0


class TeacherLessons:
    """Lessons of recordings, read when they are asked for.

    Args:
        root: of the data.
        cache_dir: where they are kept.
        recordings: of anyone; `heard` says who of them may be learnt from.
        workers: processes that read files.
        progress: show a bar.
        like: lessons whose directions these take; without them they find their own.
        heard: the voices that are learnt from; None is all. The others are prepared, too, since folds share the file.
    """

    def __init__(
        self,
        root: Path,
        cache_dir: Path,
        recordings: Sequence[SpeechFile],
        workers: int = 2,
        progress: bool = False,
        like: TeacherLessons | None = None,
        heard: Collection[str] | None = None,
    ) -> None:
        weights = weights_file()
        assert weights is not None, "the teacher's package isn't installed"
        files = sorted(one.path for one in recordings)
        settings = (package_version(), like.version if like else "")
        content = data_version(settings, [("weights", weights), *files_below(root, files)])
        # What pre-training makes of them is kept by this version, too.
        code = code_version(__name__, "kmidi_lab.models.emotion.pretraining")
        self.folder = cache_dir / "teacher"
        self.path = self.folder / f"{content}-{code}{SUFFIX}"
        self.version: str = f"{content}-{code} {'all' if heard is None else sorted(heard)}"
        self._recordings, self._workers, self._progress = recordings, workers, progress
        self._like, self._heard = like, heard
        self._prepared: LessonSet | None = None

    def prepared(self) -> LessonSet:
        """Of the voices that are learnt from. Raises DataError: hardly a recording can be used."""
        if self._prepared is None:
            whole = cached(self.path, LessonSet, self._make)
            heard = [one for one in whole.lessons if self._heard is None or one.voice in self._heard]
            self._prepared = replace(whole, lessons=heard)
        return self._prepared

    def _make(self) -> LessonSet:
        report: Reading[Lesson] = Reading("teacher", "")
        voices = {one.path: one.voice for one in self._recordings}
        work = partial(_sound, voices=voices)
        sounds = read_all(report, list(voices), work, self._workers, self._progress, "reading the teacher's speech")
        if len(sounds) < _TOGETHER:
            raise DataError(f"{len(sounds)} usable recordings are too few for a teacher; give data.teacher=false")
        encode, paths = SpeakerEncoder(), list(sounds)
        activations: list[NDArray[np.float16]] = []
        for at in shown(range(0, len(paths), _TOGETHER), "speaker encoder", self._progress):
            heard = encode([sounds[path][0] for path in paths[at : at + _TOGETHER]])
            activations += [rows.astype(np.float16) for rows in heard]
        centred = less_voices(activations, [voices[path] for path in paths])
        if self._like is None:
            directions, explained = directions_of(centred)
        else:
            directions, explained = self._like.prepared().directions, self._like.prepared().explained
        targets = [(rows @ directions).astype(np.float16) for rows in centred]
        lessons = [Lesson(voices[path], sounds[path][1], target) for path, target in zip(paths, targets, strict=True)]
        return LessonSet(lessons, directions, explained)

    def _store(self) -> tuple[FrameStore, FrameStore, torch.Tensor]:
        """Frames of every kind, targets, and the states that kinds begin with when their voice was heard before."""
        lessons = self.prepared().lessons
        kinds = [frames for lesson in lessons for frames in lesson.kinds]
        voices = [f"{lesson.voice} {kind}" for lesson in lessons for kind in range(_KINDS)]
        states = start_states(kinds, voices, 1, np.random.default_rng(epoch_seed(0)))[0]
        return FrameStore(kinds), FrameStore([lesson.target for lesson in lessons]), torch.from_numpy(states)

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation `[128]` of what the network gets of the recordings as they are."""
        sounds = [lesson.kinds[0] for lesson in self.prepared().lessons]
        inputs = []
        for at in range(0, len(sounds), _TOGETHER):
            frames, real = padded(sounds[at : at + _TOGETHER])
            inputs.append(adapt(frames, real, fresh(len(frames)))[0][real])
        return FrameStore(inputs).statistics()

    def batches(self, size: int, epoch: Callable[[], int]) -> IndexBatches[LessonBatch]:
        """A stretch of every recording in an epoch, as it is or through a channel, in batches of `size`."""
        frames, targets, starts = self._store()
        mean, _ = self.statistics()

        def gather(index: torch.Tensor, generator: torch.Generator) -> LessonBatch:
            def drawn() -> torch.Tensor:
                return torch.rand(len(index), generator=generator)

            item = _KINDS * index + (drawn() * _KINDS).long()
            room = (targets.lengths[index] - _LEAST_FRAMES).clamp_min(0)
            begin = torch.where(drawn() < _FROM_INSIDE, (drawn() * (room + 1)).long(), 0)
            x, real = frames.take(item, begin, _FRAMES)
            target, taught = targets.take(index, begin, _FRAMES)
            state = torch.where((drawn() < _COLD)[:, None], torch.from_numpy(fresh(1)), starts[item])
            inputs, speech = (torch.from_numpy(a) for a in adapt(x.numpy(), real.numpy(), state.numpy()))
            weight = torch.where(speech.any(1, keepdim=True), speech, real) & taught
            inputs = spec_augment(inputs, _BANDS, _STRIPE, generator, fill=mean)
            return LessonBatch(inputs, weight.float(), target)

        return IndexBatches(len(targets), size, gather, rows_of, torch.device("cpu"), epoch)


def less_voices(activations: Sequence[NDArray[np.float16]], voices: Sequence[str]) -> list[NDArray[np.float32]]:
    """Activations `[T_i, 512]` less the mean of each voice."""
    own: dict[str, list[int]] = defaultdict(list)
    for at, voice in enumerate(voices):
        own[voice].append(at)
    means = {v: np.concatenate([activations[at] for at in places]).mean(0, np.float64) for v, places in own.items()}
    return [rows.astype(np.float32) - means[v].astype(np.float32) for rows, v in zip(activations, voices, strict=True)]


def directions_of(centred: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], float]:
    """The directions `[512, 64]` in which `[T_i, 512]` vary most, and the share of the variance that they hold."""
    some = np.concatenate([rows[::_EVERY] for rows in centred])
    scale = some.std()
    variance, directions = np.linalg.eigh((some.T @ some).astype(np.float64) / len(some) / scale**2)
    variance, directions = variance[::-1][:TARGETS], directions[:, ::-1][:, :TARGETS]
    explained = float(variance.sum() / (some.astype(np.float64) ** 2).mean(0).sum() * scale**2)
    return (directions / np.maximum(variance, 1e-9) ** (_WHITENED / 2) / scale).astype(np.float32), explained


def _sound(path: Path, voices: dict[Path, str]) -> tuple[NDArray[np.float32], list[NDArray[np.float16]]]:
    """Samples of a file without most of the silence at its ends, and frames of both kinds; what worker processes do."""
    samples = read_audio(path, RATE)
    if len(samples) < _LEAST_S * RATE:
        raise DataError(f"{path}: shorter than {_LEAST_S:g} s; leave it out")
    first, last = spoken(log_mel(samples))
    samples = samples[first * HOP : last * HOP + WINDOW][: int(_LONGEST_S * RATE)]
    changed = _CHANNEL.of_speech(samples, path.name, voices[path])[0]
    kinds = [log_mel(sound).astype(np.float16) for sound in (samples, changed)]
    return samples, [frames[: min(map(len, kinds))] for frames in kinds]

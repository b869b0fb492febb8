"""EmotionRecognizer beside its baselines: whole clips of speakers it never heard, and the first seconds of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.front_end import heard
from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.audio.speaker import fresh
from kmidi_lab.contract_features import SPEAKER_FEATURES
from kmidi_lab.emotion_embedding import read_scalars
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.emotion.baselines import Predict, fit_baselines
from kmidi_lab.models.emotion.features import SCALARS, scalars_of
from kmidi_lab.models.emotion.hearing import Call, EmotionData, adapted, answers, spoken_means, states_after
from kmidi_lab.models.emotion.scores import agreement, decode, label_scores, uar
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable
from kmidi_lab.scoring.items import Frames, ScoredItem
from kmidi_lab.scoring.metrics import (
    confusion,
    log_likelihoods,
    reliability,
    so_far,
)

SECONDS = (0.5, 1.0, 2.0, 3.0)
HEARD_S = (5.0, 15.0, 30.0)
"""Seconds of other speech of the same voice that were heard before."""


class EmotionEvaluator(Evaluator):
    """Scores a callable over sequences `[1, T, 128] -> [1, T, 64]`, each clip from a reset on, with its linear head.

    Clips are heard as recorded and decoded from the mean of the embeddings of frames with speech
    (features.voice_activity), as a listener would; `uar_of_every_frame` leaves no frame out. `uar_at_0.5_s` … are decoded
    from the mean of those that were out by then, counted from the onset of speech (a shorter clip counts whole). UAR is
    the mean of the labels' recalls; a clip is the first that is heard of its voice, but for `uar_after_15_s` and the like,
    where other clips of the speaker moved the front-end's state before (hearing.py). `uar_hum` … are of the same clips
    in other recording conditions, where the data hold them. CCC (L. Lin, 1989) is between what the mean embedding of a clip reads as and what its label and intensity
    stand for; `…_of_frames` takes the mean of what each frame's embedding reads as.
    """

    METRICS = {
        "uar": "max",
        "accuracy": "max",
        "nll": "min",
        "ece": "min",
        **{f"{name}_ccc{of}": "max" for of in ("", "_of_frames") for name in SCALARS[:3]},
        **{f"uar_at_{seconds:g}_s": "max" for seconds in SECONDS},
        **{f"uar_after_{seconds:g}_s": "max" for seconds in HEARD_S},
        **{f"uar_{condition}{heard}": "max" for condition in CHANGES for heard in ("", "_after_15_s")},
        "uar_of_every_frame": "max",
        "uar_after_reset": "max",
        "intensity_accuracy": "max",
    }
    COUNTS = ("events", "frames")
    primary = "uar"
    also = ("accuracy", "valence_ccc", "arousal_ccc")
    loss = "nll"

    def __call__(
        self, call: Call, head: dict[str, np.ndarray], data: EmotionData, split: str, training: EmotionData
    ) -> Evaluation:
        """Scores `split` of `data`; baselines are fitted on the train and val splits of `training`."""
        clips, true = data.songs(split), data.label_indices(split)
        check_scorable(clips, split, "holds no clips")
        frames, features = [clip.sound.frames for clip in clips], data.contract.features
        if len(head["bias"]) != len(data.vocabulary):
            raise ConfigError(
                f"the model tells {len(head['bias'])} labels and data.labels={len(data.vocabulary)}; type "
                f"data.labels={len(head['bias'])}"
            )
        inputs, speech = all_heard(frames, features)
        outputs = answers(call, inputs)
        means = np.stack([o[of].mean(0) for o, of in zip(outputs, speech, strict=True)])
        p = decode(means, head)
        targets = np.array([scalars_of(clip.labels["emotion"], bool(clip.labels["strong"])) for clip in clips])
        own = {**label_scores(p, true), **agreement(read_scalars(means)[:, :3], targets)}
        own |= _by_frames(outputs, speech, head, true, targets)
        alone = np.stack([call(x[of][:, None])[:, 0].mean(0) for x, of in zip(inputs, speech, strict=True)])
        own["uar_after_reset"] = uar(decode(alone, head), true)

        if "intensity_weight" in head:
            strong = means @ head["intensity_weight"].T + head["intensity_bias"]
            own["intensity_accuracy"] = float((strong.argmax(1) == [clip.labels["strong"] for clip in clips]).mean())
        result = Evaluation({split: {**own, "events": len(clips), "frames": sum(map(len, frames))}})
        rivals, typical = _fitted(training)
        spoken = [x[of] for x, of in zip(inputs, speech, strict=True)]
        for name, predict in rivals.items():
            p_of = predict(spoken)
            result.baselines.setdefault(split, {})[name] = {
                **label_scores(p_of, true),
                **agreement(p_of @ typical, targets),
            }

        def keep(metric: str, sounds: Sequence[NDArray[np.floating]], seconds: float) -> None:
            """UAR of the model and of every baseline behind so many seconds of the voice."""
            state = states_after(sounds, [clip.group for clip in clips], seconds)
            inputs, speech = adapted(sounds, state)
            result.metrics[split][metric] = uar(decode(spoken_means(call, inputs, speech), head), true)
            spoken = [x[of] for x, of in zip(inputs, speech, strict=True)]
            for name, predict in rivals.items():
                result.baselines[split][name][metric] = uar(predict(spoken), true)

        if features == SPEAKER_FEATURES:
            for seconds in HEARD_S:
                keep(f"uar_after_{seconds:g}_s", frames, seconds)
            for condition, sounds in data.conditions(split).items():
                keep(f"uar_{condition}", sounds, 0)
                keep(f"uar_{condition}_after_15_s", sounds, 15)
        result.analysis = {
            "confusion_emotion": {
                "labels": list(data.vocabulary),
                "counts": confusion(p.argmax(1), true, len(data.vocabulary)),
            },
            "reliability": reliability(p, true),
        }
        return result

    def items(self, call: Call, head: dict[str, np.ndarray], data: EmotionData, split: str) -> Iterator[ScoredItem]:
        """Clips, each the first that is heard of its voice."""
        clips, true = data.songs(split), data.label_indices(split)
        inputs, speech = all_heard([clip.sound.frames for clip in clips], data.contract.features)
        p = decode(spoken_means(call, inputs, speech), head)
        nll = -log_likelihoods(p, true)
        for clip, label, own, loss in zip(clips, true, p.argmax(1), nll, strict=True):
            said = f"{data.vocabulary[label]}, heard as {data.vocabulary[own]}"
            yield ScoredItem(clip.id, clip.source, float(loss), 1, partial(Frames, clip.sound.frames, FRAME_S), said)


def _by_frames(
    outputs: Sequence[NDArray[np.floating]],
    speech: Sequence[NDArray[np.bool_]],
    head: dict[str, np.ndarray],
    true: NDArray[np.integer],
    targets: NDArray[np.floating],
) -> dict[str, float]:
    """Scores of other readings of the same outputs: of every frame, frame by frame, and of beginnings.

    Args:
        outputs: `[T, 64]` of each clip.
        speech: `[T]` of each clip, the frames with speech.
        head: makes labels of embeddings.
        true: labels `[N]`.
        targets: what the embedding should be read as, `[N, 3]`.
    """
    own = {"uar_of_every_frame": uar(decode(np.stack([o.mean(0) for o in outputs]), head), true)}
    by_frame = np.stack([read_scalars(o[of]).mean(0) for o, of in zip(outputs, speech, strict=True)])
    own |= {f"{name}_of_frames": value for name, value in agreement(by_frame[:, :3], targets).items()}
    for seconds in SECONDS:
        means_so_far = [so_far(o, seconds, of) for o, of in zip(outputs, speech, strict=True)]
        own[f"uar_at_{seconds:g}_s"] = uar(decode(np.stack(means_so_far), head), true)
    return own


def _fitted(training: EmotionData) -> tuple[dict[str, Predict], NDArray[np.floating]]:
    """Every baseline by name, and what each label stands for `[K, 3]`, which their readings are made of."""
    splits = {part: _spoken(training, part) for part in ("train", "val")}
    labels = {part: training.label_indices(part) for part in ("train", "val")}
    classes = len(training.vocabulary)
    stand_for = np.array(
        [scalars_of(clip.labels["emotion"], bool(clip.labels["strong"])) for clip in training.songs("train")]
    )
    typical = np.stack([_mean(stand_for[labels["train"] == k]) for k in range(classes)])
    return fit_baselines(splits["train"], labels["train"], splits["val"], labels["val"], classes), typical


def all_heard(
    sounds: Sequence[NDArray[np.floating]], features: str
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
    """What the model takes of each sound from a reset on, and which frames have speech."""
    if features == SPEAKER_FEATURES:
        return adapted(sounds, fresh(len(sounds)))
    both = [heard(frames, features) for frames in sounds]
    return [x for x, _ in both], [of for _, of in both]


def _spoken(data: EmotionData, split: str) -> list[NDArray[np.float32]]:
    inputs, speech = all_heard([clip.sound.frames for clip in data.songs(split)], data.contract.features)
    return [x[of] for x, of in zip(inputs, speech, strict=True)]


def _mean(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    return rows.mean(0) if len(rows) else np.zeros(rows.shape[1])

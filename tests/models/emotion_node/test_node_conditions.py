"""What is heard of music in recording conditions, and how it is scored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from datamodules.emotion_node import library
from datamodules.emotion_node.sounding import in_conditions
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.models.emotion_node.conditions import sounding
from kmidi_lab.models.emotion_node.evaluation import NodeEvaluator
from kmidi_lab.models.emotion_node.hearing import HeardClips, heard


def music(seconds: float = 2.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * 440 * time) * np.exp(-(time % 0.25) * 6)).astype(np.float32)


def test_a_clip_is_heard_in_every_condition() -> None:
    sound = in_conditions(music(), "a", "test")
    assert np.array_equal(sound.frames, log_mel(music()).astype(np.float16))
    seconds = [len(frames) * 256 / RATE for frames in sound.variants]
    assert seconds == pytest.approx([4.0 if "around" in name else 2.0 for name in CHANGES], abs=0.05)


def test_silence_and_room_around_are_not_read() -> None:
    sound = in_conditions(music(), "a", "test")
    variants = dict(zip(CHANGES, sound.variants, strict=True))
    [plain, silence, room] = sounding([sound.frames, variants["silence_around"], variants["room_tone_around"]])
    for around in (silence, room):
        assert around.counts.sum() == pytest.approx(plain.counts.sum(), abs=6)
        own = plain.frames[plain.counts].mean(0)
        assert np.corrcoef(around.frames[around.counts].mean(0), own)[0, 1] > 0.9
    nothing = sounding([np.full((50, 128), np.log(1e-6), np.float32)])[0]
    assert len(nothing.frames) == nothing.counts.sum() == 50


class Music:
    """Two clips by rule and one that listeners judged; the second sounds otherwise in hum."""

    contract = EMOTION_NODE

    def __init__(self, conditions: bool = True) -> None:
        frames = [log_mel(music()).astype(np.float32) - 2 * at * np.linspace(-1, 1, 128) for at in range(3)]
        labels = [{"node": 0, "intensity": 0, "key": 0}, {"node": 40, "intensity": 1, "key": 1}, {"quadrant": 2}]
        hum = list(CHANGES).index("hum")
        self.clips = []
        for at, (own, label) in enumerate(zip(frames, labels, strict=True)):
            variants = [frames[0] if at == 1 and place == hum else own for place in range(len(CHANGES))]
            self.clips.append(Clip(f"x/{at}/C major", "rules", f"x/{at}", label, Sound(own, variants), "test"))
        self.wanted = conditions

    def songs(self, split: str) -> Sequence[Clip]:
        return self.clips

    def in_conditions(self, split: str) -> Sequence[Clip]:
        return self.clips if self.wanted else ()


def call(x: np.ndarray) -> np.ndarray:
    """Node 0 for level spectra, node 40 for tilted ones."""
    tilt = x[..., :64].mean(-1, keepdims=True) - x[..., 64:].mean(-1, keepdims=True)
    out = np.zeros((*x.shape[:2], 258), np.float32)
    node = EMOTION_NODE.output("node").start
    base = float(log_mel(music())[:, :64].mean() - log_mel(music())[:, 64:].mean())
    out[..., node : node + 1], out[..., node + 40 : node + 41] = 0, 9 * (tilt - base - 1)
    return out


def test_scores_tell_who_changes_his_mind_in_which_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    even = {"node": 216, "quadrant": 4, "base": 6, "sub": 6, "intensity": 6, "key": 24}
    guess = {"even": lambda clips: {name: np.full((len(clips), k), 1 / k) for name, k in even.items()}}
    monkeypatch.setattr("kmidi_lab.models.emotion_node.evaluation.fit_baselines", lambda *_: guess)
    result = NodeEvaluator()(call, {}, Music(), "test", Music())
    own, rival = result.metrics["test"], result.baselines["test"]["even"]
    assert set(own) - set(NodeEvaluator.COUNTS) <= set(NodeEvaluator.METRICS)
    assert own["node_in_one_key"] == own["node_in_one_key_telephone"] == 1 and own["node_in_one_key_hum"] == 0.5
    assert own["same_node_in_one_key_telephone"] == 1 and own["same_node_in_one_key_hum"] == pytest.approx(2 / 3)
    assert rival["node_in_one_key_hum"] == 0.5 and rival["quadrant_in_one_key_room_tone_around"] == 0
    assert {f"quadrant_in_one_key_{name}" for name in CHANGES} <= set(own)
    without = NodeEvaluator()(call, {}, Music(conditions=False), "test", Music()).metrics["test"]
    assert not [name for name in without if "one_key" in name]


@pytest.mark.slow
def test_the_clips_are_those_of_the_test_in_their_first_key(tmp_path: Path) -> None:
    clips = library.load_conditions(tmp_path, tmp_path, ("rules",), 2, 0, (), None, 1, False)
    again = library.load_conditions(tmp_path, tmp_path, ("rules",), 2, 0, (), None, 1, False)
    whole = library.load(tmp_path, tmp_path, ("rules",), 1, 1, False, 0, 2, 0, (), None, 1, False)
    tested = [clip for clip, split in zip(whole.songs, whole.splits, strict=True) if split == "test"]
    assert [clip.id for clip in clips] == [tested[0].id, tested[4].id] == [clip.id for clip in again]
    assert all(len(clip.sound.variants) == len(CHANGES) for clip in again)
    # Several clips are rendered in a row; which of them are beside a clip does not change how it sounds.
    assert np.allclose(clips[0].sound.frames, tested[0].sound.frames, atol=0.02)


def test_clips_are_heard_alike_one_part_at_a_time_or_all_at_once() -> None:
    rng = np.random.default_rng(0)
    frames = [(rng.normal(-6, 2, (20 + i % 7, 128))).astype(np.float16) for i in range(300)]
    clips = [Clip(str(i), "x", "x", {}, Sound(f), "train") for i, f in enumerate(frames)]
    whole, parts = heard(frames, EMOTION_NODE.features), HeardClips(clips, EMOTION_NODE.features)
    assert len(parts) == 300 and all(np.array_equal(a, b) for a, b in zip(parts, whole, strict=True))
    assert np.array_equal(parts[299], whole[299]) and np.array_equal(parts[3:5][1], whole[4])

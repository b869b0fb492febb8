"""Training stretches through other channels: which clips have copies, and how often one is heard."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datamodules.emotion_node.module import RenderedNodes
from datamodules.emotion_node.sounding import Heard
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.audio.mel import RATE


def test_training_clips_alone_have_copies_of_their_length() -> None:
    tone = (0.5 * np.sin(np.arange(RATE) / 5)).astype(np.float32)
    sound = Heard(2)(tone, "x", "train")
    assert [len(copy) for copy in sound.variants] == [len(sound.frames)] * 2
    assert all(np.abs(copy.astype(float) - sound.frames).max() > 0.1 for copy in sound.variants)
    assert not Heard(2)(tone, "x", "val").variants and not Heard()(tone, "x", "train").variants
    again = Heard(2)(tone, "x", "train").variants[1]
    np.testing.assert_array_equal(sound.variants[1], again)


def pairs(tmp_path, **settings: float) -> torch.Tensor:
    """`[40, 2]` mean of the stretches of 40 pairs of clips of level 0, whose copies fall by 6 nats from band to band."""
    data = RenderedNodes(
        "",
        str(tmp_path),
        batch_size=40,
        frames=64,
        equaliser=0.0,
        bands=0,
        masked=0,
        copies=1,
        progress=False,
        **settings,
    )
    tilted = np.tile(np.linspace(3, -3, 128), (80, 1))
    labels = {"node": 0, "intensity": 0, "key": 0}
    sounds = [Sound(np.zeros((80, 128), np.float16), [tilted.astype(np.float16)]) for _ in range(80)]
    clips = [Clip(f"train/{i // 2}/{i % 2}", "rules", str(i), labels, s, "train") for i, s in enumerate(sounds)]
    data.songs = lambda split: clips  # type: ignore[method-assign]
    data.train_dataloader()
    batch = data._gather(torch.arange(40), torch.Generator().manual_seed(0))
    return batch.x[..., 0].mean(2)


@pytest.mark.parametrize(("changed", "least", "most"), [(0.0, 0, 0), (0.5, 25, 55), (1.0, 80, 80)])
def test_a_share_of_the_stretches_is_of_copies(tmp_path, changed: float, least: int, most: int) -> None:
    assert least <= int((pairs(tmp_path, changed=changed) > 0.5).sum()) <= most


def test_both_keys_of_a_pair_meet_troubles_of_their_own(tmp_path) -> None:
    heard = pairs(tmp_path, changed=0.0, background=0.5)
    assert int((heard[:, 0] != heard[:, 1]).sum()) > 10

"""A recurrent emotion network: its files, and what it learns of a teacher before the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import lightning as L
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from kmidi_lab.contracts import EMOTION
from kmidi_lab.errors import ConfigError
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.models.emotion import pretraining
from kmidi_lab.models.emotion.features import EmotionBatch
from kmidi_lab.models.emotion.module import EmotionRecognizer
from kmidi_lab.models.emotion.network import linear_part
from kmidi_lab.models.emotion.pretraining import TARGETS, LessonBatch, pretrain
from kmidi_lab.nn.layers import Standardize
from kmidi_lab.nn.streaming import Chain

SMALL = {"channels": 8, "cepstra": 12, "recurrent": [10, 6]}


class Made:
    """Lessons whose targets are the level of each frame, in 64 sizes."""

    def __init__(self, folder: Path, fail_in: int | None = None, version: str = "1", mean: float = 0.25) -> None:
        self.version, self.folder, self.fail_in, self.read = version, folder, fail_in, 0
        self._mean = mean
        self._sizes = torch.linspace(-0.3, 0.3, TARGETS)

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.full((128,), self._mean), torch.full((128,), 2.0)

    def batches(self, size: int, epoch: Callable[[], int]) -> Made:
        self._epoch = epoch
        return self

    def __len__(self) -> int:
        return 4

    def __iter__(self) -> Iterator[LessonBatch]:
        if self._epoch() == self.fail_in:
            raise KeyboardInterrupt
        generator = torch.Generator().manual_seed(self._epoch())
        for _ in range(4):
            self.read += 1
            x = torch.randn(6, 20, 128, generator=generator)
            yield LessonBatch(x, torch.ones(6, 20), x.sum(-1, keepdim=True) / 11 * self._sizes)


def module(**settings: object) -> EmotionRecognizer:
    L.seed_everything(3, verbose=False)
    return EmotionRecognizer(**{**SMALL, **settings})  # type: ignore[arg-type]


def test_grus_stand_in_the_place_of_the_blocks() -> None:
    one = module()
    assert one.architecture == "causal convolution, 8 channels, kernel 8, then GRU of 10, 6→64"
    assert one.network.receptive_field() == float("inf") and one.stride == 1
    assert one(torch.randn(2, 5, 128)).shape == (2, 5, 64)
    released = EmotionRecognizer(channels=128, recurrent=[320])
    assert released.parameter_count <= 510_000
    first, rest = linear_part(one.network)
    x = torch.randn(1, 9, 128)
    one.eval()
    assert torch.allclose(rest(first(x)), one(x), atol=1e-6)
    taught = module(pretrain_epochs=[1])
    assert taught.architecture == "causal convolution, 8 channels, kernel 8, then GRU of 10, 6→37→64"
    with pytest.raises(ConfigError, match=r"pretrain_epochs=\[3\] .*recurrent=\[320\]"):
        EmotionRecognizer(pretrain_epochs=[3])
    with pytest.raises(ConfigError, match=r"pretrain_epochs=\[1, 2, 3\]: there are 2 kinds"):
        module(pretrain_epochs=[1, 2, 3])


@pytest.mark.slow
def test_a_sequence_pieces_rtneural_and_onnx_agree_with_grus() -> None:
    one = module(pretrain_epochs=[1])
    norm = one.network.get_submodule("7")
    norm.running_mean.uniform_(-0.5, 0.5)  # type: ignore[operator, union-attr]
    norm.running_var.uniform_(0.01, 2)  # type: ignore[operator, union-attr]
    network = one.eval().export_network()
    x = torch.randn(1, 14, 128) - 5
    reader = RTNeuralModel.from_bytes(export_rtneural(network, EMOTION))
    onnx = OnnxModel(export_onnx(network, EMOTION), "x.onnx")
    with torch.inference_mode():
        whole = network(x)[0].numpy()
        state, pieces = network.zero_state(x), []
        for piece in x.split((1, 5, 8), 1):
            y, state = network.stream(piece, state)
            pieces.append(y[0].numpy())
    assert np.allclose(np.concatenate(pieces), whole, atol=1e-5)
    for t in range(14):
        assert np.allclose(reader(x[0, t].numpy()), whole[t], atol=1e-4)
        assert np.allclose(onnx(x[0, t].numpy()), whole[t], atol=1e-4)


def test_what_the_teacher_says_is_learnt_and_kept(tmp_path: Path) -> None:
    lessons, one = Made(tmp_path), module()
    before = {name: values.clone() for name, values in one.network.state_dict().items()}
    short, long = pretrain(module().network, [(Made(tmp_path / "short"), 1)]), pretrain(one.network, [(lessons, 8)])
    assert long < 0.8 * short
    assert lessons.read == 32
    layers = list(one.network)
    assert isinstance(layers[0], Standardize) and layers[0].std.eq(2).all() and layers[0].mean.eq(0.25).all()
    # The layers behind the GRUs wait for the labels.
    for name in ("7.weight", "9.weight", "9.bias"):
        assert torch.equal(before[name], one.network.state_dict()[name])
    assert not torch.equal(before["5.rnn.weight_hh_l0"], one.network.state_dict()["5.rnn.weight_hh_l0"])
    # Another fold takes it as it is; other lessons, sizes or epochs are learnt anew.
    other = module()
    assert pretrain(other.network, [(lessons, 8)]) == long and lessons.read == 32
    assert torch.equal(other.network.state_dict()["6.rnn.weight_ih_l0"], one.network.state_dict()["6.rnn.weight_ih_l0"])
    pretrain(module(recurrent=[5]).network, [(lessons, 1)])
    assert lessons.read == 36


def test_folds_share_the_first_lessons_and_have_their_own_second_ones(tmp_path: Path) -> None:
    first = Made(tmp_path)
    folds = [Made(tmp_path, version=name, mean=9.0) for name in ("fold 0", "fold 1")]
    nets = [module().network for _ in folds]
    for network, own in zip(nets, folds, strict=True):
        pretrain(network, [(first, 2), (own, 1)])
    assert (first.read, [own.read for own in folds]) == (8, [4, 4]) and len(list(tmp_path.glob("*.ckpt"))) == 3
    # The second lessons go on from what the first left, and the inputs stay those of the first.
    alone = module().network
    pretrain(alone, [(folds[0], 1)])
    layers = list(nets[0])
    assert isinstance(layers[0], Standardize) and layers[0].mean.eq(0.25).all()
    assert not torch.equal(alone.state_dict()["2.conv.weight"], nets[0].state_dict()["2.conv.weight"])
    assert torch.equal(nets[0].state_dict()["2.conv.weight"], nets[1].state_dict()["2.conv.weight"])


def test_labels_are_learnt_from_the_means_that_are_judged() -> None:
    one = module(dropout=0.0).eval()
    x, weight = torch.randn(3, 12, 128), (torch.rand(3, 12) > 0.4).float()
    early = torch.zeros(3, 12)
    early[:, :4] = 1
    means = one._clip_means(one.network, x, weight, early)
    for mean, of in zip(means, (weight, early), strict=True):
        expected = (one.network(x) * of[..., None]).sum(1) / of.sum(1, keepdim=True).clamp_min(1)
        assert torch.allclose(mean, expected, atol=1e-5)


def test_a_stopped_pretraining_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = module()
    pretrain(whole.network, [(Made(tmp_path / "whole"), 4)])
    with pytest.raises(KeyboardInterrupt):
        pretrain(module().network, [(Made(tmp_path, fail_in=2), 4)])
    again, rest = module(), Made(tmp_path)
    pretrain(again.network, [(rest, 4)])
    assert rest.read == 8
    for name, values in whole.network.state_dict().items():
        assert torch.equal(values, again.network.state_dict()[name]), name
    # A file cut short is learnt anew.
    (file,) = tmp_path.glob("*.ckpt")
    file.write_bytes(file.read_bytes()[:-100])
    pretrain(module().network, [(rest, 4)])
    assert rest.read == 24


class Clips(L.LightningDataModule):
    """Two steps of labels, and lessons where there is a teacher."""

    def __init__(self, *lessons: Made) -> None:
        super().__init__()
        self._lessons = list(lessons)

    def lessons(self) -> list[Made]:
        return self._lessons

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(128), torch.ones(128)

    def train_dataloader(self) -> DataLoader:
        label, strong = torch.eye(8), torch.eye(2).repeat(4, 1)
        x = torch.randn(8, 30, 128, generator=torch.Generator().manual_seed(0))
        batch = EmotionBatch(x, torch.ones(8, 30), label, strong, torch.arange(32.0).view(8, 4) / 32)
        return DataLoader([batch] * 2, batch_size=None, collate_fn=lambda one: one)  # type: ignore[arg-type]

    def passes(self, epochs: int) -> Iterator[EmotionBatch]:
        for _ in range(epochs):
            yield from self.train_dataloader()

    def transfer_batch_to_device(self, batch: EmotionBatch, device: object, at: int) -> EmotionBatch:
        return batch


@pytest.mark.parametrize("taught", [True, False])
def test_labels_leave_what_was_taught_as_it_is(tmp_path: Path, taught: bool) -> None:
    one = module(pretrain_epochs=[1])
    trainer = L.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(one, datamodule=Clips(*[Made(tmp_path)][: int(taught)]))
    reference = module(pretrain_epochs=[1])
    if taught:
        pretrain(reference.network, [(Made(tmp_path), 1)])
    now, then = one.network.state_dict(), reference.network.state_dict()
    for name in ("2.conv.weight", "3.running_mean", "3.weight", "5.rnn.weight_hh_l0", "6.rnn.bias_ih_l0"):
        assert torch.equal(now[name], then[name]) == taught, name
    for name in ("7.running_var", "8.weight", "10.weight"):
        assert not torch.equal(now[name], then[name]), name
    if taught:
        # The training has left the discriminants of the training clips as they were fitted.
        (hidden, rest), batch = linear_part(one.eval().network), next(Clips().passes(1))
        means = hidden(batch.x).mean(1, keepdim=True)
        kept = Chain(*list(rest)[:2])(means)[:, 0]
        assert kept.shape == (8, 37) and kept.mean(0).abs().max() < 1e-3
        low, high = kept[:4, 8].mean(), kept[4:, 8].mean()  # the less complex half
        assert float((high - low).abs()) > 1
    assert one.is_taught == taught and bool(one.frozen) == taught


def test_weights_that_a_training_starts_from_are_not_taught_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = module(pretrain_epochs=[1])
    one.start_from((), 1.0, True)
    one.trainer = SimpleNamespace(datamodule=Clips(Made(tmp_path)))  # type: ignore[assignment]
    monkeypatch.setattr(pretraining, "pretrain", None)
    one.setup("fit")
    assert not one.is_taught

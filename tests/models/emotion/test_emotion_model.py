"""Network, training and export of the emotion model, on the voice that stands in for people."""

from __future__ import annotations

import lightning as L
import numpy as np
import pytest
import scipy.fft
import torch

from datamodules.emotion import acting
from datamodules.emotion.module import ActedSpeech
from datamodules.shared.augmentation import Augmentation
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.audio.clips import Clip
from kmidi_lab.contracts import EMOTION
from kmidi_lab.emotion_embedding import encode_emotion, read_scalars
from kmidi_lab.errors import ConfigError
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.inference.published import Published
from kmidi_lab.models.emotion.clip_loss import beginnings
from kmidi_lab.models.emotion.evaluation import EmotionEvaluator
from kmidi_lab.models.emotion.module import EmotionRecognizer
from kmidi_lab.models.emotion.network import free, read
from kmidi_lab.models.emotion.scores import decode
from kmidi_lab.nn.audio import clip_mean, strided_forward

SMALL = {"channels": 16, "dilations": [4, 8]}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> ActedSpeech:
    """A third of the stand-in's voices, without changed copies."""
    plain = Augmentation(variants=0, gain=0, mixup=0)
    cache = str(tmp_path_factory.mktemp("cache"))
    data = ActedSpeech("nowhere", cache, frames=100, augment=plain, progress=False)
    with pytest.MonkeyPatch.context() as patch:
        for voices in ("_MEN", "_WOMEN"):
            patch.setattr(acting, voices, getattr(acting, voices)[::3])
        data.setup("fit")
    return data


def fit(data: ActedSpeech, epochs: int, batches: float = 1.0, **settings: object) -> EmotionRecognizer:
    L.seed_everything(1, verbose=False)
    module = EmotionRecognizer(**{**SMALL, **settings})  # type: ignore[arg-type]
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, use_distributed_sampler=False, num_sanity_val_steps=0, limit_val_batches=1,
        limit_train_batches=batches,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    return module.eval()


def test_size_and_reach() -> None:
    module = EmotionRecognizer()
    assert module.parameter_count <= 500_000
    assert 60 < module.network.receptive_field() < 400
    assert module(torch.randn(2, 5, 128)).shape == (2, 5, 64)


@pytest.mark.slow
@pytest.mark.parametrize("cepstra", [0, 20])
def test_a_sequence_single_calls_rtneural_and_onnx_agree(cepstra: int) -> None:
    torch.manual_seed(0)
    network = EmotionRecognizer(**SMALL, cepstra=cepstra).eval().export_network()  # type: ignore[arg-type]
    x = torch.randn(1, 12, 128) - 5
    reader = RTNeuralModel.from_bytes(export_rtneural(network, EMOTION))
    onnx = OnnxModel(export_onnx(network, EMOTION), "x.onnx")
    with torch.inference_mode():
        whole = network(x)[0].numpy()
    for t in range(12):
        assert np.allclose(reader(x[0, t].numpy()), whole[t], atol=1e-4)
        assert np.allclose(onnx(x[0, t].numpy()), whole[t], atol=1e-4)


def test_cepstra_are_scipy_s_and_training_leaves_them_alone() -> None:
    module = EmotionRecognizer(**SMALL, cepstra=20)  # type: ignore[arg-type]
    layer = list(module.network)[1]
    x = np.random.default_rng(0).normal(size=(5, 128)).astype(np.float32)
    with torch.inference_mode():
        seen = layer(torch.from_numpy(x)).numpy()
    assert np.allclose(seen, scipy.fft.dct(x, norm="ortho")[:, :20], atol=1e-5)
    assert not any(p.requires_grad for p in layer.parameters())
    with pytest.raises(ConfigError, match="cepstra=129"):
        EmotionRecognizer(**SMALL, cepstra=129)  # type: ignore[arg-type]


@pytest.mark.parametrize("dilations", [[4, 8], [2, 4], [3]])
def test_thinned_outputs_are_the_network_s(dilations: list[int]) -> None:
    torch.manual_seed(0)
    module = EmotionRecognizer(channels=8, dilations=dilations).eval()
    x = torch.randn(2, 61, 128)
    assert module.stride == {4: 4, 2: 2, 3: 1}[dilations[0]]
    assert torch.allclose(strided_forward(module.network, x, module.stride), module(x)[:, :: module.stride], atol=1e-5)
    with pytest.raises(ValueError, match="multiples of 5"):
        strided_forward(module.network, x, 5)


def test_readings_are_the_contract_s_and_the_pattern_is_not_penalised() -> None:
    written = np.stack([encode_emotion(v, a, d, 0.3) for v, a, d in ((0.5, -0.5, 0.2), (-0.9, 0.9, 0.0))])
    embedding = torch.from_numpy(written)
    assert read(embedding)[0].tolist() == pytest.approx([0.5, -0.5, 0.2, 0.3], abs=1e-5)
    assert np.allclose(read(embedding).numpy(), read_scalars(written), atol=1e-6)
    assert free(embedding).abs().max() < 1e-6
    other = embedding + torch.tensor([1.0, -1.0] * 32)
    assert torch.allclose(read(other)[:, :3], read(embedding)[:, :3], atol=1e-5)
    assert free(other).abs().max() > 0.5


def test_the_mean_of_a_clip_leaves_padding_out() -> None:
    embedding = torch.arange(6.0).reshape(1, 3, 2)
    assert clip_mean(embedding, torch.tensor([[1.0, 1.0, 0.0]])).tolist() == [[1.0, 2.0]]


@pytest.mark.slow
def test_the_stand_in_is_named_and_split_by_voice(spoken: ActedSpeech) -> None:
    described = spoken.describe()
    assert "No human voice" in described["stand_in"] and described["absent"] == ["ravdess"]
    assert len(spoken.songs("all")) == 12 * 30 and len({*acting._MEN, *acting._WOMEN}) == 34
    parts = [{c.group for c in spoken.songs(split)} for split in ("train", "val", "test")]
    assert all(parts) and len(set.union(*parts)) == sum(map(len, parts)) == 12
    assert set(spoken.label_indices("test")) == set(range(8))
    assert spoken.overlap(spoken.songs("test")) == 0


@pytest.mark.slow
def test_it_learns_a_few_clips_by_heart(spoken: ActedSpeech) -> None:
    batch = next(iter(spoken.train_dataloader()))
    module = EmotionRecognizer(channels=48, dropout=0.0, dilations=[1, 2, 4], label_smoothing=0.0)
    mean, std = spoken.statistics()
    module.network.get_submodule("0").mean.copy_(mean)  # type: ignore[union-attr, operator]
    module.network.get_submodule("0").std.copy_(std)  # type: ignore[union-attr, operator]
    module.keep_loss = lambda loss: None  # type: ignore[method-assign]
    optimizer = torch.optim.Adam(module.parameters(), 3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        module.training_step(batch, 0).backward()
        optimizer.step()
    clip = clip_mean(module(batch.x), batch.weight)
    assert (module.label(clip).argmax(1) == batch.label.argmax(1)).float().mean() > 0.9
    assert (read(clip) - batch.scalars).abs()[:, :2].mean() < 0.15


@pytest.mark.slow
def test_the_streaming_file_scores_what_the_network_scores(spoken: ActedSpeech) -> None:
    module = fit(spoken, 1)
    mean = module.network.get_submodule("0").mean
    assert torch.equal(mean, spoken.statistics()[0]), "the network standardises with the training frames' statistics"

    class Few:
        vocabulary = spoken.vocabulary
        contract = spoken.contract

        def songs(self, split: str) -> list[Clip]:
            return spoken.songs(split)[:: 7 if split == "test" else 1]

        def label_indices(self, split: str) -> np.ndarray:
            return spoken.label_indices(split)[:: 7 if split == "test" else 1]

        def conditions(self, split: str) -> dict[str, list[np.ndarray]]:
            return spoken.conditions(split)

    evaluator, network = EmotionEvaluator(), module.export_network()
    published = Published(EMOTION, {}, module.head(), OnnxModel(export_onnx(network, EMOTION), "x.onnx"))
    whole = evaluator(numpy_call(network), module.head(), Few(), "test", spoken).metrics["test"]
    streamed = evaluator(published.call, published.head, Few(), "test", spoken).metrics["test"]
    assert streamed == pytest.approx(whole, abs=5e-3)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(spoken: ActedSpeech) -> None:
    a, b = (fit(spoken, 1, batches=3) for _ in range(2))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def test_head_and_decoding() -> None:
    module = EmotionRecognizer(labels=7, **SMALL)  # type: ignore[arg-type]
    head = module.head()
    assert head["weight"].shape == (7, 64) and module.head_layout()["labels"] == list(module.vocabulary)
    assert "mel128-v2-speaker says" in str(module.head_layout()["decode"])
    module.use_contract("1")
    assert "26 dB below" in str(module.head_layout()["decode"])
    embedding = torch.randn(3, 64)
    expected = module.label(embedding).softmax(1).detach().numpy()
    assert np.allclose(decode(embedding.numpy(), head), expected, atol=1e-6)


@pytest.mark.parametrize(
    "bad",
    [
        {"channels": 0},
        {"dropout": 1},
        {"label_smoothing": 0.9},
        {"labels": 5},
        {"free_weight": -1},
        {"companions": -1},
        {"dilations": []},
    ],
)
def test_bad_values_are_named(bad: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        EmotionRecognizer(**bad)


def test_what_is_judged_early_is_a_beginning_of_the_clip() -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([40, 6, 3]).repeat(200)
    weight = (torch.arange(40) < lengths[:, None]).float()
    kept = beginnings(weight, 4) * weight
    gaps = torch.tensor([[0.0, 1, 0, 1] * 10])
    assert 6 <= (beginnings(gaps, 4) * gaps).sum() <= 20  # frames of silence don't count
    taken = kept.sum(1).reshape(200, 3)
    assert (kept.diff(dim=1) <= 0).all()  # ones, then zeros
    assert 6 <= taken[:, 0].min() < 10 and taken[:, 0].max() >= 38  # 24 frames are six of every fourth
    assert (taken[:, 1] == 6).all() and (taken[:, 2] == 3).all()


@pytest.mark.slow
def test_a_model_of_other_labels_is_refused(spoken: ActedSpeech) -> None:
    module = EmotionRecognizer(labels=7, **SMALL)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"type data\.labels=7"):
        EmotionEvaluator()(numpy_call(module.export_network()), module.head(), spoken, "test", spoken)


@pytest.mark.slow
def test_companions_learn_the_labels_alone_and_teach_the_exported_network(spoken: ActedSpeech) -> None:
    batch = next(iter(spoken.train_dataloader()))
    torch.manual_seed(0)
    plain = {**SMALL, "dropout": 0.0, "label_smoothing": 0.0, "early_weight": 0.0, "reading_weight": 0.0}
    module = EmotionRecognizer(**plain, companions=2, intensity_weight=0.0, free_weight=0.0)  # type: ignore[arg-type]
    assert module.parameter_count == EmotionRecognizer(**SMALL).parameter_count  # type: ignore[arg-type]
    module.keep_loss = lambda loss: None  # type: ignore[method-assign]
    module.training_step(batch, 0).backward()
    found = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}

    def thin(network: torch.nn.Module) -> torch.Tensor:
        return clip_mean(strided_forward(network, batch.x, 4), batch.weight[:, ::4])

    true = batch.label.argmax(1)
    answers = [label(thin(network)) for network, label in zip(module.companions, module.companion_labels, strict=True)]
    taught = torch.stack([a.detach().softmax(1) for a in answers]).mean(0)
    own = module.label(thin(module.network))
    expected = 0.5 * torch.nn.functional.cross_entropy(own, true)
    expected = expected + 0.5 * torch.nn.functional.cross_entropy(own, taught)
    module.zero_grad()
    (expected + sum(torch.nn.functional.cross_entropy(a, true) for a in answers)).backward()
    wanted = {name: p.grad for name, p in module.named_parameters() if p.grad is not None}
    assert any(name.startswith("companions.1") for name in wanted)
    for name, grad in wanted.items():
        assert torch.allclose(found[name], grad, atol=1e-5), name

"""Renderings, splits, metrics and training of EmotionNodeClassifier, on six nodes."""

from __future__ import annotations

import json
from types import SimpleNamespace

import lightning as L
import mir_eval
import numpy as np
import pytest
import torch
from support.declared_metrics import assert_declared

from datamodules.emotion_node import library, made
from datamodules.emotion_node.module import RenderedNodes
from datamodules.emotion_node.sounding import Heard, stretch_of
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.audio.augment import equalise_by_cosines
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.errors import ConfigError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.parity import check_parity
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.models.emotion_node.baselines import key_probabilities
from kmidi_lab.models.emotion_node.evaluation import NodeEvaluator
from kmidi_lab.models.emotion_node.features import (
    BASES,
    HEADS,
    KEY_BY_NOTES,
    KEYS,
    QUADRANTS,
    TAUGHT,
    NodeBatch,
    learnt_of,
    load_thesaurus,
    marginals,
    node_of,
    node_quadrants,
    targets_of,
    taught_of,
)
from kmidi_lab.models.emotion_node.hearing import heard
from kmidi_lab.models.emotion_node.module import EmotionNodeClassifier, disagreement, quadrant_logits
from kmidi_lab.models.emotion_node.scores import invariance, labels_of, mirex, quadrants, score
from kmidi_lab.scoring.items import worst

_NODES = (0, 45, 90, 130, 170, 215)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> RenderedNodes:
    """Six nodes, two training clips each, without the other 210."""
    with pytest.MonkeyPatch.context() as patch:
        whole = made.plan(2, 0)
        patch.setattr(library, "plan", lambda *_: [p for p in whole if p.node in _NODES])
        data = RenderedNodes(
            "", str(tmp_path_factory.mktemp("cache")), renderings=2, batch_size=6, workers=1, progress=False
        )
        data.prepare_data()
        data.setup("fit")
    return data


def test_the_whole_plan_is_balanced_and_nothing_of_the_test_is_heard_before():
    plans = made.plan(12, 0)
    parts = {split: [p for p in plans if p.split == split] for split in ("train", "val", "test")}
    heard = {
        "instrument": lambda p: {p.players.melody, p.players.backing},
        "drum": lambda p: {p.players.drum},
        "tune": lambda p: {p.tune},
        "seed": lambda p: {p.seed},
        "group": lambda p: {p.group},
    }
    for of in heard.values():
        values = {split: set().union(*map(of, part)) for split, part in parts.items()}
        assert not values["test"] & (values["train"] | values["val"])
        assert not values["train"] & values["val"]
    assert len(parts["train"]) == 216 * 12 * 2 and len(parts["test"]) == 216 * made.KEYS_OF["test"]
    assert set(np.bincount([p.node for p in parts["train"]])) == {24}
    assert np.ptp(np.bincount([p.intensity for p in parts["train"]])) == 0
    keys = np.bincount([p.key for p in parts["train"]], minlength=24)
    assert keys.min() > 0.75 * keys.mean() and keys.max() < 1.25 * keys.mean()
    for split, part in parts.items():
        tried: dict[str, set[int]] = {}
        for p in part:
            tried.setdefault(p.group, set()).add(p.key)
        assert {len(keys) for keys in tried.values()} == {made.KEYS_OF[split]}


@pytest.mark.slow
def test_near_duplicates_would_share_a_split(data):
    clips = data.songs("test")
    groups = library.grouped([*data.songs("train"), *clips])
    train = {groups.find(i) for i in range(len(data.songs("train")))}
    assert not train & {groups.find(len(data.songs("train")) + i) for i in range(len(clips))}
    assert data.overlap(clips) == 0 and data.overlap(data.songs("train")[:3]) == 3


@pytest.mark.slow
def test_clips_are_loud_enough_and_in_their_key(data):
    """The key finder of Krumhansl hears more than chance would: 1 in 24."""
    clips = data.songs("all")
    assert {c.sound.frames.shape for c in clips} == {(247, 128)} and all(c.sound.frames.max() > -8 for c in clips)
    found = np.array([key_probabilities(c.sound.frames).argmax() for c in clips])
    assert mirex(found, labels_of(clips)[:, HEADS.index("key")]).mean() > 0.15
    assert "not what listeners feel" in data.describe()["stand_in"]


def test_how_loud_a_clip_was_rendered_is_not_heard():
    wave = np.sin(np.arange(32_000) / 9).astype(np.float32) * 0.5
    loud, soft = (Heard()(stretch_of(wave * gain, 0.5, 1.0), "", "train").frames for gain in (1.0, 0.01))
    np.testing.assert_allclose(loud.astype(float), soft.astype(float), atol=0.02)
    assert Heard()(stretch_of(wave[:100], 1.0, 0.5), "", "train").frames.max() == pytest.approx(np.log(1e-6), abs=0.01)


def test_mirex_weights_are_mir_evals_with_fifths_either_way():
    def weight(true: int, found: int) -> float:
        ahead, back = (mir_eval.key.weighted_score(KEYS[a], KEYS[b]) for a, b in ((true, found), (found, true)))
        return 0.5 if back == 0.5 else ahead

    pairs = [(true, found) for true in range(24) for found in range(24)]
    ours = mirex(np.array([found for _, found in pairs]), np.array([true for true, _ in pairs]))
    np.testing.assert_allclose(ours, [weight(*pair) for pair in pairs])


def test_invariance_counts_pairs():
    assert invariance(np.array([1, 1, 2, 5, 5]), ["a", "a", "a", "b", "b"]) == pytest.approx(2 / 4)
    assert invariance(np.array([1, 2]), ["a", "b"]) == 1.0


@pytest.mark.slow
def test_perfect_and_wrong_answers(data):
    """Two clips of the four have a quadrant as well, as played ones do."""
    clips = data.songs("test")
    listened = [Clip(f"x/{i}/0", "emopia", str(i), {"quadrant": i}, clips[0].sound, "test") for i in range(4)]
    true = labels_of([*clips, *listened])
    sizes = [*(EMOTION_NODE.output(name).size for name in HEADS), 4]
    perfect = {
        name: np.eye(size)[true[:, i]] * 0.999 + 1e-6
        for i, (name, size) in enumerate(zip((*HEADS, "quadrant"), sizes, strict=True))
    }
    told = score(perfect, [*clips, *listened])
    assert all(told[k] == 1 for k in told if k.endswith(("accuracy", "top3", "mirex", "invariance", "consistency")))
    assert told["intensity_mae"] == 0 and told["loss"] < 0.1
    wrong = {**perfect, "base": np.roll(perfect["base"], 1, 1), "quadrant": np.roll(perfect["quadrant"], 1, 1)}
    told = score(wrong, [*clips, *listened])
    assert told["base_accuracy"] == told["sub_accuracy"] == told["hierarchy_consistency"] == 0
    assert told["quadrant_accuracy"] == 0 and told["valence_accuracy"] == told["arousal_accuracy"] == 0.5


def test_the_worst_clips_are_those_of_the_rarest_quadrant_where_all_nodes_are_alike():
    sound = SimpleNamespace(frames=np.zeros((20, 128), np.float16))
    clips = [Clip(f"x/{i}/0", "emopia", str(i), {"quadrant": i}, sound, "test") for i in range(4)]
    clips.append(Clip("x/4/0", "emopia", "4", {}, sound, "test"))  # of which nothing is known
    data = SimpleNamespace(songs=lambda split: clips, contract=EMOTION_NODE)
    zeros = lambda x: np.zeros((1, x.shape[1], EMOTION_NODE.output_size), np.float32)
    items = list(NodeEvaluator().items(zeros, {}, data, "test"))
    shares = np.bincount(node_quadrants(), minlength=4) / 216
    assert [item.loss for item in items] == pytest.approx(list(-np.log(shares)))
    assert worst(items)[0].name == f"x/{shares.argmin()}/0"
    assert items[2].said.startswith("sad, heard as ") and items[2].picture().frames.shape == (20, 128)


def test_a_quadrants_probability_is_that_of_its_nodes():
    outputs = torch.randn(3, 258, generator=torch.Generator().manual_seed(0))
    nodes = outputs[:, EMOTION_NODE.output("node").index].softmax(1).numpy()
    by_hand = np.zeros((3, 4))
    for place, node in enumerate(load_thesaurus()):
        happy, stirred = node.valence > 0, node.arousal > 0
        by_hand[
            :, QUADRANTS.index({(1, 1): "happy", (0, 1): "angry", (0, 0): "sad", (1, 0): "calm"}[happy, stirred])
        ] += nodes[:, place]
    np.testing.assert_allclose(quadrants(nodes), by_hand, atol=1e-6)
    np.testing.assert_allclose(quadrant_logits(outputs).softmax(1).numpy(), by_hand, atol=1e-6)


def test_listeners_and_notes_teach_the_quadrant_each_with_its_weight():
    outputs = torch.randn(4, 258, generator=torch.Generator().manual_seed(2))
    unknown = torch.full((2, 2, 5), -1)
    log_p = quadrant_logits(outputs).log_softmax(1)
    taught = torch.tensor([[0.5, 0.1, 0.1, 0.3], [0.0, 0.0, 0.0, 0.0]])
    batch = NodeBatch(torch.zeros(2, 2, 1, 128), unknown, torch.tensor([-1, 2]), taught)
    module = EmotionNodeClassifier(channels=8, dilations=[4], quadrant_weight=2.0, taught_weight=0.5)
    heard_by_listeners = -(log_p[2, 2] + log_p[3, 2]) / 2
    by_notes = -(taught[0] * (log_p[0] + log_p[1]) / 2).sum()
    by_hand = 2.0 * heard_by_listeners + 0.5 * by_notes
    assert float(module._loss(outputs, batch, 1, 0.0)) == pytest.approx(float(by_hand), rel=1e-5)


def test_the_key_by_notes_is_learnt_where_no_other_is_known():
    sound = Sound(np.zeros((1, 128), np.float16))
    of = {"node": 3, "intensity": 2, "key": 5, KEY_BY_NOTES: 9}
    assert learnt_of(Clip("a/0", "rules", "a", of, sound))[HEADS.index("key")] == 5
    played = Clip("a/0", "pop909", "a", {KEY_BY_NOTES: 9, **dict(zip(TAUGHT, (250, 0, 250, 500), strict=True))}, sound)
    assert [one for one in learnt_of(played) if one >= 0] == [9] and targets_of(played) == [-1] * 5
    assert taught_of(played) == [0.25, 0, 0.25, 0.5] and taught_of(Clip("a/0", "rules", "a", of, sound)) == [0.0] * 4


def test_two_keys_disagree_where_their_answers_do_but_for_the_key():
    outputs = torch.randn(4, 1, 258, generator=torch.Generator().manual_seed(1)).repeat(1, 2, 1)
    outputs[:, 1, EMOTION_NODE.output("key").index] += 5 * torch.randn(4, 24)
    assert float(disagreement(outputs)) == pytest.approx(0, abs=1e-5)
    outputs[:, 1, 0] += 1.0
    p, q = outputs[:, :, :6].softmax(-1).unbind(1)
    by_hand = ((p * (p / q).log()).sum(1) + (q * (q / p).log()).sum(1)).mean() / 2
    assert float(disagreement(outputs)) == pytest.approx(float(by_hand), rel=1e-4)


def test_nodes_are_the_sums_of_their_places():
    """Within a quadrant two nodes of one base and sub-emotion differ by their leaves alone, whatever the weights."""
    torch.manual_seed(0)
    outputs = EmotionNodeClassifier(channels=8, dilations=[4]).eval().network(torch.randn(2, 40, 128))[:, -1]
    node, sub = (outputs[:, EMOTION_NODE.output(name).index] for name in ("node", "sub"))
    places = {node_of(i): i for i in range(216)}
    pairs = [(i, places[p._replace(sub=(p.sub + 1) % 6)]) for p, i in places.items()]
    same = [(i, j) for i, j in pairs if node_quadrants()[i] == node_quadrants()[j]]
    assert len(same) > 100
    for i, j in same:
        by_sub = sub[:, node_of(i).sub] - sub[:, node_of(j).sub]
        assert (node[:, i] - node[:, j] - by_sub).abs().max() < 1e-5


def test_without_the_quadrants_the_heads_agree():
    """As in version 1: the marginals of the node head are the base and sub heads."""
    torch.manual_seed(0)
    module = EmotionNodeClassifier(channels=8, dilations=[4])
    module.use_contract("1")
    outputs = module.eval().network(torch.randn(2, 40, 128))[:, -1]
    p = {name: outputs[:, EMOTION_NODE.output(name).index].softmax(-1) for name in HEADS}
    base, sub = marginals(p["node"].detach().numpy())
    np.testing.assert_allclose(base, p["base"].detach(), atol=1e-6)
    np.testing.assert_allclose(sub, p["sub"].detach(), atol=1e-6)


@pytest.mark.slow
def test_two_processes_render_what_one_does():
    plans = made.plan(1, 0)[:12]
    one, two = (list(made.rendered(plans, workers, False, Heard())) for workers in (1, 2))
    assert [c.id for c in one] == [c.id for c in two] and len({c.id for c in one}) == 12
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.sound.frames, b.sound.frames)


@pytest.mark.slow
def test_more_training_clips_leave_the_others_as_they_are():
    few, many = (made.plan(n, 0) for n in (2, 3))
    assert [p for p in many if p in set(few)] == few


@pytest.mark.slow
def test_training_learns_scores_and_exports(data, tmp_path):
    L.seed_everything(0, verbose=False)
    module = EmotionNodeClassifier(channels=24, dilations=[4, 8], dropout=0.0, learning_rate=1e-2)
    trainer = L.Trainer(
        max_epochs=25, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    call = numpy_call(module.export_network())
    inputs = heard([c.sound.frames for c in data.songs("train")], EMOTION_NODE.features)
    base = np.array([call(x[None])[0].mean(0)[EMOTION_NODE.output("base").index].argmax() for x in inputs])
    assert (base == labels_of(data.songs("train"))[:, 0]).mean() > 0.6
    evaluator = NodeEvaluator()
    result = evaluator(call, {}, data, "test", data)
    assert_declared(evaluator, result)
    told = evaluator.verdict(result, "test")
    assert told["best_baseline"] in result.baselines["test"] and len(told["also"]) == 4  # nobody listened
    assert {"base_accuracy_at_1_s", "node_accuracy_at_3_s"} <= result.metrics["test"].keys()
    json.dumps(result.analysis)
    onnx, rtneural = export_onnx(module.network, EMOTION_NODE), export_rtneural(module.network, EMOTION_NODE)
    report = check_parity(module.network, EMOTION_NODE, onnx, rtneural, data.probes()[:300], 1e-4, None)
    assert report["onnx"] < 1e-4 and report["rtneural_reader"] < 1e-4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"renderings": 0}, "data.renderings"),
        ({"frames": 32}, "data.frames=32 must be 64"),
        ({"equaliser": 99}, "data.equaliser=99"),
        ({"bands": -1}, "data.bands"),
    ],
)
def test_bad_settings_are_named(tmp_path, wrong, said):
    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        RenderedNodes("", str(tmp_path), **wrong)
    with pytest.raises(ConfigError, match=r"frame_weight=-1"):
        EmotionNodeClassifier(frame_weight=-1)


def test_bases_are_the_contracts():
    assert " ".join(BASES) == EMOTION_NODE.output("base").meaning


def test_the_equaliser_is_smooth_and_keeps_the_level():
    x = torch.zeros(400, 2, 128)
    y = equalise_by_cosines(x, 2.0, torch.Generator().manual_seed(0))
    assert y.mean(-1).abs().max() < 1e-4 and (y[:, 0] == y[:, 1]).all()
    assert float(y.var(0).mean()) == pytest.approx(4 * 0.5 * (2 * np.log(10) / 10) ** 2, rel=0.1)
    assert float(y.diff(dim=-1).abs().max()) < 0.3
    assert equalise_by_cosines(x - 20, 2.0, torch.Generator()).min() >= np.log(1e-6) - 1e-4

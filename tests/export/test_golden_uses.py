"""Inputs that change nothing are named; everything else is used in a golden file, and so is every decode of a head."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
import torch
from test_publish import Toy, record_of
from torch import nn

from kmidi_lab.contracts import DYNAMICS, EMOTION, GROOVE, HARMONY
from kmidi_lab.errors import ExportError, RegistryError
from kmidi_lab.export.proof.audio_golden import audio_golden, frames_of, verify_audio, waveform
from kmidi_lab.export.proof.golden import golden_vectors
from kmidi_lab.export.proof.probes import without_effect
from kmidi_lab.export.publish import Publication, export_module
from kmidi_lab.nn.layers import GRU, CausalConv1d
from kmidi_lab.nn.streaming import Chain, TorchModel
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report.card import model_card


def test_slices_and_parts_of_them_that_nothing_hears_are_named():
    weight = np.random.default_rng(0).normal(size=(32, 16)).astype(np.float32)
    weight[DYNAMICS.input("emotion").start + 2 : DYNAMICS.input("emotion").stop] = 0
    weight[DYNAMICS.input("tempo").index] = 0
    assert without_effect(lambda x: x @ weight, DYNAMICS.inputs) == ["emotion[2:4]", "tempo"]
    weight[:] = 1
    assert without_effect(lambda x: x @ weight, DYNAMICS.inputs) == []


def unescaped(markdown: str) -> str:
    return markdown.replace("\\", "")


class Headed(Toy):
    """A harmony model with a head file."""

    def head(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(3)
        sizes = {"weight": (96, 28), "bias": (96,), "gate_weight": (10, 28), "memory_weight": (9, 10)}
        return {name: rng.normal(size=size).astype(np.float32) for name, size in sizes.items()}

    def head_layout(self) -> dict[str, object]:
        chord = HARMONY.output("chord_embedding")
        return {"input": {"slice": chord.name, "start": chord.start, "stop": chord.stop}, "degrees": list(range(12))}


@pytest.fixture(scope="module")
def harmony(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("harmony")
    network = nn.Sequential(nn.Linear(128, 16), nn.Tanh(), nn.Linear(16, 64))
    with torch.no_grad():
        network[0].weight[:, 32:64] = 0
        network[0].weight[:, HARMONY.input("last_duration").index] = 0
    module = Headed(HARMONY, network)
    probes = np.zeros((60, 128), np.float32)  # as real probes are, with an unknown emotion
    probes[:, 64:70] = np.random.default_rng(1).random((60, 6))
    run = record_of(module)
    export_module(module, probes, run, Publication(folder, 1e-4, 20, release=False))
    return folder, run


@pytest.mark.slow
def test_a_golden_file_uses_every_slice_that_is_heard_and_names_the_others(harmony):
    folder, run = harmony
    golden = orjson.loads((folder / "golden" / "harmonypredictor.json").read_bytes())
    assert golden["no_effect"] == ["emotion[32:64]", "last_duration"]
    inputs = np.array(golden["sequence"]["inputs"] + golden["typical"]["inputs"])
    assert all(inputs[:, part.index].any() for part in HARMONY.inputs)
    (entry,) = load_registry(folder)["models"]
    assert entry["no_effect"] == golden["no_effect"]
    assert r"These inputs change no output: `emotion[32:64]`, `last_duration`." in unescaped(model_card(run, HARMONY))


def test_it_holds_what_the_head_decodes(harmony):
    folder, _ = harmony
    golden = orjson.loads((folder / "golden" / "harmonypredictor.json").read_bytes())
    head = orjson.loads((folder / "harmonypredictor.head.json").read_bytes())
    outputs = np.array(golden["sequence"]["outputs"] + golden["typical"]["outputs"])
    by_hand = [np.array(head["weight"]) @ row[36:64] + head["bias"] for row in outputs]
    np.testing.assert_allclose(golden["decoded"]["weight"], by_hand, rtol=1e-5, atol=1e-5)
    gates = [np.array(head["gate_weight"]) @ row[36:64] for row in outputs]  # it has no bias
    np.testing.assert_allclose(golden["decoded"]["gate_weight"], gates, rtol=1e-5, atol=1e-5)
    assert sorted(golden["decoded"]) == ["gate_weight", "weight"]  # the other matrix reads no outputs


def listener() -> Chain:
    torch.manual_seed(0)
    return Chain(CausalConv1d(128, 8, 3), nn.ReLU(), GRU(8, 8), nn.Linear(8, 64)).eval()


def test_a_listening_model_s_file_goes_from_a_waveform_to_outputs():
    model = TorchModel(listener())
    data = audio_golden(model, EMOTION)
    file = orjson.loads(data)
    assert len(data) < 60_000 and file["sample_rate"] == 16_000
    assert np.array(file["frames"]).shape == (10, 128) and np.array(file["outputs"]).shape == (10, 64)
    np.testing.assert_array_equal(file["samples"], waveform())
    assert np.ptp(np.array(file["frames"]), axis=0).min() > 0.5  # every band hears something
    assert verify_audio(data, model, 1e-5) < 1e-6


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda f: f["samples"].__setitem__(1500, 9000), RegistryError, "frames are not those"),
        (lambda f: f["frames"][3].__setitem__(5, 0.0), RegistryError, "checksums"),
        (lambda f: f.pop("samples"), RegistryError, "broken"),
        (lambda f: f.update(scale=0), RegistryError, "divided by 0"),
    ],
)
def test_a_changed_audio_file_is_refused(change, error, says):
    model = TorchModel(listener())
    file = orjson.loads(audio_golden(model, EMOTION))
    change(file)
    with pytest.raises(error, match=says):
        verify_audio(orjson.dumps(file), model, 1e-4)


def test_another_model_does_not_answer_as_the_audio_file_says():
    data, other = audio_golden(TorchModel(listener()), EMOTION), listener()
    with torch.no_grad():
        other.get_submodule("3").bias += 0.1
    with pytest.raises(ExportError, match="frame 0 is off by"):
        verify_audio(data, TorchModel(other), 1e-4)


def test_frames_are_those_of_samples_in_minus_one_to_one():
    assert frames_of(np.zeros(1024, np.int16)).min() == pytest.approx(np.log(1e-6), abs=1e-5)


def test_vectors_alone_make_the_file_of_before():
    frames = np.zeros((8, 64), np.float32)
    model = TorchModel(nn.Linear(64, 32).eval())
    assert {"no_effect", "decoded"}.isdisjoint(orjson.loads(golden_vectors(model, GROOVE, frames, frames)))

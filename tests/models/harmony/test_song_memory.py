"""The song's memory beside a model: by hand, in Python and in the C++ of docs/harmony.md."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.page_cpp import built
from torch import nn

from datamodules.harmony.module import ChordSongs
from kmidi_lab.chords.chart import ChartChord
from kmidi_lab.chords.chord import QUALITIES, plain_chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.contracts import HARMONY
from kmidi_lab.inference.published import Published
from kmidi_lab.models.harmony.decoding import next_probabilities, song_probabilities
from kmidi_lab.models.harmony.features import CLASSES, joint_class
from kmidi_lab.models.harmony.memory import MEMORY_ORDER, ChordMemory
from kmidi_lab.models.harmony.module import HarmonyPredictor
from kmidi_lab.models.harmony.predict import NextChords
from kmidi_lab.scoring.matches import chances_so_far, every_match, match_weights, no_matches, with_matches

_MAIN = """
#include <cstdio>
int main() {
    SongMemory::Rows rows{};
    SongMemory::Row gate{};
    for (auto& row : rows) for (auto& w : row) if (std::scanf("%lf", &w) != 1) return 1;
    for (auto& w : gate) if (std::scanf("%lf", &w) != 1) return 1;
    SongMemory song;
    for (int chord; std::scanf("%d", &chord) == 1; song.chords.push_back(chord)) {
        std::array<double, 96> p;
        p.fill(1.0 / 96);
        song.mix(p, gate, rows);
        std::printf("%d", song.recalled());
        for (double x : p) std::printf(" %.17g", x);
        std::puts("");
    }
}
"""


def songs(seed: int, number: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [np.tile(rng.integers(0, 8, rng.integers(3, 9)), 3).tolist() for _ in range(number)]


def fitted(own: np.ndarray, given: Sequence[Sequence[int]]) -> np.ndarray:
    return match_weights(own, given, MEMORY_ORDER)


def some_weights() -> np.ndarray:
    given = songs(1, 30)
    return fitted(np.full(sum(map(len, given)), 0.05), given)


def a_head(rng: np.random.Generator, remembers: str) -> dict[str, np.ndarray]:
    head = {"weight": rng.normal(size=(96, 28)).astype(np.float32), "bias": np.zeros(96, np.float32)}
    if remembers == "by fixed shares":
        head["memory_weight"] = some_weights().astype(np.float32)
    if remembers == "by a gate":
        sizes = {"mixed_weight": (96, 28), "mixed_bias": (96,), "gate_weight": (10, 28), "memory_logit": (9, 10)}
        head |= {name: rng.normal(size=size).astype(np.float32) for name, size in sizes.items()}
    return head


def outputs_of(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.normal(size=(count, 64)).astype(np.float32)


def test_by_hand() -> None:
    weights = no_matches(MEMORY_ORDER)
    weights[0, :2] = 0.5, 0.5
    weights[1, :3] = 0.2, 0.3, 0.5
    p = with_matches(np.full((4, 96), 1 / 96), [5, 7, 5, 9], weights)
    assert np.allclose(p[0], 1 / 96)  # no chords yet: their half is the model's
    assert p[1, 5] == pytest.approx(0.5 / 96 + 0.5)
    # After 5 7 5 the song holds two 5 and one 7, and 7 followed 5: 9 is new.
    assert p[3, [5, 7, 9]] == pytest.approx([0.2 / 96 + 0.3 * 2 / 3, 0.2 / 96 + 0.3 / 3 + 0.5, 0.2 / 96])


def test_gated_shares_by_hand() -> None:
    head = a_head(np.random.default_rng(0), "by a gate") | {
        "mixed_weight": np.zeros((96, 28)),
        "mixed_bias": np.zeros(96),
        "gate_weight": np.zeros((10, 28)),
        "memory_logit": np.zeros((9, 10)),
    }
    head["gate_weight"][2, 0] = 1.0
    head["memory_logit"][1, 1] = np.log(3)
    outputs = np.zeros((4, 64))
    outputs[:, HARMONY.output("chord_embedding").start] = np.log(4)
    p = song_probabilities(outputs, [[5, 7, 5, 9]], head)
    assert np.allclose(p[0], 1 / 96)  # nothing but the network
    assert p[1, 5] == pytest.approx((1 / 96 + 1) / 2)  # the network and the song's one chord alike
    # After 5 7 5: the network counts 1, the song's own chords 3, what followed 5 counts 4, longer matches there are none.
    assert p[3, [5, 7, 9]] == pytest.approx([(1 / 96 + 3 * 2 / 3) / 8, (1 / 96 + 3 / 3 + 4) / 8, 1 / 96 / 8])


def test_a_gate_that_is_shut_is_what_fixed_shares_are() -> None:
    rng = np.random.default_rng(1)
    head, outputs = a_head(rng, "by fixed shares"), outputs_of(rng, 40)
    tokens = rng.integers(0, 5, 40).tolist()
    gated = {
        "mixed_weight": head["weight"],
        "mixed_bias": head["bias"],
        "gate_weight": np.zeros((10, 28)),
        "memory_logit": np.log(np.maximum(head["memory_weight"], 1e-12)),
    }
    expected = song_probabilities(outputs, [tokens], head)
    assert np.allclose(song_probabilities(outputs, [tokens], head | gated), expected, atol=1e-6)


@pytest.mark.parametrize("remembers", ["", "by fixed shares", "by a gate"])
def test_the_next_chord_is_mixed_as_the_chords_of_a_song_are(remembers: str) -> None:
    rng = np.random.default_rng(2)
    head, given = a_head(rng, remembers), songs(3, 10)
    outputs = [outputs_of(rng, len(tokens)) for tokens in given]
    together = song_probabilities(np.concatenate(outputs), given, head)
    assert np.allclose(together.sum(1), 1)
    rows = np.split(together, np.cumsum([len(tokens) for tokens in given])[:-1])
    for tokens, out, own in zip(given, outputs, rows, strict=True):
        for at in range(len(tokens)):
            assert np.allclose(next_probabilities(out[at], tokens[:at], head), own[at])


def test_chances_so_far_are_those_of_every_match() -> None:
    rng = np.random.default_rng(7)
    for tokens in [*songs(8, 10), rng.integers(0, 3, 60).tolist(), [4], []]:
        matches, longest = every_match(tokens, MEMORY_ORDER, CLASSES, np.float64)
        parts, lengths = chances_so_far(tokens, MEMORY_ORDER)
        assert np.allclose(parts, matches[:, np.arange(len(tokens)), tokens].T)
        assert lengths.tolist() == [-1, *longest[1:]][: len(tokens)]


def test_training_makes_the_mixtures_likelihood_greater_as_the_evaluator_takes_it(tmp_path: Path) -> None:
    data = ChordSongs("", str(tmp_path), sources=["embedded"], progress=False)
    data.setup("fit")
    torch.manual_seed(0)
    module = HarmonyPredictor(hidden=(16,)).eval()
    for part in (module.gate.weight, module.memory):
        nn.init.normal_(part)
    batch = data.whole("val")[0]
    with torch.no_grad():
        embedding = module.network(batch.x)[:, HARMONY.output("chord_embedding").index]
        loss = float(module.mixture_loss(embedding, batch))
        outputs = module.network(batch.x).numpy()
    p = song_probabilities(outputs, [song.tokens for song in data.sequences("val")], module.head())
    assert loss == pytest.approx(-np.log(p[np.arange(len(p)), data.encoded("val").joint]).mean(), abs=1e-5)


def test_a_checkpoint_of_fixed_shares_says_what_it_said() -> None:
    module, older = HarmonyPredictor(hidden=(16,)), HarmonyPredictor(hidden=(16,)).state_dict()
    for name in ("mixed.weight", "mixed.bias", "gate.weight"):
        del older[name]
    rng, tokens = np.random.default_rng(3), songs(4, 1)[0]
    shares, outputs = some_weights(), outputs_of(rng, len(tokens))
    head = {name: older[f"joint.{name}"].numpy() for name in ("weight", "bias")}
    for memory, told in ((shares, {"memory_weight": shares}), (None, {})):
        older.pop("memory", None)
        state = dict(older) if memory is None else {**older, "memory": torch.from_numpy(memory).float()}
        module.load_state_dict(state)
        expected = song_probabilities(outputs, [tokens], head | told)
        assert np.allclose(song_probabilities(outputs, [tokens], module.head()), expected, atol=1e-6)


def test_weights_trust_what_is_right() -> None:
    rng = np.random.default_rng(4)
    noise, loops = rng.integers(0, 8, (30, 40)).tolist(), songs(4, 30)
    assert np.allclose(some_weights().sum(1), 1)
    assert fitted(np.full(1200, 0.9), noise)[1, 0] > 0.95
    assert fitted(np.full(sum(map(len, loops)), 1e-4), loops)[8, 0] < 0.05
    assert np.array_equal(fitted(np.zeros(0), []), no_matches(MEMORY_ORDER))


@pytest.mark.slow
@pytest.mark.parametrize("remembers", ["", "by fixed shares", "by a gate"])
def test_predict_answers_as_the_evaluator_scores(remembers: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    mix = rng.normal(size=(128, 64)).astype(np.float32)
    head = a_head(rng, remembers)
    data = ChordSongs("", str(tmp_path), sources=["embedded"], progress=False)
    data.setup("test")
    split, encoded = data.sequences("test"), data.encoded("test")
    expected = song_probabilities(encoded.x @ mix, [song.tokens for song in split], head)

    class Model:
        def __call__(self, x: np.ndarray) -> np.ndarray:
            return np.asarray(x @ mix)

        def reset(self) -> None:
            pass

    published = Published(HARMONY, {}, head, Model(), tmp_path)  # type: ignore[arg-type]
    row = 0
    for song in data.songs("test")[:10]:
        row += len(song.events) - 1
        key, last = song.events[-1].key, song.events[-1].chord
        name = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")[key.tonic] + (
            "m" if key.mode < 0 else ""
        )
        request = NextChords("C", key=name, top=96)
        placed = tuple(ChartChord(e.chord, "", "", e.start, e.bars) for e in song.events[:-1])
        request.chart, request.affect = replace(request.chart, placed=placed), song.affect
        answers = {joint_class(parse_jazz(a.chord), key): a.probability for a in request.answer(published)}
        assert answers[joint_class(last, key)] == pytest.approx(expected[row, encoded.joint[row]], abs=1e-6)
        row += 1


def test_the_pages_cpp_mixes_and_recalls_as_python_does(repo: Path, tmp_path: Path) -> None:
    program = built(repo / "docs" / "harmony.md", _MAIN, tmp_path)
    rng = np.random.default_rng(9)
    head = a_head(rng, "by a gate") | {"mixed_weight": np.zeros((96, 28)), "mixed_bias": np.zeros(96)}
    for tokens in songs(6, 5):
        output = outputs_of(rng, 1)
        gate = head["gate_weight"] @ output[0, HARMONY.output("chord_embedding").index]
        given = " ".join(map(repr, [*head["memory_logit"].ravel().tolist(), *gate.tolist(), *tokens]))
        done = subprocess.run([program], input=given, capture_output=True, text=True, check=True)
        lines = [line.split() for line in done.stdout.splitlines()]
        expected = song_probabilities(np.tile(output, (len(tokens), 1)), [tokens], head)
        assert np.allclose(np.array([line[1:] for line in lines], float), expected, atol=1e-6)
        memory = ChordMemory()
        for token, line in zip(tokens, lines, strict=True):
            recalled, _ = memory.recall()
            at = int(line[0])
            assert (recalled is None) == (at < 0)
            assert recalled is None or recalled.label == divmod(tokens[at], len(QUALITIES))
            degree, quality = divmod(token, len(QUALITIES))
            memory.append(plain_chord(degree, QUALITIES[quality]))

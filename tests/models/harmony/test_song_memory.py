"""The song's memory beside a model: by hand, in Python and in the C++ of docs/harmony.md."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.page_cpp import built

from datamodules.harmony.module import ChordSongs
from kmidi_lab.chords.chart import ChartChord
from kmidi_lab.chords.chord import QUALITIES, plain_chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.contracts import HARMONY
from kmidi_lab.inference.published import Published
from kmidi_lab.models.harmony.evaluation import joint_probabilities, remembered
from kmidi_lab.models.harmony.features import ChordMemory, joint_class
from kmidi_lab.models.harmony.predict import NextChords
from kmidi_lab.models.harmony.song_memory import memory_weights, next_with_memory, no_memory, with_memory

_MAIN = """
#include <cstdio>
int main() {
    SongMemory::Weights weights{};
    for (auto& row : weights) for (auto& w : row) if (std::scanf("%lf", &w) != 1) return 1;
    SongMemory song;
    for (int chord; std::scanf("%d", &chord) == 1; song.chords.push_back(chord)) {
        std::array<double, 96> p;
        p.fill(1.0 / 96);
        song.mix(p, weights);
        std::printf("%d", song.recalled());
        for (double x : p) std::printf(" %.17g", x);
        std::puts("");
    }
}
"""


def songs(seed: int, number: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [np.tile(rng.integers(0, 8, rng.integers(3, 9)), 3).tolist() for _ in range(number)]


def some_weights() -> np.ndarray:
    given = songs(1, 30)
    return memory_weights(np.full(sum(map(len, given)), 0.05), given)


def test_by_hand() -> None:
    weights = no_memory()
    weights[0, :2] = 0.5, 0.5
    weights[1, :3] = 0.2, 0.3, 0.5
    p = with_memory(np.full((4, 96), 1 / 96), [5, 7, 5, 9], weights)
    assert np.allclose(p[0], 1 / 96)  # no chords yet: their half is the model's
    assert p[1, 5] == pytest.approx(0.5 / 96 + 0.5)
    # After 5 7 5 the song holds two 5 and one 7, and 7 followed 5: 9 is new.
    assert p[3, [5, 7, 9]] == pytest.approx([0.2 / 96 + 0.3 * 2 / 3, 0.2 / 96 + 0.3 / 3 + 0.5, 0.2 / 96])


def test_the_next_chord_is_mixed_as_the_chords_of_a_song_are() -> None:
    weights, rng = some_weights(), np.random.default_rng(2)
    for tokens in songs(3, 10):
        p = rng.dirichlet(np.ones(96), len(tokens))
        rows = with_memory(p, tokens, weights)
        assert np.allclose(rows.sum(1), 1)
        for at in range(len(tokens)):
            assert np.allclose(next_with_memory(p[at], tokens[:at], weights), rows[at])


def test_weights_trust_what_is_right() -> None:
    rng = np.random.default_rng(4)
    noise, loops = rng.integers(0, 8, (30, 40)).tolist(), songs(4, 30)
    assert np.allclose(some_weights().sum(1), 1)
    assert memory_weights(np.full(1200, 0.9), noise)[1, 0] > 0.95
    assert memory_weights(np.full(sum(map(len, loops)), 1e-4), loops)[8, 0] < 0.05
    assert np.array_equal(memory_weights(np.zeros(0), []), no_memory())


@pytest.mark.slow
@pytest.mark.parametrize("remembers", [True, False])
def test_predict_answers_as_the_evaluator_scores(remembers: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    mix = rng.normal(size=(128, 64)).astype(np.float32)
    head = {"weight": rng.normal(size=(96, 28)).astype(np.float32), "bias": np.zeros(96, np.float32)}
    if remembers:
        head["memory_weight"] = some_weights().astype(np.float32)
    data = ChordSongs("", str(tmp_path), sources=["embedded"], progress=False)
    data.setup("test")
    split, encoded = data.sequences("test"), data.encoded("test")
    expected = remembered(joint_probabilities(encoded.x @ mix, head), split, head)

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
    weights = some_weights()
    for tokens in songs(6, 5):
        given = " ".join(map(repr, [*weights.ravel().tolist(), *tokens]))
        done = subprocess.run([program], input=given, capture_output=True, text=True, check=True)
        lines = [line.split() for line in done.stdout.splitlines()]
        expected = with_memory(np.full((len(tokens), 96), 1 / 96), tokens, weights)
        assert np.allclose(np.array([line[1:] for line in lines], float), expected, atol=1e-12)
        memory = ChordMemory()
        for token, line in zip(tokens, lines, strict=True):
            recalled, _ = memory.recall()
            at = int(line[0])
            assert (recalled is None) == (at < 0)
            assert recalled is None or recalled.label == divmod(tokens[at], len(QUALITIES))
            degree, quality = divmod(token, len(QUALITIES))
            memory.append(plain_chord(degree, QUALITIES[quality]))

"""The thesaurus, KmiDi's folder in the same ids, and what the mapping makes of a node."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import Counter

import numpy as np
import pytest

from datamodules.emotion_node.composing import LINES, RHYTHMS, SECONDS, TUNES, Players, compose, music_of
from kmidi_lab.errors import DataError
from kmidi_lab.models.emotion_node import features
from kmidi_lab.models.emotion_node.features import (
    BASES,
    SUBS,
    NodeId,
    load_kmidi,
    load_thesaurus,
    marginals,
    node_of,
    targets,
)

_PLAYERS = Players(0, 48, 42)


def test_216_nodes_in_the_contracts_order():
    nodes = load_thesaurus()
    assert [n.place.node for n in nodes] == list(range(216))
    assert all(-1 <= v <= 1 for n in nodes for v in (n.valence, n.arousal, n.dominance))
    assert len({(n.valence, n.arousal, n.dominance) for n in nodes}) == 216
    joy, grief = nodes[NodeId(0, 1, 0).node], nodes[NodeId(1, 0, 0).node]
    assert (joy.name, grief.name) == ("glad", "bereft")
    assert joy.valence > 0 > grief.valence


def test_leaves_go_from_calm_to_stirred():
    nodes = load_thesaurus()
    for first in range(0, 216, 6):
        arousal = [n.arousal for n in nodes[first : first + 6]]
        assert arousal == sorted(arousal)


def test_ids_are_the_contracts():
    assert targets(100, 3, 17) == {"base": 2, "sub": 4, "intensity": 3, "key": 17, "node": 100}
    assert node_of(215) == NodeId(5, 5, 5) and NodeId(5, 5, 5).node == 215
    for wrong in (-1, 216):
        with pytest.raises(ValueError, match=r"0\.\.215"):
            node_of(wrong)


def test_marginals_add_up():
    p = np.random.default_rng(0).dirichlet(np.ones(216), 3)
    base, sub = marginals(p)
    assert base[1, 2] == pytest.approx(p[1, 72:108].sum())
    assert sub[1, 4] == pytest.approx(sum(p[1, b * 36 + 24 : b * 36 + 30].sum() for b in range(6)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "HAPPY.contentment must hold 6 leaves"),
        ("- a list", "HAPPY.contentment must hold 6 leaves"),
        ("HAPPY: {contentment: {a: [0,0,0]}}", "must hold 6 leaves"),
        ("HAPPY: {contentment: {a: [0,0,2], b: 1, c: 1, d: 1, e: 1, f: 1}}", r"contentment\.a must be three numbers"),
        ("a: [", "can't be read as a thesaurus"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, said):
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(DataError, match=said):
        load_thesaurus(tmp_path / "t.yaml")


def kmidi_folder(path):
    """In the layout of KmiDi's files, with invented leaves."""
    for base in BASES:
        subs = {
            sub.upper(): {"arousal_bias": 0.1 * i, "sub_sub_emotions": {f"{sub}{leaf}": {} for leaf in range(6)}}
            for i, sub in enumerate(SUBS[base])
        }
        (path / f"{base.lower()}.json").write_text(json.dumps({"arousal_range": [0.2, 1.0], "sub_emotions": subs}))


def test_kmidis_folder_has_the_same_ids(tmp_path):
    kmidi_folder(tmp_path)
    nodes = load_kmidi(tmp_path)
    assert [n.place.node for n in nodes] == list(range(216))
    node = nodes[NodeId(3, 4, 2).node]
    assert node.name == "unease2" and node.arousal == pytest.approx(2 * 0.4 - 1)
    assert nodes[0].arousal == pytest.approx(2 * 0.2 - 1)  # not below the base's range
    (tmp_path / "fear.json").write_text("{}")
    with pytest.raises(DataError, match=r"fear\.json: not a file of KmiDi"):
        load_kmidi(tmp_path)


def test_kmidis_real_folder(shared):
    nodes = load_kmidi(shared / "kmidi" / "emotion_thesaurus")
    assert len(nodes) == 216 and nodes[NodeId(2, 0, 0).node].name == "annoyed"


def test_cues_go_the_way_research_found():
    """Higher arousal: faster, shorter, higher; lower valence: more dissonant, lower; intensity: louder and thicker."""
    nodes = load_thesaurus()
    rage, gloom, joy = nodes[NodeId(2, 2, 3).node], nodes[NodeId(1, 4, 3).node], nodes[NodeId(0, 1, 3).node]
    a, b, c = (music_of(n, 3) for n in (rage, gloom, joy))
    assert a.tempo > c.tempo > b.tempo and a.gate < c.gate < b.gate
    assert a.dissonance > c.dissonance == 0 and c.register > b.register
    soft, loud = music_of(joy, 0), music_of(joy, 5)
    assert loud.velocity > soft.velocity and loud.voices > soft.voices and loud.doubled and not soft.doubled


def test_every_node_has_a_music_of_its_own():
    musics = Counter(music_of(n, 2) for n in load_thesaurus())
    assert len(musics) == 216


def test_another_key_changes_nothing_but_the_notes():
    """Every note belongs to the key, the melody stays in its register, and rhythm and percussion are the same."""
    scale = {0, 2, 4, 5, 7, 9, 11}
    for node in (0, 40, 80, 120, 160, 200):
        music = dataclasses.replace(music_of(load_thesaurus()[node], 2), dissonance=0, texture=1)
        for tune in range(TUNES):
            c, d = (compose(music, key, tune, _PLAYERS, 1) for key in (0, 4))
            assert {n.pitch % 12 for part in c[:2] for n in part.notes} <= scale
            assert {(n.pitch - 2) % 12 for part in d[:2] for n in part.notes} <= scale
            for one, other in zip(c, d, strict=True):
                assert [(n.start, n.velocity) for n in one.notes] == [(n.start, n.velocity) for n in other.notes]
            assert abs(np.mean([n.pitch for n in c[0].notes]) - np.mean([n.pitch for n in d[0].notes])) < 4
            assert c[2] == d[2] and c[2].drums


def test_minor_has_a_minor_third_and_a_leading_note():
    music = music_of(load_thesaurus()[0], 2)
    classes = {n.pitch % 12 for part in compose(music, 1, 0, _PLAYERS, 1)[:2] for n in part.notes}
    assert 3 in classes and 4 not in classes and 11 in classes


def test_rhythm_and_line_are_those_of_the_node():
    """Melody and percussion beat the sub-emotion's rhythm; the line passes an octave in a bar, the higher the louder."""
    music = music_of(load_thesaurus()[NodeId(0, 4, 4).node], 0)
    melody, _, struck = (part.notes for part in compose(music, 0, 0, _PLAYERS, 1))
    twelfth = 5 / music.tempo
    for notes in (melody, struck):
        assert [round(n.start / twelfth) for n in notes[:6]] == [12 * i + at for i in range(2) for at in RHYTHMS[4]]
    up = melody[: 4 * len(RHYTHMS[4])]
    assert 11 <= up[-1].pitch - up[0].pitch <= 13 and up[-1].velocity > up[0].velocity
    assert [up[3 * i].pitch for i in range(4)] == sorted({n.pitch for n in up})
    assert melody[-1].start < SECONDS + 48 * twelfth


def test_rhythms_are_unlike_each_other():
    """Even ones by their rate, the others by the pattern of their gaps; and tempos don't differ much."""
    tempos = [music_of(n, 0).tempo for n in load_thesaurus()]
    assert max(tempos) / min(tempos) < 1.8
    gaps = [np.diff([*cell, 12]) for cell in RHYTHMS]
    for a, b in itertools.combinations(gaps, 2):
        if len(set(a)) == len(set(b)) == 1:
            assert max(a[0], b[0]) / min(a[0], b[0]) >= 1.5
        else:
            assert sorted(a / min(a)) != sorted(b / min(b))


def test_lines_widen_with_the_leaf_and_keep_within_an_octave():
    spans = [max(line) - min(line) for line in LINES]
    assert spans == sorted(spans) and spans[0] == 0 and spans[-1] == 7 and len(set(LINES)) == 6


def test_steps_of_intensity_are_even_in_decibels():
    loud = np.array([music_of(load_thesaurus()[0], i).velocity for i in range(6)])
    steps = 40 * np.log10(loud[1:] / loud[:-1])
    assert np.all(np.abs(steps - 4.4) < 0.3) and loud.max() <= 127


def test_the_file_is_in_the_package():
    assert features.THESAURUS.is_file()

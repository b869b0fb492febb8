"""The song so far as a contract vector, and forms as training arrays."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.contracts import STRUCTURE
from kmidi_lab.models.structure.features import UNKNOWN, SongSoFar, bare, context_vector, encode_forms, told, untold
from kmidi_lab.models.structure.form import END, TYPES, Form, Section, length_class, trimmed

IN = {s.name: s.index for s in STRUCTURE.inputs}
INTRO, VERSE, CHORUS, BRIDGE = (TYPES.index(name) for name in ("intro", "verse", "chorus", "bridge"))
SILENCE = TYPES.index("silence")


def song(*kinds: int) -> SongSoFar:
    so_far = SongSoFar()
    for kind in kinds:
        so_far.append(Section(kind, 16.0, 8))
    return so_far


@pytest.mark.parametrize(
    ("bars", "length"),
    [(2, 0), (4, 1), (7, 2), (8, 2), (9, 2), (10, 7), (12, 3), (15, 4), (16, 4), (18, 4), (20, 7), (24, 5), (33, 6), (1, 7), (64, 7)],
)  # fmt: skip
def test_a_length_belongs_to_the_class_within_an_eighth_of_it(bars, length):
    assert length_class(bars) == length


def test_silence_goes_at_both_ends_and_stays_between():
    sections = [Section(kind, 1.0) for kind in (SILENCE, VERSE, SILENCE, CHORUS, SILENCE, SILENCE)]
    assert [s.kind for s in trimmed(sections)] == [VERSE, SILENCE, CHORUS]
    assert trimmed([Section(SILENCE, 1.0)]) == ()


def test_the_last_two_sections_stand_oldest_first():
    x = context_vector(song(INTRO, VERSE, CHORUS))
    assert np.flatnonzero(x[IN["previous_sections"]]).tolist() == [VERSE, 12 + CHORUS]
    x = context_vector(song(INTRO))
    assert np.flatnonzero(x[IN["previous_sections"]]).tolist() == [12 + INTRO]


def test_a_song_that_has_not_begun_is_all_zeros():
    assert not context_vector(SongSoFar()).any()


def test_the_recalled_section_followed_the_longest_match_most_often():
    so_far = song(VERSE, CHORUS, BRIDGE, VERSE, CHORUS, VERSE, CHORUS, VERSE, CHORUS)
    assert so_far.recall() == (VERSE, 4)  # chorus verse chorus, after a verse, went on with a verse
    x = context_vector(so_far)[IN["recalled_section"]]
    assert x[VERSE] == 0.5 and np.count_nonzero(x) == 1
    assert song(VERSE, CHORUS, VERSE, BRIDGE, VERSE).recall() == (BRIDGE, 1)  # of equals the latest
    assert song(VERSE, CHORUS).recall() == (None, 0)


def test_counts_place_and_wishes():
    so_far = song(VERSE, CHORUS, VERSE, SILENCE)
    x = context_vector(so_far, target=180.0, tempo=90.0, quarters=3.0, arc=2, affect=(0.5, -0.5))
    assert x[IN["counts"]][VERSE] == 0.5 and x[IN["counts"]].sum() == 0.75  # silence isn't counted
    assert x[IN["last_length"]] == 0.25 and x[IN["position"]] == pytest.approx(64 / 240)
    assert x[IN["target"]] == 0.75 and x[IN["tempo"]] == -0.5 and x[IN["metre"]] == 0.375
    assert x[IN["arc"]].tolist() == [0, 0, 1, 0, 0, 0, 0, 0] and x[IN["mood"]].tolist() == [0.5, -0.5, 0, 0]


def test_values_stay_within_what_the_contract_allows():
    so_far = SongSoFar()
    for _ in range(40):
        so_far.append(Section(VERSE, 600.0, 999))
    x = context_vector(so_far, target=9e9, tempo=9999.0, quarters=99.0)
    for part in STRUCTURE.inputs:
        if part.values.kind == "range":
            assert x[part.index].min() >= part.values.low and x[part.index].max() <= part.values.high, part.name


FORM = Form("x/1", "x", "", "", (Section(VERSE, 20.0, 8), Section(CHORUS, 40.0, None), Section(VERSE, 20.0, 10)), 4.0)


def test_a_form_becomes_an_event_a_section_and_its_end():
    e = encode_forms([FORM, FORM])
    assert e.token.tolist() == [VERSE, CHORUS, VERSE, END] * 2 and e.song.tolist() == [0] * 4 + [1] * 4
    assert e.length.tolist()[:4] == [2, UNKNOWN, 7, UNKNOWN]
    assert FORM.tempo == pytest.approx(60 * 4 * 18 / 40)  # of the sections whose bars are known
    np.testing.assert_allclose(e.x[:4, IN["position"]].ravel() * 240, [0, 20, 60, 80], rtol=1e-6)
    assert (e.rule[:3] > 0).all() and not e.rule[3].any()


def test_a_vector_sees_nothing_of_what_comes():
    other = Form("x/1", "x", "", "", (*FORM.sections[:1], Section(BRIDGE, 40.0, None), FORM.sections[2]), 4.0)
    np.testing.assert_array_equal(encode_forms([FORM]).x[:2], encode_forms([other]).x[:2])


def test_what_is_kept_from_a_reader():
    e = encode_forms([FORM] * 30)
    assert not untold(e.x)[:, IN["target"]].any() and e.x[:, IN["target"]].all()
    ratio = (told(e.x, e.wish)[:, IN["target"]] / e.x[:, IN["target"]]).ravel()
    assert 0.9 <= ratio.min() < 0.95 and 1.05 < ratio.max() <= 1.1
    assert len(set(ratio[:4].round(6).tolist())) == 1, "a song has one wish"
    seen = {name for name, index in IN.items() if bare(e.x)[:, index].any()}
    assert seen == {"previous_sections", "recalled_section", "counts"}

"""The next best question: three phases, choices of the schema, an end."""

from __future__ import annotations

import pytest

from kmidi_lab.song import IntentError, SongIntent, answer, filled, missing, next_question
from kmidi_lab.song import vocabularies as words
from kmidi_lab.song.checking import faults
from kmidi_lab.song.intent import FIELDS
from kmidi_lab.song.interrogation import PHASES
from kmidi_lab.song.rule_breaks.refused import REFUSED


def asked(song: SongIntent, replies: dict[str, object], thorough: bool = False) -> tuple[SongIntent, list[str]]:
    """The intent and the fields asked for, where each is answered by `replies`, else by the suggestion."""
    fields: list[str] = []
    while (question := next_question(song, thorough)) is not None:
        assert question.field not in fields, "the same question twice"
        fields.append(question.field)
        song = answer(song, question.field, replies.get(question.field, question.suggestion))
    return song, fields


def test_a_novice_is_asked_the_needed_questions_phase_by_phase() -> None:
    song, fields = asked(
        SongIntent(), {"core_event": "I moved away and I'm feeling lost, lonely.", "core_longing": "To belong."}
    )
    assert fields == [
        "core_event", "core_longing", "mood_primary", "mood_secondary_tension", "narrative_arc", "vulnerability_scale",
        "technical_rule_to_break", "rule_breaking_justification",
    ]  # fmt: skip
    assert missing(song) == () and faults(song) == ()
    assert song.intent.mood_primary == "Grief"
    assert song.declined == ("rule_breaking_justification",)


def test_the_same_answers_give_the_same_song() -> None:
    assert asked(SongIntent(), {}, thorough=True) == asked(SongIntent(), {}, thorough=True)


def test_thorough_asks_every_field_of_the_schema_but_the_directive_once() -> None:
    _, fields = asked(
        SongIntent(), {"technical_rule_to_break": "HARMONY_Polytonality", "core_longing": None}, thorough=True
    )
    assert set(FIELDS) - set(fields) == {"core_transformation", "output_target", "output_feedback_loop"}
    phases = [next(question.phase for question in _all_questions() if question.field == field) for field in fields]
    assert phases == sorted(phases, key=PHASES.index)


def test_what_is_known_is_not_asked_and_makes_others_needless() -> None:
    song = answer(SongIntent(), "core_transformation", "I want to be at peace")
    assert next_question(song).field == "core_event"
    song = answer(song, "core_event", "He left")
    assert next_question(song).field == "mood_primary"
    song = answer(answer(song, "technical_key", "Dm"), "technical_rule_to_break", None)
    assert "technical_mode" not in asked(song, {}, thorough=True)[1]
    assert "rule_breaking_justification" not in asked(song, {})[1]
    assert any(
        "rule_breaking_justification" in line
        for line in missing(answer(song, "technical_rule_to_break", "Polytonality"))
    )


def test_choices_come_from_the_schema_and_the_likeliest_stands_first() -> None:
    lost = answer(SongIntent(), "core_event", "I'm furious, nothing but furious")
    question = next_question(answer(lost, "core_longing", "to be heard"))
    assert question.field == "mood_primary" and question.suggestion == "Rage"
    assert question.choices[0].value == "Rage" and sorted(c.value for c in question.choices) == sorted(words.MOODS)
    for question in _all_questions():
        if question.choices and question.suggestion is not None:
            assert question.choices[0].value == question.suggestion
        for choice in question.choices:
            assert answer(SongIntent(), question.field, choice.value)


def test_no_rule_is_offered_that_midi_cannot_hold() -> None:
    offered = {c.value for q in _all_questions() if q.field == "technical_rule_to_break" for c in q.choices}
    assert offered == set(words.RULE_BREAKS) - set(REFUSED)


def test_words_that_say_nothing_are_asked_again() -> None:
    with pytest.raises(IntentError, match="mood_primary 'zorp' says nothing"):
        answer(SongIntent(), "mood_primary", "zorp")
    for value in ("", "  ", "[your mood]"):
        with pytest.raises(IntentError):
            answer(SongIntent(), "core_event", value)
    with pytest.raises(IntentError, match="Did you mean 'core_event'"):
        answer(SongIntent(), "core_evnt", "x")
    with pytest.raises(IntentError, match="disagree"):
        answer(answer(SongIntent(), "technical_key", "Dm"), "technical_mode", "lydian")


def test_what_nobody_said_is_filled_but_no_rule_is_broken() -> None:
    song = filled(answer(SongIntent(), "core_event", "grieving, lonely"))
    assert song.intent.mood_primary == "Melancholy" or song.intent.mood_primary == "Grief"
    assert (
        song.mode == "minor" and song.constraints.technical_tempo_range == (66, 84)
    ) or song.constraints.technical_tempo_range
    assert song.constraints.technical_rule_to_break == "" and song.root.core_longing == ""
    assert faults(song) == ()
    own = answer(SongIntent(), "technical_tempo_range", [171, 172])
    assert filled(own).constraints.technical_tempo_range == (171, 172)
    assert filled(SongIntent()).intent.mood_primary == "" and filled(SongIntent()).mode == "major"
    declined = answer(SongIntent(), "technical_key", None)
    assert filled(declined).constraints.technical_key == "C" and filled(declined).declined == ("technical_key",)


def test_moods_lie_where_their_words_do() -> None:
    assert words.mood_affect("Defiance and Liberation") == pytest.approx((0.35, 0.583), abs=0.01)
    assert words.mood_affect("triumphant hope") == words.mood_affect("Triumphant Hope")
    assert words.mood_affect("not happy at all") is None
    assert words.mood_affect("never sad, always joyful") == words.mood_affect("joyful")
    assert words.mood_affect("unhappyish zorp") is None
    assert {mood for mood in words.MOODS if words.nearest_moods(words.mood_affect(mood))[0] == mood} == set(words.MOODS)
    assert all(words.mood_affect(moods) is not None for _, moods in words.RULE_BREAKS.values())
    assert (len(words.MOODS), len(words.ARCS), len(words.FEELS), len(words.VULNERABILITY)) == (18, 8, 8, 3)
    assert [sum(name.startswith(f) for name in words.RULE_BREAKS) for f in ("H", "R", "A", "P")] == [6, 5, 5, 5]


def _all_questions() -> list:
    song, questions = SongIntent(), []
    while (question := next_question(song, thorough=True)) is not None:
        questions.append(question)
        song = answer(song, question.field, question.choices[0].value if question.choices else question.suggestion)
    return questions


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        ("mood_secondary_tension", "0.3", 0.3), ("mood_secondary_tension", "0,3", 0.3), ("mood_secondary_tension", "1", 1.0),
        ("output_bars", "16", 16), ("output_bars", "16 bars", 16), ("technical_tempo_range", "90", (90.0, 90.0)),
        ("technical_tempo_range", "80-100", (80.0, 100.0)), ("technical_tempo_range", "80 to 100 bpm", (80.0, 100.0)),
        ("technical_tempo_range", "[80, 100]", (80.0, 100.0)),
    ],
)  # fmt: skip
def test_numbers_may_be_typed(field: str, typed: str, value: object) -> None:
    """A page and a terminal know texts alone."""
    assert answer(SongIntent(), field, typed).get(field) == value


@pytest.mark.parametrize(
    ("field", "typed"),
    [("mood_secondary_tension", "2"), ("mood_secondary_tension", "a lot"), ("output_bars", "16.5"), ("output_bars", "8 to 16"),
     ("technical_tempo_range", "100 to 80"), ("technical_tempo_range", "9"), ("technical_tempo_range", "fast")],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused(field: str, typed: str) -> None:
    with pytest.raises(IntentError, match=field):
        answer(SongIntent(), field, typed)

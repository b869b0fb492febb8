"""Song intents of KmiDi's kinds are read and written again without a loss, and nothing else ends in a traceback."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mutations import EXAMPLES, damaged, mutated

from kmidi_lab.chords.chord import Key
from kmidi_lab.song import (
    EmotionalIntent,
    IntentError,
    SongIntent,
    SongRoot,
    SystemDirective,
    TechnicalConstraints,
    answer,
    faults,
    read_intent,
    to_json,
    to_yaml,
    write_intent,
)
from kmidi_lab.song import vocabularies as words
from kmidi_lab.song.checking import from_plain, to_plain
from kmidi_lab.song.fields import LONGEST_TEXT

FILE = Path(__file__).parents[1] / "fixtures" / "song_intent.yaml"


def test_a_file_of_the_schema_is_read() -> None:
    song = read_intent(FILE)
    assert song.root.core_stakes == "Relational"
    assert song.intent.mood_secondary_tension == 0.3
    assert song.constraints.technical_tempo_range == (70, 85)
    assert song.constraints.technical_rule_to_break == "HARMONY_ModalInterchange"
    assert (song.key, song.mode) == (Key(5, 1), "major")
    assert song.affect is not None and song.affect[0] < -0.5
    assert faults(song) == ()


def test_what_the_schema_does_not_name_is_kept_where_it_stood(tmp_path: Path) -> None:
    for name in ("again.yaml", "again.json"):
        write_intent(tmp_path / name, read_intent(FILE))
        again = read_intent(tmp_path / name)
        assert again == read_intent(FILE)
        assert again.root.extra == {"language": "en"}
        assert again.extra == {"written_by": "a person", "expected_output": {"progression": "F - C - Bbm - F"}}
    plain = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    written = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in written.items() if key != "created"} == plain


def test_what_the_program_writes_is_read_and_written_so_that_it_reads_it() -> None:
    """KmiDi's `CompleteSongIntent.to_dict` says technical_constraints, and takes its own defaults for what is absent."""
    written = to_plain(SongIntent())
    assert list(written) == [
        "schema_version", "title", "created", "song_root", "song_intent", "technical_constraints", "system_directive",
    ]  # fmt: skip
    assert "mood_secondary_tension" not in written["song_intent"]
    assert "technical_tempo_range" not in written["technical_constraints"]
    assert written["song_intent"]["narrative_arc"] == ""
    song = from_plain({"technical_constraints": {"technical_tempo_range": [80, 120], "technical_key": "Dm"}})
    assert (song.key, song.mode) == (Key(2, -1), "minor")


def test_the_examples_of_kmidi_come_back_unchanged(shared: Path) -> None:
    path = shared / "kmidi" / "song_intent_examples.json"
    examples = json.loads(path.read_text(encoding="utf-8"))["examples"]
    for name, plain in examples.items():
        song = read_intent(path, name)
        assert song.affect is not None and song.key is not None
        written = to_plain(song)
        if name == "dissociation":  # names its rule with another family's prefix
            assert song.constraints.technical_rule_to_break == "ARRANGEMENT_BuriedVocals"
            plain["song_technical_constraints"]["technical_rule_to_break"] = "ARRANGEMENT_BuriedVocals"
        assert {key: written[key] for key in plain} == plain
        assert read_intent(to_json(song)) == read_intent(to_yaml(song)) == song
    with pytest.raises(IntentError, match=r"example: None is not allowed.*grief_misdirection"):
        read_intent(path)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"song_root": []}, "song_root must be an object, not []"),
        ({"song_root": {"core_event": 3}}, "song_root.core_event is 3; write a text"),
        ({"song_root": {"core_event": "x" * (LONGEST_TEXT + 1)}}, f"at most {LONGEST_TEXT}"),
        ({"song_root": {"core_event": "a\x07"}}, "control characters"),
        ({"song_root": {"core_stakes": "money"}}, "Allowed: Personal, Relational"),
        ({"song_intent": {"mood_secondary_tension": 1.5}}, "song_intent.mood_secondary_tension is 1.5; write a number from 0 to 1"),
        ({"song_intent": {"mood_secondary_tension": True}}, "is True; write a number"),
        ({"song_intent": {"mood_secondary_tension": float("nan")}}, "is nan; write a number"),
        ({"song_intent": {"vulnerability_scale": "Hihg"}}, "Did you mean 'High'?"),
        ({"song_intent": {"narrative_arc": "Sideways"}}, "Allowed: Climb-to-Climax"),
        ({"technical_constraints": {"technical_tempo_range": [0, 90]}}, "is 0; write a number from 20 to 400"),
        ({"technical_constraints": {"technical_tempo_range": [90, 80]}}, "goes from 90 to 80; write the lower tempo first"),
        ({"technical_constraints": {"technical_tempo_range": [1, 2, 3]}}, "write the lowest and the highest"),
        ({"technical_constraints": {"technical_key": "H"}}, "write it as C, F#m"),
        ({"technical_constraints": {"technical_groove_feel": "Swing"}}, "Did you mean 'Swung'?"),
        ({"technical_constraints": {"technical_rule_to_break": "HARMONY_Avoid"}}, "Allowed: HARMONY_AvoidTonicResolution"),
        ({"technical_constraints": {"technical_key": "E minor", "technical_mode": "bright lydian"}}, "disagree"),
        ({"technical_constraints": {}, "song_technical_constraints": {}}, "two names of one block"),
        ({"system_directive": {"output_bars": 0}}, "from 1 to 2000"),
        ({"system_directive": {"output_bars": 10**30}}, "from 1 to 2000"),
        ({"schema_version": "2.0"}, "reads 1.x"),
        ({"declined": ["mood"]}, "write a list of fields"),
        ({"title": None, "more": {"deep": [1, float("inf")]}}, "more.deep[1] is inf; write a finite number"),
        ({"more": {3: 4}}, "keys are texts"),
    ],
)  # fmt: skip
def test_each_fault_is_one_line_that_says_what_is_allowed(part: dict[str, Any], says: str) -> None:
    (line,) = faults(part)
    assert says in line and "\n" not in line
    with pytest.raises(IntentError) as refusal:
        from_plain(part, "song.yaml")
    assert str(refusal.value) == f"song.yaml: {line}"


def test_every_fault_is_named() -> None:
    lines = faults({"song_root": 4, "song_intent": {"narrative_arc": "x", "vulnerability_scale": "y"}, "declined": 1})
    assert [line.split()[0] for line in lines] == [
        "song_root", "song_intent.narrative_arc", "song_intent.vulnerability_scale", "declined",
    ]  # fmt: skip


def test_names_are_read_in_any_case_and_rules_without_their_family() -> None:
    song = from_plain({
        "song_intent": {"vulnerability_scale": "high", "narrative_arc": " slow reveal "},
        "technical_constraints": {"technical_rule_to_break": "parallel motion", "technical_tempo_range": 96},
    })  # fmt: skip
    assert (song.intent.vulnerability_scale, song.intent.narrative_arc) == ("High", "Slow Reveal")
    assert song.constraints.technical_rule_to_break == "HARMONY_ParallelMotion"
    assert song.constraints.technical_tempo_range == (96, 96)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("[]", "is an object with song_root"),
        ("just words", "is an object with song_root"),
        ("title: a\nmodels: []", "holds no song intent: none of song_root"),
        ("examples: [a]", "holds no song intent"),
        (
            "template: {song_root: {}}\nsong: {song_intent: {}}",
            "example: None is not allowed. Allowed: template, song.",
        ),
        ('{"title": 1', "is not JSON (Expecting ',' delimiter at line 1, column 12)"),
        ('{"title": "a", "title": "b"}', "has the key 'title' 2 times"),
        ('{"a": NaN}', "holds NaN"),
        ('{"a": ' + "[" * 20_000, "deeper than"),
        ('{"a": ' + "1" * 5000 + "}", "is not JSON"),
        ("title: a\ntitle: b", "has the key 'title' 2 times"),
        ("a: [1, 2", "is not YAML"),
        ("a: b: c", "is not YAML (mapping values are not allowed here at line 1"),
        ("a: &x [1]\nb: [*x, *x]", "anchors or aliases"),
        ("a: !!python/object:os.system {}", "has tags"),
        ("a: " + "[" * 200 + "]" * 200, "deeper than 16 levels"),
        ("--- a\n--- b", "several documents"),
        ("a: [" + "1," * 25_000 + "]", "holds more than 20000 values"),
        ("a: \x00", "is not YAML"),
        ("#" * 300_000, "has 292 KiB"),
        ("? [a]\n: b", "is not YAML"),
    ],
)
def test_no_text_can_do_harm(text: str, says: str) -> None:
    with pytest.raises(IntentError) as refusal:
        read_intent(text)
    assert says in str(refusal.value) and "\n" not in str(refusal.value)


def test_yaml_has_the_types_of_json() -> None:
    song = read_intent("song_root:\ncreated: 2024-01-01\ntitle: no\nx: 12:30\ny: 1.5\nz: null\nw: on")
    assert (song.created, song.title) == ("2024-01-01", "no")
    assert song.extra == {"x": "12:30", "y": 1.5, "z": None, "w": "on"}


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("title: é".encode("latin-1"))
    (tmp_path / "song.txt").write_text("title: a", encoding="utf-8")
    for name, says in [("none.yaml", "No such file"), ("latin.yaml", "not UTF-8"), ("song.txt", "must end in .json")]:
        with pytest.raises(IntentError) as refusal:
            read_intent(tmp_path / name)
        assert says in str(refusal.value) and str(refusal.value).startswith(str(tmp_path / name))
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(IntentError, match="is not a file"):
        read_intent(tmp_path / "folder.json")
    with pytest.raises(IntentError, match="must end in"):
        write_intent(tmp_path / "song.txt", SongIntent())
    with pytest.raises(IntentError, match="write a number"):
        write_intent(tmp_path / "song.json", SongIntent(intent=EmotionalIntent(mood_secondary_tension=7)))
    assert not (tmp_path / "song.json").exists()


_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=30)
_VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(_TEXT, inside, max_size=3),
    max_leaves=5,
)
_EXTRA = st.dictionaries(_TEXT.map("x".__add__), _VALUE, max_size=2)
_TEMPO = st.floats(20, 200).flatmap(lambda low: st.tuples(st.just(low), st.floats(low, 400)))
_SONGS = st.builds(
    SongIntent,
    st.builds(SongRoot, _TEXT, _TEXT, _TEXT, st.sampled_from(["", *words.STAKES]), _TEXT, extra=_EXTRA),
    st.builds(
        EmotionalIntent,
        _TEXT,
        st.none() | st.floats(0, 1),
        _TEXT,
        st.sampled_from(["", *words.VULNERABILITY]),
        st.sampled_from(["", *words.ARCS]),
        extra=_EXTRA,
    ),
    st.builds(
        TechnicalConstraints,
        _TEXT,
        st.none() | _TEMPO,
        st.sampled_from(["", "D", "F#"]),
        st.sampled_from(["", "dorian", "major with Lydian moments"]),
        st.sampled_from(["", *words.FEELS]),
        st.sampled_from(["", *words.RULE_BREAKS, *words.LATER_RULE_BREAKS]),
        _TEXT,
        extra=_EXTRA,
    ),
    st.builds(SystemDirective, _TEXT, _TEXT, st.none() | st.integers(1, 2000), extra=_EXTRA),
    title=_TEXT,
    declined=st.lists(st.sampled_from(["technical_key", "core_event"]), unique=True, max_size=2).map(tuple),
    constraints_key=st.sampled_from(["technical_constraints", "song_technical_constraints"]),
    extra=_EXTRA,
)


@pytest.mark.slow
@settings(max_examples=5 * EXAMPLES, deadline=None)
@given(_SONGS)
def test_whatever_is_allowed_comes_back_from_json_and_yaml(song: SongIntent) -> None:
    assert read_intent(to_json(song)) == song
    assert read_intent(to_yaml(song)) == song
    assert faults(song) == ()


@settings(max_examples=10 * EXAMPLES, deadline=None)
@given(mutated(yaml.safe_load(FILE.read_text(encoding="utf-8"))))
def test_random_changes_are_read_or_refused(plain: Any) -> None:
    try:
        song = from_plain(plain)
    except IntentError as error:
        assert error.faults and not any("\n" in line or "\x1b" in line for line in error.faults)
    else:
        assert from_plain(to_plain(song)) == song
        assert read_intent(to_json(song)) == song


@settings(max_examples=10 * EXAMPLES, deadline=None)
@given(
    damaged(FILE.read_bytes())
    | damaged(to_json(read_intent(FILE)).encode())
    | st.binary(max_size=60)
    | st.text(max_size=60)
)
def test_random_damage_is_read_or_refused(content: bytes | str) -> None:
    try:
        song = read_intent(content)
    except IntentError as error:
        assert "\n" not in str(error) and "\x1b" not in str(error)
    else:
        assert read_intent(to_yaml(song)) == song


def test_an_answer_replaces_what_was_declined() -> None:
    song = replace(SongIntent(), declined=("technical_key", "core_event"))
    assert answer(song, "technical_key", "D").declined == ("core_event",)

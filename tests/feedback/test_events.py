"""The format of feedback: what is written is read back, what is wrong is one line and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmidi_lab.feedback.event import ACTIONS, FIELDS, LONGEST_LINE, Event, new_id, to_line
from kmidi_lab.feedback.reading import EventError, parse, read_lines

RIGHT = Event(
    use="0" * 32,
    model="some_model",
    action="changed",
    event="1" * 32,
    time=1_800_000_000,
    artefact="a" * 64,
    input=[0.5, -1, 3],
    output={"valence": 0.25},
    changed_to=[1.0],
    choices={"style": "lo-fi"},
)
_numbers = st.floats(-1e9, 1e9) | st.integers(-(10**9), 10**9)
_keys = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,9}\Z")
_vectors = st.none() | st.lists(_numbers, min_size=1, max_size=9) | st.dictionaries(_keys, _numbers, min_size=1)
_ids = st.from_regex(r"\A[0-9a-f]{32}\Z")
_words = st.from_regex(r"\A[A-Za-z0-9_#+./-]{1,64}\Z")
_events = st.builds(
    Event,
    use=_ids,
    model=st.from_regex(r"\A[a-z][a-z0-9_]{0,39}\Z"),
    action=st.sampled_from([a for a in ACTIONS if a != "labelled"]),
    event=_ids,
    time=st.integers(1_577_836_800, 4_102_444_800),
    input=_vectors,
    output=_vectors,
    label=_words,
    rating=st.integers(1, 5),
    group=st.none() | _ids,
    choices=st.dictionaries(_keys, _words, max_size=5),
)


@pytest.mark.slow
@given(_events)
def test_what_is_written_is_read_back(event: Event) -> None:
    assert parse(to_line(event)) == event
    assert to_line(parse(to_line(event))) == to_line(event)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(["format", *FIELDS, "other"]), _json)
def test_any_value_in_any_place_is_an_event_or_one_line(key: str, value: object) -> None:
    held = json.loads(to_line(RIGHT))
    held[key] = value
    try:
        event = parse(json.dumps(held).encode())
    except EventError as error:
        assert "\n" not in str(error) and 10 < len(str(error)) < 600
    else:
        assert parse(to_line(event)) == event


@given(st.binary(max_size=200) | st.text().map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_no_bytes_crash_the_reader(line: bytes) -> None:
    with pytest.raises(EventError):
        parse(line)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"format": "kmidi-feedback-2"}, "format is 'kmidi-feedback-2'"),
        ({"text": "my secret"}, "key: 'text' is not allowed"),
        ({"use": "me@example.org"}, "use is 'me@example.org'; it must be 32 hex digits"),
        ({"time": 12}, "time is 12"),
        ({"time": True}, "time is True"),
        ({"model": "Some Model"}, "model is"),
        ({"action": "liked"}, "action is 'liked'; it must be one of accepted"),
        ({"action": ["liked"]}, "action is ['liked']"),
        ({"action": "rated"}, "rating is missing"),
        ({"action": "labelled"}, "label or item is missing"),
        ({"changed_to": None}, "changed_to and label are missing"),
        ({"rating": 6}, "rating is 6; it must be 1 to 5"),
        ({"input": []}, "input is []"),
        ({"input": [1e10]}, "input is"),
        ({"input": [True]}, "input is [True]"),
        ({"input": {"file name": 1}}, "input is"),
        ({"input": [0] * 4097}, "input is"),
        ({"choices": {"style": "a sentence of mine"}}, "choices is"),
        ({"choices": {"style": 1}}, "choices is"),
        ({"label": "two words"}, "label is"),
        ({"event": None}, "event is missing"),
    ],
)
def test_each_fault_has_its_line(change: dict[str, object], line: str) -> None:
    held = json.loads(to_line(RIGHT)) | change
    with pytest.raises(EventError) as error:
        parse(json.dumps(held).encode())
    assert str(error.value).startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b'{"format":"kmidi-feedback-1","use":"a","use":"b"}', "a key stands twice"),
        (to_line(RIGHT).replace(b"0.25", b"NaN"), "NaN is no number of JSON"),
        (to_line(RIGHT).replace(b"0.25", b"1e999"), "output is"),
        (to_line(RIGHT).replace(b"0.25", b"1" * 5000), "not a line of JSON"),
        (to_line(RIGHT)[:-20], "not a line of JSON"),
        (b"[" * 60_000, "not a line of JSON"),
        (b" " * (LONGEST_LINE + 1), "the line has more than"),
        (b"[]", "not a JSON object"),
    ],
)
def test_what_other_readers_would_take_is_refused(text: bytes, line: str) -> None:
    with pytest.raises(EventError, match=line):
        parse(text)


def test_a_file_is_read_past_its_faults(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    others = [replace(RIGHT, event=new_id()) for _ in range(3)]
    lines = [to_line(others[0]), b"\n", b"x" * 200_000 + b"\n", to_line(others[1]), b"{}\n", to_line(others[2])[:-30]]
    path.write_bytes(b"".join(lines))
    faults = []
    assert list(read_lines(path, lambda number, why: faults.append((number, why)))) == others[:2]
    assert [number for number, _ in faults] == [3, 5, 6]

"""The store of feedback, what is imported into it, and what is deleted from it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback import importing
from kmidi_lab.feedback.event import Event, new_id, to_line
from kmidi_lab.feedback.importing import import_file
from kmidi_lab.feedback.labels import Labels, take_in
from kmidi_lab.feedback.reading import EventError
from kmidi_lab.feedback.store import AdditionCounts, Store
from kmidi_lab.feedback.use_ids import ROTATES_S, use_id, use_ids


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "feedback.db")


def event(**changes: object) -> Event:
    return replace(Event(use=new_id(), model="some_model", action="accepted", input=[0.5]), **changes)


def test_an_event_is_stored_once_and_never_becomes_another(store: Store) -> None:
    first = event()
    assert store.add([first]) == AdditionCounts(new=1)
    assert store.add([first, first]) == AdditionCounts(again=2)
    with pytest.raises(EventError, match="says something else"):
        store.add([event(), replace(first, action="rejected")])
    assert list(Store(store.path).events()) == [first]


def test_threads_add_at_the_same_time(store: Store) -> None:
    threads = [Thread(target=lambda: [store.add([event()]) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(store.events())) == 80


def test_forgotten_is_gone_from_the_bytes_and_stays_away(store: Store, tmp_path: Path) -> None:
    mine, other = event(choices={"style": "verymine"}), event()
    store.add([mine, other])
    assert store.forget([mine.use]) == 1
    held = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert b"verymine" not in held and mine.use.encode() not in held
    assert store.add([mine]) == AdditionCounts(forgotten=1)
    assert list(store.events()) == [other]


def test_forgetting_nobody_leaves_no_row_and_rewrites_nothing(store: Store) -> None:
    one = event()
    store.add([event()])
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = store.path.read_bytes()
    assert store.forget([one.use]) == 0
    assert store.path.read_bytes() == before and store.add([one]) == AdditionCounts(new=1)


def test_what_an_earlier_deletion_left_in_the_log_is_scrubbed_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = event(time=1_700_000_000)
    store.add([old])
    monkeypatch.setattr("kmidi_lab.feedback.store._WAIT_S", 0.1)
    reader = sqlite3.connect(store.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()
    with pytest.raises(DataError, match=r"type this again|locked"):
        store.keep_since(1_750_000_000)
    # The last connection to close would empty the log by itself.
    reader.execute("COMMIT")
    assert Store(store.path).keep_since(1_750_000_000) == 0
    assert old.use.encode() not in b"".join(p.read_bytes() for p in store.path.parent.iterdir())
    reader.close()


def test_old_events_are_deleted(store: Store) -> None:
    store.add([event(time=1_700_000_000), event(time=1_800_000_000)])
    assert store.keep_since(1_750_000_000) == 1
    assert [e.time for e in store.events()] == [1_800_000_000]


@pytest.mark.parametrize("make", ["text", "byte", "other", "later"])
def test_what_is_no_store_is_refused_and_left_as_it_is(tmp_path: Path, make: str) -> None:
    path = tmp_path / "feedback.db"
    if make in ("text", "byte"):
        path.write_text("not a database " * 100 if make == "text" else "x")
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE a (b)")
            connection.execute(f"PRAGMA user_version={9 if make == 'later' else 0}")
    before = path.read_bytes()
    with pytest.raises(DataError, match="move it away"):
        Store(path)
    if make in ("text", "byte"):
        assert path.read_bytes() == before
    else:
        assert sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall() == [("a",)]


_WRITER = """
import sys
from pathlib import Path
from kmidi_lab.feedback.event import Event, new_id
from kmidi_lab.feedback.store import Store
store = Store(Path(sys.argv[1]))
while True:
    event = Event(use=new_id(), model="m", action="accepted")
    store.add([event])
    print(event.event, flush=True)
"""


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET line = 'text'",
        "UPDATE events SET line = 5",
        "UPDATE events SET line = zeroblob(200000000)",
        "UPDATE events SET line = CAST('{}' AS BLOB)",
        "UPDATE events SET time = 'x'",
        "UPDATE events SET time = 1e300",
        "UPDATE events SET time = 9223372036854775807",
        "UPDATE events SET time = -5",
        "UPDATE events SET model = x'00ff'",
        "UPDATE events SET model = CAST(x'ff41' AS TEXT)",
        "UPDATE events SET use = x'ff'",
        "DELETE FROM salt",
        "UPDATE salt SET value = x'00'",
        "DROP TABLE forgotten",
        "DROP TABLE events",
        "DROP INDEX by_time",
        "ALTER TABLE events ADD COLUMN more",
        "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END",
        "CREATE TRIGGER t BEFORE INSERT ON events BEGIN INSERT INTO forgotten "
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c; END",
        "CREATE VIEW more AS SELECT 1",
    ],
)
def test_a_store_that_someone_else_has_changed_is_refused_in_one_line(store: Store, change: str) -> None:
    """A view in the place of a table, or a trigger, would run for as long as it likes."""
    store.add([event()])
    with sqlite3.connect(store.path) as connection:
        connection.execute(change)
    with pytest.raises(DataError) as caught:
        again = Store(store.path)
        again.counts(), again.uses(), again.salt, list(again.events())
    assert "\n" not in str(caught.value)


def test_an_endless_view_is_refused_before_it_is_read(store: Store) -> None:
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
    with sqlite3.connect(store.path) as connection:
        connection.execute("DROP TABLE events")
        connection.execute(
            f"CREATE VIEW events AS {endless} SELECT x event, x use, 'h' model, 'a' action, 1 time, x line"
        )
    with pytest.raises(DataError, match="no feedback store"):
        Store(store.path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_store_and_no_file_of_feedback(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for ask in (lambda: Store(tmp_path / "pipe"), lambda: import_file(store, tmp_path / "pipe")):
        with pytest.raises(DataError, match="no plain file"):
            ask()


def test_a_file_of_next_to_nothing_but_faults_ends(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_MOST_FAULTS", 100)
    for name, content in (("ours", b'"kmidi-feedback-1"\n' + b"x\n" * 101), ("kmidi", b"[" + b"1," * 101 + b"1]")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=r"more than 100 faults, the first at .*:1: "):
            import_file(store, tmp_path / name)


@pytest.mark.slow
def test_what_was_said_to_be_stored_outlives_a_kill(store: Store) -> None:
    stored: list[str] = []
    for number in range(3):
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, store.path], stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        stored += [writer.stdout.readline().strip() for _ in range(number + 1)]
        os.kill(writer.pid, signal.SIGKILL)
        stored += [line.strip() for line in writer.stdout if line.endswith("\n")]
        writer.wait()
    assert len(stored) > 3 and set(stored) <= {e.event for e in store.events()}


def test_files_are_imported_past_their_faults(store: Store, tmp_path: Path) -> None:
    one, two, path = event(), event(), tmp_path / "more.jsonl"
    store.add([two])
    path.write_bytes(to_line(one) + b"{}\n" + to_line(replace(two, model="other")) + to_line(event()))
    added, faults = import_file(store, path)
    assert added == AdditionCounts(new=2) and len(faults) == 2
    assert "more.jsonl:2: format is None" in faults[0] and two.event in faults[1]
    with pytest.raises(DataError, match="can't be read"):
        import_file(store, tmp_path)
    path.write_bytes(b"\x00\xff")
    with pytest.raises(
        DataError, match=r"more\.jsonl: neither feedback nor a file of KmiDi: it is no JSON; name a file"
    ):
        import_file(store, path)


GENERATION = {
    "generation_id": "gen-1",
    "intent_text": "my secret sorrow",
    "parameters": {"valence": -0.4, "feel": 0.3},
    "emotion": "grief",
    "rule_breaks": ["HARMONY_AvoidTonic"],
    "timestamp": "2025-11-02T10:00:00.123456",
    "accepted": True,
    "modifications": [],
}
CHANGE = {"parameter_name": "valence", "old_value": -0.4, "new_value": 0.1, "timestamp": "2025-11-02T10:01:00"}


def _camel(held: dict[str, object]) -> dict[str, object]:
    names = {k: k.split("_")[0] + "".join(w.title() for w in k.split("_")[1:]) for k in held}
    return {names[k]: v for k, v in held.items()}


@pytest.mark.parametrize(
    "form",
    [
        lambda all_: json.dumps({"user_id": "me", "midi_generations": all_}),
        lambda all_: json.dumps({"me": {"user_id": "me", "midi_generations": all_}}),
        lambda all_: json.dumps({"userId": "me", "midiGenerations": all_}),
        lambda all_: json.dumps({"me": {"userId": "me", "midiGenerations": all_}}),
        lambda all_: json.dumps(all_),
        lambda all_: "\n".join(map(json.dumps, all_)),
        lambda all_: json.dumps([_camel(g) for g in all_]),
    ],
)
def test_kmidis_own_feedback_is_taken_in_without_its_words(store: Store, tmp_path: Path, form) -> None:
    path = tmp_path / "user_preferences.json"
    wrong = [GENERATION | {"generation_id": "4", "parameters": {"valence": "high"}}, GENERATION | {"timestamp": "noon"}]
    changed = GENERATION | {"generation_id": "2", "modifications": [CHANGE]}
    path.write_text(form([GENERATION, changed, GENERATION | {"generation_id": "3", "accepted": None}, *wrong]))
    added, faults = import_file(store, path)
    assert added == AdditionCounts(new=2) and [f.split(": ")[0].rpartition(":")[2] for f in faults] == ["4", "5"]
    assert import_file(store, path)[0] == AdditionCounts(again=2)
    accepted, later = sorted(store.events(), key=lambda e: e.action)
    assert (accepted.action, accepted.input) == ("accepted", {"valence": -0.4, "feel": 0.3})
    assert accepted.choices == {"emotion": "grief", "rule_break_1": "HARMONY_AvoidTonic"}
    assert (later.action, later.changed_to) == ("changed", {"valence": 0.1})
    assert accepted.use == later.use
    assert b"sorrow" not in b"".join(p.read_bytes() for p in tmp_path.glob("feedback.db*"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"timestamp": "my secret noon"},
        {"parameters": {"my secret": 1.0}},
        {"rule_breaks": ["my secret rule"]},
        {"accepted": "my secret yes"},
        {"generation_id": "my secret id", "parameters": 3},
        {"modifications": ["my secret"]},
    ],
)
def test_no_fault_of_kmidis_file_repeats_its_texts(store: Store, tmp_path: Path, wrong: dict[str, object]) -> None:
    path = tmp_path / "user_preferences.json"
    path.write_text(json.dumps([GENERATION | wrong]))
    added, [fault] = import_file(store, path)
    assert added == AdditionCounts() and "secret" not in fault
    assert ("generation gen-1 " in fault) != ("generation_id" in wrong)


def test_an_emotion_of_several_words_is_left_out(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "user_preferences.json"
    path.write_text(json.dumps([GENERATION | {"emotion": "sad since she left"}]))
    import_file(store, path)
    assert [e.choices for e in store.events()] == [{"rule_break_1": "HARMONY_AvoidTonic"}]


def test_a_use_id_lasts_a_month(tmp_path: Path) -> None:
    first = use_id(tmp_path, 1_000_000.0)
    assert use_id(tmp_path, 1_000_000.0 + ROTATES_S - 1) == first
    second = use_id(tmp_path, 1_000_000.0 + ROTATES_S)
    assert [use for use, _ in use_ids(tmp_path)] == [first, second] and first != second
    assert (tmp_path / "use_ids.json").stat().st_mode & 0o777 == 0o600
    for broken in ("{}x", '[["me", 1]]', '[["a", 1e999]]'):
        (tmp_path / "use_ids.json").write_text(broken)
        with pytest.raises(DataError, match="move it away"):
            use_id(tmp_path)


def test_a_store_that_another_program_holds_is_no_fault_of_the_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kmidi_lab.feedback.store._WAIT_S", 0.05)
    labels, rows = Labels(store, "intent"), [(n, {"item": f"{n:064x}", "label": "joy", "rater": ""}) for n in (2, 3)]
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DataError, match="database is locked; another program is writing to it; end that"):
            take_in(tmp_path / "queue.csv", rows, labels, str, 1_800_000_000, {})
    assert take_in(tmp_path / "queue.csv", rows, labels, str, 1_800_000_000, {}) == (2, 0, [])


@pytest.mark.slow
def test_the_task_imports_shows_exports_and_deletes(job, tmp_path: Path, capsys) -> None:
    events = [event(use=use_id(tmp_path / "outputs")), event()]
    (tmp_path / "in.jsonl").write_bytes(b"".join(map(to_line, events)))
    job("task=feedback", f"feedback.import={tmp_path / 'in.jsonl'}", f"feedback.export={tmp_path / 'out.jsonl'}")
    assert "2 events of 2 use ids" in capsys.readouterr().out
    assert sorted((tmp_path / "out.jsonl").read_bytes().splitlines(True)) == sorted(map(to_line, events))
    job("task=feedback", "feedback.forget=mine")
    told = capsys.readouterr().out
    assert "deleted: 1 event of 1 use id," in told and f"  {events[0].model:<20} {events[0].action:<9}       1" in told
    again = event(use=use_id(tmp_path / "outputs"))
    assert again.use != events[0].use, "what is rated from now on would not be kept"
    assert Store(tmp_path / "outputs" / "feedback.db").add([again]).new == 1
    job("task=feedback", "feedback.forget=mine")
    assert "deleted: 1 event of 2 use ids" in capsys.readouterr().out
    job("task=feedback", "feedback.forget=mine")
    assert "deleted: nothing; " in capsys.readouterr().out
    (tmp_path / "outputs" / "use_ids.json").unlink()
    job("task=feedback", "feedback.forget=mine")
    assert "holds no event of this machine" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="must be 32 hex digits"):
        job("task=feedback", "feedback.forget=me")
    (tmp_path / "in.jsonl").write_bytes(to_line(event()) + b"{}\n")
    with pytest.raises(DataError, match="1 line refused"):
        job("task=feedback", f"feedback.import={tmp_path / 'in.jsonl'}")
    assert "format is None" in (tmp_path / "refused.txt").read_text()
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("refused.txt", "out.jsonl")} == {0o600}


def test_a_reader_that_keeps_the_log_is_told_of(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word, what was deleted would stay readable in it."""
    mine = event()
    store.add([mine])
    monkeypatch.setattr("kmidi_lab.feedback.store._WAIT_S", 0.1)
    reader = sqlite3.connect(store.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()
    with pytest.raises(DataError, match=r"type this again|locked"):
        store.forget([mine.use])
    reader.close()
    store.forget([mine.use])
    assert mine.use.encode() not in b"".join(p.read_bytes() for p in store.path.parent.iterdir())

"""What the page's server answers, and what it refuses, without a browser."""

from __future__ import annotations

import io
import json
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from support.sound_files import encoded, plucked

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.feedback.store import Store
from kmidi_lab.serving import sent
from kmidi_lab.serving.app import make_app
from kmidi_lab.serving.guards import Hosts
from kmidi_lab.serving.studio import Studio
from kmidi_lab.song import read_intent

OCTETS = {"content-type": "application/octet-stream"}


def compose(client, **settings):
    return client.post("/api/compose", json={"bars": 4, **settings})


@pytest.mark.slow
def test_questions_lead_to_a_song_whose_files_can_be_had(client) -> None:
    answers = [["core_event", "she left without a word"]]
    for _ in range(40):
        asked = client.post("/api/question", json={"answers": answers}).json()
        if asked is None:
            break
        answers.append([asked["field"], asked["suggestion"]])
    else:
        pytest.fail("the questions never end")
    song = compose(client, answers=answers).json()
    assert song["files"] == ["intent", "json", "mid", "png", "wav"]
    files = {ending: client.get(f"/api/song/{song['id']}.{ending}") for ending in song["files"]}
    assert all(f.status_code == 200 for f in files.values())
    assert mido.MidiFile(file=io.BytesIO(files["mid"].content)).length > 3
    assert soundfile.read(io.BytesIO(files["wav"].content))[1] == 48000
    assert read_intent(files["intent"].text).get("core_event") == "she left without a word"
    assert json.loads(files["json"].content)["title"] == "she left without a word"


def test_every_field_and_choice_of_the_schema_can_be_reached(client) -> None:
    answers, seen = [["core_event", "she left without a word"]], {}
    for _ in range(40):
        asked = client.post("/api/question", json={"answers": answers, "thorough": True}).json()
        if asked is None:
            break
        seen[asked["field"]] = [choice["value"] for choice in asked["choices"]]
        for value in seen[asked["field"]]:
            took = client.post("/api/question", json={"answers": [*answers, [asked["field"], value]], "thorough": True})
            assert took.status_code == 200, (asked["field"], value)
        answers.append([asked["field"], seen[asked["field"]][0] if seen[asked["field"]] else None])
    assert {"technical_groove_feel", "technical_genre", "imagery_texture", "core_stakes", "output_bars"} <= {*seen}
    assert [len(seen[f]) for f in ("mood_primary", "narrative_arc", "technical_groove_feel", "technical_genre")] == [
        18,
        8,
        8,
        15,
    ]
    refused = client.post("/api/question", json={"answers": [], "thoroughly": True})
    assert refused.status_code == 400


@pytest.mark.slow
def test_the_same_question_twice_gives_the_same_song_and_a_rating_is_kept_without_words(client, tmp_path: Path) -> None:
    ids = [compose(client, text="a secret of mine", seed=seed).json()["id"] for seed in (1, 1, 2)]
    songs = [client.get(f"/api/song/{name}.mid").content for name in ids]
    assert songs[0] == songs[1] != songs[2]
    itself = client.post("/api/rate", json={"first": ids[0], "second": ids[0], "better": "second"})
    assert itself.status_code == 400 and not list(Store(tmp_path / "feedback.db").events("page"))
    kept = client.post("/api/rate", json={"first": ids[0], "second": ids[2], "better": "second"})
    assert kept.status_code == 200
    events = {event.action: event for event in Store(tmp_path / "feedback.db").events("page")}
    assert {action: event.choices["seed"] for action, event in events.items()} == {"rejected": "1", "accepted": "2"}
    assert len({event.group for event in events.values()}) == len({event.use for event in events.values()}) == 1
    hashes = [word for name, word in events["accepted"].choices.items() if name.startswith("model_")]
    assert hashes and all(len(word) == 64 for word in hashes) and -1 <= events["accepted"].input["mood_valence"] <= 1
    assert b"secret" not in b"".join(p.read_bytes() for p in tmp_path.glob("feedback.db*"))


@pytest.mark.slow
def test_a_model_plays_and_listens_to_what_is_sent(client) -> None:
    midi = client.get(f"/api/song/{compose(client, text='joyful', bars=8).json()['id']}.mid").content
    played = client.post("/api/ask/dynamics", content=midi, headers=OCTETS).json()
    assert client.get(f"/api/song/{played['id']}.mid").content[:4] == b"MThd"
    out = io.BytesIO()
    time = np.arange(48000) / 16000
    puffs = np.random.default_rng(0).normal(0, 0.1, 48000) * np.maximum(np.sin(2 * np.pi * 2 * time), 0)
    soundfile.write(out, puffs, 16000, format="WAV")
    heard = client.post("/api/ask/emotion", content=out.getvalue(), headers=OCTETS).json()
    assert set(heard) == {"rows", "values", "answers", "unsure", "by"}


def beats(bpm: float = 100, seconds: float = 12, rate: int = 16_000) -> bytes:
    """Music at a tempo, as a WAV file."""
    return encoded(plucked(bpm, seconds, rate), rate, "WAV")


@pytest.mark.slow
def test_a_song_sounds_like_a_recording_of_which_nothing_is_kept(client, tmp_path: Path) -> None:
    heard = client.post("/api/reference", content=beats(), headers=OCTETS).json()
    assert heard["style"]["tempo"] == pytest.approx(100, rel=0.03) and heard["style"]["unsure"] is None, heard
    assert heard["line"].startswith("as in the recording: tempo 100, ")
    again = client.post("/api/reference", content=json.dumps(heard["style"]), headers=OCTETS).json()
    assert again == heard, "a style file says the same"
    like = compose(client, reference=heard["style"]).json()
    assert (
        like["trace"]["tempo"] == heard["style"]["tempo"] and heard["line"].split(", arousal")[0] in like["remarks"][0]
    )
    assert not any("compose." in line for line in like["remarks"]), "settings of the page stand in no block"
    assert "reference" not in compose(client, text="a walk").json()["trace"]
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith("feedback.db")]
    assert not kept, "of a recording nothing reaches the disk"


def recording(seconds: float, rate: int, kind: str, level: float = 0.0) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.full(round(seconds * rate), level, np.float32), rate, format=kind)
    return out.getvalue()


def test_channels_that_cancel_are_heard_and_a_fast_rate_is_not_called_long() -> None:
    tone = np.sin(np.arange(19_200) / 9).astype(np.float32)
    heard, rate = sent.sent_recording(encoded(np.stack([tone, -tone], 1), 192_000, "WAV"))
    assert rate == 192_000 and abs(heard.samples).max() > 0.9 and "cancel" in heard.notes[0][0]
    heard, _ = sent.sent_recording(encoded(np.stack([tone, 0 * tone], 1), 48_000, "WAV"))
    assert not heard.notes and abs(heard.samples).max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (recording(5, 16_000, "WAV"), 400, "nothing to read: silent"),
        (recording(601, 8_000, "FLAC", 0.1), 400, "more than 10 minutes of sound; send a shorter recording"),
        (b"not sound", 400, "not a recording that can be read; send WAV, FLAC, OGG or MP3"),
        (b"", 400, "not a recording that can be read"),
        (encoded(np.float32([3e38, -3e38] * 48_000), 48_000, "WAV", "FLOAT"), 400, "no sound"),
        (beats(seconds=1), 200, "too short"),
        (b'{"feel_style": 3}', 400, "the file: feel_style is 3, and 1 is read"),
        (b'{"readings": []}', 400, "the file: is no style"),
        (b"x" * 600_000, 413, "more than 0.5 MB"),
    ],
    ids=[
        "silent",
        "more than ten minutes",
        "text",
        "nothing",
        "numbers beyond sound",
        "a second",
        "another version",
        "another file",
        "too large",
    ],
)
def test_a_reference_that_can_not_be_used_is_one_line(client, data: bytes, code: int, line: str) -> None:
    done = client.post("/api/reference", content=data, headers=OCTETS)
    said = done.json().get("error", done.json().get("line", ""))
    assert (done.status_code, line in said, "\n" in said) == (code, True, False), done.text
    asked = client.post("/api/ask/feel", content=data, headers=OCTETS)
    assert (asked.status_code == code) or data.startswith(b"{"), "as where a model is asked"


@pytest.mark.slow
def test_a_model_answers_what_is_typed(client) -> None:
    def tell(model: str, text: str) -> dict:
        done = client.post(f"/api/tell/{model}", json={"text": text})
        assert done.status_code == 200, done.text
        return done.json()

    chords = tell("harmony", "Dm7 G7")["answer"]
    assert len(chords) == 8 and max(chords, key=chords.get).startswith("C")
    feeling = tell("intent", "I am so happy today")["answer"]
    assert feeling["label"] == "happy" and len(feeling["probabilities"]) == 3 and "embedding" not in feeling
    assert sum(s["bars"] for s in tell("structure", "24")["answer"]["sections"]) == 24
    tune = tell("melody", "Am F")
    assert tune["files"] == ["mid", "wav"] and client.get(f"/api/song/{tune['id']}.mid").content[:4] == b"MThd"
    again = client.post("/api/ask/melody", content=client.get(f"/api/song/{tune['id']}.mid").content, headers=OCTETS)
    assert again.json()["files"] == ["mid", "wav"]
    assert "chorus" in client.get("/api/kinds").json()


def test_every_model_can_be_asked_and_says_by_what(client) -> None:
    ways = client.get("/api/models").json()
    assert {way["model"] for way in ways} == set(CONTRACTS)
    assert len({(way["model"], bool(way["example"])) for way in ways}) == len(ways), "what is sent must tell the way"
    assert {way["takes"] for way in ways if not way["example"]} == {"MIDI file", "sound file"}
    for way in ways:
        path = f"/api/{'tell' if way['example'] else 'ask'}/{way['model']}"
        sent = {"json": {"text": way["example"]}} if way["example"] else {"content": b"none", "headers": OCTETS}
        done = client.post(path, **sent)
        # What stands there as an example is answered; a file that is none is refused by its reader, not as a way unknown.
        assert done.status_code == (200 if way["example"] else 400) and "not allowed" not in done.text, way


@pytest.mark.parametrize(
    ("path", "sent", "line"),
    [
        ("/api/compose", {"text": "x", "tempo": 5}, "tempo 5 must be a number from 30 to 300, or left out"),
        ("/api/compose", {"text": "x", "chords": "C Xyz"}, "own chords, bar 2, chord 1: "),
        ("/api/tell/harmony", {"text": "C | Xyz"}, "chords, bar 2, chord 1: "),
    ],
)
def test_settings_of_a_page_stand_in_no_block(client, path: str, sent: object, line: str) -> None:
    assert client.post(path, json=sent).json()["error"].startswith(line)


@pytest.mark.parametrize(
    ("path", "sent", "code", "line"),
    [
        ("/api/compose", {"text": ""}, 400, "nothing to compose"),
        (
            "/api/compose",
            {"text": "x", "bars": 300},
            400,
            "a song of 300 bars is too long for the page: give at most 128",
        ),
        ("/api/compose", {"text": "x", "bars": "many"}, 400, "bars 'many'"),
        ("/api/compose", {"text": "x", "seed": "one"}, 400, "seed must be"),
        ("/api/compose", {"text": "x", "reference": "../music.wav"}, 400, "reference: is no style"),
        (
            "/api/compose",
            {"text": "x", "reference": {"feel_style": 1, "tempo": 90}},
            400,
            "reference: metre is missing",
        ),
        ("/api/compose", {"text": "x", "audio": "/etc/passwd"}, 400, "send a JSON object"),
        ("/api/compose", {"text": "x", "seed": -1}, 400, "seed=-1"),
        ("/api/compose", {"text": ["x"]}, 400, "text must be a text"),
        ("/api/compose", {"intent": "/etc/passwd"}, 400, "send a JSON object with some of"),
        ("/api/compose", {"out": "/tmp/x.mid", "text": "x"}, 400, "send a JSON object with some of"),
        ("/api/compose", {"text": "x", "sections": "verse 64," * 60}, 400, "3840 bars in all"),
        ("/api/compose", [1], 400, "send a JSON object"),
        ("/api/compose", {"text": "x" * 400_000}, 413, "MB; send less"),
        ("/api/question", {"answers": [["nope", "x"]]}, 400, "nope"),
        ("/api/question", {"answers": "x"}, 400, "must be a list"),
        ("/api/question", {"answers": [[["a"], "x"]]}, 400, "pair"),
        ("/api/tell/harmony", {"text": "C Xyz"}, 400, "Xyz"),
        ("/api/tell/harmony", {"text": "C " * 600}, 400, "1200 characters were typed; give at most 1000"),
        ("/api/tell/harmony", {"text": 5}, 400, "text must be a text"),
        ("/api/tell/structure", {"text": "many"}, 400, "bars: 'many' is no whole number"),
        ("/api/tell/structure", {"text": "5000"}, 400, "bars=5000"),
        ("/api/tell/groove", {"text": "x"}, 400, "'groove' is not allowed"),
        ("/api/rate", {"first": "a", "second": "b", "better": "first"}, 400, "not kept any more"),
        ("/api/rate", {"first": "a", "second": "a", "better": "first"}, 400, "the same song"),
        ("/api/rate", {"first": "a", "second": "b", "better": "best"}, 400, "'best' is not allowed"),
    ],
)
def test_wrong_or_too_much_is_one_line(client, path: str, sent: object, code: int, line: str) -> None:
    done = client.post(path, json=sent)
    assert (done.status_code, line in done.json()["error"]) == (code, True), done.text
    assert "\n" not in done.json()["error"]


def test_files_are_bounded_and_only_what_was_made_can_be_had(client) -> None:
    assert client.post("/api/ask/groove", content=b"x" * 600_000, headers=OCTETS).status_code == 413
    assert client.post("/api/ask/groove", content=b"not midi", headers=OCTETS).status_code == 400
    assert client.post("/api/ask/emotion", content=b"not sound", headers=OCTETS).status_code == 400
    assert client.post("/api/ask/harmony", content=b"x", headers=OCTETS).status_code == 400
    assert client.post("/api/ask/groove", content=b"x").status_code == 415
    for path in (
        "/api/song/../../etc/passwd",
        "/api/song/%2e%2e%2ffeedback.db",
        "/api/song/abc.mid",
        "/feedback.db",
    ):
        assert client.get(path).status_code in (404, 405)


def test_what_would_fill_the_memory_is_refused_or_has_no_sound(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent, "_MOST_RATE", 400)
    out = io.BytesIO()
    soundfile.write(out, np.zeros((40_000, 8), np.float32), 192_000, format="FLAC")
    bomb = client.post("/api/ask/emotion", content=out.getvalue(), headers=OCTETS)
    assert bomb.status_code == 400 and "with 8 x 192000 samples a second" in bomb.json()["error"]
    track = mido.MidiTrack(
        [mido.MetaMessage("set_tempo", tempo=500_000), mido.Message("note_on", note=60, velocity=80)]
    )
    track.append(mido.Message("note_off", note=60, time=480 * 2 * 1200))
    file = mido.MidiFile(ticks_per_beat=480, tracks=[track])
    midi = io.BytesIO()
    file.save(file=midi)
    long = client.post("/api/ask/dynamics", content=midi.getvalue(), headers=OCTETS).json()
    assert long["files"] == ["mid"]


@pytest.mark.parametrize(
    ("host", "port", "header", "code"),
    [
        ("127.0.0.1", 8765, "localhost:8765", 200),
        ("127.0.0.1", 8765, "192.168.1.2:8765", 403),
        ("127.0.0.1", 8765, "localhost:1", 403),
        ("0.0.0.0", 8765, "192.168.1.2:8765", 200),
        ("0.0.0.0", 8765, "evil.example:8765", 403),
        ("::1", 8765, "[::1]:8765", 200),
        ("127.0.0.1", 80, "localhost", 200),
        ("127.0.0.1", 8765, "", 403),
    ],
)
def test_only_its_own_names_are_answered(host: str, port: int, header: str, code: int, tmp_path: Path) -> None:
    app = make_app(Studio(tmp_path, tmp_path, tmp_path), Hosts(host, port), 1)
    assert TestClient(app).get("/api/styles", headers={"host": header}).status_code == code


def test_another_site_cannot_use_it(client) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 403
    form = client.post("/api/compose", content=b'{"text":"x"}', headers={"content-type": "text/plain"})
    assert form.status_code == 415
    page = client.get("/")
    assert page.status_code == 200 and "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "access-control-allow-origin" not in page.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "line"),
    [
        ("GET", "/nope", 404, "nothing answers at '/nope'; the page is at /"),
        ("POST", "/api/nope", 404, "nothing answers at '/api/nope'; the page is at /"),
        ("GET", "/api/compose", 405, "'/api/compose' takes POST, not GET"),
        ("DELETE", "/", 405, "'/' takes GET, not DELETE"),
        ("GET", "/api/song/none.mid", 404, "not kept any more; compose again"),
    ],
)
def test_what_no_route_answers_is_refused_in_the_same_form(
    client, method: str, path: str, status: int, line: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()) == (status, {"error": line})
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_rows_of_chords_name_their_key_and_shares_say_that_they_are_apart(client) -> None:
    rows = client.post("/api/tell/harmony", json={"text": "Dm7 G7 C"}).json()["rows"]
    assert rows[0][0] == "key" and rows[0][1].startswith("C major (estimated: C major ") and "type" not in rows[0][1]
    assert all(told.endswith("likely to come next") for _, told in rows[1:])
    [feeling] = [
        told
        for name, told in client.post("/api/tell/intent", json={"text": "I'm feeling lost and searching"}).json()[
            "rows"
        ]
        if name == "feeling"
    ]
    assert feeling.endswith("% (each by itself: together they may be more than 100%)")


def test_no_label_of_the_page_has_an_underscore(client) -> None:
    for model, seconds in (("instrument", 3), ("emotion", 3), ("emotion_node", 5), ("feel", 5)):
        heard = client.post(f"/api/ask/{model}", content=beats(seconds=seconds), headers=OCTETS).json()
        assert not [row for row in heard["rows"] if "_" in row[0] + row[1]], model

"""Inputs of the same data give no alert, others do."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support import feeling_files
from support.page import Page

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError, DataError, DriftError
from kmidi_lab.feedback.drift import drift, mmd, psi
from kmidi_lab.feedback.event import Event, new_id
from kmidi_lab.feedback.store import Store
from kmidi_lab.inference.published import release_root
from kmidi_lab.report.drift import InputDrift, write_drift


def test_psi_is_that_of_the_book() -> None:
    """Shares of 0.5 and 0.5 that become 0.8 and 0.2: 0.3 ln 1.6 + 0.3 ln 2.5, but for chance."""
    reference, seen = np.repeat([0.0, 1.0], 50_000), np.repeat([0.0, 1.0], [80_000, 20_000])
    assert psi(reference, seen) == pytest.approx(0.3 * np.log(1.6) + 0.3 * np.log(2.5), abs=1e-4)
    assert psi(np.zeros(1000), np.zeros(1000)) == 0.0
    assert psi(np.zeros(1000), np.ones(1000)) > 5


@pytest.mark.slow
def test_the_same_population_gives_no_alert_and_chances_are_even() -> None:
    alerts, chances = 0, []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = drift(rng.normal(size=(400, 8)), rng.normal(size=(120, 8)), seed)
        alerts, chances = alerts + found.alert, [*chances, found.chance]
    assert alerts == 0
    assert 0.35 < np.mean(chances) < 0.65


def test_what_no_single_number_shows_is_seen_by_all_together() -> None:
    rng = np.random.default_rng(0)
    reference, a = rng.normal(size=(500, 2)), rng.normal(size=500)
    together = np.stack([a, a + 0.05 * rng.normal(size=500)], axis=1)
    assert max(psi(reference[:, i], together[:, i]) for i in (0, 1)) < 0.25
    assert mmd(reference, together, rng)[1] < 0.01


def test_another_population_and_too_little() -> None:
    rng = np.random.default_rng(1)
    assert drift(rng.normal(size=(300, 4)), rng.normal(size=(300, 4)) + np.eye(4)[2], 0).alert
    with pytest.raises(DataError, match="100 of each are needed"):
        drift(rng.normal(size=(300, 4)), rng.normal(size=(99, 4)), 0)
    with pytest.raises(DataError, match="choose another model"):
        drift(rng.normal(size=(300, 4)), rng.normal(size=(300, 5)), 0)


def test_too_little_feedback_is_said_before_data_are_prepared(job, tmp_path) -> None:
    store = tmp_path / "feedback.db"
    Store(store).add(Event(use=new_id(), model="harmony", action="accepted", input=[0.0] * 64) for _ in range(3))
    with pytest.raises(DataError, match="3 inputs of 30 days, 0 of them with all 128 numbers"):
        job("task=monitor", "model=harmony", f"monitor.store={store}", f"data.root={tmp_path}")


def test_chords_of_rated_songs_are_not_what_users_play(job, tmp_path) -> None:
    store = tmp_path / "feedback.db"
    of_a_song = {"use": new_id(), "model": "harmony", "action": "accepted", "choices": {"song": "a"}}
    Store(store).add(Event(**of_a_song, input=[0.0] * 128) for _ in range(120))
    Store(store).add([Event(use=new_id(), model="harmony", action="accepted", input=[0.0] * 128)])
    with pytest.raises(DataError, match="1 input of 30 days, 1 of them with all 128 numbers"):
        job("task=monitor", "model=harmony", f"monitor.store={store}")


@pytest.mark.slow
def test_the_task_says_when_inputs_have_left_the_data(job, tmp_path, capsys) -> None:
    from datamodules.harmony.module import ChordSongs

    def store(name: str, vectors: np.ndarray) -> str:
        path = tmp_path / name
        Store(path).add(
            Event(use=new_id(), model="harmony", action="accepted", input=[float(v) for v in x]) for x in vectors
        )
        return f"monitor.store={path}"

    cache = tmp_path / "cache"
    task = ("task=monitor", "model=harmony", "data.sources=[embedded,rntxt]", f"paths.cache_dir={cache}")
    with pytest.raises(DataError, match="0 inputs of 30 days, 0 of them with all 128 numbers; 100 are needed"):
        job(*task)
    data = ChordSongs(root=str(tmp_path), cache_dir=str(cache), sources=["embedded", "rntxt"])
    data.prepare_data()
    data.setup("test")
    known = data.encoded("train").x
    job(*task, store("same.db", known[np.random.default_rng(0).permutation(len(known))[:200]]))
    assert json.loads((tmp_path / "monitor.json").read_bytes())["reference"] == len(known) != len(data.probes())
    assert "MMD" in capsys.readouterr().out
    assert (tmp_path / "monitor.json").is_file() and "is like its data" in (tmp_path / "monitor.html").read_text()
    size = CONTRACTS["harmony"].input_size
    with pytest.raises(DriftError, match="was not made for"):
        job(*task, store("other.db", np.random.default_rng(0).uniform(-1, 1, (200, size))))
    with pytest.raises(ConfigError, match=r"monitor\.days=0 must"):
        job(*task, "monitor.days=0")


@pytest.mark.slow
def test_sentences_are_compared_by_the_published_table(job, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("kmidi_lab.tasks.monitor.models_root", lambda *_: release_root())
    feeling_files.write(tmp_path / "data", 150)
    store = Store(tmp_path / "feedback.db")
    store.add(Event(use=new_id(), model="intent", action="accepted", input=[5.0] * 128) for _ in range(100))
    with pytest.raises(DriftError, match="model=intent is asked about what it was not made for"):
        job("task=monitor", "model=intent", f"monitor.store={store.path}", f"data.root={tmp_path / 'data'}")


@pytest.mark.parametrize("alert", [True, False])
def test_the_page_says_what_moved_in_a_sentence_and_in_pictures(tmp_path, alert: bool) -> None:
    rng = np.random.default_rng(0)
    moved = [
        InputDrift(name, psi if alert else psi / 10, rng.normal(size=300), rng.normal(alert, 1, 200))
        for name, psi in (("mode[0]", 1.5), ("emotion[2]<", 0.1))
    ]
    report = {
        "model": "harmony", "days": 30, "inputs": 200, "without_a_vector": 3, "reference": 300, "mmd": 0.02,
        "chance": 0.003, "psi": {one.name: one.psi for one in moved}, "alert": alert,
    }  # fmt: skip
    write_drift(report, moved, (0.25, 0.01), tmp_path / "monitor.html")
    page = Page((tmp_path / "monitor.html").read_text())
    sentence = "was not made for: mode[0] has moved most" if alert else "is asked about what is like its data"
    assert sentence in page.text and page.tags.count("svg") == 2
    assert page.rows[1:] == [["mode[0]", "1.500" if alert else "0.150"], ["emotion[2]<", "0.100" if alert else "0.010"]]
    assert f"{int(alert)} of 2" in page.text and "3 more without all numbers" in page.text

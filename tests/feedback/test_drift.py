"""Inputs of the same data give no alert, others do."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from support.page import Page

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError, DataError, DriftError, RegistryError
from kmidi_lab.feedback.drift import drift, mmd, psi
from kmidi_lab.feedback.event import Event, new_id
from kmidi_lab.feedback.store import Store
from kmidi_lab.inference.known_inputs import KNOWN_INPUTS, KnownInputs, Ranges
from kmidi_lab.inference.published import load_published, release_root
from kmidi_lab.report.drift import InputDrift, write_drift


def test_psi_is_that_of_the_book() -> None:
    """Shares of 0.5 and 0.5 that become 0.8 and 0.2: 0.3 ln 1.6 + 0.3 ln 2.5, but for chance."""
    reference, seen = np.repeat([0.0, 1.0], 50_000), np.repeat([0.0, 1.0], [80_000, 20_000])
    index = lambda a, b: psi(Ranges.of(a), len(a), b)
    assert index(reference, seen) == pytest.approx(0.3 * np.log(1.6) + 0.3 * np.log(2.5), abs=1e-4)
    assert index(np.zeros(1000), np.zeros(1000)) == 0.0
    assert index(np.zeros(1000), np.ones(1000)) > 5


def test_random_features_give_the_mmd_of_their_kernel() -> None:
    """Beside the kernel itself, on all pairs; 256 features err by about a sixteenth."""
    rng = np.random.default_rng(3)
    reference, seen = rng.normal(size=(400, 3)), rng.normal(size=(300, 3)) + np.array([1.0, 0.0, 0.5])
    known = KnownInputs.of(reference)
    x, y = reference / known.scale, seen / known.scale
    kernel = lambda a, b: np.exp(-((a[:, None] - b) ** 2).sum(-1) / known.width).mean()
    exact = kernel(x, x) + kernel(y, y) - 2 * kernel(x, y)
    assert mmd(known, seen, rng)[0] == pytest.approx(exact, rel=0.2)


def test_what_is_published_says_the_same_as_the_data(tmp_path) -> None:
    rng = np.random.default_rng(4)
    reference, seen = rng.normal(size=(5000, 128)), rng.normal(size=(200, 128)) * 1.3
    known = KnownInputs.of(reference)
    data = known.tobytes()
    read = KnownInputs.read(data, "a")
    assert drift(read, seen, 1).chance == drift(known, seen, 1).chance
    assert drift(read, seen, 1).psi == pytest.approx(drift(known, seen, 1).psi)
    assert len(data) < 32_000
    for wrong in (b"{}", data[:-9], data.replace(b"inputs-1", b"inputs-2"), data.replace(b'"count"', b'"counts"')):
        with pytest.raises(RegistryError, match="a: no statistics of inputs"):
            KnownInputs.read(wrong, "a")


@pytest.mark.slow
def test_the_same_population_gives_no_alert_and_chances_are_even() -> None:
    alerts, chances = 0, []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = drift(KnownInputs.of(rng.normal(size=(400, 8))), rng.normal(size=(120, 8)), seed)
        alerts, chances = alerts + found.alert, [*chances, found.chance]
    assert alerts == 0
    assert 0.35 < np.mean(chances) < 0.65


def test_what_no_single_number_shows_is_seen_by_all_together() -> None:
    rng = np.random.default_rng(0)
    reference, a = rng.normal(size=(500, 2)), rng.normal(size=500)
    together = np.stack([a, a + 0.05 * rng.normal(size=500)], axis=1)
    known = KnownInputs.of(reference)
    assert drift(known, together, 0).psi.max() < 0.25
    assert mmd(known, together, rng)[1] < 0.01


def test_another_population_and_too_little() -> None:
    rng = np.random.default_rng(1)
    known = KnownInputs.of(rng.normal(size=(300, 4)))
    assert drift(known, rng.normal(size=(300, 4)) + np.eye(4)[2], 0).alert
    with pytest.raises(DataError, match="100 of each are needed"):
        drift(known, rng.normal(size=(99, 4)), 0)
    with pytest.raises(DataError, match="choose another model"):
        drift(known, rng.normal(size=(300, 5)), 0)


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


@pytest.mark.parametrize("model", ["emotion", "emotion_node", "feel", "instrument"])
def test_of_what_a_model_hears_no_event_tells(refusal, tmp_path, model: str) -> None:
    told = refusal("task=monitor", f"model={model}", f"monitor.store={tmp_path / 'empty.db'}")
    assert told.startswith(f"model={model} hears sound, which no event holds") and "harmony, intent" in told


def _stored(path, model: str, vectors: np.ndarray) -> str:
    Store(path).add(Event(use=new_id(), model=model, action="accepted", input=[float(v) for v in x]) for x in vectors)
    return f"monitor.store={path}"


def _like(known: KnownInputs, count: int) -> np.ndarray:
    """Inputs whose numbers, each by itself, are as those of the training."""
    rng, columns = np.random.default_rng(0), []
    for ranges, scale in zip(known.ranges, known.scale, strict=True):
        edges = np.concatenate([[ranges.edges[0] - scale], ranges.edges, [ranges.edges[-1] + scale]])
        lows = np.repeat(edges, 2)[1:-2] if len(ranges.edges) else np.zeros(1)
        highs = np.where(np.arange(len(lows)) % 2 == 0, np.repeat(edges, 2)[2:-1], lows)
        place = rng.choice(len(lows), count, p=ranges.shares / ranges.shares.sum())
        columns.append(rng.uniform(lows, highs, (count, len(lows)))[np.arange(count), place])
    return np.stack(columns, 1)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dynamics", "groove", "harmony", "intent", "melody", "microtiming", "structure"])
def test_the_release_says_when_inputs_have_left_its_data_without_them(job, tmp_path, monkeypatch, model: str) -> None:
    monkeypatch.setattr("kmidi_lab.tasks.monitor.models_root", lambda *_: release_root())
    published = load_published(release_root(), model)
    assert published is not None
    name = f"{published.contract.id}{KNOWN_INPUTS}"
    known = KnownInputs.read((published.folder / name).read_bytes(), name)
    assert published.entry["files"][name]["bytes"] < 32_000 and known.count > 1000
    assert len(known.ranges) == CONTRACTS[model].input_size
    same = _like(known, 150)
    assert drift(known, same, 0).psi.max() < 0.25
    task = ("task=monitor", f"model={model}", f"data.root={tmp_path}")
    with pytest.raises(DataError, match="0 inputs of 30 days, 0 of them with all"):
        job(*task, f"monitor.store={tmp_path / 'empty.db'}")
    other = np.random.default_rng(0).uniform(-3, 3, same.shape)
    with pytest.raises(DriftError, match=f"model={model} is asked about what it was not made for"):
        job(*task, _stored(tmp_path / "other.db", model, other))
    report = json.loads((tmp_path / "monitor.json").read_bytes())
    assert (report["reference"], report["inputs"]) == (known.count, 150)
    assert "was not made for" in (tmp_path / "monitor.html").read_text()


@pytest.mark.slow
def test_a_release_without_statistics_is_compared_by_its_data(job, tmp_path, monkeypatch, capsys) -> None:
    from datamodules.harmony.module import ChordSongs

    root = tmp_path / "older"
    shutil.copytree(release_root(), root)
    registry = json.loads((root / "registry.json").read_text())
    for entry in registry["models"]:
        entry["files"] = {name: facts for name, facts in entry["files"].items() if not name.endswith(KNOWN_INPUTS)}
        entry.pop("digest")
    (root / "registry.json").write_text(json.dumps(registry))
    monkeypatch.setattr("kmidi_lab.tasks.monitor.models_root", lambda *_: root)
    cache = tmp_path / "cache"
    task = ("task=monitor", "model=harmony", "data.sources=[embedded,rntxt]", f"paths.cache_dir={cache}")
    data = ChordSongs(root=str(tmp_path), cache_dir=str(cache), sources=["embedded", "rntxt"])
    data.prepare_data()
    data.setup("test")
    known = data.encoded("train").x
    job(*task, _stored(tmp_path / "same.db", "harmony", known[np.random.default_rng(0).permutation(len(known))[:200]]))
    assert json.loads((tmp_path / "monitor.json").read_bytes())["reference"] == len(known) != len(data.probes())
    assert "MMD" in capsys.readouterr().out and "is like its data" in (tmp_path / "monitor.html").read_text()
    with pytest.raises(ConfigError, match=r"monitor\.days=0 must"):
        job(*task, "monitor.days=0")


@pytest.mark.parametrize("alert", [True, False])
def test_the_page_says_what_moved_in_a_sentence_and_in_pictures(tmp_path, alert: bool) -> None:
    rng = np.random.default_rng(0)
    moved = [
        InputDrift(name, psi if alert else psi / 10, Ranges.of(rng.normal(size=300)), rng.normal(alert, 1, 200))
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

"""`kmidi_lab.load`: the page runs as it is written; streams keep their state and nobody else's; mistakes are one line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import warm

import kmidi_lab
from kmidi_lab.conf_dir import options
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError, RegistryError
from kmidi_lab.inference.published import default_root, release_root

_SYLLABLES = np.sin(2 * np.pi * 2 * np.arange(48_000) / 16_000)
NOISE = (0.2 * np.random.default_rng(0).normal(size=48_000) * _SYLLABLES).astype(np.float32)


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(repo: Path, tmp_path: Path, lab: list[str]) -> None:
    page = (repo / "docs" / "python_api.md").read_text(encoding="utf-8")
    program = "".join(re.findall(r"```python\n(.*?)```", page, re.S))
    done = subprocess.run(warm.program(lab, program), cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Cmaj7 +\d+%$", done.stdout, re.M)
    assert (tmp_path / "played.mid").read_bytes()[:4] == b"MThd"
    documented = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", page, re.M)))
    assert sorted(documented) == options("model")


@pytest.mark.slow
def test_each_example_of_five_lines_runs_by_itself(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (repo / "docs" / "python_api.md").read_text(encoding="utf-8")
    part = page.partition("## In five lines")[2].partition("\n## ")[0]
    examples = re.findall(r"```python\n(.*?)```", part, re.S)
    monkeypatch.chdir(tmp_path)
    for example in examples:
        assert len([line for line in example.splitlines() if line]) <= 5, example
        exec(example, {})
    assert len(examples) == 5
    assert re.search(r"^C\w* \d+%$", capsys.readouterr().out, re.M)
    kinds = {path.suffix: path.read_bytes()[:4] for path in tmp_path.iterdir()}
    assert kinds == {".mid": b"MThd", ".wav": b"RIFF"}


def test_importing_the_package_loads_nothing() -> None:
    program = "import sys, kmidi_lab; print(*{'numpy', 'onnxruntime', 'yaml', 'omegaconf', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    with pytest.raises(AttributeError, match="nothing_there"):
        _ = kmidi_lab.nothing_there


def test_a_wrong_argument_of_load_names_what_is_allowed() -> None:
    with pytest.raises(
        ConfigError, match=r"'root' is not allowed.*Allowed: model, models_root, config_dir, trusted, adapter"
    ):
        kmidi_lab.load("harmony", root="outputs/release")


@pytest.mark.parametrize("model", options("model"))
def test_every_released_model_loads_and_streams(model: str) -> None:
    loaded = kmidi_lab.load(model)
    # microtiming is released although boosted trees are better, and says so where it is asked.
    statuses = ("trained", "production", *(("training",) if model == "microtiming" else ()))
    assert loaded.root == release_root() and loaded.entry["status"] in statuses
    stream = loaded.stream()
    assert callable(stream.push) and callable(stream.reset)


def test_a_song_grows_chord_by_chord_and_begins_anew() -> None:
    harmony = kmidi_lab.load("harmony")
    song, other = harmony.stream(key="F", top=4), harmony.stream(key="F", top=4)
    first = song.push("Gm7")
    assert first == harmony.predict("Gm7", key="F", top=4)
    other.push("Bb")
    assert song.push("C7") == harmony.predict("Gm7 C7", key="F", top=4) != first
    with pytest.raises(ConfigError):
        song.push("H7")
    assert song.chords == ["Gm7", "C7"]
    song.reset()
    assert song.push("Gm7") == first


@pytest.mark.parametrize("model", ["emotion", "instrument"])
def test_sound_in_blocks_reads_as_the_whole_does(model: str) -> None:
    loaded = kmidi_lab.load(model)
    whole = loaded.predict(NOISE, rate=16000, every=0.5).readings
    stream = loaded.stream(rate=16000, every=0.5)
    for _ in range(2):
        readings = []
        for start in range(0, len(NOISE), 999):
            readings += stream.push(NOISE[start : start + 999])
            loaded.predict(NOISE[:8000], rate=16000) if start == 0 else None
        assert len(readings) in (len(whole), len(whole) - 1)  # the last stretch may be unfinished
        for (at, live), (expected_at, expected) in zip(readings, whole, strict=False):
            assert at == expected_at
            assert live.values == pytest.approx(expected.values, abs=1e-4)
            assert {q: a for q, (a, _) in live.answers.items()} == {q: a for q, (a, _) in expected.answers.items()}
        stream.reset()


def test_a_sound_that_stays_the_same_is_no_speech() -> None:
    """Nothing of it counts; it is answered from all frames where there is enough of it to say what it is."""
    tone = (0.3 * np.sin(2 * np.pi * 220 * np.arange(32_000) / 16_000)).astype(np.float32)
    answer = kmidi_lab.load("emotion").predict(tone, rate=16000)
    assert answer.unsure.startswith("sounds like neither") and "too short" not in answer.unsure
    assert len(answer.readings) == 1 and answer.readings[0][1] == answer.summary
    with pytest.raises(ConfigError, match="silent, or too short"):
        kmidi_lab.load("emotion").predict(tone[:8_000], rate=16000)


def test_vectors_keep_the_state_of_their_own_stream() -> None:
    groove = kmidi_lab.load("groove")
    one, two = groove.stream(), groove.stream()
    x = np.full(one.contract.input_size, 0.5, np.float32)
    first, second = one.push(x), one.push(x)
    assert not np.array_equal(first, second)
    assert np.array_equal(two.push(x), first)
    one.reset()
    assert np.array_equal(one.push(x), first)
    with pytest.raises(ValueError, match="takes"):
        one.push(x[:3])


def test_the_same_seed_writes_the_same_melody() -> None:
    melody = kmidi_lab.load("melody")
    tunes = [melody.predict("C F G C", length=8, seed=seed).notes for seed in (1, 1, 2)]
    assert tunes[0] == tunes[1] != tunes[2]
    assert len(tunes[0]) == 8


def test_the_names_that_are_imported_late_are_listed() -> None:
    program = "import kmidi_lab; print(*dir(kmidi_lab))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"load", "compose", "__version__"} <= set(done.stdout.split())


@pytest.mark.parametrize(
    ("model", "args", "settings", "said"),
    [
        ("harmony", ("Dm7",), {"topp": 3}, "'topp' is not allowed. Did you mean 'top'? Allowed: chords, key, emotion, top, seed."),
        ("harmony", ("C", "C", None, 3, 9), {}, "too many positional arguments; it takes chords, key, emotion, top, seed"),
        ("harmony", ("C",), {"chords": "G"}, "multiple values for argument 'chords'"),
        ("harmony", (5,), {}, "predict.chords=5 must be a text or several, each a text"),
        ("harmony", (["C", 7],), {}, "predict.chords=['C', 7] must be"),
        ("harmony", ("C",), {"key": 3}, "predict.key=3 must be a text"),
        ("harmony", ("C",), {"emotion": (0.1, 0.2)}, "emotion=(0.1, 0.2) must be a text, such as joyful or -0.5,0.2"),
        ("melody", ("C",), {"emotion": 5}, "predict.emotion=5 must be a text, such as joyful or -0.5,0.2"),
        ("dynamics", (b"MThd",), {"emotion": [0]}, "predict.emotion=[0] must be a text, such as joyful or -0.5,0.2"),
        ("melody", (None,), {}, "predict.chords=None must be a text"),
        ("dynamics", ([1],), {}, "predict.midi=[1] must be a text or a path or bytes"),
        ("structure", (), {"metre": 4}, "predict.metre=4 must be a text"),
        ("melody", ("C",), {"out": "tune.mid"}, "predict.out='tune.mid': Python writes no file; write .midi of the answer"),
        ("groove", ("drums.mid", "played.mid"), {}, "predict.out='played.mid': Python writes no file"),
        ("groove", (), {"mid": "a.mid"}, "Did you mean 'midi'? Allowed: midi, style, seed."),
        ("emotion", (["a"],), {}, "predict.audio=['a'] must be a text or a path or samples"),
        ("emotion", ([0.0] * 9,), {"rate": "x"}, "predict.rate='x' must be a number"),
    ],
)  # fmt: skip
def test_wrong_arguments_of_predict_are_one_line(
    model: str, args: tuple[object, ...], settings: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        kmidi_lab.load(model).predict(*args, **settings)
    assert said in str(caught.value) and "\n" not in str(caught.value) and "__init__" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        ("harmony", {"topp": 3}, "stream: 'topp' is not allowed. Did you mean 'top'? Allowed: key, emotion, top."),
        ("harmony", {"key": 3}, "predict.key=3 must be a text"),
        ("harmony", {"emotion": 3}, "predict.emotion=3 must be a text, such as joyful or -0.5,0.2"),
        ("feel", {"audio": "x.wav"}, "'audio' is not allowed. Allowed: rate, every"),
        ("groove", {"key": "C"}, "stream: 'key' is not allowed; it takes none"),
    ],
)
def test_wrong_settings_of_stream_are_one_line(model: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        kmidi_lab.load(model).stream(**settings)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_models_that_hear_nothing_import_no_audio() -> None:
    """All in one process: what one of them imports stays there."""
    silent = ", ".join(f"kmidi_lab.models.{m}.predict" for m, c in CONTRACTS.items() if not c.listens)
    program = f"import sys, kmidi_lab.tasks.predict, {silent}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "kmidi_lab.inference.request" in done.stdout.split()
    assert [name for name in done.stdout.split() if name.startswith("kmidi_lab.audio") or name == "soxr"] == []


def test_mistakes_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'harmony'"):
        kmidi_lab.load("harmnoy")
    with pytest.raises(RegistryError, match="no trained harmony model in"):
        kmidi_lab.load("harmony", tmp_path)
    with pytest.raises(ConfigError, match="top"):
        kmidi_lab.load("harmony").predict("C", top=0)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "harmony.yaml").write_text("model: {name: harmony}")
    with monkeypatch.context() as patched, pytest.raises(ConfigError, match="can't be asked"):
        patched.setattr("kmidi_lab.inference.api.conf_dir", lambda: tmp_path)
        kmidi_lab.load("harmony")
    monkeypatch.setenv("MODELS_ROOT", str(tmp_path))
    assert default_root() == release_root()
    (tmp_path / "registry.json").touch()
    assert default_root() == tmp_path

"""What `pip install kmidi_lab` alone gives: models are asked, verified and listed where no training package is."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from kmidi_lab.conf_dir import conf_dir, models

BLOCKED = (
    "torch", "torchaudio", "lightning", "pytorch_lightning", "music21", "muspy", "librosa", "sklearn", "wandb", "pytest",
)  # fmt: skip
HOOK = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}: blocked by the test", name=name)
sys.meta_path.insert(0, Blocker())
"""
REPO = Path(__file__).resolve().parents[2]
MODELS = sorted(path.stem for path in (REPO / "conf/model").glob("*.yaml"))
SCORES = {"groove": "drums.mid", "dynamics": "score.mid", "microtiming": "score.mid"}
"""The file of a model that is asked about MIDI."""


@pytest.fixture
def question(tmp_path: Path) -> dict[str, str]:
    """Each model's `predict.…=…`, with files made here."""
    puffs = 0.1 * np.random.default_rng(0).normal(size=48_000) * np.sin(np.arange(48_000) / 1300)
    soundfile.write(tmp_path / "sound.wav", puffs, 16_000)
    for name, channel in (("drums", 9), ("score", 0)):
        file = mido.MidiFile(ticks_per_beat=480)
        notes = [36, 42, 38, 42] * 8 if channel == 9 else [60, 64, 67, 72] * 8
        track = [mido.MetaMessage("set_tempo", tempo=500_000)]
        for note in notes:
            track += [mido.Message(kind, channel=channel, note=note, velocity=80, time=t) for kind, t in _STROKE]
        file.tracks.append(mido.MidiTrack(track))
        file.save(tmp_path / f"{name}.mid")
    asked = {
        "chords": "predict.chords='Dm7 G7'",
        "audio": f"predict.audio={tmp_path / 'sound.wav'}",
        "bars": "predict.bars=32",
        "text": "predict.text='I feel lost'",
    }
    questions = {}
    for name, said in models((conf_dir(),)).items():
        # A tune's model can be asked about chords or about a file: the first of these keys that its config has.
        key = next(key for key in ("chords", "midi", "audio", "bars", "text") if key in said["predict"])
        questions[name] = f"predict.midi={tmp_path / SCORES[name]}" if key == "midi" else asked[key]
    return questions


_STROKE = (("note_on", 0), ("note_off", 240))


PROGRAM = """
import json, sys
from support import composing
from kmidi_lab.__main__ import main
composing.keep_composed()
for words in json.loads(sys.argv[1]):
    print("exit code", main(words), flush=True)
"""


def lab(tmp_path: Path, *commands: list[str]) -> list[str]:
    """What each command says, its exit code in its last line; in one process, which imports no training package."""
    hook = tmp_path / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    paths = os.pathsep.join(map(str, (hook, REPO / "src", REPO, REPO / "tests")))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=300, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    said = re.split(r"(?<=exit code \d)\n", done.stdout)[:-1]
    assert len(said) == len(commands), done.stdout
    return said


@pytest.mark.slow
def test_every_model_is_asked_without_training_packages(question: dict[str, str], tmp_path: Path) -> None:
    root = f"models_root={REPO / 'outputs/release'}"
    for said in lab(tmp_path, *(["task=predict", f"model={model}", question[model], root] for model in MODELS)):
        assert said.endswith("exit code 0") and "No trained" not in said, said


@pytest.mark.slow
def test_a_song_is_composed_without_training_packages(tmp_path: Path) -> None:
    root = f"models_root={REPO / 'outputs/release'}"
    [said] = lab(tmp_path, ["task=compose", "compose.text=sad", "compose.bars=24", "compose.sound=false", root])
    assert said.endswith("exit code 0") and "stood in" not in said, said


@pytest.mark.slow
def test_the_release_is_listed_verified_and_timed_without_training_packages(tmp_path: Path) -> None:
    """Timed are the two models of release_mit: in a third of the time, and no otherwise than all."""
    root, few = (f"models_root={REPO / 'outputs' / name}" for name in ("release", "release_mit"))
    bench = ["task=bench", few, "export.calls=20"]
    listed, verified, timed = lab(tmp_path, ["task=registry", root], ["task=verify", root], bench)
    assert listed.endswith("exit code 0") and timed.endswith("exit code 0"), listed + timed
    assert f"{len(MODELS)} models, 0 faults" in verified and verified.endswith("exit code 0"), verified
    [found] = (json.loads(path.read_bytes())["findings"] for path in tmp_path.glob("outputs/**/verify.json"))
    assert {note["check"] for note in found} <= {"agreement", "real RTNeural"}, "nothing is left unproved"
    [report] = tmp_path.glob("outputs/**/bench.json")
    for model in json.loads(report.read_text(encoding="utf-8"))["models"].values():
        assert "torch" in model["not_measured"] and "onnxruntime" in model["backends"]


@pytest.mark.slow
def test_a_task_of_training_says_what_to_install(tmp_path: Path) -> None:
    tasks = ("train", "eval", "export", "prepare")
    for task, said in zip(tasks, lab(tmp_path, *([f"task={task}"] for task in tasks)), strict=True):
        assert said.endswith("exit code 2")
        assert f"task={task} needs the training packages; type pip install 'kmidi_lab[train]'" in said


def test_every_package_that_inference_imports_is_a_light_dependency() -> None:
    declared, owners = _declared(), metadata.packages_distributions()
    roots = ["kmidi_lab.cli", "kmidi_lab.__main__", *(f"kmidi_lab.tasks.{t}" for t in _LIGHT_TASKS)]
    roots += [f"kmidi_lab.models.{model}.predict" for model in MODELS]
    for module, package in sorted(_third_party(roots)):
        assert _plain(owners.get(package, [package])) & declared, (
            f"{module} imports {package}, which `pip install kmidi_lab` does not bring"
        )


_PLACES = {
    "hub": ("src/kmidi_lab/hub",),
    "demo": ("src/kmidi_lab/serving",),
    "sound": ("src/kmidi_lab/midi/sound.py",),
    "search": ("src/kmidi_lab/sweeps",),
    "dashboards": ("src/kmidi_lab/report/wandb_report.py", "src/kmidi_lab/report/wandb_workspaces.py"),
    "slurm": ("src/kmidi_lab/launchers/slurm.py",),
    "ray": ("src/kmidi_lab/launchers/ray.py", "src/kmidi_lab/launchers/elsewhere.py"),
    "stream": ("datamodules/shared/stream.py",),
    "dev": ("tests", "benchmarks"),
}
"""What an extra is for; all else is for training."""
_BY_ITSELF = ("hub", "demo", "sound")
"""Extras that are of use without training."""


@pytest.mark.slow
def test_every_package_that_any_file_imports_is_declared_where_it_is_needed() -> None:
    owners, ours = metadata.packages_distributions(), _ours()
    for folder in ("src", "datamodules", "tests", "benchmarks"):
        for path in sorted((REPO / folder).rglob("*.py")):
            short = path.relative_to(REPO).as_posix()
            extra = next((e for e, places in _PLACES.items() if short.startswith(places)), "train")
            brought = _declared(extra) | (frozenset() if extra in _BY_ITSELF else _declared("train"))
            for package in _imported(path) - ours - sys.stdlib_module_names:
                names = _plain(owners.get(package, [package]))
                assert names & brought, f"{short} imports {package}, which kmidi_lab[{extra}] does not bring"


def test_the_versions_that_the_tests_run_with_are_those_of_the_constraints() -> None:
    lines = (REPO / "constraints.txt").read_text(encoding="utf-8").split()
    pinned = dict(line.split("==") for line in lines)
    assert len(pinned) == len(lines)
    assert _declared("dev") - {"kmidi-lab"} <= _plain(pinned)


@cache
def _declared(extra: str = "") -> frozenset[str]:
    """What the light install brings, and an extra with the extras that it names."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = set(project["dependencies"])
    waiting = [extra] if extra else []
    while waiting:
        for line in project["optional-dependencies"][waiting.pop()]:
            within = re.fullmatch(r"kmidi_lab\[(.+)\]", line)
            waiting += within[1].split(",") if within else []
            names |= set() if within else {line}
    return frozenset(_plain(re.split(r"[\[>=]", name)[0] for name in names))


def _plain(names: Iterable[str]) -> set[str]:
    return {name.strip().lower().replace("_", "-") for name in names}


def _ours() -> set[str]:
    """Names by which files of the repository import each other."""
    beside = [*(REPO / "tests").rglob("*.py"), *(REPO / "benchmarks").glob("*.py")]
    return {"kmidi_lab", "datamodules", "tests", "support", *(path.stem for path in beside)}


def _imported(path: Path) -> set[str]:
    """The top-level package of each import, also of those inside functions."""
    names: list[str] = []
    for node in _statements(ast.parse(path.read_bytes())):
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
    return {name.partition(".")[0] for name in names}


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements below, without their expressions: a tenth of what `ast.walk` goes through."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for below in getattr(node, field, ()):
            yield below
            yield from _statements(below)


_LIGHT_TASKS = ("predict", "verify", "registry", "bench", "info")


def _third_party(roots: list[str]) -> set[tuple[str, str]]:
    """(our module, top-level package) of what is imported at the top of modules that `roots` import, and theirs."""
    waiting, seen, outside = list(roots), set(), set()
    while waiting:
        module = waiting.pop()
        path = REPO / "src" / Path(*module.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if module in seen or not path.is_file():
            continue
        seen.add(module)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            else:
                continue
            waiting += [name for name in names if name.startswith("kmidi_lab")]
            tops = {name.partition(".")[0] for name in names} - {"kmidi_lab"} - sys.stdlib_module_names
            outside |= {(module, top) for top in tops}
    return outside

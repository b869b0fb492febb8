"""The key of a cache changes with all code that made what is in it, and with nothing else."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from datamodules.shared import cache

FILES = {
    "__init__.py": "",
    "reader.py": "from made import helper\n\ndef read():\n    from made.lazy import late\n    return helper, late\n",
    "helper.py": "import made.deep.tool\nTABLE = 'here/table.yaml'\n",
    "deep/__init__.py": "",
    "deep/tool.py": "from typing import TYPE_CHECKING\nimport numpy as np\n",
    "lazy.py": "late = 1\n",
    "unrelated.py": "from made import reader\n",
    "table.yaml": "a: 1\n",
    "other.yaml": "a: 1\n",
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of the lab's own for the time of a test."""
    for name, text in FILES.items():
        path = tmp_path / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cache, "_OWN", ("made",))
    _forget()
    yield tmp_path / "made"
    _forget()


def _forget() -> None:
    """What is remembered of files, as a new process would; which packages are installed is asked once for all tests."""
    for cached in (cache._reads, cache._file_of, cache._version):
        cached.cache_clear()


def key() -> str:
    _forget()
    return cache.code_version("made.reader")


@pytest.mark.parametrize(
    "name", ["reader.py", "helper.py", "deep/tool.py", "deep/__init__.py", "lazy.py", "table.yaml"]
)
def test_what_the_reader_reaches_changes_the_key(made: Path, name: str) -> None:
    before = key()
    assert key() == before
    path = made / name
    path.write_text(path.read_text() + "# changed\n")
    assert key() != before


@pytest.mark.parametrize("name", ["unrelated.py", "other.yaml", "new.py"])
def test_what_it_does_not_reach_leaves_the_key(made: Path, name: str) -> None:
    before = key()
    (made / name).write_text("changed = 1\n")
    assert key() == before


def test_other_packages_count_by_their_version(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, packages = cache.closure("made.reader")
    modules = {"made", "made.reader", "made.helper", "made.deep", "made.deep.tool", "made.lazy"}
    assert set(files) == {*modules, "made.helper:table.yaml"}
    assert packages == {"numpy", "typing"}
    before = key()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0.1")
    assert key() != before


PREPARE = {
    "dynamics": "library.load(root, root, ('kth_rules',), SplitBy(0, 0.15, 0.15), False)",
    "emotion": """
library.acting._MEN, library.acting._WOMEN = library.acting._MEN[:4], library.acting._WOMEN[:4]
library.load(root, root, ('espeak',), ('speech',), 5, 0, 2, Augmentation(variants=1), None, 1, False)
""",
    "emotion_node": "library.made._play(library.Heard(1), library.plan(1, 0)[:2])",
    "groove": "library.load(root, root, ('styles',), ('drummer1',), 0, False)",
    "harmony": """
files = library.layout.chorale_files()
library.layout.chorale_files = lambda: files[:5]
library.load(root, root, ('embedded', 'rntxt', 'chorales'), SplitBy(0, 0.1, 0.15), False)
""",
    "instrument": """
library.general_midi.PRESETS = library.general_midi.PRESETS[::8]
library.load(root, root, ('gm', 'gm_phrases'), 1, 1, 1, SplitBy(0, 0.1, 0.2), Augmentation(variants=0), 1, False)
""",
    "intent": "library.load(root, root, ('rules',), SplitBy(0, 0.1, 0.1))",
    "melody": """
files = library.chorales.files()
library.chorales.files = lambda: files[:20]
library.load(root, root, ('aird', 'chorales'), SplitBy(0, 0.1, 0.15), False)
""",
}
"""How each room prepares what comes with the lab, or a part of it."""
PROGRAM = """
import json, os, sys, traceback
from importlib import import_module
from pathlib import Path
import scipy.signal, torch  # others' packages, once for all rooms

for room, prepare in json.loads(sys.argv[2]).items():
    if os.fork():
        os.wait()
        continue
    root = Path(sys.argv[1], room)
    try:
        library = import_module(f"datamodules.{room}.library")
        from datamodules.shared.splits import SplitBy
        Augmentation = getattr(library, "Augmentation", None)
        exec(prepare)
        said = [name for name in sys.modules if name.partition(".")[0] in ("kmidi_lab", "datamodules")]
    except BaseException:
        said = traceback.format_exc()
    root.with_suffix(".json").write_text(json.dumps(said))
    os._exit(0)
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str] | str]:
    """Of each room the modules that were imported while its data were prepared in a process of its own, or its error."""
    folder = tmp_path_factory.mktemp("rooms")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, str(folder), json.dumps(PREPARE)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return {room: json.loads((folder / f"{room}.json").read_text()) for room in PREPARE}


@pytest.mark.slow
@pytest.mark.parametrize("room", PREPARE)
def test_whatever_ran_while_data_were_prepared_is_in_the_key(room: str, ran: dict[str, list[str] | str]) -> None:
    own = ran[room]
    assert not isinstance(own, str), own
    modules = {*own} - {"kmidi_lab", "datamodules"}
    assert len(modules) > 5
    assert modules <= set(cache.closure(f"datamodules.{room}.library")[0])


KEPT = [
    *((room, f"datamodules.{room}.library") for room in PREPARE),
    *((room, f"datamodules.{room}.library") for room in ("feel", "microtiming", "structure")),
    ("dynamics", "datamodules.dynamics.lessons"),
    ("emotion", "datamodules.emotion.lessons"),
    ("emotion", "kmidi_lab.models.emotion.pretraining"),
    ("groove", "datamodules.groove.fma"),
    ("intent", "datamodules.intent.tuned_encoder"),
    ("melody", "datamodules.melody.reading"),
]
"""Of each room what is in the version of something that it keeps: its data, lessons, a tuned encoder."""


@pytest.mark.slow
@pytest.mark.parametrize(("room", "module"), KEPT)
def test_what_a_room_keeps_is_not_made_again_for_another_model(room: str, module: str) -> None:
    files = set(cache.closure(module)[0])
    assert module in files and "kmidi_lab.contracts" not in files
    of_models = {name.split(".")[2].partition(":")[0] for name in files if name.startswith("kmidi_lab.models.")}
    assert of_models <= {room}


@pytest.mark.slow
def test_no_reader_imports_by_a_name_that_it_computes() -> None:
    """Such an import is in no closure; what a worker process imports is seen by no test of this one's modules."""
    dynamic = set()
    for room in PREPARE:
        for name, path in cache.closure(f"datamodules.{room}.library")[0].items():
            if path.suffix == ".py" and any(_imports_by_name(node) for node in ast.walk(ast.parse(path.read_bytes()))):
                dynamic.add(name)
    assert dynamic <= {"kmidi_lab.targets", "datamodules.shared.stored"}


def _imports_by_name(node: ast.AST) -> bool:
    name = getattr(node, "attr", getattr(node, "id", ""))
    return name in ("import_module", "__import__")

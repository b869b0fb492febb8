"""The notebooks: they run, and what is saved in them was made by a run, is small and tells nothing of the machine."""

from __future__ import annotations

import json
import re
import shlex
import sys
from itertools import groupby
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
MOST_BYTES = 300_000
MACHINE = re.compile(r"/(?:work|root|home|tmp|Users|usr|opt|var)/|[A-Z]:\\\\|site-packages")
_PYTHON = """#!/bin/sh
[ "$1 $2" = "-m kmidi_lab" ] && shift 2 && exec {lab} "$@"
exec {python} "$@"
"""
_KERNEL = """
import sys
from ipykernel.kernelapp import launch_new_instance
from kmidi_lab.composition import progressions, tunes
tunes._CANDIDATES = progressions._CANDIDATES = 2
sys.executable = {python!r}
launch_new_instance()
"""
"""A kernel whose songs are chosen from few tunes and rounds, and whose commands need not import torch first."""


def cells(name: str) -> list[dict]:
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def test_there_is_one_for_each_kind_of_person_and_the_page_names_it() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(NAMES) == 3
    assert set(re.findall(r"\((\w+)\.ipynb\)", page)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_saved_is_of_one_run_small_and_of_no_machine(name: str) -> None:
    code = [cell for cell in cells(name) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert outputs and {o["output_type"] for o in outputs} <= {"stream", "display_data", "execute_result"}
    assert not [o for o in outputs if o.get("name") == "stderr"]
    assert any("image/png" in o.get("data", {}) for o in outputs)
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    without_sound = re.sub(r"base64,[^\\]*|\"image/png\": \"[^\"]*\"", "", text)
    assert not MACHINE.search(without_sound), MACHINE.search(without_sound)


def test_the_musicians_notebook_can_be_heard() -> None:
    assert (FOLDER / "from_a_sentence_to_a_song.ipynb").read_text(encoding="utf-8").count("<audio controls") == 3


def kinds(notebook) -> list[list[str]]:
    """What each cell shows; what is printed may come in pieces."""
    return [[kind for kind, _ in groupby(o.output_type for o in cell.get("outputs", []))] for cell in notebook.cells]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_its_first_cell_to_its_last(
    name: str, tmp_path: Path, lab: list[str], lab_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT", "MPLBACKEND"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", lab_env["OMP_NUM_THREADS"])
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    saved = kinds(notebook)
    where = {"metadata": {"path": str(tmp_path)}}
    python = tmp_path / "python"
    python.write_text(_PYTHON.format(lab=shlex.join(lab), python=shlex.quote(sys.executable)))
    python.chmod(0o755)
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where)
    client.create_kernel_manager()
    program = _KERNEL.format(python=str(python))
    client.km.kernel_spec.argv = [sys.executable, "-c", program, "-f", "{connection_file}"]
    client.execute()
    assert kinds(notebook) == saved

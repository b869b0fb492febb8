"""`python -m kmidi_lab.export.cpp`."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys

import pytest

from kmidi_lab.errors import UserError
from kmidi_lab.export.cpp.__main__ import main

MODELS = ("dynamicsengine", "groovepredictor")


@pytest.fixture
def models(repo, tmp_path):
    """A models folder with two models, a head file and a registry."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in MODELS:
        shutil.copy(repo / f"outputs/release/{name}.json", folder)
    for name in ("registry.json", "harmonypredictor.head.json"):
        (folder / name).write_text("{}")
    return folder


def test_a_models_folder(models, tmp_path, capsys):
    main([str(models), str(tmp_path / "out")])
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"kmidi_runtime.hpp", *(f"{name}.kmw" for name in MODELS)}
    assert "groovepredictor.kmw: 0.10 MB" in capsys.readouterr().out


def test_one_file_as_a_header(models, tmp_path):
    main([str(models / "dynamicsengine.json"), str(tmp_path / "out"), "--header"])
    text = (tmp_path / "out/dynamicsengine_runtime.h").read_text()
    sha256 = hashlib.sha256((models / "dynamicsengine.json").read_bytes()).hexdigest()
    assert f'json_sha256 = "{sha256}"' in text and "namespace kmidi::runtime::dynamicsengine" in text
    main([str(models / "dynamicsengine.json"), str(tmp_path / "again"), "--header"])
    assert (tmp_path / "again/dynamicsengine_runtime.h").read_text() == text


@pytest.mark.parametrize(
    ("name", "reason"),
    [("empty", "no <id>.json in it"), ("nowhere", "No such file"), ("models/registry.json", "in_shape")],
)
def test_what_is_no_model_is_said_in_one_line(models, tmp_path, name, reason):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=reason) as error:
        main([str(tmp_path / name), str(tmp_path / "out")])
    assert "\n" not in str(error.value)


def test_the_process_needs_no_torch_and_exits_with_2(tmp_path):
    code = (
        "import sys, runpy; sys.modules['torch'] = None; runpy.run_module('kmidi_lab.export.cpp', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code, "nowhere", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout.count("\n") <= 1
    assert done.stderr.startswith("nowhere: No such file") and done.stderr.count("\n") == 1

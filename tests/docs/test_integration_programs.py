"""The programs of docs/integration.md, built with the page's own commands and run on the release: they print what it
says.

Needs a compiler, RTNEURAL_INCLUDE (the folder of RTNeural's sources) and, for ONNX, ONNXRUNTIME_INCLUDE (that of
onnxruntime_cxx_api.h); the library is the one in the wheel. Errors are compared in size, all else to the letter.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import onnxruntime
import pytest

_NUMBER = re.compile(r"\d+(?:\.\d+)?e-\d+|(?<=error )0\b")


@pytest.fixture(scope="module")
def page(repo: Path) -> str:
    return (repo / "docs" / "integration.md").read_text(encoding="utf-8")


def environment(name: str) -> str:
    if shutil.which("g++") is None or name not in os.environ:
        pytest.skip(f"needs g++ and {name}; see this file's first lines")
    return os.environ[name]


def built_and_run(page: str, program: str, folder: Path, given: dict[str, str]) -> tuple[str, str]:
    """(what the program prints, what the page says that it prints)."""
    code = re.search(rf"```cpp\n// {program}\.cpp\n(.*?)```", page, re.S)
    commands = next(block for block in re.findall(r"```sh\n(.*?)```", page, re.S) if f" {program}.cpp" in block)
    assert code
    (folder / f"{program}.cpp").write_text(code[1], encoding="utf-8")
    done = subprocess.run(
        ["sh", "-ec", commands], cwd=folder, env={**os.environ, **given}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    after = page[page.index(commands) + len(commands) :]
    printed = re.search(r"\n\n((?:    .*\n)+)", after)
    assert printed
    return done.stdout, re.sub(r"^    ", "", printed[1], flags=re.M)


def assert_same(got: str, said: str) -> None:
    assert _NUMBER.sub("#", got) == _NUMBER.sub("#", said)
    for mine, theirs in zip(_NUMBER.findall(got), _NUMBER.findall(said), strict=True):
        assert float(mine) < max(10 * float(theirs), 1e-5) < 1e-3


@pytest.mark.slow
def test_the_rtneural_program_prints_what_the_page_says(page: str, repo: Path, tmp_path: Path) -> None:
    given = {"RTNEURAL": environment("RTNEURAL_INCLUDE"), "MODELS": str(repo / "outputs" / "release")}
    assert_same(*built_and_run(page, "check_rtneural", tmp_path, given))


@pytest.mark.slow
def test_the_onnx_program_prints_what_the_page_says(page: str, repo: Path, tmp_path: Path) -> None:
    (library,) = Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so.*")
    (tmp_path / "libonnxruntime.so.1").symlink_to(library)
    given = {
        "RTNEURAL": environment("RTNEURAL_INCLUDE"),
        "ONNXRUNTIME_INCLUDE": environment("ONNXRUNTIME_INCLUDE"),
        "ONNXRUNTIME_LIBRARY": str(tmp_path / "libonnxruntime.so.1"),
        "MODELS": str(repo / "outputs" / "release"),
    }
    assert_same(*built_and_run(page, "check_onnx", tmp_path, given))


def test_the_hash_check_of_the_page_accepts_every_released_file(page: str, repo: Path) -> None:
    """`exports.sha256` is that of the ONNX file where the student falls short, so melody's was refused."""
    release = repo / "outputs" / "release"
    assert 'entry.at("files").at("harmonypredictor.json").at("sha256") == model::json_sha256' in page
    for entry in json.loads((release / "registry.json").read_bytes())["models"]:
        header = (release / f"{entry['id']}_model.h").read_text(encoding="utf-8")
        assert f'json_sha256 = "{entry["files"][entry["id"] + ".json"]["sha256"]}"' in header, entry["id"]

"""The C++ of a page of the documentation as a program."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

_FLAGS = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"]


def built(page: Path, main: str, folder: Path, holds: str = "") -> Path:
    """The page's first C++ block that holds a text, with a `main` behind it, built with both sanitizers.

    Skips without a compiler.
    """
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("needs a C++17 compiler: c++ in the path")
    blocks = re.findall(r"```cpp\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    code = next(block for block in blocks if holds in block)
    (folder / "page.cpp").write_text(code + main, encoding="utf-8")
    subprocess.run([compiler, *_FLAGS, "page.cpp", "-o", "page"], cwd=folder, check=True, timeout=120)
    return folder / "page"

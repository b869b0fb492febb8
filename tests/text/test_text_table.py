"""The table: its file, its vectors, the words that it knows; and the C++ of docs/text.md beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.page_cpp import built

from kmidi_lab.errors import RegistryError
from kmidi_lab.export.proof.text_golden import TEXTS
from kmidi_lab.text.pieces import ROWS, rows
from kmidi_lab.text.table import SIZE, Table, known_words

_MAIN = """
#include <cstdio>
#include <iostream>
int main(int, char** files) {
    const TextTable table(files[1]);
    for (std::string line; std::getline(std::cin, line);) {
        const TextVector vector = table.read(line);
        std::printf("%.9g", vector.coverage);
        for (float x : vector.values) std::printf(" %.9g", x);
        std::puts("");
    }
}
"""


@pytest.fixture(scope="module")
def table() -> Table:
    values = np.random.default_rng(0).normal(size=(ROWS, SIZE)) * 0.1
    values[7] = 0
    return Table.of(values, known_words(["so happy today", "so happy", "happy"], 2))


def test_the_file_reads_back(table: Table) -> None:
    again = Table.read(table.tobytes(), "x")
    assert np.array_equal(again.steps, table.steps) and np.array_equal(again.scales, table.scales)
    assert np.array_equal(again.vector("so happy"), table.vector("so happy"))
    assert len(table.tobytes()) < 4.5e6


def test_a_step_is_as_near_as_a_row_allows() -> None:
    values = np.random.default_rng(1).normal(size=(ROWS, SIZE))
    own = Table.of(values, np.zeros(1 << 17, np.uint8))
    error = np.abs(own.steps * own.scales[:, None] - values).max(1)
    assert (error <= own.scales * 0.501).all()


@pytest.mark.parametrize("broken", [b"", b"KMTEXT1\0", b"x" * 200], ids=["empty", "short", "other"])
def test_another_file_is_refused(broken: bytes) -> None:
    with pytest.raises(RegistryError, match="not a table"):
        Table.read(broken, "t.bin")


def test_a_changed_file_is_refused(table: Table) -> None:
    data = table.tobytes()
    with pytest.raises(RegistryError, match="not a table"):
        Table.read(data[:-1], "t.bin")
    with pytest.raises(RegistryError, match="not a table"):
        Table.read(data[:20] + np.float32(np.nan).tobytes() + data[24:], "t.bin")


def test_a_vector_is_the_direction_of_the_mean(table: Table) -> None:
    at = rows("so happy")
    mean = (table.steps[at].astype(float) * table.scales[at][:, None]).mean(0)
    assert np.allclose(table.vector("so happy"), mean / np.linalg.norm(mean), atol=1e-6)
    assert not table.vector(" \x00 ").any()
    assert table.vectors([]).shape == (0, SIZE)


def test_coverage_counts_words_alone(table: Table) -> None:
    assert table.coverage("so happy today") == pytest.approx(2 / 3)  # today stood in one text only
    assert table.coverage("HAPPY!!! 😀") == 1
    assert table.coverage("?!") == table.coverage("") == 0
    assert table.known("so happy, and the florb is not today") == pytest.approx(
        (2 / 8, 1 / 3)
    )  # the, is, not: small words
    assert table.known("it is") == (0, 1)


@pytest.mark.slow
def test_the_page_reads_texts_as_python_does(table: Table, tmp_path: Path, repo: Path) -> None:
    program = built(repo / "docs" / "text.md", _MAIN, tmp_path, "class TextTable")
    (tmp_path / "table.bin").write_bytes(table.tobytes())
    texts = [text for text in TEXTS if "\n" not in text] + [
        "a\tb 'quoted' rock'n'roll",
        "é" * 60,
        "not… never – so",
        "½ × ÷ Ÿ ß",
    ]
    done = subprocess.run(
        [program, tmp_path / "table.bin"], input="\n".join(texts).encode() + b"\n\xff\xf0\x9f broken\n",
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    lines = [np.array(line.split(), float) for line in done.stdout.decode().splitlines()]
    assert len(lines) == len(texts) + 1
    for text, line in zip([*texts, " broken"], lines, strict=True):
        assert line[0] == pytest.approx(table.coverage(text), abs=1e-6), text
        assert np.allclose(line[1:], table.vector(text), atol=1e-5), text

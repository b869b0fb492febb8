"""docs/integration.md against the code: links, offsets, file names, state names, fields of a golden file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import orjson
import pytest

from kmidi_lab.contracts import CONTRACTS, EMOTION, HARMONY, Contract, Slice
from kmidi_lab.export.onnx.runtime import INPUT, NEW_STATE, OUTPUT, STATE
from kmidi_lab.export.proof.golden import MEL128_SAMPLE_RATE_HZ, SEQUENCE, golden_vectors
from kmidi_lab.export.rtneural.cpp_types import identifier
from kmidi_lab.inference.known_inputs import KNOWN_INPUTS


@pytest.fixture(scope="module")
def page(repo: Path) -> str:
    return (repo / "docs" / "integration.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def programs(page: str) -> dict[str, str]:
    blocks = re.findall(r"```cpp\n// (\S+)\n(.*?)```", page, re.S)
    assert len(blocks) == page.count("```cpp")
    return dict(blocks)


class _Zeros:
    def __init__(self, contract: Contract) -> None:
        self.size = contract.output_size

    def reset(self) -> None:
        """Nothing to forget."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.zeros(self.size, np.float32)


def golden(contract: Contract) -> dict[str, object]:
    frames = np.zeros((SEQUENCE, contract.input_size), np.float32)
    head = {"input": {"start": 0, "stop": 2}, "weight": [[1, 1]], "bias": [0]}
    return orjson.loads(golden_vectors(_Zeros(contract), contract, frames, frames, [], orjson.dumps(head)))


def test_links_lead_somewhere(repo: Path, page: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page)
    assert targets
    for target in targets:
        assert (repo / "docs" / target).exists(), target


def test_offsets_in_the_text_are_the_contract_s(page: str) -> None:
    named = re.findall(r"`(in|out)::(\w+)`\s+is\s+`\{ (\d+), (\d+) \}`", page)
    assert len(named) == 4
    for side, name, start, size in named:
        found: Slice = getattr(HARMONY, f"{side}put")(name)
        assert (found.start, found.size) == (int(start), int(size)), name
    assert f"`input_size` {HARMONY.input_size}, `output_size` {HARMONY.output_size}" in page
    assert f"`{identifier('register')}`" in page


def test_programs_use_slices_and_ids_that_exist(programs: dict[str, str]) -> None:
    code = programs["check_rtneural.cpp"]
    for side, name in re.findall(r"\b(in|out)::(\w+)\.", code):
        getattr(HARMONY, f"{side}put")(name)
    assert f'#include "{HARMONY.id}_model.h"' in code
    assert f"kmidi::{HARMONY.id}" in code
    assert f"/golden/{HARMONY.id}.json" in code


def test_every_model_has_a_rate(page: str) -> None:
    table = page[page.index("## When to call which model") : page.index("**Sample rates.**")]
    assert set(re.findall(r"`([a-z]+)`(?=.*\|.*\|)", table)) >= {c.id for c in CONTRACTS.values()}
    for features in {c.features for c in CONTRACTS.values() if c.listens}:
        audio = next(line for line in table.splitlines() if f"one audio frame, `{features}`" in line)
        assert set(re.findall(r"`([a-z]+)`", audio)) == {c.id for c in CONTRACTS.values() if c.features == features}
    assert f"{MEL128_SAMPLE_RATE_HZ / 256:.1f} a second" in audio
    assert HARMONY.input("emotion").size == EMOTION.output_size


def test_file_names_are_those_of_the_exporter(repo: Path, page: str) -> None:
    exporter = "".join(
        (repo / "src" / "kmidi_lab" / "export" / name).read_text(encoding="utf-8")
        for name in ("publish.py", "artefacts.py")
    )
    entry = (repo / "src" / "kmidi_lab" / "registry" / "entry.py").read_text(encoding="utf-8")
    files = re.findall(r"^\| `([^`]*<id>[^`]*)` \|", page, re.M)
    assert len(files) == 9
    exporter = exporter.replace("{KNOWN_INPUTS}", KNOWN_INPUTS)
    for name in files:
        assert name.replace("<id>", "{contract.id}") in exporter, name
    for key in re.findall(r"`(\w+_path)`", page):
        assert f'"{key}"' in entry, key


def test_names_of_onnx_tensors(page: str, programs: dict[str, str]) -> None:
    for name in (INPUT, OUTPUT, f"{STATE}0", f"{STATE}1", f"{NEW_STATE}0", f"{NEW_STATE}1"):
        assert f"`{name}`" in page, name
    code = programs["check_onnx.cpp"]
    for literal in (f'"{INPUT}"', f'"{OUTPUT}"', f'"{STATE}"'):
        assert literal in code, literal
    assert f'"{NEW_STATE.removesuffix(STATE)}" + name' in code


def test_fields_of_a_golden_file(page: str) -> None:
    table = page[page.index("## Golden vectors") : page.index("An error up to")]
    keys = {key for cell in re.findall(r"^\| (`[^|]*) \|", table, re.M) for key in re.findall(r"`(\w+)`", cell)}
    keys -= {"random"}  # only where two files hold two networks
    assert keys == set(golden(EMOTION))
    assert keys - {"sample_rate"} == set(golden(HARMONY))
    part = golden(HARMONY)["sequence"]
    assert isinstance(part, dict)
    assert set(part) == {"inputs", "outputs"}


def test_programs_read_only_fields_that_exist(programs: dict[str, str]) -> None:
    file = golden(HARMONY)
    assert set(programs) == {"check_rtneural.cpp", "check_onnx.cpp"}
    for code in programs.values():
        assert "int main(" in code
        read = set(re.findall(r'golden\.at\("(\w+)"\)', code)) | set(re.findall(r'"(sequence|typical)"', code))
        assert {"sequence", "typical"} <= read <= set(file)


def test_gate_is_the_exporter_s(repo: Path, page: str, programs: dict[str, str]) -> None:
    conf = (repo / "conf" / "export" / "default.yaml").read_text(encoding="utf-8")
    gate = re.search(r"^tolerance: (\S+)$", conf, re.M)
    assert gate is not None
    assert f"An error up to {gate[1]} " in page
    assert all(f"<= {gate[1]}" in code for code in programs.values())


def test_each_program_has_its_build_commands(page: str, programs: dict[str, str]) -> None:
    commands = "".join(re.findall(r"```sh\n(.*?)```", page, re.S))
    for name in programs:
        assert f" {name} " in commands
        assert f"\n./{Path(name).stem} " in commands


def test_no_package_registry_is_named(page: str) -> None:
    assert not re.search(r"pypi|npmjs|nuget|conda|crates\.io|https?://", page, re.I)

"""The rules of the house: which room may know which. Read from the source, so that no import hides in a function."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from kmidi_lab.contracts import CONTRACTS

ROOT = Path(__file__).parents[1]
PACKAGE, DATA = ROOT / "src" / "kmidi_lab", ROOT / "datamodules"
ROOMS = ("kmidi_lab.models", "datamodules")

PUBLISH_NEEDS = {"kmidi_lab.report.card"}
"""What `export` imports of `report`: a model is published with its card."""

LIBRARIES_WRITE = {
    "datamodules/shared/fetch.py": "a download grows in its own file until its hash is right",
    "datamodules/shared/unpack.py": "an archive is unpacked block by block",
    "src/kmidi_lab/after_fit.py": "Lightning's loggers write their own files; they are only asked to",
    "src/kmidi_lab/report/wandb_workspaces.py": "what is saved are views at W&B, not files",
    "src/kmidi_lab/export/rtneural/runner.py": "a temporary folder, read by another program and then removed",
}
"""Files outside `files.py` that may write, each with its reason."""

CHAIN = "composition"
"""The one package whose work it is to ask several models in turn, so it names them."""

DATA_SETS = {"groove_midi"}
"""Names of published data sets that hold a model's: several rooms may read one."""

KNOWN: set[str] = set()
"""Today's exceptions. Whoever mends one removes its line; none is ever added."""


def test_a_room_of_models_knows_no_other_room() -> None:
    for module, imported in _imports():
        here, there = _room(module, "kmidi_lab.models"), _room(imported, "kmidi_lab.models")
        kept = there in (None, here) or module.startswith(f"datamodules.{there}.")
        # The list of all contracts takes each from its room.
        kept = kept or (module == "kmidi_lab.contracts" and imported.startswith(f"kmidi_lab.models.{there}.contract."))
        _check(kept, f"{module} imports {imported}")


def test_a_room_of_data_knows_no_other_room() -> None:
    for module, imported in _imports():
        here, there = _room(module, "datamodules"), _room(imported, "datamodules")
        _check(there in (None, here), f"{module} imports {imported}")


def test_a_room_takes_its_own_contract_not_the_list_of_all() -> None:
    """The version of prepared data is of all code that their reader imports: a new model would have all data read again."""
    for module, imported in _imports():
        joined = module.startswith(ROOMS) and imported.startswith("kmidi_lab.contracts.")
        _check(not joined, f"{module} imports {imported}")


def test_the_package_never_imports_the_data_modules() -> None:
    for module, imported in _imports():
        joined = module.startswith("kmidi_lab") and imported.split(".")[0] == "datamodules"
        _check(not joined, f"{module} imports {imported}")


def test_the_registry_is_read_and_written_without_its_checks() -> None:
    for module, imported in _imports():
        joined = module.startswith("kmidi_lab.registry") and imported.startswith("kmidi_lab.verify")
        _check(not joined, f"{module} imports {imported}")


def test_export_takes_of_the_report_what_publishing_needs() -> None:
    taken = {i.rpartition(".")[0] for m, i in _imports() if m.startswith("kmidi_lab.export.") and ".report." in i}
    assert taken <= PUBLISH_NEEDS


def test_inference_and_songs_start_without_torch_and_lightning() -> None:
    modules = [name for name in _modules() if name.startswith(("kmidi_lab.inference", "kmidi_lab.song"))]
    heavy = ("torch", "lightning", "pytorch_lightning", "torchaudio", "music21", "sklearn")
    program = f"import sys, {', '.join(modules)}; print(*[m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(modules) > 2
    assert done.stdout.split() == []


def test_only_models_and_data_modules_know_a_vocabulary() -> None:
    """Outside the rooms and the contracts no text names a model but as an example of what to type."""
    # "emotion" is also what the embedding that several models take says, "intent" what a song is meant to be, "feel" a verb.
    names = [*(set(CONTRACTS) - {"emotion", "intent", "feel"}), *(c.id for c in CONTRACTS.values())]
    named = re.compile(rf"(?<!model=)(?<!runs/)(?<![a-z_])({'|'.join(names)})(?![a-z_])")
    for path in _files():
        room = {"models", CHAIN} & set(path.parts)
        if path.parts[len(ROOT.parts)] == "src" and not room and path.name != "contracts.py":
            for text in _texts(path):
                _check(not named.search(text), f"{_short(path)} names a model: {text!r}")


@pytest.mark.parametrize("model", ["groove", "melody"])
def test_code_names_a_model_in_its_rooms_only(model: str) -> None:
    """Any identifier, path or text but comments, for the two whose name is hardly used for anything else."""
    for path in _files():
        if model in path.parts or CHAIN in path.parts or path.name == "contracts.py":
            continue
        for word in _words(path):
            # A tune's melody is a word of music where only one part of a piece is meant. KmiDi's song intents have a key
            # technical_groove_feel and rules named MELODY_….
            meant = word not in ("melody", "lead_melody", "counter_melody", "technical_groove_feel")
            meant = meant and not word.startswith("MELODY_") and model in word.lower() and not _of_data_set(path, word)
            _check(not meant, f"{_short(path)} names {word!r}")


def test_only_one_file_writes_files() -> None:
    for path in _files():
        if path != PACKAGE / "files.py" and _short(path) not in LIBRARIES_WRITE:
            for writer in _writers(_tree(path)):
                _check(False, f"{_short(path)}: {writer}")


def test_no_exception_has_become_needless() -> None:
    assert {line.partition(":")[0] for line in KNOWN if line.endswith(".py")} <= {_short(p) for p in _files()}
    assert all((ROOT / name).is_file() for name in LIBRARIES_WRITE)


def test_the_rules_can_fail() -> None:
    assert list(_writers(ast.parse("p.write_text('a')\nopen(p, 'w')\np.open(mode='ab')\nnp.save(p, x)\nf.savefig(p)")))
    assert not list(_writers(ast.parse("p.open()\nout = BytesIO()\nnp.save(out, x)\nf.savefig(out)\nopen(p, 'rb')")))
    assert set(_imported_names(ast.parse("def f():\n    from a.b import c\n    import d.e"))) == {"a.b.c", "d.e"}
    assert _room("kmidi_lab.models.harmony.module", "kmidi_lab.models") == "harmony"
    with pytest.raises(AssertionError):
        _check(False, "something new")


def _check(kept: bool, violation: str) -> None:
    assert kept or violation in KNOWN, violation


def _of_data_set(path: Path, word: str) -> bool:
    """Whether a word names a published data set: in any reader, or the set's own folder in the file that is called after it."""
    named = any(part in DATA_SETS for part in word.split("."))
    return path.is_relative_to(DATA) and (named or path.stem in DATA_SETS)


def _short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _files() -> tuple[Path, ...]:
    return tuple(sorted([*PACKAGE.rglob("*.py"), *DATA.rglob("*.py")]))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


@cache
def _modules() -> dict[str, Path]:
    names = {}
    for path in _files():
        parts = path.relative_to(ROOT / "src" if path.is_relative_to(PACKAGE) else ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


@cache
def _imports() -> tuple[tuple[str, str], ...]:
    """(module, what it imports) of every import statement, also inside functions."""
    return tuple((module, name) for module, path in _modules().items() for name in _imported_names(_tree(path)))


def _imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names)


def _room(name: str, base: str) -> str | None:
    """The model whose room `name` lies in below `base`."""
    below = name.removeprefix(f"{base}.").split(".")[0] if name.startswith(f"{base}.") else ""
    return below if below in CONTRACTS else None


@cache
def _texts(path: Path) -> frozenset[str]:
    """Every string of a file that is not a docstring."""
    nodes = list(ast.walk(_tree(path)))
    prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    constants = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in prose]
    return frozenset(node.value for node in constants if isinstance(node.value, str))


@cache
def _words(path: Path) -> frozenset[str]:
    """Every identifier, imported name and word of a string of a file."""
    words = {word for text in _texts(path) for word in re.findall(r"\w+", text)}
    for node in ast.walk(_tree(path)):
        named = (getattr(node, attribute, None) for attribute in ("id", "attr", "arg", "name", "module"))
        words |= {word for word in named if isinstance(word, str)}
    return frozenset(words)


def _writers(tree: ast.Module) -> Iterator[str]:
    """What in a file writes to a path, as `of.name`; what fills a buffer in memory does not."""
    buffers = {name for target, value in _bound(tree) if _called(value) in ("BytesIO", "StringIO") for name in target}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name, of = _called(node), _of(node)
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            modes = [a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            into_memory = any(isinstance(a, ast.Name) and a.id in buffers for a in given)
            if (
                name in ("write_text", "write_bytes")
                or (name == "open" and any(_WRITING_MODE.fullmatch(mode) for mode in modes))
                or (name in _SAVERS and not into_memory)
                or (of == "shutil" and name.startswith(("copy", "move")) and name != "copytree")
            ):
                yield f"{of}.{name}" if of and name in _SAVERS else name


_WRITING_MODE = re.compile("[rbt]*[wax+][rbt+]*")
_SAVERS = (
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "savefig",
    "save_file",
    "dump",
    "dump_midi",
    "to_csv",
    "tofile",
)


def _bound(tree: ast.Module) -> Iterator[tuple[list[str], ast.expr | None]]:
    """(names, what they are bound to) of every assignment and `with`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield [t.id for t in node.targets if isinstance(t, ast.Name)], node.value
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            yield [node.optional_vars.id], node.context_expr


def _called(node: ast.expr | None) -> str:
    """The last part of the name of what is called."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _of(node: ast.Call) -> str:
    """What an attribute is called of: `np` of `np.save`."""
    return node.func.value.id if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) else ""

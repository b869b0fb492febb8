"""Every fact of an entry is held by its digest: a change by hand of any of them is found, whoever else tells it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_verify_folder import D, G, dynamics, groove, put

from kmidi_lab.contracts import DYNAMICS, GROOVE
from kmidi_lab.errors import RegistryError
from kmidi_lab.registry.history import demote, promote
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.registry.rehoming import rehome
from kmidi_lab.verify.claims import check_lab_entry
from kmidi_lab.verify.findings import Checks
from kmidi_lab.verify.folder import verify_folder
from kmidi_lab.verify.seals import check_sealed


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, DYNAMICS, dynamics(), prefix=None)
    put(tmp_path, GROOVE, groove(), prefix=None)
    return tmp_path


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [leaf for key, part in inner for leaf in _leaves(part, (*path, key))]
    yield from below or [path]


def _changed(entry: dict[str, Any], path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    changed: Any = json.loads(json.dumps(entry))
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return dict(changed)


@pytest.mark.slow
def test_a_change_of_any_fact_is_found(root: Path) -> None:
    dynamic = load_registry(root)["models"][0]
    for path in _leaves(dynamic):
        checks = Checks(D)
        check_lab_entry(checks, _changed(dynamic, path, "by hand"))
        assert "digest" in {fault.check for fault in checks.faults}, path


@pytest.mark.slow
def test_what_the_lab_changes_itself_is_no_fault(root: Path) -> None:
    for act in (promote, demote, promote):
        act(root, D, "it sounds well; better than before.")
        assert verify_folder(root, None).faults == []
    rehome(root)
    assert verify_folder(root, None).faults == []


@pytest.mark.slow
def test_a_digest_taken_away_is_found_beside_another(root: Path) -> None:
    entries = load_registry(root)["models"]
    for entry in entries:
        entry.pop("digest")
    earlier = [(Checks(entry["id"]), entry) for entry in entries]
    check_sealed(earlier)
    assert [checks.faults for checks, _ in earlier] == [[], []] and all(checks.notes for checks, _ in earlier)
    one = [(Checks(D), entries[0]), (Checks(G), load_registry(root)["models"][1])]
    check_sealed(one)
    assert [len(checks.faults) for checks, _ in one] == [1, 0]


@pytest.mark.slow
def test_a_publish_seals_what_an_earlier_release_left_open(root: Path) -> None:
    whole = json.loads((root / "registry.json").read_bytes())
    for entry in whole["models"]:
        entry.pop("digest")
    whole["models"].append({**whole["models"][0], "id": "theirs", "code_sha256": None})
    del whole["models"][-1]["code_sha256"]
    (root / "registry.json").write_text(json.dumps(whole))
    promote(root, D, "it sounds well")
    assert ["digest" in entry for entry in load_registry(root)["models"]] == [True, True, False]


@pytest.mark.slow
@pytest.mark.parametrize("act", [lambda root: promote(root, D, "it sounds well"), rehome])
def test_a_change_by_hand_is_not_sealed_anew(root: Path, act: Callable[[Path], object]) -> None:
    whole = json.loads((root / "registry.json").read_bytes())
    whole["models"][0]["training"]["hardware"] = "cpu: a better one"
    (root / "registry.json").write_text(json.dumps(whole))
    with pytest.raises(RegistryError, match="changed by hand since it was written"):
        act(root)

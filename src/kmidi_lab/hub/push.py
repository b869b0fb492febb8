"""A models folder goes to the Hub: its registry, every file that it names, and a README.md, in one commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmidi_lab.errors import HubError, RegistryError, show
from kmidi_lab.hub.client import Listing, Repository
from kmidi_lab.hub.readme import readme
from kmidi_lab.inference.published import example_root
from kmidi_lab.registry.files import declared_files, read_files
from kmidi_lab.registry.names import FILE, is_of_model
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.registry.versions import sealed
from kmidi_lab.verify.folder import verify_folder
from kmidi_lab.wording import many

README = "README.md"
_OF_THE_HUB = (README, ".gitattributes")
"""What a new repository may hold."""


@dataclass(frozen=True)
class Upload:
    """What is there now."""

    commit: str
    private: bool
    models: int
    files: int
    bytes: int


def push(repository: Repository, models_root: Path, public: bool) -> Upload:
    """Uploads the published files and removes those there that are published no more.

    Args:
        repository: made where there is none.
        models_root: the folder.
        public: whether everybody may see it; else it is made private, and one that is public already is refused.

    Raises:
        RegistryError: the folder is not as its registry says. HubError: the Hub refuses, or the repository is not of
            this kind; nothing is changed there, but a repository that was just made stays, empty.
    """
    if not repository.token:
        raise HubError(f"{repository.name}: there is no token to push with; type hf auth login, or set HF_TOKEN")
    files, entries = published(models_root)
    files[README] = readme(entries, repository.name).encode()
    there = repository.there()
    stale = _check_there(repository, there, public) - set(files) if there else set()
    if there is None:
        repository.create(private=not public)
        there = repository.listing()
    commit = repository.commit(f"{many(len(entries), 'model')} of kmidi_lab", files, sorted(stale), there.commit)
    _check_arrived(repository, commit, files)
    return Upload(commit, there.private, len(entries), len(files), sum(map(len, files.values())))


def published(models_root: Path) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Content by name, and the entries as they are told elsewhere. Raises RegistryError."""
    faults = verify_folder(models_root, None).faults
    if faults:
        raise RegistryError(
            f"{models_root}: {faults[0].subject}: {faults[0].message} ({len(faults)} in all); task=verify lists them, and "
            "only a folder without faults is pushed"
        )
    registry = load_registry(models_root)
    if not registry["models"]:
        raise RegistryError(
            f"{models_root}: no {FILE} with models there; train one, or type {example_root(whole=True)}"
        )
    files = {name: data for entry in registry["models"] for name, data in read_files(models_root, entry).items()}
    entries = [portable(entry) for entry in registry["models"]]
    text = json.dumps({**registry, "models": entries}, indent=2, ensure_ascii=False)
    return {**files, FILE: f"{text}\n".encode()}, entries


def portable(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry without what is true of one machine only: an absolute path, earlier versions that are kept there."""
    lines = [line for line in entry.get("history", []) if isinstance(line, dict)]
    history = [{**line, "kept": False} if "kept" in line else line for line in lines]
    told = {**entry, "onnx_path": entry["exports"]["onnx_path"], "history": history}
    return sealed(told) if "digest" in entry else told


def _check_there(repository: Repository, there: Listing, public: bool) -> set[str]:
    """The lab's files that are there. Raises HubError: it may not be written to."""
    if not there.private and not public:
        raise HubError(
            f"{repository.name} is public, and everybody would see the models; type hub.public=true if so meant"
        )
    if there.private and public:
        raise HubError(
            f"{repository.name} is there and private; make it public on its page of the Hub, or leave out hub.public"
        )
    if FILE in there.files:
        return _named_there(repository, there)
    others = sorted(set(there.files) - set(_OF_THE_HUB))
    if others:
        raise HubError(
            f"{repository.name} holds {show(others[0])} and no {FILE}, so it is no models folder of this lab; name another"
        )
    return set()


def _named_there(repository: Repository, there: Listing) -> set[str]:
    try:
        models = json.loads(repository.read(FILE, there.commit))["models"]
        names = {name for entry in models for name, _ in declared_files(entry) if is_of_model(name, entry["id"])}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return set()  # broken: what belongs to it can't be known, so all is left
    return names & set(there.files)


def _check_arrived(repository: Repository, commit: str, files: Mapping[str, bytes]) -> None:
    """Raises HubError where a file is not there: the Hub leaves out what a .gitignore names, in silence."""
    there = repository.listing(commit).files
    for name, data in files.items():
        if name not in there or there[name].size != len(data):
            raise HubError(
                f"{repository.name}: {name} did not arrive whole in commit {commit[:12]}; is there a .gitignore? "
                "Remove it there and push again"
            )

"""`<models_root>/registry.json`: read, checked, and published so that a crash leaves the old state or the new one."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema
from filelock import FileLock, Timeout

from kmidi_lab.errors import RegistryError
from kmidi_lab.export.transaction import STAGING, complete, replace_together

FILE = "registry.json"
VERSION = "1.1"
HISTORY = 20
_GOOD = ("trained", "production")
_LOCK_TIMEOUT_S = 120.0
_SCHEMA = Path(__file__).with_name("registry.schema.json")


def load_registry(models_root: Path) -> dict[str, Any]:
    """The registry of a folder, one without models when there is none; completes a publish that a crash cut short.

    Writes nothing unless a publish was cut short, so that a read-only folder can be read.

    Raises:
        RegistryError: broken JSON, another major version, a wrong field, or a publish that can't be completed.
    """
    if (models_root / STAGING).exists():
        with _locked(models_root):
            complete(models_root)
    return _read(models_root)


def published_entry(models_root: Path, model_id: str) -> dict[str, Any] | None:
    """The entry of one model, None when the folder has none. Raises RegistryError as `load_registry`."""
    return _find(load_registry(models_root), model_id)


def publish(
    models_root: Path, entry: dict[str, Any], files: Mapping[str, bytes], onnx_prefix: str | None = None
) -> Path:
    """Puts a model's files and its entry in place, all or none; other entries and unknown keys are kept.

    Top-level `onnx_path` is written here, for the reader that takes it as it is given. By default it is absolute, which
    opens from any working directory but not after the folder is moved. A folder that will be committed or moved wants
    `onnx_prefix`, the folder relative to where readers start (the repository's root). The other reader joins
    `exports.onnx_path` to the models folder and needs neither.

    Args:
        entry: from `entry.registry_entry`. files: content by path below `models_root`, of every file the entry names.

    Returns:
        The path of registry.json.

    Raises:
        RegistryError: the entry may not replace the one there, is not valid, does not match its files, or the folder
            can't be written; what was published before is as it was.
    """
    _check_files(entry, files)
    with _locked(models_root):
        complete(models_root)
        registry = _read(models_root)
        old = _find(registry, entry["id"])
        allowed, reason = may_replace(old, entry["status"], entry.get("stand_in"))
        if not allowed:
            raise RegistryError(f"{entry['id']}: {reason}")
        onnx = entry["exports"]["onnx_path"]
        path = str(PurePosixPath(onnx_prefix) / onnx) if onnx_prefix else str((models_root / onnx).resolve())
        registry = _with_entry(registry, _succeed(old, {**entry, "onnx_path": path}))
        try:
            text = json.dumps(registry, indent=2, ensure_ascii=False, allow_nan=False)
        except ValueError as error:
            raise RegistryError(f"{entry['id']}: the entry holds NaN or infinity; write null instead") from error
        _validate(json.loads(text), models_root / FILE)
        # The registry goes last: until then the old one stands, and every file it names exists.
        replace_together(models_root, entry["id"], {**files, FILE: (text + "\n").encode()})
    return models_root / FILE


def entry_status(run: Mapping[str, Any]) -> tuple[str, str]:
    """(`trained` or `training`, why): trained only when the run beats every baseline on its primary metric.

    The further metrics of the verdict are named either way, those that fall short too.
    """
    primary = run.get("primary")
    if run.get("status") == "failed":
        return "training", f"the run failed: {run.get('error')}"
    if not primary:
        return "training", "no baseline was scored"
    short = [_against(t) for t in primary.get("also", ()) if not t["beats_baselines"]]
    if not primary["beats_baselines"]:
        return "training", "does not beat " + ", ".join([_against(primary), *short])
    won = [_against(t) for t in (primary, *primary.get("also", ())) if t["beats_baselines"]]
    return "trained", "beats " + ", ".join(won) + (f"; falls short of {', '.join(short)}" if short else "")


def may_replace(old: Mapping[str, Any] | None, new_status: str, new_stand_in: str | None = None) -> tuple[bool, str]:
    """(allowed, why): a model that is trained or in production makes way only for one as good, on data as real."""
    if old is None:
        return True, "no entry yet"
    run = old.get("training", {}).get("run_id", "unknown")
    if old["status"] in _GOOD and new_status not in _GOOD:
        return False, f"the entry there is {old['status']} (run {run}) and stays; the new one is only {new_status}"
    if old["status"] == "production" and new_status != "production":
        return False, f"the entry there is in production (run {run}) and stays; name another paths.models_root"
    if old["status"] in _GOOD and new_stand_in and not old.get("stand_in"):
        return (
            False,
            f"the entry there is {old['status']} on real data (run {run}) and stays; the new one is trained on stand-in data",
        )
    return True, f"{new_status} may replace {old['status']}"


def _against(told: Mapping[str, Any]) -> str:
    values = f"{told['value']:.4g} against {told['best_baseline_value']:.4g}"
    return f"{told['best_baseline']} on {told['split']} {told['metric']} ({values})"


def _check_files(entry: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Every path stays below the folder, and every hash in the entry is that of its file."""
    for name in files:
        parts = PurePosixPath(name).parts
        if not parts or PurePosixPath(name).is_absolute() or ".." in parts or parts[0] in (STAGING, FILE):
            raise RegistryError(f"{name!r} is no name for a published file; give a path below the models folder")
    exports = entry["exports"]
    told = {entry["file"]: exports["sha256"], exports["onnx_path"]: exports["onnx_sha256"]}
    told |= {name: facts["sha256"] for name, facts in entry.get("files", {}).items()}
    for name, sha in told.items():
        if name not in files:
            raise RegistryError(f"{entry['id']}: the entry names {name}, which is not among the files to publish")
        if hashlib.sha256(files[name]).hexdigest() != sha:
            raise RegistryError(
                f"{entry['id']}: the entry's sha256 of {name} is not that of the file; make the entry again"
            )


def _find(registry: Mapping[str, Any], model_id: str) -> dict[str, Any] | None:
    return next((e for e in registry["models"] if e["id"] == model_id), None)


def _succeed(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """The new entry with the old one on its history, and with the old one's keys that this lab doesn't know."""
    if old is None:
        return {**new, "history": []}
    history = list(old.get("history", []))
    training, sha = old.get("training", {}), old.get("exports", {}).get("sha256")
    # Publishing the same file of the same run again replaces nothing.
    if (training.get("run_id"), sha) != (new["training"]["run_id"], new["exports"]["sha256"]):
        left = {
            "run_id": training.get("run_id"),
            "status": old["status"],
            "sha256": sha,
            "training_date": training.get("training_date"),
            "reason": old.get("status_reason"),
        }
        history.insert(0, left)
    known = _schema()["definitions"]["ModelEntry"]["properties"]
    foreign = {key: value for key, value in old.items() if key not in known}
    return {**foreign, **new, "history": history[:HISTORY]}


def _with_entry(registry: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    models = list(registry["models"])
    at = next((i for i, e in enumerate(models) if e["id"] == entry["id"]), len(models))
    models[at : at + 1] = [entry]
    return {**registry, "generated_at": datetime.now(UTC).isoformat(timespec="seconds"), "models": models}


def _read(models_root: Path) -> dict[str, Any]:
    path = models_root / FILE
    try:
        registry = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {
            "registry_version": VERSION,
            "description": "Models trained, proved and measured by kmidi_lab.",
            "models": [],
        }
    except OSError as error:
        raise RegistryError(f"{path}: can't be read ({error.strerror}); check its owner and mode") from error
    except ValueError as error:
        raise RegistryError(
            f"{path}: not JSON ({error}); take it from git or a backup, or move it away to start a new registry"
        ) from error
    _validate(registry, path)
    return dict(registry)


def _validate(registry: Any, path: Path) -> None:
    version = str(registry.get("registry_version", "")) if isinstance(registry, dict) else ""
    if version.partition(".")[0] not in ("", VERSION.partition(".")[0]):
        raise RegistryError(
            f"{path}: registry_version {version}, this lab knows 1.x; update kmidi_lab or give another models_root"
        )
    error = jsonschema.exceptions.best_match(jsonschema.Draft7Validator(_schema()).iter_errors(registry))
    if error is not None:
        where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path) or "the file"
        raise RegistryError(f"{path}: {where.lstrip('.')}: {error.message[:200]}; correct it or take it from a backup")


@functools.cache
def _schema() -> dict[str, Any]:
    return dict(json.loads(_SCHEMA.read_bytes()))


@contextlib.contextmanager
def _locked(models_root: Path) -> Iterator[None]:
    lock = FileLock(models_root / f"{FILE}.lock", timeout=_LOCK_TIMEOUT_S)
    try:
        models_root.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RegistryError(
            f"{models_root}: another process holds {FILE}.lock since {_LOCK_TIMEOUT_S:g} s; wait for it, try again"
        ) from error
    except OSError as error:
        raise RegistryError(
            f"{models_root}: can't be written ({error.strerror or error}); make it writable or choose another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()

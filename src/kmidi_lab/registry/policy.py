"""What status a run earns, what an entry may replace, and what may go into production."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_GOOD = ("trained", "production")


def entry_status(run: Mapping[str, Any]) -> tuple[str, str]:
    """(`trained` or `training`, why): trained only when the run beats every baseline on its primary metric, in a comparison
    that is fair.

    Where RTNeural gets a student that falls short, the entry stands for the ONNX file alone (`student_falls_short`) and
    says so. The further metrics of the verdict are named either way, those that fall short too.
    """
    primary: Any = run.get("primary")
    if run.get("status") == "failed":
        return "training", f"the run failed: {run.get('error')}"
    if not primary:
        return "training", "no baseline was scored"
    if primary.get("not_comparable"):
        return "training", f"no fair comparison: {primary['not_comparable']}"
    short = [_against(t) for t in primary.get("also", ()) if not t["beats_baselines"]]
    if not primary["beats_baselines"]:
        return "training", "does not beat " + ", ".join([_against(primary), *short])
    won = [_against(t) for t in (primary, *primary.get("also", ())) if t["beats_baselines"]]
    reason = "beats " + ", ".join(won) + (f"; falls short of {', '.join(short)}" if short else "")
    if student_falls_short(run):
        student = _against(run["student_scores"]["primary"])
        reason += f"; this is the ONNX file: the student in the RTNeural file does not beat {student}"
    return "trained", reason


def student_falls_short(run: Mapping[str, Any]) -> bool:
    """The RTNeural file holds a student that does not beat the baselines: the entry's `file` is then the ONNX file."""
    student: Any = (run.get("student_scores") or {}).get("primary")
    return bool(student) and not student["beats_baselines"]


def earned_by(entry: Mapping[str, Any]) -> str:
    """Why a published model was called trained, without who promoted or demoted it since."""
    if not entry.get("primary"):
        return str(entry.get("status_reason") or entry.get("note") or "no reason is told")
    return entry_status({"primary": entry["primary"], "student_scores": entry.get("student")})[1]


def may_replace(old: Mapping[str, Any] | None, new_status: str, new_stand_in: str | None = None) -> tuple[bool, str]:
    """(allowed, why): a model that is trained or in production makes way only for one as good, on data as real."""
    if old is None:
        return True, "no entry yet"
    run = old.get("training", {}).get("run_id", "unknown")
    if old["status"] in _GOOD and new_status not in _GOOD:
        return False, f"the entry there is {old['status']} (run {run}) and stays; the new one is only {new_status}"
    if old["status"] == "production" and new_status != "production":
        return False, (
            f"the entry there is in production (run {run}) and stays; type task=registry registry.action=demote "
            f'registry.model={old["id"]} registry.reason="why", then publish again'
        )
    if old["status"] in _GOOD and new_stand_in and not old.get("stand_in"):
        return False, (
            f"the entry there is {old['status']} on real data (run {run}) and stays; "
            "the new one is trained on stand-in data"
        )
    return True, f"{new_status} may replace {old['status']}"


def may_promote(entry: Mapping[str, Any]) -> tuple[bool, str]:
    """(allowed, why): a trained model that beats its baselines and whose files were proved within the tolerance."""
    if entry["status"] != "trained":
        return False, f"it is {entry['status']}; only a trained model goes into production"
    if not (entry.get("primary") or {}).get("beats_baselines"):
        return False, "it does not beat its baselines; train a better one first"
    parity = entry.get("parity") or {}
    needed = ["onnx"] + (["rtneural_reader"] if entry.get("rtneural_path") else [])
    missing = [name for name in ("tolerance", *needed) if parity.get(name) is None]
    if missing:
        return False, f"its parity record lacks {', '.join(missing)}; export the model again"
    errors = {k: v for k, v in parity.items() if k not in ("tolerance", "calls") and isinstance(v, int | float)}
    beyond = [f"{name} {error:.1e}" for name, error in errors.items() if not error <= parity["tolerance"]]
    if beyond:
        return False, f"parity is beyond {parity['tolerance']:g} ({', '.join(beyond)}); export the model again"
    return True, "it beats its baselines and its files are proved"


def step_down(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What is lost where a person puts `new` in the place of a better `old`; empty where nothing is."""
    losses = []
    if old["status"] in _GOOD and new["status"] not in _GOOD:
        losses.append(f"is only {new['status']} where {old['status']} was")
    if new.get("stand_in") and not old.get("stand_in"):
        losses.append("is trained on stand-in data where real data was")
    return f"this version {' and '.join(losses)}" if losses else ""


def _against(told: Mapping[str, Any]) -> str:
    values = f"{told['value']:.4g} against {told['best_baseline_value']:.4g}"
    return f"{told['best_baseline']} on {told['split']} {told['metric']} ({values})"

"""What status a run earns, what an entry may replace, and what may go into production."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from kmidi_lab.run_record import RunRecord
from kmidi_lab.run_scores import Comparison, Primary
from kmidi_lab.typed_json import MisfitError, from_json

_GOOD = ("trained", "production")


def entry_status(run: RunRecord) -> tuple[str, str]:
    """(`trained` or `training`, why): trained only when the run beats every baseline on its primary metric, in a
    comparison that is fair.

    Where RTNeural gets a student that falls short, the entry stands for the ONNX file alone (`student_falls_short`) and
    says so. The further metrics of the verdict are named either way, those that fall short too.
    """
    if run.identity.status == "failed":
        return "training", f"the run failed: {run.identity.error}"
    student = run.student
    return _earned(run.primary, student.primary if student else None, student.withheld if student else "")


def _earned(primary: Primary | None, student: Primary | None, withheld: str) -> tuple[str, str]:
    """`withheld`: why there is no RTNeural file, empty where there is."""
    status, reason = _by_verdict(primary, None if withheld else student)
    return status, f"{reason}; {withheld_line(withheld)}" if withheld else reason


def withheld_line(why: str) -> str:
    """What log, registry, card and results say of a student that is not good enough for an RTNeural file."""
    return f"RTNeural withheld: {why}"


def _by_verdict(primary: Primary | None, student: Primary | None) -> tuple[str, str]:
    if primary is None:
        return "training", "no baseline was scored"
    if primary.not_comparable:
        return "training", f"no fair comparison: {primary.not_comparable}"
    short = [_against(c) for c in primary.also if not c.beats_baselines]
    if not primary.beats_baselines:
        return "training", "does not beat " + ", ".join([_against(primary), *short])
    won = [_against(c) for c in primary.comparisons if c.beats_baselines]
    reason = "beats " + ", ".join(won) + (f"; falls short of {', '.join(short)}" if short else "")
    if student and not student.beats_baselines:
        reason += f"; this is the ONNX file: the student in the RTNeural file does not beat {_against(student)}"
    return "trained", reason


def student_falls_short(run: RunRecord) -> bool:
    """The RTNeural file holds a student that does not beat the baselines: the entry's `file` is then the ONNX file."""
    student = run.student.primary if run.student else None
    return student is not None and not student.beats_baselines


def withheld_of(entry: Mapping[str, Any]) -> str:
    """Why an entry has no RTNeural file of its student; empty where it has one, or no student."""
    return str((entry.get("student") or {}).get("withheld") or "")


def earned_by(entry: Mapping[str, Any]) -> str:
    """Why a published model was called trained, without who promoted or demoted it since."""
    reason = str(entry.get("status_reason") or entry.get("note") or "no reason is given")
    if not entry.get("primary"):
        return reason
    student, withheld = (entry.get("student") or {}).get("primary"), withheld_of(entry)
    try:
        primary = from_json(Primary, entry["primary"], "primary")
        return _earned(primary, from_json(Primary, student, "student.primary") if student else None, withheld)[1]
    except MisfitError:  # an entry that someone else has written
        return reason


def may_replace(
    old: Mapping[str, Any] | None, new_status: str, new_stand_in: str | None = None, models_root: object = ""
) -> tuple[bool, str]:
    """(allowed, why): a model that is trained or in production makes way only for one as good, on data as real.

    Args:
        old: what is published.
        new_status: of the new one.
        new_stand_in: what its data stand in for.
        models_root: of the registry, for the command that is printed.
    """
    if old is None:
        return True, "no entry yet"
    run = old.get("training", {}).get("run_id", "unknown")
    if old["status"] in _GOOD and new_status not in _GOOD:
        return (
            False,
            f"the published model is {old['status']} (run {run}) and stays; the new one has status {new_status}",
        )
    if old["status"] == "production" and new_status != "production":
        return False, (
            f"the published model is in production (run {run}) and stays; type task=registry registry.action=demote "
            f'registry.model={old["id"]} registry.reason="why"{_in(models_root)}, then publish again'
        )
    if old["status"] in _GOOD and new_stand_in and not old.get("stand_in"):
        return False, (
            f"the published model is {old['status']} on real data (run {run}) and stays; "
            "the new one is trained on stand-in data"
        )
    return True, f"{new_status} may replace {old['status']}"


def _in(models_root: object) -> str:
    return f" {shlex.quote(f'models_root={models_root}')}" if str(models_root) else ""


def better_in_sweep(old: Mapping[str, Any] | None, sweep: str, training: Mapping[str, Any]) -> str:
    """Why a job of a sweep leaves what another job of the same sweep has published; empty where it does not.

    The best by validation stays, whichever came last.

    Args:
        old: what is published.
        sweep: the group of the sweep, empty where the run belongs to none.
        training: of the entry of the job: `run_id` and `val_loss`.
    """
    before = (old or {}).get("training", {})
    run, job = str(before.get("run_id", "")), str(before.get("run_id", "")).removeprefix(f"{sweep}-")
    ours, theirs = training.get("val_loss"), before.get("val_loss")
    same_sweep = bool(sweep) and run != job and job.isdecimal() and run != training.get("run_id")
    if not same_sweep or ours is None or theirs is None or ours < theirs:
        return ""
    return f"job {job} of this sweep is as good or better by validation (val/loss {theirs:.4g} against {ours:.4g}) and stays"


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
        losses.append(f"has status {new['status']} (the replaced one: {old['status']})")
    if new.get("stand_in") and not old.get("stand_in"):
        losses.append("is trained on stand-in data (the replaced one: on real data)")
    return f"this version {' and '.join(losses)}" if losses else ""


def _against(c: Comparison) -> str:
    values = f"{_short(c.value)} against {_short(c.best_baseline_value)}"
    return f"{c.best_baseline} on {c.split} {c.metric} ({values})"


def _short(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.4g}"

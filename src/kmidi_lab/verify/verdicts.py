"""Whether an entry's verdicts are those that its own scores and its baselines' give."""

from __future__ import annotations

import math
from typing import Any

from kmidi_lab.errors import show
from kmidi_lab.scoring.evaluation import Evaluation, verdict
from kmidi_lab.verify.entry import PROVED, section
from kmidi_lab.verify.findings import Checks

_VALUES = ("value", "best_baseline", "best_baseline_value", "beats_baselines")


def check_verdicts(checks: Checks, entry: dict[str, Any]) -> None:
    """Every verdict of an entry and of its student; a proved entry has one."""
    student = section(entry, "student")
    owners = {"primary": entry, **({"student.primary": student} if student else {})}
    for name, owner in owners.items():
        primary = section(owner, "primary")
        if not primary:
            proved = entry.get("status") in PROVED
            missing = f"status {show(entry.get('status'))} is claimed without {name}"
            checks.expect("primary", not proved, f"{missing}; evaluate the model, or set it to training")
            continue
        also = primary.get("also")
        for claim in [primary, *(also if isinstance(also, list) else [])]:
            _check_verdict(checks, name, claim, section(owner, "metrics"), section(entry, "baselines"))
    if student and entry.get("status") in PROVED:
        beats = section(student, "primary").get("beats_baselines")
        checks.expect(
            "claim",
            beats is True or entry.get("format") == "onnx",
            f"status {show(entry['status'])} is claimed for file {show(entry.get('file'))}, a student that does not beat "
            "the baselines; name the ONNX file there, or set it to training",
        )


def _check_verdict(
    checks: Checks, name: str, claim: dict[str, Any], metrics: dict[str, Any], baselines: dict[str, Any]
) -> None:
    """A verdict against the same one made anew of the entry's own scores."""
    try:
        split, metric, mode = claim["split"], claim["metric"], claim["mode"]
        if mode not in ("min", "max"):
            raise ValueError(mode)
        anew = verdict(Evaluation(metrics, baselines), split, metric, mode)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        missing = f"{name} can't be told from metrics and baselines ({type(error).__name__} {show(str(error))})"
        checks.fault("primary", f"{missing}; evaluate the model again")
        return
    wrong = [key for key in _VALUES if not _same(claim.get(key), anew[key])]
    checks.expect(
        "primary",
        not wrong,
        f"{name} ({show(metric)}): {', '.join(f'{k} is {show(claim.get(k))}, must be {show(anew[k])}' for k in wrong)} "
        "by the entry's own metrics and baselines; evaluate the model again",
    )


def _same(claim: Any, anew: Any) -> bool:
    """Scores of a student stem from a second pass, whose sums may differ in their last digits."""
    if type(claim) is float and type(anew) is float:
        return math.isclose(claim, anew, rel_tol=1e-6)
    return bool(claim == anew)

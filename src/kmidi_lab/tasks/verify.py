"""task=verify: checks every file of a models folder; a table on the screen, verify.json, exit code 1 with a fault."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ExportError
from kmidi_lab.export.rtneural.runner import runner_from_env
from kmidi_lab.files import write_atomic
from kmidi_lab.tasks.roots import whole_root
from kmidi_lab.verify.findings import Checks
from kmidi_lab.verify.folder import Verification, verify_folder
from kmidi_lab.wording import many


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    root = whole_root(cfg)
    result = verify_folder(root, runner_from_env())
    path = context["folder"] / "verify.json"
    write_atomic(path, json.dumps(_report(result), indent=1).encode())
    print(_table([result.folder, *result.models]))
    models, faults, notes = len(result.models), len(result.faults), len(result.notes)
    counts = ", ".join(
        f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((models, "model"), (faults, "fault"), (notes, "note"))
    )
    print(f"{counts} | written: {path}")
    if faults:
        raise ExportError(
            f"{root}: {faults} fault{'' if faults == 1 else 's'}; correct them or export the models again, details in {path}"
        )


def _report(result: Verification) -> dict[str, Any]:
    subjects = (result.folder, *result.models)
    return {
        "models_root": str(result.root.absolute()),
        "models": len(result.models),
        "faults": len(result.faults),
        "notes": len(result.notes),
        "passed": {checks.subject: checks.passed for checks in subjects},
        "findings": [asdict(finding) for checks in subjects for finding in checks.findings],
    }


def _table(subjects: list[Checks]) -> str:
    """A line for each subject's passed checks and below it one for each finding, faults first."""
    width = max((len(f.check) for checks in subjects for f in checks.findings), default=0)
    lines = []
    for checks in subjects:
        lines += [checks.subject, f"  OK     {many(checks.passed, 'check')} passed"]
        for finding in (*checks.faults, *checks.notes):
            lines.append(f"  {finding.severity.upper():<5}  {finding.check:<{width}}  {finding.message}")
    return "\n".join(lines)

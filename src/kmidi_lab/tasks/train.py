"""task=train: the whole way from data to files, and lines that say how good it is and where everything is."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig

from kmidi_lab import lab
from kmidi_lab.report.formats import fixed
from kmidi_lab.run_export import Export


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    record = lab.train(cfg, context)
    primary = record.primary
    if primary is None:
        if record.objective:  # a job of a sweep that tests the chosen setting alone
            print(f"{record.identity.model}: {record.objective.metric} {fixed(record.objective.value, 4)}")
        return  # or another rank than the first: it has trained its share and has nothing to say
    verdict = "beats" if primary.beats_baselines else "does NOT beat"
    if primary.not_comparable:
        verdict = "is NOT COMPARABLE with"
    print(
        f"{record.identity.model}: {primary.metric} {fixed(primary.value, 3)} {verdict} its best baseline "
        f"({primary.best_baseline}: {fixed(primary.best_baseline_value, 3)})"
        f"{', on STAND-IN DATA' if record.data and record.data.stand_in else ''}\n"
        f"{_published(record.export)}\nreport: {context['folder'] / 'report.html'}"
    )


def _published(export: Export | None) -> str:
    if export is None:
        return "nothing was exported"
    return f"published in {export.models_root}, status {export.status}" if export.published else export.reason

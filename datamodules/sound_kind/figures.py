"""How well the head tells the kinds on sounds that it was not fitted on, as the packaged file says it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.sound_kind.windows import CLEAN, LENGTHS_S, Table
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.kind import KINDS, KindHead

_MET_NOWHERE = (
    "EMOVO",
    "SAVEE",
    "ASAP, piano",
    "by rule, rain",
    "by rule, waves",
    "by rule, fan",
    "by rule, typing",
    "by rule, dial tone",
)
"""Sources that nothing was fitted on."""
Chosen = NDArray[np.bool_]


def figures_of(head: KindHead, table: Table) -> dict[str, Any]:
    """Shares are 0..1, rounded; AUROC is of one kind against the two others, or against another one."""
    judged = Judged(head, table)
    test, clean = table.splits == "test", table.conditions == CLEAN
    new = test & np.isin(table.sources, _MET_NOWHERE)
    validation = table.splits == "val"
    return {
        "test": judged.told(test & clean),
        "collections_never_met": judged.told(new & clean),
        "in_recording_conditions": judged.told(test & table.changed),
        "by_condition": {name: judged.auroc(test & (table.conditions == name)) for name in CHANGES},
        "by_length": {f"{s:g} s": judged.told(test & (table.conditions == f"{s:g} s")) for s in LENGTHS_S},
        "false_alarms_validation": {
            "clean": judged.alarms(validation & clean), "in_recording_conditions": judged.alarms(validation & table.changed)
        },
        "false_alarms_test": {"clean": judged.alarms(test & clean), "in_recording_conditions": judged.alarms(test & table.changed)},
        "called_by_source": judged.by_source(test & clean),
    }  # fmt: skip


class Judged:
    """The probabilities of all windows, and what rows `[N]` of them come to."""

    def __init__(self, head: KindHead, table: Table) -> None:
        self._table, self._limits, self._chances = table, head.limits, head.chances(table.values)

    def auroc(self, rows: Chosen) -> dict[str, float]:
        """Of each kind against the others."""
        return {kind: self._between(rows, place, None) for place, kind in enumerate(KINDS)}

    def told(self, rows: Chosen) -> dict[str, Any]:
        """AUROC, also between two kinds, and how many of each kind are called what."""
        pairs = {f"{KINDS[a]} against {KINDS[b]}": self._between(rows, a, b) for a, b in ((0, 1), (0, 2), (1, 2))}
        called = self._chances[rows].argmax(1)
        kinds = self._table.kinds[rows]
        confusion = {
            kind: dict(zip(KINDS, np.bincount(called[kinds == place], minlength=len(KINDS)).tolist(), strict=True))
            for place, kind in enumerate(KINDS)
        }
        return {"auroc": self.auroc(rows) | pairs, "called": confusion}

    def alarms(self, rows: Chosen) -> dict[str, float]:
        """Of each source of speech and music, the share that a model which takes it would call something else."""
        out = {}
        for place, kind in enumerate(KINDS[:2]):
            for source in self._sources(rows & (self._table.kinds == place)):
                own = self._chances[rows & (self._table.sources == source)]
                out[source] = round(float(((own.argmax(1) != place) & (own[:, place] < self._limits[kind])).mean()), 3)
        return out

    def by_source(self, rows: Chosen) -> dict[str, list[int]]:
        """How many sounds of each source are called speech, music and neither."""
        out = {}
        for source in self._sources(rows):
            called = self._chances[rows & (self._table.sources == source)].argmax(1)
            out[source] = np.bincount(called, minlength=len(KINDS)).tolist()
        return out

    def _sources(self, rows: Chosen) -> Iterable[str]:
        return map(str, np.unique(self._table.sources[rows]))

    def _between(self, rows: Chosen, kind: int, other: int | None) -> float:
        """Area under the ROC curve by the probability of `kind` (against `other`: by its share of both)."""
        from sklearn.metrics import roc_auc_score

        kinds, chances = self._table.kinds[rows], self._chances[rows]
        if other is None:
            return round(float(roc_auc_score(kinds == kind, chances[:, kind])), 3)
        both = (kinds == kind) | (kinds == other)
        share = np.log(chances[both, kind] + 1e-12) - np.log(chances[both, other] + 1e-12)
        return round(float(roc_auc_score(kinds[both] == kind, share)), 3)

"""The gates of one retraining, and what its record and its report tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import orjson
from numpy.typing import NDArray

from kmidi_lab.after_fit import numpy_call
from kmidi_lab.data import DataModule
from kmidi_lab.errors import DataError
from kmidi_lab.nn.module import LabModule
from kmidi_lab.retraining import gates
from kmidi_lab.retraining.adapting import losses
from kmidi_lab.retraining.gates import Gate
from kmidi_lab.retraining.lessons import Array, Lessons
from kmidi_lab.retraining.opening import TrainableRelease
from kmidi_lab.retraining.raters import DOUBTFUL, Rater, event_weights
from kmidi_lab.retraining.splitting import Parts
from kmidi_lab.run_analysis import Note
from kmidi_lab.run_record import RunRecord
from kmidi_lab.wording import many

_HEARD = (
    "That model had heard the frozen test, which this training did not hear again: its losses tell whether it forgets, and not "
    "how good it is, and neither do the scores of the test."
)


class Retraining:
    """One retraining: what it learns from, which are its `parts`, and the gates, which fill the run's record."""

    def __init__(
        self,
        model: TrainableRelease,
        lessons: Lessons,
        raters: list[Rater],
        parts: Parts,
        margin: float,
        seed: int,
    ) -> None:
        self._model, self._lessons, self._raters = model, lessons, raters
        self.parts, self._margin, self._seed = parts, margin, seed
        self.gates: list[Gate] = []

    @property
    def learnt(self) -> Lessons:
        """What is learnt from."""
        return self._lessons.rows(self.parts.learnt)

    def leave_out(self, events: NDArray[np.bool_], why: str) -> None:
        """Some of all events `[E]` are neither learnt from nor held out. Raises DataError as `Parts.rows`."""
        self.parts = self.parts.rows(~events)
        counted = {**self._lessons.left_out, why: int(events.sum())}
        self._lessons = replace(self._lessons.rows(~events), left_out=counted)

    def _frozen_tests(self, module: LabModule, data: DataModule) -> Mapping[str, tuple[Array, Array]]:
        """Raises DataError: the data test nothing of the model."""
        found = self._model.training.frozen_tests(numpy_call(module.network), module.head(), data)
        if not sum(weights.sum() for _, weights in found.values()):
            raise DataError(
                "the test part of the original data has no item that the answer is known of, so nothing tells whether the "
                "model forgets, and nothing was published; begin with a model whose data have"
            )
        return found

    def gate(self, record: RunRecord, module: LabModule, data: DataModule) -> bool:
        """Whether all gates are passed; the record tells of them, and of no event and no user.

        Raises:
            DataError: the original data test nothing of the model.
        """
        training, base = self._model.training, self._model.module
        before, after = (self._frozen_tests(m, data) for m in (base, module.cpu().eval()))
        own = self._lessons.rows(self.parts.held)
        trust = event_weights(own, np.array([rater.weight for rater in self._raters]))
        first, second = (losses(m, training, own) for m in (base, module))
        frozen, *others = (
            gates.not_worse(loss, after[of][0], weights, self._margin, self._seed, of)
            for of, (loss, weights) in before.items()
        )
        self.gates = [
            frozen,
            gates.better(first, second, own.rater, own.judgement, own.item, trust, self._seed),
            *others,
        ]
        learnt = self.learnt
        facts = {
            "from_sha256": self._model.published.entry["exports"]["sha256"],
            "events": len(learnt),
            "raters": len(np.unique(learnt.rater)),
            "held_out_events": len(own),
            "held_out_raters": len(np.unique(own.rater)),
            "held_out_by": self.parts.by,
            "dropped_events": self.parts.dropped,
            "doubted_raters": sum(rater.weight < DOUBTFUL for rater in self._raters),
            "gates": [vars(gate) | {"passed": gate.passed} for gate in self.gates],
            **({"frozen_test_was_heard": True} if self._model.heard_all else {}),
        }
        assert record.data
        record.data.more["retrained"] = facts
        text = (
            f"Learnt from {many(facts['events'], 'event')} of {many(facts['raters'], 'user')}, beside the original data, from the model "
            f"whose file has SHA-256 {facts['from_sha256']}. Of the feedback: {self.parts}. {'. '.join(map(str, self.gates))}."
        )
        if self._model.heard_all:
            text += f" {_HEARD}"
        record.analysis.notes.append(Note("Retrained from feedback", text))
        return all(gate.passed for gate in self.gates)

    def json(self) -> bytes:
        """The report for whoever runs this: it names use ids, so it stays in the run's folder."""
        held = {self._lessons.raters[i] for i in np.unique(self._lessons.rater[self.parts.held])}
        report = {
            "events": len(self._lessons),
            "left_out": self._lessons.left_out,
            "held_out": int(self.parts.held.sum()),
            "held_out_by": self.parts.by,
            "learnt_from": int(self.parts.learnt.sum()),
            "dropped": self.parts.dropped,
            "frozen_test_was_heard": self._model.heard_all,
            "raters": [vars(rater) | {"held_out": rater.use in held} for rater in self._raters],
            "gates": [vars(gate) | {"passed": gate.passed} for gate in self.gates],
        }
        return orjson.dumps(report, option=orjson.OPT_INDENT_2)

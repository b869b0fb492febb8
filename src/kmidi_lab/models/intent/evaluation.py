"""IntentClassifier beside its baselines: labels by macro F1, ratings by correlation, our own sentences, and conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.emotion_embedding import read_scalars
from kmidi_lab.errors import DataError
from kmidi_lab.models.intent.baselines import Baseline, fit_baselines
from kmidi_lab.models.intent.conditions import CONDITIONS, LENGTHS
from kmidi_lab.models.intent.features import AFFECT, LABELS, Sentence
from kmidi_lab.models.intent.own_sentences import own_sentences, shares_right
from kmidi_lab.models.intent.reading import from_model, label_logits
from kmidi_lab.models.intent.scores import best_cuts, f1, macro_f1, pearson
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator
from kmidi_lab.scoring.items import ScoredItem, Text

_RATED_LEAST = 3
_DRAWN = 100
"""Words of a sentence in its picture."""
_KINDS = ("negation", "music", "plain", "unsure")


class IntentEvaluator(Evaluator):
    """Scores vectors `[E, 128]` to embeddings `[E, 64]`.

    A label counts as said from a cut on, for the model and every baseline the one with the best F1 on validation.
    Ratings are scored on the sentences that people rated, or by rule where there are no others.
    """

    METRICS = {
        "macro_f1": "max",
        "valence_r": "max",
        "arousal_r": "max",
        "dominance_r": "max",
        "unsure_share": "min",
        "loss": "min",
        **{f"f1_{label}": "max" for label in LABELS},
        **{f"macro_f1_{name}": "max" for name in CONDITIONS},
        **{f"macro_f1_{low}_to_{high}_words": "max" for low, high in LENGTHS},
        **{f"own_{kind}": "max" for kind in _KINDS},
    }
    primary = "macro_f1"
    also = tuple(f"{name}_r" for name in AFFECT)
    loss = "loss"

    def __call__(
        self, call: Callable[[np.ndarray], np.ndarray], head: Any, data: Any, split: str, training: Any
    ) -> Evaluation:
        songs, val = data.songs(split), training.songs("val")
        labelled, rated = [s for s in songs if s.labels], [s for s in songs if s.affect]
        if not labelled or len(rated) < _RATED_LEAST:
            raise DataError(f"the split {split!r} holds no labelled or no rated sentences; give data.split=all")
        people = [s for s in training.songs("train") if s.source != "rules"] or training.songs("train")
        model = _model(call, head, data)
        cuts = _expit(head["cut_bias"])
        own, p = _scored(model, cuts, labelled, rated)
        own |= self._conditions(model, cuts, labelled) | self._own(call, head, data)
        own["unsure_share"] = float(
            np.mean([f.unsure for f in _feelings(call, head, data, [s.text for s in labelled])])
        )
        result = Evaluation({split: {**own, "events": len(labelled)}}, {split: {}})
        for name, baseline in fit_baselines(people, training.teacher_of).items():
            own_cuts = _cuts(baseline, [s for s in val if s.labels])
            scores, _ = _scored(baseline, own_cuts, labelled, rated)
            scores |= shares_right(_answers(baseline, own_cuts))
            result.baselines[split][name] = scores
        counts = np.zeros((len(LABELS), len(LABELS)), int)
        for row, s in zip(p / np.maximum(cuts, 1e-6), labelled, strict=True):
            if len(s.labels) == 1:
                counts[LABELS.index(s.labels[0]), int(row.argmax())] += 1
        result.analysis = {"confusion_label": {"labels": list(LABELS), "counts": counts.tolist()}}
        return result

    def items(self, call: Callable[[np.ndarray], np.ndarray], head: Any, data: Any, split: str) -> Iterator[ScoredItem]:
        """Labelled sentences; a word is redder the more of the loss is gone without it."""
        model, cuts = _model(call, head, data), _expit(head["cut_bias"])
        labelled = [s for s in data.songs(split) if s.labels]
        p = model([s.text for s in labelled])[0]
        for s, own, loss in zip(labelled, p, _losses(p, _true(labelled)), strict=True):
            heard_as = LABELS[int((own / np.maximum(cuts, 1e-6)).argmax())]
            said = f"{', '.join(s.labels)}, read as {heard_as}"
            yield ScoredItem(s.id, s.source, float(loss), 1, partial(_words, model, s, float(loss)), said)

    def _conditions(
        self, model: Baseline, cuts: NDArray[np.floating], labelled: Sequence[Sentence]
    ) -> dict[str, float]:
        true, texts = _true(labelled), [s.text for s in labelled]
        out = {}
        for name, change in CONDITIONS.items():
            out[f"macro_f1_{name}"] = macro_f1(model([change(text) for text in texts])[0], true, cuts)
        p, words = model(texts)[0], np.array([len(text.split()) for text in texts])
        for low, high in LENGTHS:
            rows = (words >= low) & (words <= high)
            out[f"macro_f1_{low}_to_{high}_words"] = macro_f1(p[rows], true[rows], cuts)
        return out

    def _own(self, call: Callable[[np.ndarray], np.ndarray], head: Any, data: Any) -> dict[str, float]:
        feelings = _feelings(call, head, data, [own.text for own in own_sentences()])
        return shares_right([(f.label, f.valence) for f in feelings])


def _words(model: Baseline, sentence: Sentence, loss: float) -> Text:
    words = sentence.text.split()[:_DRAWN]
    without = [" ".join([*words[:i], *words[i + 1 :]]) for i in range(len(words))]
    p = model(without)[0]
    return Text(words, np.maximum(0.0, loss - _losses(p, np.repeat(_true([sentence]), len(p), 0))))


def _losses(p: NDArray[np.floating], true: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`[N]`: the mean cross-entropy of each sentence's labels."""
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(-np.where(true, np.log(clipped), np.log(1 - clipped)).mean(1))


def _model(call: Callable[[np.ndarray], np.ndarray], head: Any, data: Any) -> Baseline:
    """The model in the form of a baseline."""

    def said(texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        embeddings = call(data.vectors_of(texts))
        return _expit(label_logits(embeddings, head)), read_scalars(embeddings)[:, : len(AFFECT)]

    return said


def _feelings(call: Callable[[np.ndarray], np.ndarray], head: Any, data: Any, texts: Sequence[str]) -> list[Any]:
    embeddings = call(data.vectors_of(texts))
    return [from_model(text, data.known(text), row, head) for text, row in zip(texts, embeddings, strict=True)]


def _scored(
    said: Baseline, cuts: NDArray[np.floating], labelled: Sequence[Sentence], rated: Sequence[Sentence]
) -> tuple[dict[str, float], NDArray[np.float64]]:
    p, true = said([s.text for s in labelled])[0], _true(labelled)
    out = {"macro_f1": macro_f1(p, true, cuts), "loss": float(_losses(p, true).mean())}
    out |= {f"f1_{label}": f1(p[:, k] >= cuts[k], true[:, k]) for k, label in enumerate(LABELS)}
    affect, wanted = said([s.text for s in rated])[1], np.array([s.affect for s in rated])
    # One that can't rate says the same of everything.
    own = np.zeros_like(wanted) if affect is None else affect
    return out | {f"{name}_r": pearson(own[:, k], wanted[:, k]) for k, name in enumerate(AFFECT)}, p


def _cuts(said: Baseline, labelled: Sequence[Sentence]) -> NDArray[np.float32]:
    if not labelled:
        return np.full(len(LABELS), 0.5, np.float32)
    return best_cuts(said([s.text for s in labelled])[0], _true(labelled))


def _answers(said: Baseline, cuts: NDArray[np.floating]) -> list[tuple[str, float]]:
    p, affect = said([own.text for own in own_sentences()])
    valence = np.zeros(len(p)) if affect is None else affect[:, 0]
    return [(LABELS[int(k)], float(v)) for k, v in zip((p / np.maximum(cuts, 1e-6)).argmax(1), valence, strict=True)]


def _true(sentences: Sequence[Sentence]) -> NDArray[np.bool_]:
    return np.array([[label in s.labels for label in LABELS] for s in sentences]).reshape(-1, len(LABELS))


def _expit(x: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.asarray(x, np.float64))))

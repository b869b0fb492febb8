"""Which rule finds raters who mean harm, where there are few? Simulated labels; for docs/retraining.md.

    python benchmarks/rater_trust.py [--seeds 20] [--events 30]

Seven labels, of which two make 69 %. The release sees each item's label through noise: `knows` is right for 90 % of them,
`weak` for 55 %. The honest give the true label to 65 to 90 %, each their own share, else one by its frequency. Of
three, five and eight raters a fifth, but at least one, answer anything, always the same (a label by its frequency), or
another label in the place of each; or two agree on the same other label. All label one queue, or items of their own.

Rules: `chance`, where who does not listen gives any label; `habit`, that of task=retrain (`kmidi_lab.retraining.raters`);
`fewer`, the same, but of few raters the others tell less than the release;
`votes`, chance with what the others said of the same item as evidence for the truth; `Dawid–Skene`, with confusion
matrices, smoothed, and the release as another rater. A linear map of the release's scores stands for the adapter.
"""

from __future__ import annotations

import argparse

import numpy as np

from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.raters import habit, shares

Array = np.ndarray
MANY, FREQUENCY = 7, np.array([0.37, 0.32, 0.1, 0.1, 0.06, 0.03, 0.02])
RULES = ("chance", "habit", "fewer", "votes", "Dawid–Skene")
KINDS = ("anything", "always the same", "another label", "two agree", "none")
FOLDS, ROUNDS, STEPS, RATE, DECAY = 5, 2, 40, 0.01, 0.05


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def adapted(z: Array, targets: Array, weights: Array, asked: Array) -> Array:
    """`[A, 7]` probabilities for other items, after some steps of AdamW from the release's own scores."""
    x, other = (np.hstack([rows, np.ones((len(rows), 1))]) for rows in (z, asked))
    own, mean, square = (np.zeros((MANY + 1, MANY)) for _ in range(3))
    for step in range(1, STEPS + 1):
        slope = x.T @ ((softmax(z + x @ own) - targets) * (weights / weights.sum())[:, None])
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        own *= 1 - RATE * DECAY
        own -= RATE * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return softmax(asked + other @ own)


def by_votes(believed: Array, lessons: Lessons) -> Array:
    """Shares where the others' answers to the same item tell of its truth, each by its rater's share."""
    rater, given = lessons.rater, lessons.targets
    together = (lessons.item[:, None] == lessons.item) & (rater[:, None] != rater)
    share = np.full(len(lessons.raters), 2 / 3)
    for _ in range(10):
        own = share[rater][:, None]
        told = together @ (given * np.log1p(own * MANY / (1 - own)))
        common = (softmax(np.log(believed) + told) * given).sum(1)
        share = shares(common, np.full(len(given), 1 / MANY), lessons)
    return share


def trust(rule: str, lessons: Lessons, seed: int, kept: dict[bytes, Array]) -> Array:
    """`[R]`; `kept` holds what adapters said by the trust that they learnt with."""
    z, given, rater = lessons.x.astype(float), lessons.targets, lessons.rater
    count, released, trusted = len(lessons.raters), softmax(z), np.ones(len(lessons.raters))
    fold = np.random.default_rng(seed).permutation(count) % min(FOLDS, count)
    for _ in range(ROUNDS):
        if trusted.tobytes() not in kept:
            others = np.zeros_like(released)
            for part in range(fold.max() + 1):
                own = fold[rater] == part
                others[own] = adapted(z[~own], given[~own], trusted[rater[~own]], z[own])
            kept[trusted.tobytes()] = others
        told = 0.5 * (count - 1) / (count + 1) if rule == "fewer" else 0.5
        believed = (1 - told) * released + told * kept[trusted.tobytes()]
        chance = np.full(len(z), 1 / MANY)
        if rule in ("habit", "fewer"):
            chance = np.maximum(chance, habit(given > 0, lessons))
        trusted = by_votes(believed, lessons) if rule == "votes" else shares((believed * given).sum(1), chance, lessons)
    return trusted


def dawid_skene(lessons: Lessons) -> Array:
    """`[R]`, how much more often a rater is right than one of the same answers in any order."""
    items, count = lessons.item, len(lessons.raters)
    first = np.unique(items, return_index=True)[1]
    rater = np.concatenate([lessons.rater, np.full(len(first), count)])
    label = np.concatenate([lessons.targets.argmax(1), lessons.x[first].argmax(1)])
    item = np.concatenate([items, np.arange(len(first))])
    truth = np.full((len(first), MANY), 0.5 / MANY)
    np.add.at(truth, (item, label), 1.0)
    truth /= truth.sum(1, keepdims=True)
    for _ in range(30):
        confused = np.tile(np.eye(MANY) + 0.3 / MANY, (count + 1, 1, 1))
        np.add.at(confused, (rater, slice(None), label), truth[item])
        confused /= confused.sum(2, keepdims=True)
        logs = np.tile(np.log(truth.mean(0) + 1e-3), (len(first), 1))
        np.add.at(logs, item, np.log(confused[rater, :, label]))
        truth = softmax(logs)
    common = truth.mean(0)
    answers = np.stack([lessons.targets[lessons.rater == r].mean(0) for r in range(count)])
    right, by_chance = (confused[:count].diagonal(axis1=1, axis2=2) * common).sum(1), answers @ common
    return (right - by_chance) / (1 - by_chance)


def simulated(raters: int, kind: str, one_queue: bool, clear: float, events: int, seed: int) -> tuple[Lessons, Array]:
    """Labels, and which raters mean harm."""
    rng, many = np.random.default_rng(seed), raters * events
    true = rng.choice(MANY, events if one_queue else many, p=FREQUENCY)
    z = np.eye(MANY)[true] * clear + rng.normal(size=(len(true), MANY)) + np.log(FREQUENCY)
    item = np.arange(many) % len(true)
    rater, right = np.repeat(np.arange(raters), events), rng.uniform(0.65, 0.9, raters)
    label = np.where(rng.random(many) < right[rater], true[item], rng.choice(MANY, many, p=FREQUENCY))
    harmful = {"none": 0, "two agree": 2}.get(kind, max(1, round(raters / 5)))
    bad = np.arange(raters) >= raters - harmful
    theirs = bad[rater]
    if kind == "anything":
        label[theirs] = rng.integers(MANY, size=theirs.sum())
    elif kind == "always the same":
        label[theirs] = np.repeat(rng.choice(MANY, harmful, p=FREQUENCY), events)
    else:
        away = rng.integers(1, MANY, size=harmful) if kind == "another label" else rng.integers(1, MANY)
        label[theirs] = (label[theirs] + np.repeat(np.full(harmful, away), events)) % MANY
    return Lessons(z[item].astype(np.float32), np.eye(MANY)[label], rater, tuple(map(str, range(raters))), {}), bad


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--events", type=int, default=30, help="of each rater")
    asked_for = parser.parse_args()
    print("harmful raters whose trust is below .5 / honest ones; of all", flush=True)
    for release, clear in (("weak", 1.0), ("knows", 3.0)):
        for one_queue in (True, False):
            for raters in (3, 5, 8):
                for kind in KINDS:
                    told: dict[str, list[tuple[Array, Array]]] = {rule: [] for rule in RULES[: 5 if one_queue else 3]}
                    for seed in range(asked_for.seeds):
                        lessons, bad = simulated(raters, kind, one_queue, clear, asked_for.events, seed)
                        kept: dict[bytes, Array] = {}
                        for rule, each in told.items():
                            found = dawid_skene(lessons) if rule == RULES[-1] else trust(rule, lessons, seed, kept)
                            each.append((found[bad] < 0.5, found[~bad] < 0.5))
                    row = [f"{release}, {'one queue' if one_queue else 'own items'}, {raters} raters, {kind}"]
                    for rule, each in told.items():
                        harmful, honest = (np.concatenate(part) for part in zip(*each, strict=True))
                        row.append(f"{rule} {harmful.sum()}/{len(harmful)}, {honest.sum()}/{len(honest)}")
                    print(" | ".join(row), flush=True)


if __name__ == "__main__":
    main()

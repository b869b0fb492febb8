"""Ways to choose what is labelled next that `benchmarks/active_learning.py` compares beyond those of
`kmidi_lab.feedback.asking`.

Vectors are `[N, D]` features, probabilities `[N, C]`. TypiClust: Hacohen, Dekel and Weinshall (ICML 2022). BADGE: Ash
et al. (ICLR 2020). Clusters of what is hard: Zhdanov (2019, Diverse mini-batch active learning). Density: Settles and
Craven (EMNLP 2008). BALD: Houlsby et al. (2011), over dropout as Gal, Islam and Ghahramani (ICML 2017).
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.neighbors import NearestNeighbors

from kmidi_lab.feedback.asking import margin

Array = np.ndarray
_NEIGHBOURS, _MOST_CLUSTERS, _BY_CLUSTERS = 20, 500, 5
HIDDEN, DROPPED, PASSES = 128, 0.5, 20


def typicality(vectors: Array) -> Array:
    """`[N]`, one over the mean distance to the nearest twenty others."""
    count = min(_NEIGHBOURS + 1, len(vectors))
    distance, _ = NearestNeighbors(n_neighbors=count).fit(vectors).kneighbors(vectors)
    return 1 / np.maximum(distance[:, 1:].mean(axis=1), 1e-9)


def typical(pool: Array, labelled: Array, count: int, seed: int) -> Array:
    """Places in the pool: the most typical of the largest clusters that hold nothing labelled (TypiClust)."""
    clusters = min(len(labelled) + count, _MOST_CLUSTERS, len(pool))
    made = (
        MiniBatchKMeans(clusters, n_init=1, random_state=seed)
        if clusters > 50
        else KMeans(clusters, n_init=1, random_state=seed)
    )
    cluster, weight = made.fit_predict(pool), typicality(pool)
    taken = list(labelled)
    for _ in range(count):
        free = np.setdiff1d(np.arange(len(pool)), taken)
        held = np.bincount(cluster[taken], minlength=clusters) if taken else np.zeros(clusters, int)
        left = np.bincount(cluster[free], minlength=clusters)
        size = np.bincount(cluster, minlength=clusters)
        order = np.lexsort((-size, held + 10_000 * (left == 0)))
        inside = free[cluster[free] == order[0]]
        taken.append(int(inside[weight[inside].argmax()]))
    return np.array(taken[len(labelled) :])


def badge(chances: Array, vectors: Array, count: int, rng: np.random.Generator) -> Array:
    """Places of a k-means++ draw over the gradients of the last layer for the guessed class, `(p - 1[guess]) x`."""
    error = chances.copy()
    error[np.arange(len(error)), chances.argmax(axis=1)] -= 1
    own, size = (error**2).sum(axis=1), (vectors**2).sum(axis=1)
    norm = own * size
    distance, taken = norm, [int(norm.argmax())]
    while len(taken) < count:
        last = taken[-1]
        to_last = norm + norm[last] - 2 * (error @ error[last]) * (vectors @ vectors[last])
        distance = np.maximum(to_last, 0) if len(taken) == 1 else np.minimum(distance, np.maximum(to_last, 0))
        distance[taken] = 0
        taken.append(int(rng.choice(len(distance), p=distance / distance.sum())))
    return np.array(taken)


def hard_clusters(chances: Array, vectors: Array, count: int, seed: int) -> Array:
    """Places: of the five times as many of least margin, the nearest to each centre of as many clusters."""
    score = margin(chances)
    best = np.argsort(-score, kind="stable")[: count * _BY_CLUSTERS]
    if len(best) <= count:
        return best
    made = KMeans(count, n_init=1, random_state=seed).fit(vectors[best], sample_weight=1.001 + score[best])
    distance = made.transform(vectors[best])
    taken: list[int] = []
    for centre in range(count):
        distance[taken, centre] = np.inf
        taken.append(int(distance[:, centre].argmin()))
    return best[taken]


def balanced(chances: Array, classes: Array, labels: Array, count: int) -> Array:
    """Places of the least margins, guessed class by guessed class, the class with the fewest labels first."""
    score, guess = margin(chances), classes[chances.argmax(axis=1)]
    held = {c: int((labels == c).sum()) for c in classes}
    queues = {c: list(np.flatnonzero(guess == c)[np.argsort(-score[guess == c], kind="stable")]) for c in classes}
    taken: list[int] = []
    while len(taken) < count:
        rarest = min((c for c in classes if queues[c]), key=lambda c: held[c])
        taken.append(queues[rarest].pop(0))
        held[rarest] += 1
    return np.array(taken)


class Perceptron:
    """One hidden layer with dropout, as the lab's networks have it, trained afresh; `passes` are draws of its dropout."""

    def __init__(self, x: Array, y: Array, classes: int, seed: int) -> None:
        torch.manual_seed(seed)
        self._network = torch.nn.Sequential(
            torch.nn.Linear(x.shape[1], HIDDEN),
            torch.nn.ReLU(),
            torch.nn.Dropout(DROPPED),
            torch.nn.Linear(HIDDEN, classes),
        )
        optimiser = torch.optim.AdamW(self._network.parameters(), 3e-3, weight_decay=1e-1)
        inputs, wanted = torch.from_numpy(x).float(), torch.from_numpy(y).long()
        for _ in range(60):
            for rows in torch.randperm(len(inputs)).split(32):
                optimiser.zero_grad()
                torch.nn.functional.cross_entropy(self._network(inputs[rows]), wanted[rows]).backward()
                optimiser.step()

    @torch.no_grad()
    def score(self, x: Array, y: Array) -> float:
        self._network.eval()
        return float((self._network(torch.from_numpy(x).float()).argmax(1).numpy() == y).mean())

    @torch.no_grad()
    def passes(self, x: Array) -> Array:
        """`[K, N, C]` probabilities."""
        self._network.train()
        inputs = torch.from_numpy(x).float()
        return np.stack([self._network(inputs).softmax(1).numpy() for _ in range(PASSES)]).astype(float)

"""A melody drawn note by note from next-pitch probabilities."""

from __future__ import annotations

import numpy as np


def narrowed(p: np.ndarray, temperature: float, top_k: int, top_p: float) -> np.ndarray:
    """Probabilities `[128]` sharpened or flattened, then cut and made to sum to 1 again.

    Args:
        p: `[128]`, of each MIDI pitch.
        temperature: above 0; below 1 sharpens.
        top_k: so many of the most probable stay; 0 is all.
        top_p: the fewest that hold so much of the probability stay (A. Holtzman et al., *The curious case of neural
            text degeneration*, 2020).
    """
    logs = np.log(np.maximum(p.astype(np.float64), 1e-12)) / temperature
    q = np.exp(logs - logs.max())
    q /= q.sum()
    order = np.argsort(-q, kind="stable")
    keep = np.ones(len(q), bool)
    if top_k:
        keep[order[top_k:]] = False
    before = np.cumsum(q[order]) - q[order]
    keep[order[before >= top_p]] = False
    q = np.where(keep, q, 0.0)
    return np.asarray(q / q.sum())


def draw(p: np.ndarray, rng: np.random.Generator, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> int:
    """A pitch drawn from `narrowed(p, …)`."""
    return int(rng.choice(len(p), p=narrowed(p, temperature, top_k, top_p)))

"""A piece so far beside a model: what followed where its last tokens stood before, mixed into the model's distributions.

A cache as in Kuhn and De Mori, *A cache-based natural language model* (1990), and Grave and others, *Improving neural
language models with a continuous cache* (2017), with matches of every length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kmidi_lab.scoring.ngram import Floats, chances_so_far, every_match, mixture_weights


def no_matches(order: int) -> Floats:
    """`[order + 1, order + 2]` weights that leave every distribution as it is."""
    weights = np.zeros((order + 1, order + 2))
    weights[:, 0] = 1.0
    return weights


def match_weights(own: Floats, pieces: Sequence[Sequence[int]], order: int) -> Floats:
    """The weights that make the tokens of some pieces most likely (EM).

    Args:
        own: `[E]` the probability that the model alone gave to every token, piece after piece.
        pieces: the tokens of each piece.
        order: longest match.

    Returns:
        `[order + 1, order + 2]`: row n holds where the longest match has n tokens, column 0 is the model's weight, 1
        that of the piece's own tokens, 1 + k that of what followed matches of k tokens; those longer than n have 0.
        Rows sum to 1.
    """
    heard = [chances_so_far(tokens, order) for tokens in pieces]
    caches = np.concatenate([np.zeros((0, order + 1)), *(chances for chances, _ in heard)])
    # Before the first token of a piece there is nothing, which is no match either.
    longest = np.concatenate([np.zeros(0, np.int64), *(lengths for _, lengths in heard)]).clip(min=0)
    everything = np.column_stack([own, caches])
    weights = no_matches(order)
    for length in range(order + 1):
        here = everything[longest == length][:, : length + 2]
        if len(here):
            weights[length, : length + 2] = mixture_weights(here)
    return weights


def with_matches(p: Floats, tokens: Sequence[int], weights: Floats) -> Floats:
    """`[T, vocabulary]`: the distributions `p` of a piece's tokens, mixed with what the piece itself suggests at each.

    Args:
        p: `[T, vocabulary]`, of the model alone.
        tokens: `[T]`; a token's own row sees those before it only.
        weights: as `match_weights` gives them.
    """
    matches, longest = every_match(tokens, len(weights) - 1, p.shape[1], np.float64)
    parts = np.concatenate([p[None], matches])
    shares = weights[longest].astype(np.float64)
    # At the start a piece has no tokens of its own, and their share is the model's.
    shares[:, 0] += 1 - np.einsum("tk,ktv->t", shares, parts)
    return np.asarray(np.einsum("tk,ktv->tv", shares, parts))


def next_with_matches(p: Floats, tokens: Sequence[int], weights: Floats) -> Floats:
    """`[vocabulary]`: the same for the token that comes after `tokens`, from the model's `p` `[vocabulary]`."""
    return with_matches(np.tile(p, (len(tokens) + 1, 1)), [*tokens, 0], weights)[-1]

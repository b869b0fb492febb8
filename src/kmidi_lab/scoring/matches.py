"""A piece so far beside a model: what followed where its last tokens stood before, mixed into the model's distributions.

A cache as in Kuhn and De Mori, *A cache-based natural language model* (1990), and Grave and others, *Improving neural
language models with a continuous cache* (2017), with matches of every length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kmidi_lab.scoring.ngram import Floats, Ints, mixture_weights


def longest_matches(
    tokens: Sequence[int], limit: int, vocabulary: int, dtype: type[np.floating] = np.float32
) -> tuple[Floats, Ints]:
    """What followed the longest match of the tokens before, within one piece (Kuhn and De Mori, 1990).

    Args:
        tokens: one piece, `[T]`.
        limit: longest match that is looked for.
        vocabulary: number of tokens.
        dtype: of the distributions.

    Returns:
        `[T, vocabulary]` distributions and `[T]` lengths of the matches: zeros, and 0, where not even the last token
        was heard before.
    """
    p, lengths = np.zeros((len(tokens), vocabulary), dtype), np.zeros(len(tokens), np.int64)
    for at, matches in enumerate(_matches(tokens, limit)):
        if len(matches) > 1:
            lengths[at] = len(matches) - 1
            total = sum(matches[-1].values())
            for follower, count in matches[-1].items():
                p[at, follower] = count / total
    return p, lengths


def every_match(
    tokens: Sequence[int], limit: int, vocabulary: int, dtype: type[np.floating] = np.float32
) -> tuple[Floats, Ints]:
    """What followed the last 0, 1, … `limit` tokens so far, within one piece.

    Returns:
        `[limit + 1, T, vocabulary]` distributions, zeros where nothing followed; row 0 is of the piece's own tokens.
        `[T]` lengths of the longest matches, as `longest_matches` gives them.
    """
    p, lengths = np.zeros((limit + 1, len(tokens), vocabulary), dtype), np.zeros(len(tokens), np.int64)
    for at, matches in enumerate(_matches(tokens, limit)):
        for n, counts in enumerate(matches):
            p[n, at, list(counts)] = np.array(list(counts.values())) / sum(counts.values())
            lengths[at] = n
    return p, lengths


def chances_so_far(tokens: Sequence[int], limit: int) -> tuple[Floats, Ints]:
    """Of each token of a piece, what `every_match` gives to it alone, without the distributions.

    Returns:
        `[T, limit + 1]` shares of the token among what followed the last 0, 1, … `limit` tokens, 0 where nothing did.
        `[T]` lengths of the longest matches, -1 for the first token, before which there is nothing.
    """
    p, lengths = np.zeros((len(tokens), limit + 1)), np.full(len(tokens), -1, np.int64)
    for at, matches in enumerate(_matches(tokens, limit)):
        for n, counts in enumerate(matches):
            p[at, n] = counts.get(tokens[at], 0) / sum(counts.values())
            lengths[at] = n
    return p, lengths


def _matches(tokens: Sequence[int], limit: int) -> Iterator[list[dict[int, int]]]:
    """At each place, how often each token followed the last 0, 1, … tokens before, up to the longest match."""
    followers: dict[tuple[int, ...], dict[int, int]] = {}
    for at, token in enumerate(tokens):
        seen = [followers.setdefault(tuple(tokens[at - n : at]), {}) for n in range(min(at, limit) + 1)]
        yield [counts for counts in seen if counts]
        for counts in seen:
            counts[token] = counts.get(token, 0) + 1


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


def cache_weights(p: Floats, cached: Floats, lengths: Ints, limit: int, iterations: int = 60) -> Floats:
    """Share of a cache by length of match, `[limit + 1]`, that makes what happened most likely (EM).

    Args:
        p: `[E]` probabilities that a model without memory gave to what happened.
        cached: `[E]` those of the cache (`longest_matches`).
        lengths: `[E]` of the matches; a length that does not occur gets the share 0, as 0 does.
        limit: longest match.
        iterations: of the EM.
    """
    weights = np.zeros(limit + 1)
    own = np.column_stack([cached, p])
    for n in range(1, limit + 1):
        if (lengths == n).any():
            weights[n] = mixture_weights(own[lengths == n], iterations)[0]
    return weights


def with_cache(p: Floats, cached: Floats, lengths: Ints, weights: Floats) -> Floats:
    """`[E, vocabulary]`: a model's distributions mixed with the cache's, by the share of each length of match."""
    share = weights[lengths][:, None]
    return np.asarray((1 - share) * p + share * cached)

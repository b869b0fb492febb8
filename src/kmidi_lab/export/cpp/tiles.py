"""A matrix cut into tiles of columns, each with the rows that it reads: zeros are stored only to fill a tile.

Columns that read the same rows come together, so that block-diagonal, banded and routed layers lose their zeros;
a full matrix is one block of rows for all tiles and needs no table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.export.rtneural.runtime import Array

Index = NDArray[np.intp]
TILES = (64, 32, 16, 8)
"""Columns in a tile, as the runtime has them."""
_ROW_COST = 2
"""What a row of a tile costs beside its columns, in columns: the input is spread over a vector."""
_INDEX_COST = 3
"""What looking up a row in a table costs, in columns."""
_DENSE_ENOUGH = 0.98


@dataclass(frozen=True)
class Tiles:
    """`columns[i]` are the columns of tile i (-1 fills up), `rows[i]` what they read; dense where `rows` is None."""

    tile: int
    columns: list[Index]
    rows: list[Index] | None


def tiled(weight: Array) -> Tiles:
    """The cheapest of the cuts for a matrix `[rows, columns]`."""
    best, best_cost = None, np.inf
    used = weight != 0
    for tile in TILES:
        columns = _in_order(weight.shape[1], tile)
        cost = len(columns) * len(weight) * (tile + _ROW_COST)
        if cost < best_cost:
            best, best_cost = Tiles(tile, columns, None), cost
    assert best is not None
    if used.mean() >= _DENSE_ENOUGH:
        return best
    order = _gathered(used)
    for tile in TILES:
        columns = [_filled(order[i : i + tile], tile) for i in range(0, len(order), tile)]
        rows = [np.flatnonzero(used[:, c[c >= 0]].any(1)) for c in columns]
        cost = sum(len(r) * (tile + _ROW_COST + _INDEX_COST) + 2 * tile for r in rows)
        if cost < best_cost:
            best, best_cost = Tiles(tile, columns, rows), cost
    return best


def stored(weight: Array, bias: Array, tiles: Tiles) -> Array:
    """The floats of a tiled matrix: for each tile its biases, then its rows."""
    parts = []
    every_row = np.arange(len(weight))
    for i, columns in enumerate(tiles.columns):
        rows = every_row if tiles.rows is None else tiles.rows[i]
        part = np.where(columns >= 0, np.concatenate([bias[None], weight[rows]])[:, columns], 0)
        parts.append(part.astype(np.float32).ravel())
    return np.concatenate(parts)


def _in_order(count: int, tile: int) -> list[Index]:
    return [_filled(np.arange(i, min(i + tile, count)), tile) for i in range(0, count, tile)]


def _filled(columns: Index, tile: int) -> Index:
    return np.concatenate([columns, np.full(tile - len(columns), -1, np.intp)])


def _gathered(used: NDArray[np.bool_]) -> Index:
    """Columns in an order in which neighbours read much the same rows.

    Next comes always the one that adds the fewest rows to what the last eight read.
    """
    left = np.arange(used.shape[1])
    patterns = used.T.copy()
    order: list[int] = []
    while len(left):
        if len(order) % TILES[-1] == 0:
            union = np.zeros(len(used), bool)
            pick = int(patterns[left].sum(1).argmax())
        else:
            pick = int((patterns[left] & ~union).sum(1).argmin())
        union = union | patterns[left[pick]]
        order.append(int(left[pick]))
        left = np.delete(left, pick)
    return np.array(order, np.intp)

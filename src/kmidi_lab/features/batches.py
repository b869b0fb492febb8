"""Batches that data modules make and models read: named tensors, all on one device."""

from __future__ import annotations

from typing import NamedTuple

import torch


class HarmonyBatch(NamedTuple):
    """`x` `[B, 128]`; `root`, `quality`, `bass`, `joint` `[B]` class indices; `voices` `[B, 4]` semitones."""

    x: torch.Tensor
    root: torch.Tensor
    quality: torch.Tensor
    bass: torch.Tensor
    joint: torch.Tensor
    voices: torch.Tensor


class GrooveBatch(NamedTuple):
    """Sequences of bars: `x` `[B, T, 64]`; `timing`, `velocity` `[B, T, 16, 3]` with weight 1 where `hit`; `tempo` `[B, T]`
    is 120 / bpm, by which timing is longer than at 120."""

    x: torch.Tensor
    timing: torch.Tensor
    velocity: torch.Tensor
    hit: torch.Tensor
    tempo: torch.Tensor


class DynamicsBatch(NamedTuple):
    """Notes: `x` `[B, 32]`; `y` `[B, 16]` in 0..1; `known` `[B, 16]` is 1 where `y` has evidence, else 0."""

    x: torch.Tensor
    y: torch.Tensor
    known: torch.Tensor


class EmotionBatch(NamedTuple):
    """Clips: `x` `[B, T, 128]` mel frames with `weight` `[B, T]` 1 where there was one, else 0; shares of the labels
    `[B, K]` and intensities `[B, 2]`, each row 1 in all; `scalars` `[B, 4]`: valence, arousal, dominance in -1..1,
    complexity in 0..1."""

    x: torch.Tensor
    weight: torch.Tensor
    label: torch.Tensor
    intensity: torch.Tensor
    scalars: torch.Tensor


class InstrumentBatch(NamedTuple):
    """Clips: `x` `[B, T, 128]` mel frames with `weight` `[B, T]` 1 where there was one, else 0; shares `target` `[B, 160]`
    of each slice's places, and `known` `[B, 160]`, 1 over slices with evidence, else 0."""

    x: torch.Tensor
    weight: torch.Tensor
    target: torch.Tensor
    known: torch.Tensor


class NodeBatch(NamedTuple):
    """Clips: `x` `[B, T, 128]` mel frames; `target` `[B, 5]`, the class of each head in the contract's order."""

    x: torch.Tensor
    target: torch.Tensor

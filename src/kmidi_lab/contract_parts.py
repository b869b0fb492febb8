"""Slices that the contracts of several models share."""

from __future__ import annotations

from kmidi_lab.contract_types import ADAPTED_MEL, LOG_MEL, MOOD, slices

MEL_FRAME = slices(("mel", 128, "one mel128-v1 frame: natural log of 128 mel bands, 16 ms hop", LOG_MEL))
LEVEL_FRAME = slices(
    ("mel", 128, "one mel128-v2 frame: a mel128-v1 frame less the running mean of the level", ADAPTED_MEL)
)
MOOD_SLICE = ("mood", 4, "valence, arousal, dominance in -1..1, complexity in 0..1; zeros are neutral", MOOD)
EMBEDDING = slices(
    ("valence", 16, "valence block; read as tanh(sum / 8), -1..1"),
    ("arousal", 16, "arousal block; read as tanh(sum / 8), -1..1"),
    ("dominance", 16, "dominance block; read as tanh(sum / 8), -1..1"),
    ("complexity", 16, "complexity block; read as mean |x|, at most 1"),
)
"""What `emotion_embedding` reads."""

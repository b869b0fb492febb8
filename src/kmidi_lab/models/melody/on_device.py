"""Melodies' notes as tensors, where training draws its windows: moved there, transposed, and made contract vectors."""

from __future__ import annotations

import numpy as np
import torch

from kmidi_lab.contracts import MELODY
from kmidi_lab.models.melody.features import KEYS, NO_NOTE, Notes, fill


def tensors(notes: Notes[np.ndarray]) -> Notes[torch.Tensor]:
    """The same notes as tensors on the CPU."""
    return Notes._make(torch.from_numpy(column) for column in notes)


def transpose(notes: Notes[torch.Tensor], semitones: torch.Tensor) -> Notes[torch.Tensor]:
    """Every note up by `semitones` `[..]` (the notes' shape): pitches, tonic and chroma; NO_NOTE stays."""
    turned = (torch.arange(12, device=semitones.device) - semitones[..., None]) % 12
    return notes._replace(
        before=torch.where(notes.before == NO_NOTE, NO_NOTE, notes.before + semitones),
        pitch=notes.pitch + semitones,
        tonic=(notes.tonic + semitones) % 12,
        chord=notes.chord.gather(-1, turned),
    )


def tensor_vectors(notes: Notes[torch.Tensor]) -> torch.Tensor:
    """`features.vectors` of tensors `[..]` on any device: `[.., 64]` float32 there, equal to the last bit."""
    device = notes.before.device
    x = torch.empty(*notes.before.shape, MELODY.input_size, device=device)
    return fill(x, notes, torch.eye(12, device=device), torch.from_numpy(np.ascontiguousarray(KEYS)).to(device))

"""MicrotimedTakes: performances of written notes from every source that is present, as `microtiming` contract vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from annotated_types import Interval

from datamodules.microtiming import library
from datamodules.microtiming.drums import PublishedTake
from datamodules.shared.batches import IndexBatches
from datamodules.shared.encoded_data import EncodedData
from datamodules.shared.settings import SplitShare, load_of, split_by
from datamodules.shared.splits import Groups
from kmidi_lab.bounds import Count, Share
from kmidi_lab.midi.styles import STYLES
from kmidi_lab.models.microtiming.contract import MICROTIMING
from kmidi_lab.models.microtiming.features import LEAD_MS, UNIT_MS, EncodedTakes, MicrotimingBatch, encode_takes

_IN = {s.name: s.index for s in MICROTIMING.inputs}


class MicrotimedTakes(EncodedData[PublishedTake, MicrotimingBatch, EncodedTakes]):
    """Takes → notes → contract vectors; an epoch shows windows of consecutive notes, as many as fill a drum take, fewer of pianists'.

    Args:
        root: folder that holds `groove/`, `asap/` and `batik_mozart/`.
        cache_dir: where prepared takes are kept, by content hash.
        sources: which of `library.SOURCES` to use; takes by rule stand in where none of the others is there.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        test_drummers: whose takes are the test; without any, Groove MIDI is split as published.
        split_seed, val_share, test_share: of the piano pieces and of takes by rule.
        window: notes of one training sequence.
        lead_share: of training windows that are told the player's lead.
        lead_jitter: standard deviation, in ms, of a lead that is added to those.
        history_share: of training windows that are told the last four offsets.
        style_dropout, phrase_dropout: share of training windows whose style and swing (place in the phrase) are unknown.
        tempo_jitter: largest relative change of the tempo that training windows name.

    Raises:
        ConfigError: a value out of range. DataError: no source holds a usable take.
    """

    id = "microtimed_takes"
    contract = MICROTIMING
    vocabulary: tuple[str, ...] = STYLES
    root_sources: tuple[str, ...] = library.SOURCES[:-1]
    bytes_per_example = 512 * 1024
    identity_settings = ("sources", "test_drummers", "split_seed", "val_share", "test_share")
    other_settings = (
        "window", "lead_share", "lead_jitter", "history_share", "style_dropout", "phrase_dropout", "tempo_jitter",
    )  # fmt: skip
    remedy = "add sources, or give other data.val_share or data.split_seed"

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = library.SOURCES,
        split: str = "test",
        test_drummers: Sequence[str] = (),
        split_seed: int = 0,
        val_share: SplitShare = 0.1,
        test_share: SplitShare = 0.15,
        batch_size: int = 128,
        window: Count = 64,
        lead_share: Share = 0.5,
        lead_jitter: Annotated[float, Interval(ge=0, le=30)] = 8.0,
        history_share: Share = 0.2,
        style_dropout: Share = 0.1,
        phrase_dropout: Share = 0.2,
        tempo_jitter: Annotated[float, Interval(ge=0, le=0.5)] = 0.02,
        progress: bool = True,
    ) -> None:
        load = load_of(
            library.load, library.SOURCES, root, cache_dir, sources, test_drummers=tuple(test_drummers),
            by=split_by(split_seed, val_share, test_share), progress=progress,
        )  # fmt: skip
        super().__init__(load, split, batch_size)
        self.window = window
        self._shares = (lead_share, history_share, style_dropout, phrase_dropout)
        self._lead_jitter, self._tempo_jitter = lead_jitter, tempo_jitter
        self._tensors: dict[str, torch.Tensor] = {}
        self._takes = torch.zeros(0, dtype=torch.long)

    def encode(self, songs: list[PublishedTake]) -> EncodedTakes:
        return encode_takes([song.take for song in songs])

    def inputs(self, encoded: EncodedTakes) -> np.ndarray:
        """Leads given."""
        return encoded.with_lead()

    def grouped(self, songs: list[PublishedTake]) -> Groups:
        return library.group([song.take for song in songs])

    def counts(self, split: str) -> dict[str, int]:
        takes, e = [song.take for song in self.songs(split)], self.encoded(split)
        return {
            "songs": len(takes),
            "drummers": len({t.player for t in takes if t.kind == "drums"}),
            "pieces": len({t.work for t in takes if t.kind == "piano"}),
            "notes": int(e.known.sum()),
        }

    def train_dataloader(self) -> IndexBatches[MicrotimingBatch]:
        e = self.encoded("train")
        self._tensors = _tensors(e, e.with_history(), self.device)
        windows = np.maximum(1, np.diff(e.starts) / self.window)
        pitched = np.array([song.take.kind == "piano" for song in self.songs("train")])
        # Pianists' takes have four times as many notes, and less to learn in them.
        shown = np.rint(np.where(pitched, np.sqrt(windows), windows)).astype(np.int64)
        self._takes = torch.from_numpy(np.repeat(np.arange(len(shown)), shown)).to(self.device)
        return self.index_batches(len(self._takes), self._gather)

    def whole(self, split: str) -> list[MicrotimingBatch]:
        """Every take in windows of up to 1,024 notes: with nothing known of the player, then with the lead given."""
        e = self.encoded(split)
        return [*self._in_windows(e, e.x), *self._in_windows(e, e.with_lead())]

    def _in_windows(self, e: EncodedTakes, x: np.ndarray) -> list[MicrotimingBatch]:
        tensors = _tensors(e, x, self.device)
        starts, long = tensors["starts"], 1024
        begin = torch.cat(
            [torch.arange(int(a), int(b), long) for a, b in zip(starts[:-1], starts[1:], strict=True)] or [starts[:0]]
        ).to(self.device)
        end = starts[1:][torch.searchsorted(starts[1:], begin, right=True)]
        batch = _windows(tensors, begin, end, long)
        return [MicrotimingBatch(*(column[i : i + 64] for column in batch)) for i in range(0, len(begin), 64)]

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> MicrotimingBatch:
        """A window of each take from a random note on, then the kinds of missing and additional knowledge."""
        takes = self._takes[index]
        first, last = self._tensors["starts"][takes], self._tensors["starts"][takes + 1]

        def rand(*shape: int) -> torch.Tensor:
            return torch.rand(shape, generator=generator, device=index.device)

        n = len(index)
        begin = first + (rand(n) * ((last - first - self.window).clamp(min=0) + 1)).long()
        batch = _windows(self._tensors, begin, last, self.window)
        x = batch.x
        lead, heard, style, phrase = (rand(n, 1) < share for share in self._shares)
        more = torch.randn(n, 1, generator=generator, device=index.device) * self._lead_jitter * lead
        told = (self._tensors["lead"][begin][:, None] + more) / LEAD_MS
        x[..., _IN["lead"].start] = told.clamp(-1, 1) * lead
        offset = (batch.offset + more / UNIT_MS / batch.unit).clamp(-1, 1)
        played = _IN["played_offsets"]
        x[..., played] = (x[..., played] + (more / UNIT_MS / batch.unit)[..., None]).clamp(-1, 1) * heard[..., None]
        x[..., _IN["style"]] *= ~style[..., None]
        x[..., _IN["swing"]] *= ~style[..., None]
        x[..., _IN["phrase_position"]] *= ~phrase[..., None]
        change = 1 + self._tempo_jitter * (2 * rand(n, 1, 1) - 1)
        x[..., _IN["tempo"]] = 2 * (change - 1) + x[..., _IN["tempo"]] * change  # (bpm * change - 120) / 60
        return batch._replace(offset=offset)


def _tensors(e: EncodedTakes, x: np.ndarray, device: torch.device) -> dict[str, torch.Tensor]:
    """Inputs `x` and the targets of `e`, each of the notes' with a row of zeros behind the last for windows that reach beyond."""
    offset = np.clip(np.nan_to_num(e.offset) / e.unit, -1, 1)
    arrays = {
        "x": x,
        "offset": offset,
        "velocity": np.nan_to_num(e.velocity),
        "weight": (e.known & np.isfinite(e.velocity)).astype(np.float32),
        "unit": e.unit / UNIT_MS,
        "lead": e.lead,
    }
    padded = {name: np.concatenate([a, np.zeros_like(a, shape=(1, *a.shape[1:]))]) for name, a in arrays.items()}
    padded["unit"][-1] = 1.0
    padded["starts"] = e.starts
    return {
        name: torch.from_numpy(a if name == "starts" else a.astype(np.float32)).to(device) for name, a in padded.items()
    }


def _windows(tensors: dict[str, torch.Tensor], begin: torch.Tensor, end: torch.Tensor, length: int) -> MicrotimingBatch:
    """`length` notes from each of `begin` `[B]` on; those at `end` `[B]` and beyond are zeros of no weight."""
    rows = begin[:, None] + torch.arange(length, device=begin.device)
    rows = torch.where(rows < end[:, None], rows, len(tensors["x"]) - 1)
    return MicrotimingBatch(*(tensors[name][rows] for name in MicrotimingBatch._fields))

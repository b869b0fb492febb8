"""RenderedMusic: played and composed music, rendered, as mel frames with its tempo, beats, onsets and texture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Interval

from datamodules.feel import library
from datamodules.feel.recorded import changed
from datamodules.shared.augmentation import Decibels
from datamodules.shared.frame_data import FrameData, white_frames
from datamodules.shared.settings import load_of
from datamodules.shared.splits import Groups
from kmidi_lab.audio.augment import add_background, raise_floor
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.bounds import Count, CountOrNone
from kmidi_lab.models.feel.contract import FEEL
from kmidi_lab.models.feel.features import CALIBRATION, CURVE_S, VALUES, Excerpt, FeelBatch, targets

_TOGETHER = 32
_FLOOR_DB, _ROOM_DB = (20.0, 65.0), (15.0, 50.0)
"""Below the mean level: where the front-end's floor lies in training, and noise such as of a room."""
_ROOMS = 0.3
"""Share of the stretches that have such noise."""


class RenderedMusic(FrameData[Excerpt, FeelBatch]):
    """Excerpts → frames; an epoch shows one stretch of every training excerpt, from a reset on.

    Args:
        root: folder that holds `groove/`, `pop909/`, `emopia/` as published.
        cache_dir: where rendered excerpts are kept, by content.
        sources: all that are there are used; music by rule (`rules`) always is.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        split_seed: of the songs, and of what is drawn; drummers are held out by name.
        amount: how much of `excerpts.AMOUNTS` is rendered.
        fonts: paths of SoundFonts that training and validation are rendered through beside TimGM6mb.
        test_font: path of the SoundFont that the test is rendered through; null is TimGM6mb.
        calibration_font: path of a SoundFont that training does not hear, which validation is rendered through once more
            for the calibration of the values; null is no such calibration.
        softest: decibels; each excerpt has a peak of 0 to so many below full scale, drawn by its name.
        frames: of a training stretch.
        equaliser: decibels that bands are louder or softer (`audio.augment.equalise_by_cosines`).
        bands, masked: widest stripes of bands and of frames that are covered in training; off at 0.
        conditions: score the test in other recording conditions, too (`audio.conditions.CHANGES`).
        workers: processes that render.

    Raises:
        ConfigError: a value out of range. DataError: a SoundFont that is not there.
    """

    id = "feel_music"
    contract = FEEL
    vocabulary = VALUES
    root_sources: tuple[str, ...] = ("groove_midi", "pop909", "emopia")
    bytes_per_example = 8 * 1024 * 1024
    identity_settings = ("sources", "split_seed", "amount")
    other_settings = (
        "fonts",
        "test_font",
        "calibration_font",
        "softest",
        "frames",
        "equaliser",
        "bands",
        "masked",
        "conditions",
    )
    remedy = "give another data.split_seed or a larger data.amount"
    probed = 6

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = library.SOURCES,
        split: str = "test",
        split_seed: int = 0,
        amount: Annotated[float, Interval(gt=0, le=10)] = 1.0,
        fonts: Sequence[str] = (),
        test_font: str | None = None,
        calibration_font: str | None = None,
        softest: Decibels = 30.0,
        batch_size: int = 16,
        frames: Annotated[int, Ge(256)] = 640,
        equaliser: Decibels = 1.5,
        bands: CountOrNone = 4,
        masked: CountOrNone = 0,
        conditions: bool = False,
        workers: Count = 2,
        progress: bool = True,
    ) -> None:
        load = load_of(
            library.load, library.SOURCES, root, cache_dir, sources, amount=amount, split_seed=split_seed,
            fonts=tuple(fonts), test_font=test_font, calibration_font=calibration_font, softest=softest, workers=workers,
            progress=progress,
        )  # fmt: skip
        super().__init__(load, split, batch_size, frames, equaliser, bands, masked)
        self._conditions = conditions

    def grouped(self, songs: list[Excerpt]) -> Groups:
        return library.grouped(songs)

    def songs(self, split: str) -> list[Excerpt]:
        """Those of CALIBRATION are in no other split, and not in `all`."""
        return [song for song in super().songs(split) if split == CALIBRATION or song.split != CALIBRATION]

    def frames_of(self, song: Excerpt) -> np.ndarray:
        return song.frames

    def conditions(self, split: str) -> Iterator[tuple[str, list[Excerpt]]]:
        """The excerpts of a split as in each recording condition, by its name; none if not wanted, or of training."""
        songs = self.songs(split)
        if not self._conditions or any(song.sound is None for song in songs):
            return
        for name in CHANGES:
            yield name, [changed(song, name) for song in songs]

    def counts(self, split: str) -> dict[str, int]:
        songs = self.songs(split)
        return {
            "songs": len(songs),
            "groups": len({(song.source, song.group) for song in songs}),
            "frames": sum(len(song.frames) for song in songs),
        }

    def train_dataloader(self) -> object:
        songs = self.songs("train")
        self._targets, self._white = self._targets_of(songs), white_frames().to(self.device)
        return self.index_batches(len(songs), self._gather)

    def whole(self, split: str) -> list[FeelBatch]:
        """Every excerpt from its first frame to its last, 32 at a time."""
        songs = self.songs(split)
        store = self.stored(songs)
        every = self._targets_of(songs)
        batches = []
        for index in torch.arange(len(songs), device=self.device).split(_TOGETHER):
            x, _ = store.take(index, torch.zeros_like(index), int(store.lengths[index].max()))
            batches.append(
                FeelBatch(x, *(column[index, : x.shape[1]] if column.ndim == 3 else column[index] for column in every))
            )
        return batches

    def _targets_of(self, songs: list[Excerpt]) -> tuple[torch.Tensor, ...]:
        """The columns of FeelBatch behind `x`, on the device."""
        rows = [targets(song) for song in songs]
        longest = max(len(row.curves) for row in rows)

        def padded(arrays: list[np.ndarray]) -> np.ndarray:
            return np.stack([np.pad(a, ((0, longest - len(a)), (0, 0))) for a in arrays])

        columns = (
            np.array([row.tempo for row in rows], np.float32), padded([row.events for row in rows]),
            np.stack([row.marked for row in rows]), padded([row.curves for row in rows]), np.stack([row.whole for row in rows]),
        )  # fmt: skip
        return tuple(torch.from_numpy(column).to(self.device) for column in columns)

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> FeelBatch:
        store, _ = self.heard_in_training()
        start = self.begins(store.lengths[index], generator)
        x, _ = store.take(index, start, self.frames)
        # How far the floor of a room or of the front-end lies below the music says nothing of it.
        x = raise_floor(add_background(x, _ROOMS, _ROOM_DB, self._white, generator), _FLOOR_DB, generator)
        x = self.equalised(x, generator)
        bright = brightness(x)
        x = self.covered(x, generator)
        tempo, events, marked, curves, whole = self._targets
        longest = events.shape[1]
        rows = (start[:, None] + torch.arange(self.frames, device=index.device)).clamp(max=longest - 1)
        at = (index[:, None], rows)
        # What was struck before a stretch is not heard in it.
        unheard = (start > 0)[:, None] & (torch.arange(self.frames, device=index.device) < round(CURVE_S / FRAME_S))
        struck = curves[at][..., :2].masked_fill(unheard[..., None], torch.nan)
        return FeelBatch(x, tempo[index], events[at], marked[index], torch.cat([struck, bright], -1), whole[index])


def brightness(x: torch.Tensor) -> torch.Tensor:
    """The last of the curves `[B, T, 1]` of frames `[B, T, 128]` as training changed them: an equaliser makes them brighter."""
    power = x.exp()
    places = torch.arange(x.shape[-1], device=x.device) / (x.shape[-1] - 1)
    sums = torch.stack([power @ places, power.sum(-1)], -1).double().cumsum(1)
    window = round(CURVE_S / FRAME_S)
    sums[:, window:] = sums[:, window:] - sums[:, :-window]
    return (sums[..., :1] / sums[..., 1:].clamp_min(1e-12)).float()


class MusicByRule(RenderedMusic):
    """Music by rule alone: a stand-in, whatever the data root holds; settings as of RenderedMusic."""

    id = "feel_rules"
    root_sources = ()

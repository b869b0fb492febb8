"""Time of one training step in the lab against a bare PyTorch loop over tensors in memory, same network and batches.

    python benchmarks/train_step.py [epochs]

Prints steps a second and the ratio; 1 means that Lightning, augmentation and logging cost nothing.
The bare loop gets its batches ready-made; the lab's step includes transposition and dropout of knowledge.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time

import lightning as L
import torch

from datamodules.harmony.module import ChordSongs
from kmidi_lab.lab import quieten_lightning
from kmidi_lab.models.harmony.module import HarmonyPredictor


def bare(data: ChordSongs, epochs: int) -> float:
    """Microseconds a step of forward, backward, AdamW and schedule, with nothing around them."""
    module = HarmonyPredictor()
    batches = list(data.train_dataloader())
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)
    module._loss_sum, module._steps = torch.zeros(()), 0
    times = []
    for _ in range(epochs):
        began = time.perf_counter()
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            module.training_step(batch, 0).backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        times.append((time.perf_counter() - began) / len(batches))
    return statistics.median(times) * 1e6


class Clock(L.Callback):
    """Seconds of each epoch's steps, validation left out."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_epoch_start(self, *_: object) -> None:
        self.began = time.perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        self.last = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, *_: object) -> None:
        self.times.append((self.last - self.began) / trainer.num_training_batches)


def lab(data: ChordSongs, epochs: int) -> float:
    """Microseconds a step through Lightning as `task=train` sets it up."""
    quieten_lightning()
    clock = Clock()
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", callbacks=[clock], gradient_clip_val=1.0, logger=False,
        enable_checkpointing=False, enable_model_summary=False, enable_progress_bar=False,
        use_distributed_sampler=False, num_sanity_val_steps=0, log_every_n_steps=1_000_000,
    )  # fmt: skip
    trainer.fit(HarmonyPredictor(), datamodule=data)
    return statistics.median(clock.times) * 1e6


def main() -> None:
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as cache:
        data = ChordSongs("nowhere", cache, sources=["embedded", "rntxt", "chorales"], batch_size=256)
        data.prepare_data()
        data.setup("fit")
        bare(data, 2)
        rows = [(bare(data, epochs), lab(data, epochs)) for _ in range(3)]
    a, b = (statistics.median(column) for column in zip(*rows, strict=True))
    print(
        f"batch 256, one thread: bare PyTorch {a:.0f} us a step, the lab {b:.0f} us a step, ratio {a / b:.2f} (goal 0.75)"
    )


if __name__ == "__main__":
    main()

"""Time of `--help` against `import lightning` (goal 0.25), and of `task=predict` against `import torch, lightning` (a
third).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def seconds(*arguments: str, runs: int = 7) -> float:
    """Median wall time of a fresh interpreter, the first run left out."""
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> None:
    ours, peer = seconds("-m", "kmidi_lab", "--help"), seconds("-c", "import lightning")
    print(f"--help {ours:.3f} s, import lightning {peer:.3f} s, ratio {ours / peer:.3f} (goal 0.25)")
    ask = ("-m", "kmidi_lab", "task=predict", "model=harmony", "predict.chords=Dm7", "models_root=outputs/release")
    ours, peer = seconds(*ask, runs=5), seconds("-c", "import torch, lightning", runs=5)
    print(
        f"task=predict {ours:.3f} s (goal 1.5), import torch, lightning {peer:.3f} s, ratio {ours / peer:.3f} (goal 0.333)"
    )


if __name__ == "__main__":
    main()

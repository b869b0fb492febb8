"""For tests that send Ctrl-C to a process of their own."""

from __future__ import annotations

import signal


def heard() -> None:
    """`preexec_fn` of a subprocess: what a shell runs in the background ignores Ctrl-C, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)

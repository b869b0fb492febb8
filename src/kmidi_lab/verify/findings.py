"""What a verification finds: faults and notes, one line each, and how many checks passed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from kmidi_lab.errors import one_line, reason

FAULT, NOTE = "fault", "note"
AGAIN = "export the model again"
RESTORE = f"restore it or {AGAIN}"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (`fault`) or worth knowing (`note`) about a model or a file, and what to do."""

    subject: str
    check: str
    severity: str
    message: str


class Checks:
    """The checks of one subject, a model or the folder: how many passed, and what the others found."""

    def __init__(self, subject: str) -> None:
        self.subject = one_line(subject)
        self.passed = 0
        self.findings: list[Finding] = []

    def expect(self, check: str, good: bool, message: str) -> bool:
        """Counts a check that passed; else a fault. Returns `good`."""
        if good:
            self.passed += 1
        else:
            self._add(check, FAULT, message)
        return good

    def fault(self, check: str, message: str) -> None:
        """Something is wrong."""
        self._add(check, FAULT, message)

    def note(self, check: str, message: str) -> None:
        """Nothing is wrong, but a reader should know."""
        self._add(check, NOTE, message)

    @contextlib.contextmanager
    def guarded(self, check: str, what: str, advice: str) -> Iterator[None]:
        """Turns whatever is raised inside into a fault, so that the checks after it still run."""
        try:
            yield
        except Exception as error:
            self.fault(check, f"{what}: {reason(error)}; {advice}")

    @property
    def faults(self) -> list[Finding]:
        return [f for f in self.findings if f.severity == FAULT]

    @property
    def notes(self) -> list[Finding]:
        return [f for f in self.findings if f.severity == NOTE]

    def _add(self, check: str, severity: str, message: str) -> None:
        finding = Finding(self.subject, check, severity, one_line(message))
        # Two keys of an entry may lead to the same file.
        if finding not in self.findings:
            self.findings.append(finding)

from __future__ import annotations

import platform
import subprocess
import sys

from kmidi_lab import provenance


def test_says_what_the_machine_is():
    facts = provenance.machine_fingerprint()
    assert facts["cpu"] and facts["os"] and facts["arch"] == platform.machine()
    assert 1 <= facts["usable_cores"] <= facts["cores"]
    assert 0.1 < facts["memory_gb"] < 100_000
    assert facts["python"].endswith(platform.python_version())
    assert len(facts["id"]) == 12 and int(facts["id"], 16) >= 0


def test_the_lab_s_version_is_that_of_the_code_that_runs(monkeypatch):
    """Not of what was installed: an editable checkout keeps the number of the day it was installed on."""
    monkeypatch.setattr(provenance, "__version__", "9.8.7")
    assert provenance.versions()["kmidi_lab"] == "9.8.7"


def test_names_no_host():
    assert platform.node() not in str(provenance.machine_fingerprint().values())


def test_the_id_follows_the_facts(monkeypatch):
    first = provenance.machine_fingerprint()
    assert provenance.machine_fingerprint() == first
    monkeypatch.setattr(provenance, "_cpu", lambda: "another processor")
    assert provenance.machine_fingerprint()["id"] != first["id"]


def test_imports_no_torch():
    code = "import sys, kmidi_lab.provenance as m; m.machine_fingerprint(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_macos_asks_sysctl(monkeypatch):
    asked = []

    def answer(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, stdout="Apple M4\n")

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("15.1", ("", "", ""), "arm64"))
    monkeypatch.setattr(provenance.subprocess, "run", answer)
    facts = provenance.machine_fingerprint()
    assert (facts["cpu"], facts["gpu"], facts["os"]) == ("Apple M4", ["Apple M4 GPU"], "macOS 15.1")
    assert ("sysctl", "-n", "machdep.cpu.brand_string") in asked


def test_a_command_that_fails_or_hangs_leaves_a_fact_empty(monkeypatch):
    monkeypatch.setattr(provenance, "_TIMEOUT_S", 0.1)
    assert provenance._output("false") == ""
    assert provenance._output("sleep", "5") == ""
    assert provenance._output("no-such-command-here") == ""

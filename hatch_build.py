"""What the wheel carries of outputs/release: all but the RTNeural files, half of its bytes, and a list of those.

They are for C++ programs, which take them from the repository; src/kmidi_lab/registry/left_out.py reads the list.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WHERE = "in outputs/release of the repository and of the source distribution"


class Release(BuildHookInterface):
    """Adds the folder to the wheel as kmidi_lab/release; an editable install reads the checkout's own."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        release, self.made = Path(self.root, "outputs", "release"), Path(tempfile.mkdtemp())
        entries = json.loads((release / "registry.json").read_bytes())["models"]
        hashes = {name: e["files"][name]["sha256"] for e in entries if (name := e["rtneural_path"])}
        listed = self.made / "left_out.json"
        listed.write_text(json.dumps({"where": WHERE, "files": hashes}, indent=1) + "\n", encoding="utf-8")
        files = {path.relative_to(release).as_posix(): path for path in sorted(release.rglob("*")) if path.is_file()}
        kept = {name: path for name, path in files.items() if name not in hashes and not name.endswith(".lock")}
        for name, path in {**kept, listed.name: listed}.items():
            build_data["force_include"][str(path)] = f"kmidi_lab/release/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            shutil.rmtree(self.made)

"""Which data sets a model takes and which of them are here, for `--help`: read as text, for YAML takes too long to import."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_LOOKS = "# looks for: "
_ACCEPTS = re.compile(r"^ +accepts: \[(.*?)\]", re.MULTILINE)


@dataclass(frozen=True)
class DataChoice:
    """A file of conf/data: its `name`, what its comment says, and for each source below DATA_ROOT the globs to look for."""

    name: str
    text: str
    globs: dict[str, list[str]]

    def is_here(self, root: Path) -> dict[str, bool]:
        """Whether anything of each source lies below `root`."""
        return {name: any(any(root.glob(g)) for g in globs) for name, globs in self.globs.items()}


def accepted_data(conf: Path, model: str) -> list[DataChoice]:
    """The data sets that conf/model/<model>.yaml accepts, the first the default.

    Each is described by the comment at the top of its file, whose last line may be
    `# looks for: source=glob|glob, source=glob`; globs are below DATA_ROOT. Without that line it comes with the lab.
    """
    accepts = _ACCEPTS.search((conf / "model" / f"{model}.yaml").read_text(encoding="utf-8"))
    names = accepts[1].split(",") if accepts else []
    return [_choice(conf / "data" / f"{name.strip()}.yaml") for name in names]


def _choice(path: Path) -> DataChoice:
    said, globs = [], {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(_LOOKS):
            pairs = (pair.split("=", 1) for pair in line.removeprefix(_LOOKS).split(", "))
            globs = {name: places.split("|") for name, places in pairs}
        elif line.startswith("#"):
            said.append(line.removeprefix("#").strip())
        else:
            break
    return DataChoice(path.stem, " ".join(said), globs)

"""Makes the C++ runtime's files of published models: no training, no PyTorch.

python -m kmidi_lab.export.cpp SOURCE OUT [--header]

SOURCE is an RTNeural file `<id>.json`, or a models folder. OUT gets `kmidi_runtime.hpp` and for each model `<id>.kmw`,
or with --header `<id>_runtime.h`, which holds the weights as text: five times the size, for hosts without a file system.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kmidi_lab.errors import LabError, UserError
from kmidi_lab.export.cpp.emit import RUNTIME, runtime_file, runtime_source
from kmidi_lab.files import write_atomic
from kmidi_lab.registry.left_out import LIST, listed, why_left_out
from kmidi_lab.registry.names import FILE


def main(arguments: list[str]) -> None:
    """Writes the files and says what was written.

    Raises:
        LabError: the source is missing, no model, or not in RTNeural's form; or OUT can't be written.
    """
    parser = argparse.ArgumentParser("python -m kmidi_lab.export.cpp", description="RTNeural files for the C++ runtime")
    parser.add_argument("source", type=Path, help="an RTNeural file <id>.json, or a models folder")
    parser.add_argument("out", type=Path, help="the folder to write to")
    parser.add_argument("--header", action="store_true", help="<id>_runtime.h with all weights instead of <id>.kmw")
    options = parser.parse_args(arguments)
    sources = rtneural_files(options.source)
    write_atomic(options.out / RUNTIME, runtime_source())
    print(options.out / RUNTIME)
    for source in sources:
        name, content = runtime_file(_read(source), source.stem, "header" if options.header else "kmw")
        write_atomic(options.out / name, content)
        print(f"{options.out / name}: {len(content) / 1e6:.2f} MB")


def rtneural_files(source: Path) -> list[Path]:
    """The file itself, or a models folder's RTNeural files in order of their names.

    Raises:
        UserError: there is none.
    """
    if not source.is_dir():
        return [source]
    # What lies beside a model is named <id>.<what>.json.
    files = [p for p in sorted(source.glob("*.json")) if p.name not in (FILE, LIST) and "." not in p.stem]
    if not files:
        where = listed(source).where
        raise UserError(f"{source}: no <id>.json in it; name a folder that has them{where and f', {where}'}")
    return files


def _read(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        if why := why_left_out(source.parent, source.name):
            raise UserError(f"{source.parent}: {why}; name that file") from error
        raise UserError(f"{source}: {error.strerror}; name an RTNeural file <id>.json or a models folder") from error


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(2)

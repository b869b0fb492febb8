"""The command line: answers `--help` at once, checks the config, then hands over to Hydra."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Runs the lab; returns the exit code: 0 done, 1 a job failed, 2 wrong input, 130 stopped by Ctrl-C."""
    arguments = sys.argv[1:] if argv is None else argv
    from kmidi_lab.errors import UserError

    try:
        _load_dotenv()
        _expand_home()
        if any(a in ("-h", "--help") for a in arguments):
            from kmidi_lab.conf_dir import conf_dir
            from kmidi_lab.help_text import help_text

            models = [a.removeprefix("model=") for a in arguments if a.startswith("model=")]
            print(help_text(conf_dir(), models[-1] if models else None))
            return 0
        if "--version" in arguments:
            from kmidi_lab import __version__

            print(__version__)
            return 0
        from kmidi_lab.cli import run

        return run(arguments)
    except UserError as error:
        from kmidi_lab.report.cells import printable

        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _load_dotenv() -> None:
    if not Path(".env").is_file():
        return
    from dotenv import dotenv_values

    for key, value in dotenv_values(".env").items():
        if value is not None:
            os.environ.setdefault(key, value)


def _expand_home() -> None:
    """`~` in folders of the environment, which no shell expands in .env or behind quotes."""
    from kmidi_lab.files import with_home

    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT", "RTNEURAL_RUNNER"):
        if key in os.environ:
            os.environ[key] = with_home(os.environ[key])


if __name__ == "__main__":
    sys.exit(main())

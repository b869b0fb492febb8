"""The command line: answers `--help` at once, checks the config, then hands over to Hydra."""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)
"""Of a disk that standard output is sent to."""


def main(argv: list[str] | None = None) -> int:
    """Runs the lab; returns the exit code.

    0 is done, 1 a job failed, 2 wrong input, 130 stopped by Ctrl-C, 143 by SIGTERM (128 and the signal's number).
    """
    arguments = sys.argv[1:] if argv is None else argv
    try:
        from kmidi_lab import stopping, streams
        from kmidi_lab.errors import UserError
    except KeyboardInterrupt:  # before it is heard
        print("stopped", file=sys.stderr)
        return 130

    streams.make_safe()
    try:
        with stopping.heard():
            code = _run(arguments)
            if sys.stdout is not None:  # what is still in the buffer counts as written only when it is
                sys.stdout.flush()
            return code
    except UserError as error:
        from kmidi_lab.report.formats import printable

        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1
    except OSError as error:
        if error.errno not in _FULL:
            raise
        streams.lose_output()
        print(f"error: what is printed can't be written ({error.strerror}); free space", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        gc.freeze()  # at its end Python walks through all that is loaded, twice, which takes seconds
        print("stopped", file=sys.stderr)
        return stopping.Stopped().exit_code


def _run(arguments: list[str]) -> int:
    from kmidi_lab.errors import UserError

    _load_dotenv()
    _expand_home()
    if any(a in ("-h", "--help") for a in arguments):
        from kmidi_lab.conf_dir import look_also_in
        from kmidi_lab.help_text import help_text
        from kmidi_lab.task_help import task_help

        look_also_in(_config_dir(arguments))
        typed = dict(a.split("=", 1) for a in arguments if a.startswith(("model=", "task=")))
        model, task = typed.get("model"), typed.get("task")
        print(help_text(model) if task is None else task_help(task, model))
        return 0
    if "--version" in arguments:
        from kmidi_lab import __version__

        print(__version__)
        return 0
    try:
        Path.cwd()
    except OSError:
        raise UserError("the working directory is gone; type cd and the name of one that is there") from None
    from kmidi_lab.cli import run

    return run(arguments)


def _config_dir(arguments: list[str]) -> str | None:
    """What `--config-dir` names, read without Hydra, which takes too long to import."""
    from kmidi_lab.files import with_home

    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        option, eq, value = word.partition("=")
        if option in ("--config-dir", "-cd"):
            return with_home(value if eq else following)
    return None


def _load_dotenv() -> None:
    """Adds what `.env` sets; a folder that is set to nothing, here or there, counts as not set.

    Raises:
        ConfigError: the file can't be read, or is no UTF-8.
    """
    from kmidi_lab.errors import ConfigError, reason
    from kmidi_lab.files import ROOTS

    for key in ROOTS:
        if not os.environ.get(key, "").strip():
            os.environ.pop(key, None)
    if not Path(".env").is_file():
        return
    from dotenv import dotenv_values

    try:
        text = Path(".env").read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise ConfigError(f".env: can't be read ({reason(error)}); save it as UTF-8, or move it away") from None
    for key, value in dotenv_values(stream=io.StringIO(text)).items():
        if value is not None and (value.strip() or key not in ROOTS):
            os.environ.setdefault(key, value)


def _expand_home() -> None:
    """`~` in folders of the environment, which no shell expands in .env or behind quotes."""
    from kmidi_lab.files import ROOTS, with_home

    for key in (*ROOTS, "RTNEURAL_RUNNER"):
        if key in os.environ:
            os.environ[key] = with_home(os.environ[key])


if __name__ == "__main__":
    sys.exit(main())

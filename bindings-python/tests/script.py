"""Python programs of their own: what they print, and how they end."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

PATIENCE = 30


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Starts a program; its arguments are in `sys.argv`."""
    return subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            textwrap.dedent(code),
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )


def heed_interrupts() -> None:
    """A run in the background starts its children deaf to Ctrl-C; a terminal would not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(program: subprocess.Popen[str]) -> str:
    """What it printed. Fails unless it ends well, in time, and without a word on standard error."""
    try:
        out, err = program.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        program.kill()
        out, err = program.communicate()
        raise AssertionError(f"it hangs: {out}{err}") from None
    assert (program.returncode, err) == (0, ""), f"exit {program.returncode}: {out}{err}"
    return out


def run(code: str, *arguments: str) -> str:
    """What a program prints."""
    return finish(start(code, *arguments))

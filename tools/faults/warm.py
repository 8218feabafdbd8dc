"""The program, loaded once, and started again and again: each start is a process of its own.

Most of a start is loading, which costs more than all that a cell asks of it. Each line of JSON on
stdin starts one command in a fork; two lines of JSON answer it: its process, and how it ended.
A process that is to be traced stops itself first, until whoever traces it lets it go on.
"""

import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from recover import recovered

from gateway.cli import main


def command(words: list[str]) -> int:
    """Run a command of the gateway; its exit code."""
    sys.argv = ["gateway", *words]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)


def child(asked: dict[str, Any]) -> int:
    """In the fork: its own temporary folder and output, then what was asked."""
    os.environ["TMPDIR"], tempfile.tempdir = asked["tmp"], None
    out = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    if asked["stop"]:
        os.kill(os.getpid(), signal.SIGSTOP)
    if asked["words"]:
        return command(asked["words"])
    told = recovered(Path(asked["home"]), asked["at"])
    Path(asked["out"]).write_text(json.dumps(told), encoding="utf-8")
    return 0


def started(asked: dict[str, Any]) -> int:
    """Fork; the process of the child."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        code = child(asked)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Answer until stdin ends."""
    for line in sys.stdin:
        pid = started(json.loads(line))
        answer({"pid": pid})
        answer({"code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])})


def answer(told: dict[str, int]) -> None:
    """A line on stdout."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()

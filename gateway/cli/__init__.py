"""The command line: thin commands over the functions that decide. Contract: design §7."""

import os
import resource
import sys
from typing import NoReturn

import click

from gateway.agreement.load import AgreementFaults
from gateway.cli.context import Cli, gateway
from gateway.cli.words import say_error, say_os_error
from gateway.engine.faults import own_words


def main() -> NoReturn:
    """Run a command. Exit codes: 0 done, 1 refused or failed with a coded answer, 2 usage."""
    # No crash may leave keys or rows in a core dump: neither ours nor that of what we start.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        gateway.main(standalone_mode=False, obj=Cli())
    except click.exceptions.Exit as ending:
        sys.exit(ending.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Abort:
        say_error("stopped", "Stopped.", "")
        sys.exit(130)
    except AgreementFaults as faults:
        say_error("agreement.faulty", str(faults), "Mend each line; see docs/agreement.md.")
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; Python must not write to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        say_os_error(error)
        sys.exit(1)
    except Exception as error:
        _known_or_raise(error)
        sys.exit(1)
    sys.exit(0)


def _known_or_raise(error: Exception) -> None:
    told = own_words(error)
    if told is None:
        raise error
    say_error(*told)

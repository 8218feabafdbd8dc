"""What no client may do, refused by name.

The library's own operations work on the real file system: each of them is replaced, here or in
`session.Session` (a test holds the two to the library's list).
"""

from typing import Any, NoReturn

import asyncssh

FIXED = "Nothing here can be changed: outbox is read, inbox is written, whole files at a time."


class Refusing(asyncssh.SFTPServer):
    """The operations that nobody is offered."""

    def _denied(self, *_: Any, **__: Any) -> NoReturn:
        raise asyncssh.SFTPPermissionDenied(FIXED)

    def _not_spoken(self, *_: Any, **__: Any) -> NoReturn:
        raise asyncssh.SFTPOpUnsupported("That is not offered here.")

    def _nobody(self, *_: Any, **__: Any) -> str:
        return "-"

    setstat = lsetstat = fsetstat = mkdir = rmdir = symlink = link = _denied
    open56 = readlink = lock = unlock = statvfs = fstatvfs = _not_spoken
    map_path = reverse_map_path = _denied  # no path of a client is one of ours
    format_user = format_group = _nobody  # no account of this machine is named

    def format_longname(self, name: asyncssh.SFTPName) -> None:
        """The line that ``ls -l`` shows is written with the name."""

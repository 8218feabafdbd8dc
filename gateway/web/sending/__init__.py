"""The sender's pages: send an extract, read what came of it, put it right, and see how it went on.

`ours` says what is the visitor's to see. The views of `sendfile`, `results`, `changes` and
`history` render what `findings`, `coming`, `today` and the store gather.
"""

from gateway.web.sending import changes, history, results, sendfile
from gateway.web.sending.ours import PART

__all__ = ["PART", "changes", "history", "results", "sendfile"]

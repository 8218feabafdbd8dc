"""The one exception of this package: a stable code, what happened, and what to do next."""

from gateway.refusal import Refusal


class CryptoFault(Refusal):
    """Something about a key, a signature or sealed bytes is not as it must be.

    ``code`` is stable and for programs (``key.expired``); ``str()`` says what happened in plain
    English; ``hint`` says what to do next. None of them holds key material or a cell's value.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)

    def __str__(self) -> str:
        message: str = self.args[0]
        return f"{message} {self.hint}".strip()

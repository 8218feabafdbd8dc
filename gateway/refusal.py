"""A refusal in words: the one form of what people and programs are told when something is not done.

It lies below every layer, since each of them refuses.
"""


class Refusal(Exception):
    """Something is not done, and nothing of it has happened.

    ``code`` is stable and for programs (``hold.none``); ``message`` says what happened in plain
    English; ``hint`` says what to do next. None of them holds a cell's value or a secret.
    """

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

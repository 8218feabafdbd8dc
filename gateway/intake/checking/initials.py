"""Initials as senders write them, and initials made from a name that does not travel."""

import re
import unicodedata

from gateway.agreement.normalise import fold
from gateway.intake.checking.column import Judged
from gateway.intake.checking.folding import letters_of

MOST = 5
_SHAPE = re.compile(r"[^\W\d_]+(?:[ .'\u2019-]{1,2}[^\W\d_]+)*[ .]{0,2}")
_GROUPS = re.compile(r"[^\W\d_]+")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_LONGEST = 500  # characters of a name that are read
_WORD_START = re.compile(r"(?<![^\W_])(?<![^\W_]['\u2019])[^\W\d_]")
_TITLES = frozenset(
    ("mr", "mrs", "ms", "miss", "mx", "master", "dr", "prof", "rev", "baby", "unborn", "child")
)


def judge_initials(cell: str) -> Judged:
    """One to five letters, with dots, spaces or hyphens, and no name among them."""
    text = unicodedata.normalize("NFC", " ".join(cell.split()))
    if not _SHAPE.fullmatch(text):
        return Judged(fault="initials.malformed")
    groups = _GROUPS.findall(text)
    words = [group for group in groups if len(group) > 1]
    many = sum(map(len, groups)) > MOST
    if any(map(_is_name_like, words)) or len(words) > 1 or (many and words):
        return Judged(fault="initials.full-name")
    return Judged(fault="initials.malformed") if many else Judged(text)


def _is_name_like(group: str) -> bool:
    """Jo, Mia: a capital and then small letters alone, which nobody's initials are."""
    return group[0].isupper() and group[1:].islower()


def initials_of(name: str) -> str | None:
    """The first letter of each word of a name, capital: Siân O'Neill-Jones is SOJ.

    A title, a bracketed remark and the comma of "Surname, forename" are seen through; of more than
    five words the first four and the last count. None when no letter is left.
    """
    plain = _BRACKETS.sub(" ", unicodedata.normalize("NFC", name[:_LONGEST]))
    last, comma, first = plain.partition(",")
    words = (f"{first} {last}" if comma else plain).split()
    kept = " ".join(word for word in words if fold(word).rstrip(".") not in _TITLES)
    letters = _WORD_START.findall(kept)
    if len(letters) > MOST:
        letters = [*letters[: MOST - 1], letters[-1]]
    capitals = "".join(letters).upper()
    return "".join(letter for letter in capitals if letter.isalpha())[:MOST] or None


def names_child(initials: str, name: str) -> bool:
    """Whether what stands as initials is a word of the child's name, such as MIA."""
    written = letters_of(initials)
    if len(written) < 2 or written == letters_of(initials_of(name) or ""):
        return False
    return written in {letters_of(word) for word in re.split(r"[\s\-\u2010\u2011]+", name)}

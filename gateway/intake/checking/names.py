"""Whether a name from a dropped column stands in a text: whole words, however they are written.

A name that is also an ordinary word counts only with a capital, and neither where a sentence starts
nor as a month (design §6.1, Screening).
"""

import re
from calendar import month_name
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gateway.intake.checking.folding import APOSTROPHES, HYPHENS, bare, letters_of

_WORD = re.compile(rf"[^\W_]+(?:[{APOSTROPHES}{HYPHENS}][^\W_]+)*[{APOSTROPHES}]?")
_HYPHEN = re.compile(rf"[{HYPHENS}]")
_APOSTROPHE = re.compile(rf"[{APOSTROPHES}]")
_POSSESSIVE = re.compile(rf"[{APOSTROPHES}][sS]$")
_OPENING = r"[\"'\u2018\u201c(\[]*"
_SENTENCE = re.compile(
    rf"(?:^|[\n\r]|(?P<last>[^\W_]*)(?P<end>[.!?\u2026]+)[\"'\u2019\u201d)\]]*\s)"
    rf"\s*(?:(?:[*\u2022\u2013\u2014-]|\d{{1,3}}[.)])\s*)*{_OPENING}$"
)
_TITLES = frozenset(
    ("mr", "mrs", "ms", "dr", "st", "prof", "rev", "fr", "sr", "jr", "messrs", "hon")
)
_MONTHS = tuple(name.casefold() for name in month_name[1:])
_MONTH = "|".join(_MONTHS)
_BEFORE_MONTH = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th)?(?: of)?|(?:in|during|since|until|till|(?:end|start|beginning|"
    r"middle|month) of|last|next|this|every|each)(?: (?:early|late|mid))?|early|late|mid"
    rf"|(?:in|from|between|since|during) (?:{_MONTH}) ?"
    r"(?:and|to|or|until|till|through|[-\u2013/,]))"
    r"[ \t,/\u2013-]*$",
    re.IGNORECASE,
)
_SPAN_BEFORE = re.compile(r"\b(?:from|between) $", re.IGNORECASE)
_SPAN_AFTER = re.compile(
    rf" ?(?:to|until|till|through|and|[-\u2013]) ?(?:{_MONTH})\b", re.IGNORECASE
)
_AFTER_MONTH = re.compile(r"[ \t,/-]{1,2}(?:the )?(?:\d{1,2}(?:st|nd|rd|th)?|(?:19|20)\d\d)\b")
_NEAR = 60  # characters before a word that can matter to it


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to read a word of a text: its letters, and where it starts and ends."""

    letters: str
    start: int
    end: int


class NameFinder:
    """Looks for words of names. ``everyday``: folded names that are ordinary words."""

    def __init__(self, everyday: Collection[str]) -> None:
        self._everyday = frozenset(letters_of(word) for word in everyday)

    def is_everyday(self, letters: str) -> bool:
        """Whether a name, run together, is an ordinary word."""
        return letters in self._everyday

    def holds(self, text: str, names: Collection[str]) -> bool:
        """Whether any of ``names``, each as `letters_of` gives it, is a word of the text."""
        shown = bare(text)
        return any(form.letters in names and self._counts(shown, form) for form in _forms(shown))

    def _counts(self, text: str, form: _Form) -> bool:
        if form.letters not in self._everyday:
            return True
        if not text[form.start].isupper() or _starts_sentence(text, form.start):
            return False
        return form.letters not in _MONTHS or not _is_month(text, form)


def _forms(text: str) -> Iterator[_Form]:
    for word in _WORD.finditer(text):
        start = word.start()
        pieces = _HYPHEN.split(word[0])
        if len(pieces) > 1:
            yield from _readings("".join(pieces), start, word.end())
        for piece in pieces:
            yield from _readings(piece, start, start + len(piece))
            start += len(piece) + 1


def _readings(piece: str, start: int, end: int) -> Iterator[_Form]:
    """A word as it stands, without a possessive 's, and the parts that an apostrophe makes."""
    read = {letters_of(piece)}
    if _APOSTROPHE.search(piece):
        stem = _POSSESSIVE.sub("", piece)
        read |= {letters_of(part) for part in (stem, *_APOSTROPHE.split(stem))}
        if _APOSTROPHE.match(piece[-1]) and piece[-2:-1] in ("s", "S"):
            read.add(letters_of(piece[:-2]))
    for letters in read:
        yield _Form(letters, start, end)


def _starts_sentence(text: str, start: int) -> bool:
    near = text[max(0, start - _NEAR) : start]
    found = _SENTENCE.search(near) if start <= _NEAR else _SENTENCE.search("\u00b7" + near)
    if found is None:
        return False
    if found["end"] != ".":
        return True
    last = found["last"] or ""
    return len(last) != 1 and last.lower() not in _TITLES


def _is_month(text: str, form: _Form) -> bool:
    before = text[max(0, form.start - _NEAR) : form.start]
    after = text[form.end : form.end + _NEAR]
    if _BEFORE_MONTH.search(before) or _AFTER_MONTH.match(after):
        return True
    return bool(_SPAN_BEFORE.search(before) and _SPAN_AFTER.match(after))

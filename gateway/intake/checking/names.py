"""Whether a name from a dropped column stands in a text: whole words, however they are written.

A name that is also an ordinary word counts only with a capital, and neither where a sentence starts
nor as a month (design §6.1, Screening).
"""

import re
from calendar import month_name
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gateway.intake.checking.folding import APOSTROPHES, HYPHENS, bare, letters_of, plain

_WORD = re.compile(rf"[^\W_]+(?:[{APOSTROPHES}{HYPHENS}][^\W_]+)*[{APOSTROPHES}]?")
_HYPHEN = re.compile(rf"[{HYPHENS}]")
_APOSTROPHE = re.compile(rf"[{APOSTROPHES}]")
_OWNS = re.compile(rf"[{APOSTROPHES}]s(?![^\W_])")
_PLURAL_OWNS = re.compile(rf"s[{APOSTROPHES}](?![^\W_])")
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
        if not _may_hold(text, names):
            return False
        shown = bare(text)
        return any(self._counts(shown, form) for form in _forms(shown, names))

    def _counts(self, text: str, form: _Form) -> bool:
        if form.letters not in self._everyday:
            return True
        if not text[form.start].isupper() or _starts_sentence(text, form.start):
            return False
        return form.letters not in _MONTHS or not _is_month(text, form)


def _may_hold(text: str, names: Collection[str]) -> bool:
    """A quick look: most texts that have a name's letters have them inside other words."""
    folded = plain(text)
    ways = {folded}
    if _APOSTROPHE.search(folded):
        whose = (folded, _OWNS.sub("", folded), _PLURAL_OWNS.sub("", folded))
        ways |= {_APOSTROPHE.sub("", way) for way in whose}
    if _HYPHEN.search(folded):
        ways |= {_HYPHEN.sub("", way) for way in ways}
    return any(_stands_alone(way, name) for way in ways for name in names)


def _stands_alone(text: str, name: str) -> bool:
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        if not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum()):
            return True
        at = text.find(name, at + 1)
    return False


def _forms(text: str, names: Collection[str]) -> Iterator[_Form]:
    """The words of a text that can be read as one of the names."""
    for word in _WORD.finditer(text):
        shown = word[0]
        if shown.isalnum() and shown.isascii():  # nearly every word, and nothing in it to part
            if shown.lower() in names:
                yield _Form(shown.lower(), word.start(), word.end())
        else:
            yield from (form for form in _marked(shown, word.start()) if form.letters in names)


def _marked(word: str, start: int) -> Iterator[_Form]:
    """Every way to read a word with marks: one with hyphens as a whole, and in its pieces."""
    pieces = _HYPHEN.split(word)
    if len(pieces) > 1:
        yield from _readings("".join(pieces), start, start + len(word))
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

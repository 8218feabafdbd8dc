"""How text is folded for screening: case, accents, apostrophes, hyphens and all that parts words.

Two foldings must agree: that of single texts here, and that of whole columns, which only has to
find every row that the first would.
"""

import re
import unicodedata

import polars as pl

_LETTERS = {
    "\u0131": "i", "\u0142": "l", "\u00f8": "o", "\u0111": "d", "\u00f0": "d", "\u00fe": "th",
    "\u00e6": "ae", "\u0153": "oe", "\u00df": "ss", "\u0127": "h", "\u0167": "t", "\u0144": "n",
}  # fmt: skip
_TABLE = str.maketrans(_LETTERS)
_MARKS = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_NOT_LETTER = re.compile(r"[\W_]+")
_BEFORE = {"\u0130": "I", "\u00b4": "'"}  # what NFKD or small letters would pull apart
APOSTROPHES = "'\u2018\u2019\u201b\u02bc\u2032`"
HYPHENS = "\\-\u2010\u2011\u2012\u2013\u2212"  # as in a character class


def plain(text: str) -> str:
    """Small letters without accents or invisible characters; everything else as it stands."""
    if text.isascii():
        return text.lower()
    return _bare(text).lower().translate(_TABLE)


def _bare(text: str) -> str:
    """Without accents and invisible characters, case as it stands."""
    for odd, ordinary in _BEFORE.items():
        text = text.replace(odd, ordinary)
    return _MARKS.sub("", unicodedata.normalize("NFKD", text))


def bare(text: str) -> str:
    """Without accents and invisible characters, case as it stands: what capitals are read from."""
    return text if text.isascii() else _bare(text)


def letters_of(text: str) -> str:
    """The letters and digits of a text, folded and run together."""
    return _NOT_LETTER.sub("", plain(text))


def plain_column(texts: pl.Series) -> pl.Series:
    """`plain` of a whole column."""
    lowered = texts.str.to_lowercase()
    odd = (texts.str.len_bytes() != texts.str.len_chars()).arg_true()
    if not len(odd):
        return lowered
    return lowered.scatter(odd, _plain_odd(texts.gather(odd)))


def _plain_odd(texts: pl.Series) -> pl.Series:
    """`plain_column` of texts beyond ASCII."""
    ordinary = texts.str.replace_many(_BEFORE)
    stripped = ordinary.str.normalize("NFKD").str.replace_all(_MARKS.pattern, "")
    return stripped.str.to_lowercase().str.replace_many(_LETTERS)


def letters_column(texts: pl.Series) -> pl.Series:
    """`letters_of` of a whole column."""
    unspaced = plain_column(texts).str.replace_all(" ", "", literal=True)  # most marks are spaces
    return unspaced.str.replace_all(r"[^\p{L}\p{N}]+", "")

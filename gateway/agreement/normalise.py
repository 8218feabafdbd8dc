"""How headings and values are folded before they are matched exactly (design §6.1).

Matching is always of the whole text: "female" contains "male", so no part of a value ever counts.
"""

import re
import unicodedata

_QUOTES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201b": "'",
        "\u02bc": "'",
        "`": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
    }
)
_SPACES = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[^\w\s]|_")


def fold(text: str) -> str:
    """Fold a value: case, runs of (no-break) space, curly quotes and dashes; ``&`` is ``and``."""
    if text.isascii():  # nearly every value: the same, in a third of the time
        return " ".join(text.replace("`", "'").replace("&", " and ").split()).lower()
    plain = unicodedata.normalize("NFKC", text).translate(_QUOTES).replace("&", " and ")
    return _SPACES.sub(" ", plain).strip().casefold()


def fold_heading(text: str) -> str:
    """Fold a heading: as a value, and punctuation counts for nothing."""
    plain = fold(text).replace("'", "")
    return _SPACES.sub(" ", _NOT_WORD.sub(" ", plain)).strip()

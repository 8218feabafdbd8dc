"""What officers write in their own words: short, plain, and without anyone's identifiers.

A text is sealed at rest and still screened, for it is read by people who need not see a child's
number or address to answer it. Names cannot be known by their form: that rule is in the guide.
"""

import unicodedata

from gateway.intake.checking.patterns import identifiers_in
from gateway.refusal import Refusal

LONGEST = 2_000  # characters
_BREAKS = frozenset("\n\t")


class TextRefused(Refusal):
    """The text is not taken; nothing of it is quoted or kept. Codes: text.*"""


def taken(content: bytes) -> str:
    """The text as it is kept: UTF-8, line feeds, no blank edges. Raises TextRefused."""
    if len(content) > 8 * LONGEST:
        raise _too_long()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unreadable() from None
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise TextRefused("text.empty", "There is no text.", "Write what is meant, and try again.")
    if len(text) > LONGEST:
        raise _too_long()
    if any(
        unicodedata.category(sign) in ("Cc", "Co", "Cs") for sign in text if sign not in _BREAKS
    ):
        raise _unreadable()
    if found := identifiers_in(text):
        raise TextRefused(
            "text.identifier",
            f"The text holds what looks like personal identifiers: {', '.join(found)}.",
            "Take them out. Name a row by its reference (--reference) and heading (--heading).",
        )
    return text


def _too_long() -> TextRefused:
    return TextRefused(
        "text.too-long",
        f"The text is longer than {LONGEST:,} characters.",
        "Say it in fewer words; a case is discussed where its file is kept, not here.",
    )


def _unreadable() -> TextRefused:
    return TextRefused(
        "text.unreadable",
        "The text is not plain UTF-8 text.",
        "Save it as plain text (UTF-8), without formatting.",
    )

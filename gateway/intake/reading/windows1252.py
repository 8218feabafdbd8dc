"""When bytes that are not UTF-8 may be taken as windows-1252 (design §5 step 3: without a doubt).

Every byte but five means something in windows-1252, so that it decodes is no proof. A file is taken
only when all its high bytes stand as they do in text typed in Britain: accented letters alone or in
twos inside Latin words, curly quotes and dashes, a pound or euro sign before a number. In doubt is:

- a byte that windows-1252 leaves undefined, or one rare there and a letter in a sister encoding
  (``³ ¹ ¿ ¥ œ`` are letters in windows-1250; ``‚ ƒ ‰`` in code page 850 and on the Macintosh);
- anything that is well-formed UTF-8: the file would be of two encodings;
- three accented letters together, or one that touches no plain letter (Cyrillic, Greek, Chinese);
- an accented capital after a small letter, an opening quote after a letter, a closing quote, bullet
  or trade mark between letters, a euro sign or fraction beside a letter (Macintosh, page 850);
- line ends of carriage returns alone (a Macintosh file).
"""

import re
from collections.abc import Iterable

_SMALL = rb"\x9a\x9e\xdf-\xf6\xf8-\xff"
_CAPITAL = rb"\x8a\x8e\xc0-\xd6\xd8-\xde"
_ACCENTED = _SMALL + _CAPITAL
_PLAIN = rb"A-Za-z"
_MARKS = rb"\x80\x85\x91-\x97\x99\xa0\xa3\xa7\xa9\xab\xae\xb0-\xb2\xb4\xb5\xb7\xbb-\xbe"
_DOUBTS = (
    rb"[^\x00-\x7f" + _ACCENTED + _MARKS + rb"]",
    rb"[\xc2-\xdf][\x80-\xbf]",
    rb"[\xe0-\xef][\x80-\xbf]{2}",
    rb"[" + _ACCENTED + rb"]{3}",
    # an accented letter or two without a plain one beside; `à` alone is a word
    rb"(?<![" + _PLAIN + _ACCENTED + rb"])(?![\xe0\xc0][^" + _ACCENTED + rb"])"
    rb"[" + _ACCENTED + rb"]{1,2}(?![" + _PLAIN + _ACCENTED + rb"])",
    rb"[a-z" + _SMALL + rb"][" + _CAPITAL + rb"]",
    rb"[" + _PLAIN + rb"][\x91\x93]",
    rb"[" + _PLAIN + rb"][\x94\x95\x99][" + _PLAIN + rb"]",
    rb"[" + _PLAIN + rb"][\x80\xbc-\xbe]",
    rb"[\x80\xbc-\xbe][" + _PLAIN + rb"]",
)
_DOUBT = re.compile(b"|".join(_DOUBTS))
_HIGH = re.compile(rb"[\x80-\xff]+")


def is_beyond_doubt(blocks: Iterable[bytes]) -> bool:
    """Whether these bytes are windows-1252 without a doubt, as this module's head says."""
    window = b"\n"
    returns = feeds = False
    for block in blocks:
        returns, feeds = returns or b"\r" in block, feeds or b"\n" in block
        window += block
        judged = len(window)
        for run in _HIGH.finditer(window, 1):
            if run.end() == len(window):
                judged = run.start()  # it may go on in the next block
            elif _DOUBT.search(window[run.start() - 1 : run.end() + 1]):
                return False
        window = window[judged - 1 :]
    return not _DOUBT.search(window + b"\n") and (feeds or not returns)

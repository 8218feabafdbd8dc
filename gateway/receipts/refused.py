"""Why a receipt is not taken, or a package not served: each code with its words.

The words name kinds of things and what to do; nothing of what was offered is ever repeated.
"""

from collections.abc import Mapping

from gateway.refusal import Refusal

_ASK = "Ask the gateway's administrator, who sees the refusal in the ledger."
_MAKE_AGAIN = "Make the receipt again from the package's own manifest, and sign that one."
WORDS: Mapping[str, tuple[str, str]] = {
    "receipt.malformed": (
        "That is not a receipt in canonical form.",
        "docs/receipts.md shows the form; `open --receipt` and `acknowledge` write it.",
    ),
    "receipt.too-large": (
        "A receipt has at most 64 KiB, and its signature 16 KiB; this one has more.",
        "Send the receipt alone, in the form of docs/receipts.md.",
    ),
    "receipt.not-signed": (
        "The receipt came without a signature.",
        "Put the detached signature beside it, under the same name with .asc behind.",
    ),
    "receipt.bad-signature": (
        "The signature is not good: it does not match the receipt, or is of an unfit kind.",
        "Sign the very bytes that are sent, and change nothing afterwards.",
    ),
    "receipt.wrong-key": (
        "The receipt is signed by another key than the one pinned for its signer.",
        "collected and opened are signed with the party's exchange key, the others with the named "
        "officer's own. A new key must be pinned first.",
    ),
    "receipt.expired-key": (
        "The receipt was signed outside the life of its key.",
        "Extend the key or have a new one pinned, and sign again.",
    ),
    "receipt.revoked-key": (
        "The key that signed the receipt has been revoked.",
        "Have a new key pinned, and sign again.",
    ),
    "receipt.unknown-officer": (
        "The receipt does not name an officer of this party who may receive and has a pinned key.",
        "`gateway officers` lists them; config/officers.toml gives the role `recipient`.",
    ),
    "receipt.unknown-package": (
        "There is no such package here.",
        "Take the package's id from its manifest.",
    ),
    "receipt.not-yours": (
        "The receipt is for a delivery to another party, or of another flow.",
        "Give a receipt only for what was delivered to you, by your own way in.",
    ),
    "receipt.never-served": (
        "The package has not been placed for this party yet, so it cannot have been collected.",
        _ASK,
    ),
    "receipt.out-of-order": (
        "The receipt does not follow from those before it.",
        "The order is collected, opened, then accepted or queried; what is queried can be accepted "
        "later, and what is accepted stays so.",
    ),
    "receipt.wrong-digest": (
        "The receipt's digest is not that of the delivered file.",
        "Collect the package again and compare its SHA-256 with the manifest.",
    ),
    "receipt.wrong-agreement": (
        "The receipt names another agreement than the one the package was sent under.",
        _MAKE_AGAIN,
    ),
    "receipt.wrong-time": (
        "The receipt's time, or its signature's, is before the package was placed or in the "
        "future.",
        "Set the clock of the computer that signs, and sign a new receipt.",
    ),
    "receipt.replayed": (
        "This receipt has been recorded before.",
        "Nothing is to do. For a new statement make a new receipt: each has an id of its own.",
    ),
    "receipt.recalled": (
        "The package has been recalled by its sender.",
        "Keep it apart and do not use it; an officer signs a receipt `quarantined` that says so.",
    ),
    "receipt.superseded": (
        "The package has been superseded by another.",
        "Collect and acknowledge the newer one.",
    ),
    "package.unknown": (
        "There is no such package for this party.",
        "The list of packages shows those there are.",
    ),
    "package.recalled": (
        "The package has been recalled by its sender and is no longer served.",
        "Keep apart what you hold of it, and do not use it.",
    ),
    "package.superseded": (
        "The package has been superseded by another and is no longer served.",
        "Collect the newer one.",
    ),
}


class ReceiptRefused(Refusal):
    """The receipt is not taken, or the package is not served; ``hint`` says what to do.

    ``about``: the delivery it is about, once that is known (``<package>:<party>``).
    """

    def __init__(self, code: str, message: str, hint: str, about: str | None = None) -> None:
        super().__init__(code, message, hint)
        self.about = about


def refusal(code: str, about: str | None = None) -> ReceiptRefused:
    """The refusal of that code, in its own words. Raises KeyError for a code without words."""
    return ReceiptRefused(code, *WORDS[code], about)

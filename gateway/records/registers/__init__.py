"""The registers that the memorandum asks for: requests, incidents, reviews, training and others.

`wanted` says what is entered and when it is due, `rules` and `progress` what steps follow,
`keeping` and `reading` make and read entries, `signing` lets both parties sign off the same words,
`facts` answers other parts, and `owing` says what is late.
"""

from gateway.records.registers.facts import latest_agreed_review, trained_people, trained_until
from gateway.records.registers.keeping import enter, lapse, take
from gateway.records.registers.progress import Progress, steps_left
from gateway.records.registers.reading import Kept, Taken, opened, read
from gateway.records.registers.rules import REGISTERS, Register, RegisterRefused
from gateway.records.registers.signing import sign_off, signed_statement, stands, statement

__all__ = [
    "REGISTERS",
    "Kept",
    "Progress",
    "Register",
    "RegisterRefused",
    "Taken",
    "enter",
    "lapse",
    "latest_agreed_review",
    "opened",
    "read",
    "sign_off",
    "signed_statement",
    "stands",
    "statement",
    "steps_left",
    "take",
    "trained_people",
    "trained_until",
]

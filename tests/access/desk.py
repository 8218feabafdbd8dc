"""What officers of a rehearsal home do: ask, sign, approve, withdraw."""

import json
import subprocess
from dataclasses import replace

import pytest

from gateway.access.approvals import ApprovalRefused, approve, make_request, withdraw_request
from gateway.access.officers import Officers
from gateway.access.statements import signed_statement
from gateway.crypto.gpghome import GpgHome
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.store import ledger, requests

AT = "2026-03-02T16:05"
BODY = {"reason": "It went to the wrong day.", "row": 12}
FIRST, SECOND, THIRD = (f"ofsted-officer-{number}" for number in (1, 2, 3))


def leaves(database):
    """The leaves of a database's ledger."""
    with database.transaction() as tx:
        return [json.loads(row.leaf) for row in ledger.leaves(tx)]


class Desk:
    """The parts of a home, and what its officers do. ``officers``: as they are just now."""

    def __init__(self, work, parts, now):
        self.work, self.parts, self.now = work, parts, now
        self.officers = parts.officers

    def ask(self, who=FIRST, act="recall"):
        """A request by an officer."""
        with self.parts.database.transaction() as tx:
            return make_request(
                tx, self.parts.sealer, self.officers, act, "package:x", BODY, who, self.now, "ab"
            )

    def sign(self, request, who, key=None, **change):
        """The signature over the request's statement by the keys of ``who``; ``change``d first."""
        keyring = HomeKeys(self.work.home.root).rehearsal(who)
        with OpenPGP(keyring, self.now) as openpgp:
            signer = key or self.parts.officers.get(who).key
            return signed_statement(openpgp, replace(request, **change), signer)

    def approve(self, request, who, signature=None):
        """Approve, with a signature of one's own unless one is given."""
        signed = self.sign(request, who) if signature is None else signature
        known = self.parts.database, self.officers, self.parts.openpgp
        return approve(*known, request.id, who, signed, self.now)

    def gpg(self, who, *words, text=""):
        """What plain gpg prints for ``text``, with the keys of ``who``."""
        home = GpgHome(HomeKeys(self.work.home.root).rehearsal(who))
        try:
            command = ["gpg", "--homedir", str(home.path), "--batch", "--output", "-", *words]
            return subprocess.run(
                command, input=text.encode(), check=True, capture_output=True
            ).stdout
        finally:
            home.close()

    def withdraw(self, request, who):
        """Take a request back."""
        withdraw_request(self.parts.database, self.officers, request.id, who, self.now)

    def refused(self, request, who, signature=None, withdrawing=False):
        """The code of a refusal; it is ledgered, and nothing else is changed."""
        before, leaves = self.state(request), len(self.work.leaves())
        with pytest.raises(ApprovalRefused) as refused:
            if withdrawing:
                self.withdraw(request, who)
            else:
                self.approve(request, who, signature)
        assert refused.value.hint
        assert self.state(request) == before
        told = self.work.leaves()[leaves:]
        assert [leaf["event"] for leaf in told] == ["request.refused"]
        assert told[0]["facts"]["code"] == refused.value.code
        return refused.value.code

    def state(self, request):
        """A request's state and who has approved it."""
        with self.parts.database.transaction() as tx:
            row = requests.get(tx, request.id)
            approvals = sorted(item.officer for item in requests.approvals_of(tx, request.id))
        return (row.state if row else None, approvals)

    def change(self, who, **change):
        """From now on one of the officers is another."""
        told = [
            item.model_copy(update=change) if item.id == who else item for item in self.officers
        ]
        self.officers = Officers(told, self.officers.signatories)

    def remove(self, who):
        """From now on one of the officers is none."""
        self.officers = Officers([item for item in self.officers if item.id != who])

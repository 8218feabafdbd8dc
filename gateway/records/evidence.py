"""The evidence pack: what proves some days to a third party (docs/evidence.md).

It holds nothing about children, families or cases: manifests count, receipts and leaves name
packages, registers and holds tell states and dates. Officers, and people who gave receipts on the
site, are named in ``receipts/`` alone.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from gateway.agreement.windows import LONDON
from gateway.crypto.issuers import issuer_of
from gateway.crypto.notes import NoteSigner, read_keys
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.outputs import kept_if_whole
from gateway.crypto.pins import Pins
from gateway.records.packfile import EvidenceFault, PackFile, canonical
from gateway.records.slices import Range, ranges, write_slice
from gateway.records.summary import Summary
from gateway.records.vault import Vault
from gateway.store import evidence as rows
from gateway.store.database import Transaction
from gateway.store.evidence import Row

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Asked:
    """Which days (London's, both included); with ``macs``, only packages that carried a case.

    ``macs``: each flow with the reference's keyed digest there; the reference itself is not told.
    ``bodies``: the canonical JSON, by hash, of the agreements in force.
    """

    first: date
    until: date
    made_at: datetime
    home: str
    rehearsal: bool
    bodies: Mapping[str, bytes]
    macs: tuple[tuple[str, bytes], ...] | None = None

    @property
    def since(self) -> datetime:
        """When the first day begins, UTC."""
        return datetime.combine(self.first, time(), LONDON).astimezone(UTC)

    @property
    def before(self) -> datetime:
        """When the day after the last begins, UTC."""
        return datetime.combine(self.until + ONE_DAY, time(), LONDON).astimezone(UTC)


@dataclass(frozen=True)
class Sources:
    """Where a pack's files come from. ``verifier``: the program that goes with it."""

    vault: Vault
    openpgp: OpenPGP
    pins: Pins
    log_keys: Path
    signer: NoteSigner
    work: Path
    verifier: Path


@dataclass
class PackMade:
    """What a pack holds, by number."""

    leaves: int = 0
    packages: tuple[str, ...] = ()
    receipts: int = 0


def export_evidence(tx: Transaction, sources: Sources, asked: Asked, target: Path) -> PackMade:
    """Write a pack into a file, whole or not at all.

    Make a fresh checkpoint first. Raises EvidenceFault, StoreFault, CryptoFault, OSError.
    """
    if not asked.first <= asked.until:
        raise EvidenceFault(
            "evidence.no-days", "The last day is before the first.", "Exchange --from and --to."
        )
    chosen = _chosen(tx, asked)
    parts = ranges(tx, asked.since, asked.before)
    if not parts:
        raise EvidenceFault(
            "evidence.no-checkpoint",
            "No checkpoint has been made, so that nothing can be proven.",
            "Run `tick`, then export again.",
        )
    with kept_if_whole(target) as path, PackFile(path) as pack:
        made = _Writer(tx, sources, asked, pack).write(chosen, parts)
    target.chmod(0o640)
    return made


def _chosen(tx: Transaction, asked: Asked) -> list[str]:
    """The packages that the pack is to tell of."""
    found = rows.packages_of_period(tx, asked.since, asked.before)
    if asked.macs is None:
        return found
    carried = rows.packages_that_carried(tx, asked.macs)
    if not carried & set(found):
        raise EvidenceFault(
            "evidence.no-such-case",
            "No package of these days is known to have carried that reference.",
            "Copy the reference from a package's own sheet; see that the days are right.",
        )
    return [package for package in found if package in carried]


class _Writer:
    """Writes the files of one pack."""

    def __init__(self, tx: Transaction, sources: Sources, asked: Asked, pack: PackFile) -> None:
        self._tx, self._from, self._asked, self._pack = tx, sources, asked, pack
        self._made = PackMade()
        self._gateway, self._parties = {sources.pins.gateway}, dict[str, set[str]]()
        known = sources.openpgp.keys()
        self._primary = {part.fingerprint: key.fingerprint for key in known for part in key.parts}

    def write(self, packages: list[str], parts: list[Range]) -> PackMade:
        """All of it."""
        tx, pack, asked = self._tx, self._pack, self._asked
        self._made.packages = tuple(packages)
        deliveries = rows.deliveries_of_packages(tx, packages)
        ids = [row["id"] for row in deliveries]
        receipts = rows.receipts_of_deliveries(tx, ids, asked.since, asked.before)
        summary = Summary(rows.packages_by_id(tx, packages), deliveries, receipts)
        for part in parts:
            write_slice(tx, part, pack, self._from.work, summary.hear)
            self._made.leaves += part.count
        self._manifests(deliveries)
        self._receipts(receipts, {row["id"]: row for row in deliveries})
        self._agreements()
        self._keys()
        pack.add("ledger-keys", _written(self._from.log_keys))
        pack.add("registers.json", canonical({"entries": _plain(rows.register_facts(tx))}))
        custody = {
            "holds": _plain(rows.hold_facts(tx)),
            "destructions": _plain(rows.destruction_facts(tx)),
        }
        pack.add("custody.json", canonical(custody))
        pack.add_file("verify_evidence.py", self._from.verifier)
        about = self._about(packages)
        pack.add("summary.html", summary.page(about, len(parts)).encode())
        pack.close_with(about, self._from.signer)
        return self._made

    def _about(self, packages: list[str]) -> dict[str, Any]:
        asked = self._asked
        return {
            "home": asked.home,
            "rehearsal": asked.rehearsal,
            "from": asked.first.isoformat(),
            "until": asked.until.isoformat(),
            "since": _moment(asked.since),
            "before": _moment(asked.before),
            "made_at": _moment(asked.made_at),
            "case": asked.macs is not None,
            "packages": packages,
        }

    def _manifests(self, deliveries: list[Row]) -> None:
        gone = {row["sha256"] for row in rows.destruction_facts(self._tx)}
        for row in deliveries:
            if gone & {row["manifest"], row["signature"]}:
                continue  # destroyed with the approval of each party: custody.json tells of it
            name = f"manifests/{row['package_id']}/{row['party']}.manifest.json"
            vault = self._from.vault
            self._pack.add(name, vault.whole(row["manifest"]).read_bytes())
            signature = vault.whole(row["signature"]).read_bytes()
            self._pack.add(f"{name}.asc", signature)
            self._gateway.add(self._signer(signature) or self._from.pins.gateway)

    def _receipts(self, receipts: list[Row], deliveries: Mapping[str, Row]) -> None:
        signers: dict[str, dict[str, Any]] = {}
        used: set[str] = set()
        for row in receipts:
            delivery = deliveries[row["delivery_id"]]
            party = delivery["party"]
            name = f"receipts/{delivery['package_id']}/{party}/{row['kind']}-{row['id']}"
            self._pack.add(f"{name}.receipt.json", bytes(row["body"]))
            self._made.receipts += 1
            if row["signature"] is None:
                continue
            self._pack.add(f"{name}.receipt.json.asc", bytes(row["signature"]))
            if row["person"] is not None:  # given on the site: by the gateway's word
                self._gateway.add(self._signer(row["signature"]) or self._from.pins.gateway)
            elif row["officer"] is None:
                self._note_party(party, row["signature"])
            elif key := self._signer(row["signature"]):
                told = signers.setdefault(row["officer"], {"party": party, "keys": []})
                told["keys"] = sorted({*told["keys"], key})
                used.add(key)
        for fingerprint in sorted(used):
            key_file = self._from.openpgp.export_public(fingerprint)
            self._pack.add(f"receipts/keys/{fingerprint}.key.asc", key_file)
        self._pack.add("receipts/signers.json", canonical(signers))

    def _agreements(self) -> None:
        bodies = dict(self._asked.bodies)
        bodies |= {row["hash"]: bytes(row["body"]) for row in rows.agreements(self._tx)}
        for told, body in sorted(bodies.items()):
            self._pack.add(f"agreements/{told}.json", body)
        for number, row in enumerate(rows.agreement_statements(self._tx), 1):
            name = f"agreements/{row['hash']}/{number:06}-{row['party']}-{row['kind']}.json"
            self._pack.add(name, bytes(row["statement"]))
            self._pack.add(f"{name}.asc", bytes(row["signature"]))
            self._note_party(row["party"], row["signature"])

    def _keys(self) -> None:
        for fingerprint in sorted(self._gateway.union(*self._parties.values())):
            key_file = self._from.openpgp.export_public(fingerprint)
            self._pack.add(f"keys/{fingerprint}.key.asc", key_file)
        told = {
            "gateway": sorted(self._gateway),
            "parties": {party: sorted(keys) for party, keys in self._parties.items()},
        }
        self._pack.add("keys/keys.json", canonical(told))

    def _note_party(self, party: str, signature: bytes) -> None:
        """A party's key goes with what it signed; that was verified when it was taken."""
        key = self._signer(signature) or self._from.pins.exchange_of(party)
        self._parties.setdefault(party, set()).add(key)

    def _signer(self, signature: bytes) -> str | None:
        """The primary key, of the gateway's keyring, that a signature names."""
        return self._primary.get(issuer_of(bytes(signature)) or "")


def _written(path: Path) -> bytes:
    return "".join(f"{key.written()}\n" for key in read_keys(path)).encode()


def _plain(found: Iterable[Row]) -> Any:
    """Rows as JSON has them: days as they are, moments in UTC."""
    return json.loads(json.dumps(list(found), default=_as_text))


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

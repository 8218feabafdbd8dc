"""The one transaction that makes a package: its deliveries, windows, drops, memory, ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.dispatch.gather import Gathered, Gatherer
from gateway.dispatch.manifest import KIND_WORDS
from gateway.dispatch.parts import Dispatch
from gateway.dispatch.password import sealed_password
from gateway.dispatch.sealing import Contents, Sealed, SealedDelivery
from gateway.records.alarms import clear_alarm, raise_alarm
from gateway.records.leaf import Fact
from gateway.records.ledger import event, move, record
from gateway.records.vault import Vault, VaultKind
from gateway.store import packages, sent
from gateway.store.database import Transaction
from gateway.store.drops import DropRow
from gateway.store.folder import Blob
from gateway.store.windows import WindowRow

_KEPT: tuple[VaultKind, ...] = ("delivery", "manifest", "signature")
Kept = Mapping[str, Mapping[VaultKind, Blob]]


def keep_deliveries(vault: Vault, sealed: Sealed) -> Kept:
    """Keep every delivery's three files, by party, before anything refers to them."""
    return {item.party: _keep(vault, item) for item in sealed.deliveries}


def _keep(vault: Vault, item: SealedDelivery) -> Mapping[VaultKind, Blob]:
    files = (item.files.package, item.files.manifest, item.files.signature)
    return dict(zip(_KEPT, map(vault.keep, files), strict=True))


def enter_package(
    tx: Transaction,
    parts: Dispatch,
    contents: Contents,
    sealed: Sealed,
    kept: Kept,
    password: str,
    now: datetime,
) -> None:
    """The package, its deliveries, and what the vault holds of them."""
    counts, flow = sealed.counts, contents.flow
    packages.add_package(
        tx,
        id=contents.package_id,
        flow=flow.id,
        day=contents.window_day,
        number=int(contents.package_id[-2:]),
        kind=contents.kind,
        made_at=now,
        agreement_hash=contents.agreement_hash,
        zip_sha256=sealed.zip_sha256,
        password_sealed=sealed_password(parts.sealer, contents.package_id, password),
        rows=counts.sent,
        updates=counts.updates,
        held=counts.held,
        repeats=counts.repeats + counts.left_out,
    )
    for item in sealed.deliveries:
        blobs = kept[item.party]
        for kind in _KEPT:
            parts.vault.enter(tx, blobs[kind], kind, now)
        packages.add_delivery(
            tx,
            package_id=contents.package_id,
            party=item.party,
            protection=item.protection,
            file_name=item.files.file_name,
            sha256=item.sha256,
            size=item.size,
            manifest=blobs["manifest"].sha256,
            signature=blobs["signature"].sha256,
        )
    facts: dict[str, Fact] = {
        "flow": flow.id,
        "day": contents.window_day.isoformat(),
        "kind": contents.kind,
        "zip": sealed.zip_sha256,
        "recipients": " ".join(item.party for item in sealed.deliveries),
    }
    commits: dict[str, Fact] = {
        "rows": counts.sent,
        "updates": counts.updates,
        "held": counts.held,
        "repeats": counts.repeats + counts.left_out,
    }
    subject = f"package:{contents.package_id}"
    record(tx, event("package.sealed", subject, contents.agreement_hash, facts, commits), now)


def remember_rows(
    tx: Transaction, parts: Dispatch, gatherer: Gatherer, gathered: Gathered, package_id: str
) -> None:
    """Remember what travels, so that it does not travel again unchanged."""

    def sealed_reference(reference: str) -> bytes:
        return parts.sealer.seal(reference.encode(), f"reference:{gathered.flow.id}")

    items = gatherer.references(gathered, sealed_reference)
    sent.remember(tx, gathered.flow.id, package_id, items)
    answered = gathered.flow.reconcile_with
    if answered is not None:
        sent.answer(tx, answered, package_id, gatherer.answered(gathered, answered))


def close_windows(
    tx: Transaction,
    parts: Dispatch,
    window: WindowRow,
    covered: Sequence[WindowRow],
    package_id: str,
    now: datetime,
) -> None:
    """The window is packed; those before it are covered by the same package."""
    for item, state in [*((item, "covered") for item in covered), (window, "packed")]:
        day = item.day.isoformat()
        facts: dict[str, Fact] = {"flow": item.flow, "day": day, "package": package_id}
        subject = f"window:{item.flow}:{day}"
        happened = event(f"window.{state}", subject, parts.agreed.hash, facts)
        key = {"flow": item.flow, "day": item.day}
        move(tx, "window", key, "due", state, happened, now, {"package_id": package_id})


def close_drops(
    tx: Transaction, parts: Dispatch, waiting: Sequence[DropRow], package_id: str, now: datetime
) -> None:
    """The drops whose rows the package carries have been sent."""
    for drop in waiting:
        facts: dict[str, Fact] = {"flow": drop.flow, "package": package_id}
        happened = event("drop.sent", f"drop:{drop.id}", parts.agreed.hash, facts)
        values = {"package_id": package_id}
        move(tx, "drop", {"id": drop.id}, drop.state, "sent", happened, now, values)


def alarm_silence(tx: Transaction, parts: Dispatch, contents: Contents, now: datetime) -> None:
    """Nothing received, or everything held, alarms both sides; a declared nil return does not.

    Rows that travel, or a nil return, end the alarm of a day whose every row was held. The silence
    of a weekly flow is told by the deadline for its update, where that is agreed.
    """
    weekly = contents.flow.window.frequency == "weekly"
    if weekly and contents.kind == "nothing-received" and _update_is_timed(parts):
        return
    if contents.kind in ("nothing-received", "rows-held"):
        day = contents.window_day.isoformat()
        words = f"{contents.flow.id}, window of {day}: {KIND_WORDS[contents.kind]}"
        raise_alarm(tx, f"flow.{contents.kind}", f"flow:{contents.flow.id}", words, now)
    else:
        clear_alarm(tx, "flow.rows-held", f"flow:{contents.flow.id}", now)


def _update_is_timed(parts: Dispatch) -> bool:
    return parts.agreed.agreement.deadline("weekly-update") is not None

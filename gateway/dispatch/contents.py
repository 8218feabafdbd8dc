"""What a package is made of: the rows gathered for a window, and the account of their drops."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import count

from gateway.dispatch.gather import Gathered, Gatherer
from gateway.dispatch.manifest import DropAccount, manifest_file
from gateway.dispatch.parts import Dispatch
from gateway.dispatch.sealing import Account, Addressee, Contents
from gateway.store import checkpoints, packages
from gateway.store.windows import WindowRow


def contents_of(
    parts: Dispatch,
    gatherer: Gatherer,
    gathered: Gathered,
    window: WindowRow,
    covered: Sequence[WindowRow],
    now: datetime,
    number: int = 1,
    supersedes: str | None = None,
) -> Contents:
    """Everything that `sealing.seal` needs for the package of a window and those it covers.

    ``number``: 1, or the next one of the day where the package supersedes another. A number is
    passed over whose package lies in an outbox already: a lost database knew of it, and no
    recipient is to have two packages of one name.
    """
    agreement = parts.agreed.agreement
    with parts.database.transaction() as tx:
        checkpoint = checkpoints.latest(tx)
    of_day = f"{gathered.flow.id}-{window.day.isoformat()}-"
    free = next(
        name for name in (f"{of_day}{at:02}" for at in count(number)) if not _is_out(parts, name)
    )
    return Contents(
        package_id=free,
        flow=gathered.flow,
        agreement_id=agreement.id,
        agreement_version=agreement.version,
        agreement_hash=parts.agreed.hash,
        kind=gathered.kind,
        window_day=window.day,
        due_at=window.due_at,
        made_at=now,
        covers=tuple(item.day for item in covered),
        rows=lambda: gatherer.rows(gathered),
        update_positions=gatherer.update_positions(gathered),
        account=_account(parts, gathered),
        rehearsal=parts.home.is_rehearsal,
        supersedes=supersedes,
        checkpoint=checkpoint.note if checkpoint else None,
    )


def _is_out(parts: Dispatch, package_id: str) -> bool:
    with parts.database.transaction() as tx:
        if packages.get(tx, package_id) is not None:
            return False
    file = manifest_file(package_id)
    return any(parts.home.outbox.glob(f"*/*/{file}"))


def _account(parts: Dispatch, gathered: Gathered) -> Account:
    """What the certificate says of the drops: counts, and headings dropped or missing."""
    accounts: list[DropAccount] = []
    dropped: dict[str, None] = {}
    missing: dict[str, None] = {}
    for drop in gathered.drops:
        columns = json.loads(parts.sealer.open(drop.columns_sealed or b"", f"columns:{drop.id}"))
        dropped |= dict.fromkeys(columns["dropped"])
        missing |= dict.fromkeys(columns["missing"])
        accounts.append(
            DropAccount(
                drop=drop.id,
                received_at=drop.received_at,
                original_sha256=drop.sha256,
                sealed_sha256=drop.original,
                rows=drop.rows or 0,
                accepted=drop.accepted or 0,
                held=drop.held or 0,
                repeats=drop.repeats or 0,
            )
        )
    return Account(tuple(accounts), tuple(dropped), tuple(missing), gathered.repeats)


def addressees(parts: Dispatch, contents: Contents) -> list[Addressee]:
    """The flow's recipients with their pinned keys. Raises CryptoFault for a key not pinned."""
    return [
        Addressee(
            item.party,
            item.protection,
            parts.pins.exchange_of(item.party) if item.protection == "openpgp+password" else None,
        )
        for item in contents.flow.recipients
    ]

"""Recovery, three times, by the real program; then what there is, as JSON.

python tools/faults/recover.py HOME AT OUT
"""

import hashlib
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from gateway.bootstrap import open_parts  # noqa: E402
from gateway.cli import main  # noqa: E402
from gateway.cli.opening import open_for  # noqa: E402
from gateway.engine.invariants import examine  # noqa: E402
from gateway.engine.invariants.recovery import picture, unchanged  # noqa: E402
from gateway.engine.parts import Parts  # noqa: E402
from gateway.settings import Home  # noqa: E402
from gateway.store import alarms, ledger, receipts, states  # noqa: E402

TIMES = 3
_OFTEN = ("alarm.", "checkpoint.", "mail.", "clock.", "session.", "witness.")


def tick(home: Path, at: str) -> int:
    """`gateway tick`; its exit code."""
    sys.argv = ["gateway", "--home", str(home), "tick", "--now", at, "--json"]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)


def outcome(parts: Parts, folder: Path) -> dict[str, Any]:
    """What the exchange came to: states, receipts, leaves, and every delivered sheet's hash."""
    home = parts.home
    with parts.database.transaction() as tx:
        packages = [(row.id, row.kind, row.state, row.rows) for row in states.packages(tx)]
        deliveries = states.deliveries(tx)
        drops = [(row.flow, row.state, row.accepted, row.held) for row in states.drops(tx)]
        kinds = {
            row.id: [item.kind for item in receipts.of_delivery(tx, row.id)] for row in deliveries
        }
        events = Counter(json.loads(row.leaf)["event"] for row in ledger.leaves(tx))
        open_alarms = sorted(item.code for item in alarms.open_alarms(tx))
    sheets = {}
    for row in deliveries:
        file = home.outbox_of(row.party, "notifications") / row.file_name
        opened = open_for(home, file, row.party, folder / row.party, None)
        data = opened.files["data.xlsx"].read_bytes()
        sheets[row.id] = hashlib.sha256(data).hexdigest()
    told = {name: count for name, count in events.items() if not name.startswith(_OFTEN)}
    return {
        "drops": drops,
        "packages": packages,
        "deliveries": [(row.id, row.state) for row in deliveries],
        "receipts": kinds,
        "leaves": dict(sorted(told.items())),
        "sheets": sheets,
        "alarms": open_alarms,
        "work": sorted(
            str(item.relative_to(home.work)) for item in home.work.rglob("*") if item.is_file()
        ),
        "inbox": sum(item.is_file() for item in home.inbox.rglob("*.*") if item.name != ".gitkeep"),
        "reports": sorted(item.suffix for item in home.reports_of("ofsted").glob("[!.]*")),
    }


def recovered(root: Path, at: str) -> dict[str, Any]:
    """Recover, look at the invariants, and tell the outcome."""
    home = Home(root)
    codes, pictures = [], []
    for _ in range(TIMES):
        codes.append(tick(root, at))
        pictures.append(picture(home))
    with open_parts(home) as parts, tempfile.TemporaryDirectory() as folder:
        breaches = [*examine(parts), *unchanged(pictures[-2], pictures[-1])]
        told = outcome(parts, Path(folder))
    return {
        "ticks": codes,
        "breaches": [item.as_json() for item in breaches],
        "second": [item.subject for item in unchanged(pictures[0], pictures[1])],
        "outcome": told,
    }

"""`make demo`: one whole exchange on made-up extracts, told stage by stage.

    python tools/demo.py [FOLDER]

It drives the real command line, in a home of its own that is made anew each time (in var/demo).
Whatever is not as it should be ends the demo with the command, what it printed, and exit code 1.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from python_calamine import CalamineWorkbook
from rich.console import Console
from rich.table import Table

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else CHECKOUT / "var" / "demo"
HOME = FOLDER / "home"
SAMPLES = CHECKOUT / "samples"
ANNEX_A_HEADINGS = 33
RECEIPTS = ("collected", "opened", "accepted")
AFTERWARDS = "2025-03-14T13:00"
SHOWN = 6  # of the rows held in a file

screen = Console(highlight=False, width=None if sys.stdout.isatty() else 110)


def fail(what: str, *details: str) -> NoReturn:
    """Say what is not as it should be, and end."""
    screen.print(f"\n[bold red]The demo failed:[/] {what}", soft_wrap=True)
    for detail in details:
        screen.print(detail, markup=False, soft_wrap=True)
    sys.exit(1)


def expect(holds: bool, what: str, *details: str) -> None:
    """End the demo unless this holds."""
    if not holds:
        fail(what, *details)


def near(path: Path | str) -> str:
    """A path as seen from the checkout."""
    return os.path.relpath(path, CHECKOUT)


@dataclass
class Stages:
    """What was done, for the table at the end."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def begin(self, when: str, title: str, why: str) -> None:
        """Head a stage."""
        screen.print()
        screen.rule(f"[bold]{when}: {title}[/]", align="left", style="dim")
        screen.print(why)

    def done(self, stage: str, outcome: str, where: Path | str) -> None:
        """Note a stage's outcome and where its artefact lies."""
        self.rows.append((stage, outcome, os.path.relpath(where, FOLDER)))

    def table(self) -> Table:
        """All of them."""
        title = f"What happened, and where it lies in {near(FOLDER)}/"
        table = Table(title=title, title_justify="left", show_lines=True)
        table.add_column("Stage")
        table.add_column("Outcome and artefact", overflow="fold")
        for stage, outcome, where in self.rows:
            table.add_row(stage, f"{outcome}\n[cyan]{where}[/]")
        return table


# --- the command line ----------------------------------------------------------------------------


def gateway(*words: str) -> str:
    """Run one command of the gateway in the demo's home, show it, and give what it printed."""
    shown = " ".join(near(word) if Path(word).is_absolute() else word for word in words)
    screen.print(
        f"[cyan]$ .venv/bin/python -m gateway --home {near(HOME)} {shown}[/]", soft_wrap=True
    )
    command = [sys.executable, "-m", "gateway", "--home", str(HOME), *words]
    ran = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if ran.returncode != 0:
        fail(f"this command gave exit code {ran.returncode}.", ran.stdout, ran.stderr)
    return ran.stdout


def tick(now: str) -> dict[str, Any]:
    """Do all that is due at a time (London), and give the account of it."""
    said = gateway("tick", "--now", now, "--json")
    report: dict[str, Any] = json.loads(said)
    expect(not report["faults"], "the tick met faults.", said)
    return report


# --- the stages ----------------------------------------------------------------------------------


def make_home(stages: Stages) -> None:
    """A home with everyone's keys in it, for a rehearsal."""
    stages.begin(
        "To begin with",
        "a home for the gateway",
        "A home holds the agreement, the inboxes and outboxes, the keys and the records. This one\n"
        "is a REHEARSAL: every party's keys are in it, and it may be told what time it is.",
    )
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    gateway("init", "--rehearsal")
    agreement = HOME / "config" / "agreements" / "ofsted-dfe.toml"
    expect(agreement.is_file(), "the new home holds no agreement.")
    stages.done("Make a home", "the agreement, and keys for three parties", HOME)


def drop(stages: Stages, party: str, flow: str, file: Path, now: str) -> dict[str, int]:
    """Put an extract into an inbox, and let the gateway take it in; gives its findings by code."""
    inbox = HOME / "inbox" / party / flow
    expect(inbox.is_dir(), f"the home has no folder {near(inbox)}.")
    screen.print(f"\n[cyan]$ cp {near(file)} {near(inbox)}/[/]", soft_wrap=True)
    shutil.copyfile(file, inbox / file.name)
    report = tick(now)
    expect(len(report["drops"]) == 1, "the file was not taken in.", json.dumps(report))
    expect(not any(inbox.iterdir()), "the file is still in the inbox.")
    taken: dict[str, Any] = report["drops"][0]
    told = {key: taken[key] for key in ("rows", "accepted", "held", "repeats")}
    whole = told["rows"] == told["accepted"] + told["held"] + told["repeats"]
    good = taken["state"] == "partly-held" and told["accepted"] > 0 and told["held"] > 0
    expect(whole and good, "the sample was not judged as it should be.", json.dumps(taken))
    outcome = "{rows} rows: {accepted} accepted, {held} held, {repeats} repeated".format(**told)
    screen.print(f"[bold]{outcome}.[/] Held, and why:")
    show_held(Path(taken["report"]).with_suffix(".csv"))
    stages.done(f"{party} drops {file.suffix[1:].upper()}", outcome, taken["report"])
    return dict(taken["findings"])


def show_held(sheet: Path) -> None:
    """The first rows held, and why; a finding never quotes a cell."""
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        findings = list(csv.DictReader(file))
    errors = [item for item in findings if item["severity"] == "error"]
    table = Table()
    table.add_column("Row", justify="right")
    for name in ("Column", "What is wrong", "What to do"):
        table.add_column(name)
    for item in errors[:SHOWN]:
        table.add_row(item["row"], item["column"], item["what is wrong"], item["what to do"])
    screen.print(table)
    queries = len(findings) - len(errors)
    more = f"{len(errors) - SHOWN} more errors and " if len(errors) > SHOWN else ""
    screen.print(f"{more}{queries} queries are in the report.", style="dim")


def window(stages: Stages, flow: str, now: str, parties: list[str]) -> dict[str, Path]:
    """Let a window fall due: one package, placed with each recipient."""
    report = tick(now)
    made = [package for package in report["packages"] if package["flow"] == flow]
    expect(len(made) == 1, f"not exactly one package of {flow} was made.", json.dumps(report))
    placed = {item["party"]: Path(item["file"]) for item in report["deliveries"]}
    expect(sorted(placed) == sorted(parties), "it was not placed with all.", json.dumps(report))
    screen.print(f"One package of {made[0]['rows']} rows, sealed to each recipient's own key:")
    for party, path in placed.items():
        expect(path.is_file(), f"{near(path)} is not there.")
        screen.print(f"  {party}: {near(path)}", soft_wrap=True)
        stages.done(f"{flow}: window", f"sealed and placed with {party}", path)
    again = tick(now)
    expect(not again["packages"] and not again["deliveries"], "a second tick sent something again.")
    screen.print("Told the same time again, the gateway sends nothing twice.", style="dim")
    return placed


def open_package(stages: Stages, party: str, package: Path, now: str) -> list[list[Any]]:
    """Open a package as its recipient, with its receipts; gives the sheet's rows."""
    folder = FOLDER / "opened" / party
    words = ("--party", party, "--to", str(folder), "--receipt", "--now", now)
    gateway("open", str(package), *words)
    book = folder / "data.xlsx"
    expect(book.is_file(), f"opening wrote no {near(book)}.")
    rows: list[list[Any]] = CalamineWorkbook.from_path(book).get_sheet_by_index(0).to_python()
    outcome = f"verified and opened: {len(rows) - 1} rows, {len(rows[0])} columns"
    screen.print(outcome.capitalize() + ".")
    stages.done(f"{party} opens it", outcome, book)
    return rows


def acknowledge(stages: Stages, party: str, package: Path, now: str) -> None:
    """A named officer of the recipient accepts it, with a key of their own."""
    words = ("--party", party, "--officer", f"{party}-officer-1", "--now", now)
    gateway("acknowledge", str(package), *words)
    folder = HOME / "inbox" / party / "receipts"
    receipts = sorted(folder.glob("*.receipt.json"))
    expect(len(receipts) == len(RECEIPTS), f"{near(folder)} has not three receipts.")
    kinds = [json.loads(receipt.read_bytes())["kind"] for receipt in receipts]
    expect(sorted(kinds) == sorted(RECEIPTS), f"the receipts of {party} are {kinds}.")
    for receipt, kind in zip(receipts, kinds, strict=True):
        signer = HOME / "keys" / "parties" / f"{party}-exchange.asc"
        if kind == "accepted":
            signer = HOME / "keys" / "officers" / f"{party}-officer-1.asc"
        verify(receipt, signer)
    screen.print(f"Verified with gpg alone: {', '.join(kinds)}, each by the right key.")
    kept = FOLDER / "receipts" / party  # the inbox is empty once the gateway has taken them
    shutil.copytree(folder, kept)
    stages.done(f"{party} accepts it", "three receipts, signed: " + ", ".join(kinds), kept)


def verify(receipt: Path, key: Path) -> None:
    """Verify a receipt's signature with gpg and one public key, without the gateway."""
    with tempfile.TemporaryDirectory(prefix="gw") as folder:
        gpg = ["gpg", "--homedir", folder, "--batch", "--quiet", "--no-autostart"]
        for words in (["--import", str(key)], ["--verify", f"{receipt}.asc", str(receipt)]):
            ran = subprocess.run([*gpg, *words], capture_output=True, text=True, check=False)
            expect(ran.returncode == 0, f"gpg does not verify {near(receipt)}.", ran.stderr)


def receipts_in(stages: Stages, package_id: str, parties: list[str], now: str) -> None:
    """The gateway judges the receipts that came back: now the package's life has ended well."""
    report = tick(now)
    recorded = [item for item in report["receipts"] if item["package"] == package_id]
    expect(len(recorded) == len(parties) * len(RECEIPTS), "not every receipt counted.")
    told: dict[str, Any] = json.loads(gateway("status", "--now", now, "--json"))
    states = {
        item["party"]: item["state"] for item in told["deliveries"] if item["package"] == package_id
    }
    expect(states == dict.fromkeys(parties, "accepted"), "not everyone has accepted it.")
    outcome = f"{len(recorded)} receipts recorded: accepted by {' and '.join(parties)}"
    screen.print(outcome.capitalize() + ".")
    stages.done("Receipts are back", outcome, HOME / "var" / "gateway.db")


def samples(flow: str) -> list[Path]:
    """The sample extracts of a flow: a CSV, and a workbook."""
    files = [*SAMPLES.glob(f"{flow}-*.csv"), *SAMPLES.glob(f"{flow}-*.xlsx")]
    expect(len(files) == 2, f"{near(SAMPLES)} holds {len(files)} samples of {flow}, not two.")
    return files


def rows_of(sample: Path) -> list[list[str]]:
    """A sample's rows from its headings on, read without the gateway."""
    if sample.suffix == ".xlsx":
        sheet = CalamineWorkbook.from_path(sample).get_sheet_by_index(0)
        rows = [[str(cell) for cell in row] for row in sheet.to_python()]
    else:
        with sample.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    return rows[next(at for at, row in enumerate(rows) if "NHS number" in row) :]


def nothing_in_the_clear(stages: Stages) -> None:
    """Look through every file of the home for values that only the senders' extracts held."""
    stages.begin(
        "To end with",
        "is anything left in the clear?",
        "Every file of the home is searched for the names, addresses and NHS numbers of the\n"
        "dropped extracts.",
    )
    wanted = set()
    for file in samples("notifications"):
        lines = rows_of(file)
        for row in lines[1:]:
            told = dict(zip(lines[0], row, strict=False))
            for heading in ("Child's full name", "Mother's name", "Address line 1", "NHS number"):
                wanted.add(told[heading].encode())
    wanted.discard(b"")
    expect(len(wanted) > 300, "the samples hold fewer names than they should.")
    files = [path for path in HOME.rglob("*") if path.is_file() and not path.is_symlink()]
    for path in files:
        content = path.read_bytes()
        found = [value for value in wanted if value in content]
        expect(not found, f"{near(path)} holds {len(found)} of them in the clear.")
    outcome = f"{len(wanted)} values, {len(files)} files: none found"
    screen.print(outcome.capitalize() + ".")
    stages.done("Search the home", outcome, HOME)


def notifications(stages: Stages) -> None:
    """Thursday: Ofsted sends."""
    day = "Thursday 13 March 2025"
    stages.begin(
        f"{day}, 09:30",
        "Ofsted drops two extracts",
        "They are messy on purpose: headings in other words and order, columns of names and\n"
        "addresses, faults. Rows with an error are held, the others go, and no column outside\n"
        "Annex A goes at all.",
    )
    for file, minute in zip(samples("notifications"), (30, 40), strict=True):
        drop(stages, "ofsted", "notifications", file, f"2025-03-13T09:{minute}")
    stages.begin(
        f"{day}, 16:00",
        "the working day's window",
        "The accepted rows become one workbook in a password-protected zip, signed by the gateway\n"
        "and encrypted to each recipient.",
    )
    placed = window(stages, "notifications", "2025-03-13T16:00", ["dfe", "panel"])
    stages.begin(
        f"{day}, later",
        "DfE and the panel's secretariat open it",
        "Each with its own key. Here the rehearsal knows the zip's password; in service it is\n"
        "released apart.",
    )
    opened = {
        party: open_package(stages, party, path, "2025-03-13T16:20")
        for party, path in placed.items()
    }
    expect(opened["dfe"] == opened["panel"], "DfE and the panel did not get the same rows.")
    expect(len(opened["dfe"][0]) == ANNEX_A_HEADINGS, "the sheet has not the Annex A headings.")
    stages.begin(
        f"{day}, 16:40",
        "a named officer of each accepts it",
        "Opening it made two receipts, signed with the recipient's key: collected, opened. The\n"
        "third is a person's: an officer looks, and accepts or queries, with a key of their own.",
    )
    for party, path in placed.items():
        acknowledge(stages, party, path, "2025-03-13T16:40")
    receipts_in(stages, "notifications-2025-03-13-01", ["dfe", "panel"], "2025-03-13T16:45")


def updates(stages: Stages) -> None:
    """Friday: DfE answers."""
    day = "Friday 14 March 2025"
    stages.begin(
        f"{day}, 09:30",
        "DfE drops its weekly updates",
        "The decisions on serious case reviews, about references that Ofsted sent yesterday, and\n"
        "one that it never sent.",
    )
    never_sent = 0
    for file, minute in zip(samples("scr-updates"), (30, 40), strict=True):
        found = drop(stages, "dfe", "scr-updates", file, f"2025-03-14T09:{minute}")
        never_sent += found.get("reconcile.unknown-reference", 0)
    expect(never_sent == 1, f"{never_sent} references were never sent, and it should be one.")
    screen.print(
        "One of them names a reference that Ofsted never sent: it is queried, and goes on."
    )
    stages.begin(f"{day}, 12:00", "the weekly window", "The other direction: from DfE to Ofsted.")
    placed = window(stages, "scr-updates", "2025-03-14T12:00", ["ofsted"])
    open_package(stages, "ofsted", placed["ofsted"], "2025-03-14T12:20")
    acknowledge(stages, "ofsted", placed["ofsted"], "2025-03-14T12:40")
    receipts_in(stages, "scr-updates-2025-03-14-01", ["ofsted"], "2025-03-14T12:45")
    reconciled = "reconciliation-scr-updates-2025-03-14.csv.gpg"
    for party in ("ofsted", "dfe"):
        sealed = HOME / "outbox" / party / "reports" / reconciled
        expect(sealed.is_file(), f"{near(sealed)} is not there.")
        outcome = f"what waits for a decision, by age: sealed to {party}"
        stages.done("Reconciliation", outcome, sealed)


def _config(name: str) -> str:
    return (HOME / "config" / name).read_text(encoding="utf-8")


def prove_it(stages: Stages) -> None:
    """What happened is given out, and verified by a program that knows nothing of the gateway."""
    stages.begin(
        "To prove it",
        "an evidence pack, verified by somebody else's means",
        "Every event above is a leaf of the ledger. The two days become one file, and one program\n"
        "verifies it from an empty folder: with gpg, the keys that a reader has, and a\n"
        "checkpoint that DfE has kept.",
    )
    pack = FOLDER / "evidence.zip"
    kept = FOLDER / "kept-by-dfe"
    shutil.copyfile(HOME / "outbox" / "dfe" / "checkpoint", kept)
    gateway("ledger", "verify")
    days = ("--from", "2025-03-13", "--to", "2025-03-14")
    gateway("evidence", "export", *days, str(pack), "--now", AFTERWARDS)
    with tempfile.TemporaryDirectory(prefix="auditor-") as elsewhere:
        alone = shutil.copy(CHECKOUT / "tools" / "verify_evidence.py", elsewhere)
        keys = ["--keys", str(HOME / "config" / "ledger-keys"), "--checkpoint", str(kept)]
        for told in ("parties.toml", "officers.toml"):
            pinned = re.findall(r'= "((?:[0-9A-F]{4} ){9}[0-9A-F]{4})"', _config(told))
            keys += [word for key in pinned for word in ("--fingerprint", key)]
        ran = subprocess.run(
            [sys.executable, "-P", alone, str(pack), *keys],
            cwd=elsewhere,
            capture_output=True,
            text=True,
            check=False,
        )
    expect(ran.returncode == 0, "the pack does not verify.", ran.stdout, ran.stderr)
    screen.print("[cyan]$ python verify_evidence.py evidence.zip[/] …")
    screen.print(ran.stdout.strip(), markup=False, soft_wrap=True)
    expect("by dfe-officer-1 of dfe: 1 accepted" in ran.stdout, "no officer's receipt is proven.")
    stages.done("Prove it", "an evidence pack: everything that is signed holds", pack)


def main() -> None:
    """Tell the whole story."""
    screen.print("[bold]One whole exchange between Ofsted and DfE[/], on made-up extracts.")
    stages = Stages()
    make_home(stages)
    notifications(stages)
    updates(stages)
    prove_it(stages)
    nothing_in_the_clear(stages)
    screen.print()
    screen.print(stages.table())
    screen.print(
        "\nAll as it should be. Next: look into the reports and workbooks above, or start the "
        "service with [bold]make run[/].",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()

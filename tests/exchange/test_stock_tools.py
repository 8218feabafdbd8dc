"""A package opens with stock tools alone: gpg, 7z and a spreadsheet reader (design §7)."""

import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

import openpyxl
import pytest

ANNEX_A = [
    "Reference number",
    "Local authority",
    "Child's initials",
    "Gender",
    "Ethnicity",
    "Nationality",
    "Date of birth",
    "Date of incident",
    "Age",
    "Date notification was received",
    "Local authority contact",
    "Nature of notification",
    "Death of child: yes or no",
    "Death: whether natural causes",
    "Main cause",
    "Legal status of child",
    "Whether child was subject to child protection plan at time of incident, or previously",
    "Any prior disability",
    "Where child was living",
    "Involvement of agencies",
    "Any other settings attended and their name",
    "Whether an incident occurred at other setting",
    "Unique reference numbers",
    "Case information",
    "Child protection database reference",
    "CIE date",
    "Serious case review (SCR) status",
    "Date of SCR panel",
    "SCR decision date",
    "SCR report received date",
    "Report author",
    "Date SCR to be published",
    "Linked cases",
]
AT = "2026-03-02T16:05"


def ran(*command: str, **environment: str) -> str:
    """What a stock program printed; it must have succeeded."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{command[0]} failed: {done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.parametrize("party", ["dfe", "panel"])
def test_package_opens_with_stock_tools(
    party, rehearsal_home, inbox, extract, dropped_headings, run_gateway, need_program, tmp_path
):
    gpg, seven_zip = need_program("gpg"), need_program("7z")
    (inbox / "monday.csv").write_text(extract(12), encoding="utf-8")
    ticked = run_gateway(rehearsal_home, "tick", "--now", AT, "--json")
    assert ticked.returncode == 0, ticked.stderr
    package_id = "notifications-2026-03-02-01"
    outbox = rehearsal_home / "outbox" / party / "notifications"
    assert sorted(path.name for path in outbox.iterdir()) == [
        f"{package_id}.manifest.json",
        f"{package_id}.manifest.json.asc",
        f"{package_id}.zip.gpg",
    ]
    password = run_gateway(rehearsal_home, "password", package_id, "--party", party).stdout.strip()
    keyring = {"GNUPGHOME": short_name(rehearsal_home / "keys" / "rehearsal" / party)}
    try:
        zipped = tmp_path / "package.zip"
        package = outbox / f"{package_id}.zip.gpg"
        told = ran(gpg, "--batch", "--output", str(zipped), "--decrypt", str(package), **keyring)
        assert "Good signature" in told
        manifest = outbox / f"{package_id}.manifest.json"
        told = ran(gpg, "--batch", "--verify", f"{manifest}.asc", str(manifest), **keyring)
        assert "Good signature" in told
    finally:
        end_agents(keyring)
    ran(seven_zip, "x", f"-p{password}", f"-o{tmp_path / 'opened'}", str(zipped))

    outer = json.loads(manifest.read_bytes())
    inner = json.loads((tmp_path / "opened" / "manifest.json").read_bytes())
    workbook = tmp_path / "opened" / "data.xlsx"
    assert outer["delivery_sha256"] == sha256(package)
    assert outer["zip_sha256"] == sha256(zipped)
    assert inner["files"] == {"data.xlsx": sha256(workbook)}
    assert sorted(inner["certificate"]["columns_dropped"]) == sorted(dropped_headings)
    assert outer["columns_dropped"]["others"] == 1
    assert outer["counts"]["sent"] == 12
    rows = list(openpyxl.load_workbook(workbook).active.iter_rows(values_only=True))
    assert list(rows[0]) == ANNEX_A
    assert [row[0] for row in rows[1:]] == [f"SCN{number:08d}" for number in range(1, 13)]
    assert rows[1][6].date().isoformat() == "2016-05-04", "a date is a true date cell"


def test_a_spreadsheet_program_opens_it(
    rehearsal_home, inbox, extract, run_gateway, need_program, tmp_path
):
    if not any((Path(folder) / "soffice").exists() for folder in os.get_exec_path()):
        pytest.skip("LibreOffice is not installed")
    office = need_program("soffice")
    (inbox / "monday.csv").write_text(extract(3), encoding="utf-8")
    assert run_gateway(rehearsal_home, "tick", "--now", AT).returncode == 0
    package = "notifications-2026-03-02-01.zip.gpg"
    found = rehearsal_home / "outbox" / "dfe" / "notifications" / package
    opened = run_gateway(
        rehearsal_home, "open", str(found), "--party", "dfe", "--to", str(tmp_path / "opened")
    )
    assert opened.returncode == 0, opened.stderr
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    source = str(tmp_path / "opened" / "data.xlsx")
    ran(office, profile, "--headless", "--convert-to", "csv", "--outdir", str(tmp_path), source)
    lines = (tmp_path / "data.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("Reference number,Local authority,Child's initials")
    assert lines[1].startswith("SCN00000001,Camden,")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def short_name(folder: Path) -> str:
    """gpg's sockets need a short path; a recipient's own key folder has one."""
    link = Path(tempfile.gettempdir()) / f"k{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
    return str(link)


def end_agents(environment: dict[str, str]) -> None:
    """End the agents that gpg started there, and drop the short name."""
    ran("gpgconf", "--kill", "all", **environment)
    Path(environment["GNUPGHOME"]).unlink()

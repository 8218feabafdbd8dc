"""After an exchange no value of the extract is to be found in the home outside ciphertext."""

import json
import os
from pathlib import Path

import pytest

AT = "2026-03-02T16:05"
# One token for every column that holds free text, a reference, or must be dropped.
TOKENS = {
    "Reference number": "TKREF7741",
    "Local authority contact": "Tkcontactwert",
    "Any other settings attended and their name": "Tksettingwert",
    "Unique reference numbers": "TKURN5512",
    "Case information": "Tkcasewert",
    "Child protection database reference": "TKCPD9931",
    "Report author": "Tkauthorwert",
    "Linked cases": "TKLINK3377",
    "Child's full name": "Tkfullname Tksurname",
    "Address line 1": "7 Tkaddress Row",
    "Postcode": "QX1 7TK",
    "NHS number": "999 000 0018",
    "Mother's name": "Tkmother Tkmaiden",
    "Narrative": "Tknarrative",
    "A column nobody has heard of": "Tkunheard",
}


def tokens_of(number: int) -> dict[str, str]:
    """The row's own tokens: no two rows share one."""
    return {
        heading: value if heading in ("Postcode", "NHS number") else f"{value}{number}"
        for heading, value in TOKENS.items()
    }


def spellings(value: str) -> set[bytes]:
    """A value as it could lie on a disk: UTF-8 or UTF-16, as it is or folded."""
    forms = {value, value.casefold(), value.upper()}
    return {form.encode(encoding) for form in forms for encoding in ("utf-8", "utf-16-le")}


def needles() -> set[bytes]:
    """Every token of every row, word by word where it has words."""
    words: set[str] = set()
    for number in (1, 2, 3):
        for value in tokens_of(number).values():
            words.add(value)
            words.update(word for word in value.split() if word.lower().startswith("tk"))
    return {spelling for word in words for spelling in spellings(word)}


def found_in(home: Path) -> list[str]:
    """Files of the home that hold a token: every file but unclaimed drops."""
    hits = []
    tokens = needles()
    for folder, _, names in os.walk(home):
        for name in names:
            path = Path(folder) / name
            if path.is_socket() or path.is_relative_to(home / "inbox"):
                continue
            content = path.read_bytes()
            hits += [f"{path}: {token!r}" for token in tokens if token in content]
    return hits


@pytest.mark.parametrize("held", [False, True], ids=["all accepted", "one row held"])
def test_no_value_outside_ciphertext(held, rehearsal_home, inbox, extract, run_gateway, tmp_path):
    def change(number):
        tokens = tokens_of(number)
        if held and number == 2:
            tokens["Case information"] += " seen with Tkfullname2 Tksurname2"
        return tokens

    (inbox / "TKFILENAME.csv").write_text(extract(3, change=change), encoding="utf-8")
    (inbox / "broken.csv").write_text("Reference number\nTKBROKEN1\n", encoding="utf-8")
    ticked = run_gateway(rehearsal_home, "tick", "--now", "2026-03-02T10:00", "--json")
    assert ticked.returncode == 0, ticked.stderr
    states = sorted(drop["state"] for drop in json.loads(ticked.stdout)["drops"])
    assert states == ["partly-held" if held else "accepted", "quarantined"] or states == [
        "accepted",
        "quarantined",
    ]
    dispatched = run_gateway(rehearsal_home, "tick", "--now", AT, "--json")
    shown = run_gateway(rehearsal_home, "status", "--now", AT, "--json")
    logs = [ticked, dispatched, shown]

    assert found_in(rehearsal_home) == []
    for done in logs:
        told = (done.stdout + done.stderr).encode()
        assert [token for token in needles() if token in told] == []

    package = "notifications-2026-03-02-01.zip.gpg"
    opened = run_gateway(
        rehearsal_home,
        "open",
        str(rehearsal_home / "outbox" / "dfe" / "notifications" / package),
        "--party",
        "dfe",
        "--to",
        str(tmp_path / "opened"),
    )
    assert opened.returncode == 0, opened.stderr
    assert found_in(tmp_path / "opened") == [], "a workbook is deflated: look inside it"


def test_the_search_would_find_a_token(rehearsal_home):
    (rehearsal_home / "var" / "leak.log").write_text("seen: tkfullname1", encoding="utf-8")
    assert len(found_in(rehearsal_home)) == 1

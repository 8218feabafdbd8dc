"""`evidence export` and `assurance`: what they print and write, and what they refuse."""

import hashlib
import json

from rehearsing import clean_row

DAY, AT = ("--from", "2026-03-02", "--to", "2026-03-02"), "2026-03-02T17:00"


def test_a_pack_is_written_once(work, call, tmp_path):
    work.rows(clean_row(1))
    work.tick("2026-03-02T16:05")
    pack = tmp_path / "pack.zip"
    words = ("evidence", "export", *DAY, str(pack), "--now", AT)
    ran = call(work.home.root, *words, "--json", "--case", "SCN000001")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["sha256"] == hashlib.sha256(pack.read_bytes()).hexdigest()
    assert told["packages"] == ["notifications-2026-03-02-01"]
    assert "SCN000001" not in ran.stdout + ran.stderr
    again = call(work.home.root, *words)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    backwards = ("--from", "2026-03-03", "--to", "2026-03-02")
    ran = call(work.home.root, "evidence", "export", *backwards, str(tmp_path / "no"), "--now", AT)
    assert ran.returncode == 1
    assert "evidence.no-days" in ran.stderr
    assert not (tmp_path / "no").exists()


def test_assurance_on_the_screen_as_json_and_as_a_page(work, call, tmp_path):
    ran = call(work.home.root, "assurance", "--now", AT)
    assert ran.returncode == 0, ran.stderr
    assert "12(d)  Password-protected, each working day: Enforced" in ran.stdout
    assert "Not applicable because" in ran.stdout
    told = json.loads(call(work.home.root, "assurance", "--json", "--now", AT).stdout)
    assert told["format"] == "gateway-assurance/1"
    assert len(told["clauses"]) == 28
    page = tmp_path / "assurance.html"
    ran = call(work.home.root, "assurance", "--html", str(page), "--now", AT)
    assert ran.stdout.startswith("28 clauses written to ")
    assert "Annex A" in page.read_text()

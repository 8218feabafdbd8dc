"""Custody: what is kept is handed over, audited, held, and destroyed by both parties alone."""

import ast
import json
import sqlite3
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bagit
import pytest
import sqlalchemy as sa
from approving import approved_by
from rehearsing import AtWork, clean_row
from s3server import GATEWAY, REGION, VAULT, S3Server, vault_policy

import gateway
from gateway.access.approvals import ApprovalRefused
from gateway.engine import custody
from gateway.engine.acts import carry_out
from gateway.engine.outside import look_at_buckets
from gateway.receipts.recall import ActRefused
from gateway.records import holds
from gateway.records.bags import write_bag
from gateway.records.holds import HoldRefused, Wanted
from gateway.store import guards
from gateway.store import holds as hold_rows
from gateway.store.database import StoreFault
from gateway.store.kept import APPEND_ONLY, KEYS, NEVER_REMOVED
from gateway.store.lifecycles import advance

OFSTED, DFE = "ofsted-officer-3", "dfe-officer-3"
ASKER, OTHER = "ofsted-officer-1", "ofsted-officer-2"
REFERENCE, FLOW = "SCN000001", "notifications"
MONDAY, NEXT = "2026-03-02T16:10", "2026-03-03T09:00"
REASON = "The inquiry has ended and the parties have reviewed how long this is kept."


@pytest.fixture
def kept(recipients: Any, shared_reader: Any) -> Iterator[SimpleNamespace]:
    """A home whose one package both recipients have accepted; ``before``: all it has is older."""
    parts, now = recipients.parts, recipients.now
    with parts.database.transaction() as tx:
        for party in ("dfe", "panel"):
            key = {"id": f"{recipients.package_id}:{party}"}
            for frm, to in (
                ("placed", "collected"),
                ("collected", "opened"),
                ("opened", "accepted"),
            ):
                advance(tx, "delivery", key, frm, to)
        advance(tx, "package", {"id": recipients.package_id}, "placed", "accepted")
    yield SimpleNamespace(
        parts=parts,
        now=now,
        before=now + timedelta(days=1),
        package=recipients.package_id,
        work=AtWork(parts.home.root, shared_reader),
    )


def plan(kept: SimpleNamespace) -> Any:
    with kept.parts.database.transaction() as tx:
        return custody.plan_of(kept.parts, tx, kept.before)


def the_hold(kept: SimpleNamespace) -> str:
    with kept.parts.database.transaction() as tx:
        [hold] = hold_rows.every(tx, "on")
    return hold.id


def end_the_hold(kept: SimpleNamespace) -> None:
    asked = custody.ask_end_hold(kept.parts, the_hold(kept), REASON, ASKER, kept.now)
    approved_by(kept.parts, kept.now, asked, OFSTED, DFE)
    ended, faults = carry_out(kept.parts, kept.now)
    assert ([item.code for item in ended], faults) == ([None], [])


def begin(kept: SimpleNamespace, scope: holds.Scope, **more: str) -> str:
    wanted = Wanted(scope, REASON, date(2027, 3, 2), **more)
    with kept.parts.database.transaction() as tx:
        known = kept.parts.sealer, kept.parts.keyed
        return holds.begin(tx, *known, wanted, ASKER, kept.now).id


# --- holds ----------------------------------------------------------------------------------------


def test_a_home_is_held_from_the_first_day(kept: SimpleNamespace) -> None:
    planned = plan(kept)
    assert (planned.items, planned.held) == ((), 7)  # an original, and three files for each of two
    with pytest.raises(ActRefused) as refused:
        custody.ask_destroy(kept.parts, kept.before, REASON, ASKER, kept.now)
    assert refused.value.code == "retention.held"
    assert kept.work.leaves("deletion.refused")[-1]["facts"] == {"code": "retention.held"}
    with kept.parts.database.transaction() as tx:
        [hold] = hold_rows.every(tx)
    assert (hold.scope, hold.review_on > hold.begun_at.date()) == ("everything", True)
    assert "Inquiry" in holds.reason_of(kept.parts.sealer, hold)
    assert REASON not in "".join(kept.work.database())


def test_a_hold_ends_by_both_parties_and_no_other_way(kept: SimpleNamespace) -> None:
    asked = custody.ask_end_hold(kept.parts, the_hold(kept), REASON, ASKER, kept.now)
    approved_by(kept.parts, kept.now, asked, OFSTED)
    with pytest.raises(ApprovalRefused) as refused:
        approved_by(kept.parts, kept.now, asked, OTHER)
    assert refused.value.code == "approval.one-of-each"
    carry_out(kept.parts, kept.now)
    assert plan(kept).items == ()
    approved_by(kept.parts, kept.now, asked, DFE)
    carry_out(kept.parts, kept.now)
    assert len(plan(kept).items) == 7
    [leaf] = kept.work.leaves("hold.ended")
    assert leaf["facts"] == {"scope": "everything", "flow": "all", "request": asked.id}
    with pytest.raises(HoldRefused):
        custody.ask_end_hold(kept.parts, leaf["subject"][5:], REASON, ASKER, kept.now)


@pytest.mark.parametrize(
    ("scope", "more", "free"),
    [
        ("flow", {"flow": FLOW}, 0),
        ("flow", {"flow": "scr-updates"}, 7),
        ("case", {"flow": FLOW, "reference": REFERENCE}, 0),
        ("case", {"flow": FLOW, "reference": f" {REFERENCE.lower()} "}, 0),
        ("case", {"flow": FLOW, "reference": "SCN999999"}, 0),  # never seen: it may be anywhere
        ("everything", {}, 0),
    ],
)
def test_a_hold_covers_what_it_may_be_about(
    kept: SimpleNamespace, scope: holds.Scope, more: dict[str, str], free: int
) -> None:
    end_the_hold(kept)
    begin(kept, scope, **more)
    assert len(plan(kept).items) == free
    assert REFERENCE not in "".join(kept.work.database())


def test_another_case_leaves_free_what_surely_is_not_it(kept: SimpleNamespace) -> None:
    """Its package is known, and the one that lies here is of a day before it."""
    with kept.parts.database.transaction() as tx:
        later = "notifications-2026-03-09-01"
        row = kept.work.query("SELECT * FROM packages")[0]
        mark = ", ".join("?" * len(row))
        values = (later, row[1], "2026-03-09", *row[3:])
        tx.exec_driver_sql(f"INSERT INTO packages VALUES ({mark})", values)  # noqa: S608
        mac = kept.parts.keyed.reference(FLOW, "SCN000777")
        told = (FLOW, mac, b"r" * 32, b"s", later, later)
        tx.exec_driver_sql("INSERT INTO sent_references VALUES (?, ?, ?, ?, ?, ?)", told)
    end_the_hold(kept)
    begin(kept, "case", flow=FLOW, reference="SCN000777")
    assert len(plan(kept).items) == 7


def test_a_hold_is_looked_at_again(kept: SimpleNamespace) -> None:
    hold = the_hold(kept)
    with kept.parts.database.transaction() as tx:
        due = hold_rows.every(tx)[0].review_on
    later = kept.now.replace(year=due.year + 1)
    custody.watch_custody(kept.parts, later)
    assert kept.work.alarms()["hold.review-due"] == f"hold:{hold}"
    with kept.parts.database.transaction() as tx:
        holds.review(tx, hold, date(due.year + 2, 1, 1), ASKER, later)
        with pytest.raises(HoldRefused):
            holds.review(tx, hold, due, ASKER, later)
    custody.watch_custody(kept.parts, later)
    assert "hold.review-due" not in kept.work.alarms()


# --- destruction ----------------------------------------------------------------------------------


def test_both_parties_destroy_and_both_get_the_certificate(kept: SimpleNamespace) -> None:
    end_the_hold(kept)
    before = {item.sha256: item for item in plan(kept).items}
    assert kept.work.outbox("dfe") and kept.parts.vault.names() == set(before)
    asked, _ = custody.ask_destroy(kept.parts, kept.before, REASON, ASKER, kept.now)
    approved_by(kept.parts, kept.now, asked, OFSTED)
    carry_out(kept.parts, kept.now)
    assert kept.parts.vault.names() == set(before)  # one party alone destroys nothing
    approved_by(kept.parts, kept.now, asked, DFE)
    ended, faults = carry_out(kept.parts, kept.now)
    assert ([item.code for item in ended], faults) == ([None], [])
    assert kept.parts.vault.names() == set()
    assert kept.work.outbox("dfe") == []
    assert len(kept.work.query("SELECT * FROM vault")) == 7  # that it was kept is told for ever
    bodies = set()
    for party in ("ofsted", "dfe"):
        path = kept.parts.home.reports_of(party) / f"destruction-{asked.id}.json"
        signed = path.with_name(f"{path.name}.asc")
        kept.parts.openpgp.verify_detached(path, signed, kept.parts.pins.gateway)
        bodies.add(path.read_bytes())
    told = json.loads(bodies.pop())
    assert not bodies
    assert {json.loads(item)["sha256"] for item in told["objects"]} == set(before)
    assert {item["party"] for item in told["approvals"]} == {"ofsted", "dfe"}
    assert len(kept.work.leaves("object.destroyed")) == 7
    found = custody.audit_vault(kept.parts, kept.now)
    assert (found.objects, found.destroyed, found.wrong) == (0, 7, ())
    assert plan(kept).items == ()


def test_a_hold_begun_after_the_approvals_wins(kept: SimpleNamespace) -> None:
    end_the_hold(kept)
    asked, _ = custody.ask_destroy(kept.parts, kept.before, REASON, ASKER, kept.now)
    approved_by(kept.parts, kept.now, asked, OFSTED, DFE)
    begin(kept, "case", flow=FLOW, reference=REFERENCE)
    [item], _ = carry_out(kept.parts, kept.now)
    assert item.code == "retention.changed"
    assert len(kept.parts.vault.names()) == 7


def test_destruction_cut_short_goes_on(
    kept: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_the_hold(kept)
    asked, _ = custody.ask_destroy(kept.parts, kept.before, REASON, ASKER, kept.now)
    approved_by(kept.parts, kept.now, asked, OFSTED, DFE)
    vault = kept.parts.vault
    real, count = vault.destroy, iter(range(9))

    def stops(sha256: str) -> None:
        real(sha256)
        if next(count) == 2:
            raise OSError(5, "the disk")

    with monkeypatch.context() as patch:
        patch.setattr(vault, "destroy", stops)
        _, [fault] = carry_out(kept.parts, kept.now)
    assert fault.code == "disk.broken"
    assert len(vault.names()) == 4
    [ended], faults = carry_out(kept.parts, kept.now + timedelta(minutes=1))
    assert (ended.code, faults, vault.names()) == (None, [], set())


def test_what_is_needed_is_not_destroyed(work: AtWork) -> None:
    """A drop that waits for its window, and a package that not all have accepted."""
    work.rows(clean_row(1))
    work.tick(MONDAY)
    work.rows(clean_row(2))
    work.tick("2026-03-02T17:00")
    with work.parts(NEXT) as (parts, now):
        with parts.database.transaction() as tx:
            hold = hold_rows.every(tx)[0].id
        asked = custody.ask_end_hold(parts, hold, REASON, ASKER, now)
        approved_by(parts, now, asked, OFSTED, DFE)
        carry_out(parts, now)
        with parts.database.transaction() as tx:
            planned = custody.plan_of(parts, tx, now)
        assert (planned.items, planned.held, planned.needed) == ((), 0, 8)
        with pytest.raises(ActRefused) as refused:
            custody.ask_destroy(parts, now, REASON, ASKER, now)
        assert refused.value.code == "retention.nothing"


# --- every way to delete --------------------------------------------------------------------------


def test_sql_removes_and_rewrites_nothing(kept: SimpleNamespace) -> None:
    """By the service's own connection, and by another program's that switches its checks off."""
    plain = sqlite3.connect(kept.parts.home.database, isolation_level=None)
    plain.executescript("PRAGMA foreign_keys = OFF; PRAGMA recursive_triggers = OFF;")
    before = list(plain.iterdump())
    for table in (*APPEND_ONLY, *NEVER_REMOVED):
        if plain.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,):  # noqa: S608
            continue
        column = plain.execute(f"SELECT * FROM {table}").description[0][0]  # noqa: S608
        told = [f"DELETE FROM {table}"]  # noqa: S608
        if table in KEYS:
            told.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608
        if table in APPEND_ONLY:
            told.append(f"UPDATE {table} SET {column} = {column}")  # noqa: S608
            told.append(f"UPDATE OR REPLACE {table} SET {column} = {column}")  # noqa: S608
        for sql in told:
            with pytest.raises(sqlite3.IntegrityError):
                plain.execute(sql)
            refused = pytest.raises((StoreFault, sa.exc.IntegrityError))
            with refused, kept.parts.database.transaction() as tx:
                tx.exec_driver_sql(sql)
    with pytest.raises(sqlite3.IntegrityError):
        plain.execute("UPDATE holds SET state = 'ended'")
    assert list(plain.iterdump()) == before
    plain.close()


def test_a_refused_deletion_has_a_code_of_its_own(kept: SimpleNamespace) -> None:
    with pytest.raises(StoreFault) as fault, kept.parts.database.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM vault")
    assert fault.value.code == "deletion.refused"


def test_triggers_that_are_gone_are_told_and_made_anew(kept: SimpleNamespace) -> None:
    """Whoever may write the file may drop them; then the rows, and the object, with them."""
    plain = sqlite3.connect(kept.parts.home.database)
    [[name]] = plain.execute("SELECT original FROM drops").fetchall()
    dropped = ("vault_no_delete", "drops_no_delete", "holds_no_update", "destructions_no_replace")
    for trigger in dropped:
        plain.execute(f"DROP TRIGGER {trigger}")
    no_act = "CREATE TRIGGER holds_no_update BEFORE UPDATE ON holds BEGIN SELECT 1; END"
    plain.execute(no_act)
    plain.execute("DELETE FROM vault WHERE sha256 = ?", (name,))
    plain.execute("DELETE FROM drops")
    plain.commit()
    plain.close()
    kept.parts.vault.path(name).unlink()
    custody.watch_custody(kept.parts, kept.now)
    assert kept.work.alarms()["database.unguarded"] == "database"
    found = custody.audit_vault(kept.parts, kept.now)
    assert [(item.sha256, item.how) for item in found.wrong] == [(name, "unrecorded")]
    with kept.parts.database.transaction() as tx:
        assert sorted(guards.renew(tx)) == sorted(dropped)
        assert guards.missing(tx) == []
    custody.watch_custody(kept.parts, kept.now)
    assert "database.unguarded" not in kept.work.alarms()


def test_a_made_up_destruction_hides_nothing(kept: SimpleNamespace) -> None:
    end_the_hold(kept)
    [[name]] = kept.work.query("SELECT original FROM drops")
    [[request]] = kept.work.query("SELECT id FROM requests")
    with kept.parts.database.transaction() as tx:
        row = ("x", request, name, "original", "drop:x", "2026-03-02 16:00:00.000000", b"{}")
        tx.exec_driver_sql("INSERT INTO destructions VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    kept.parts.vault.path(name).unlink()
    found = custody.audit_vault(kept.parts, kept.now)
    assert [(item.sha256, item.how) for item in found.wrong] == [(name, "missing")]


@pytest.mark.parametrize("how", ["missing", "altered", "shorter"])
def test_the_file_system_is_told_on(kept: SimpleNamespace, how: str) -> None:
    parts = kept.parts
    assert custody.audit_vault(parts, kept.now).wrong == ()
    [[name]] = kept.work.query("SELECT original FROM drops")
    path = parts.vault.path(name)
    content = path.read_bytes()
    path.unlink()
    if how != "missing":
        path.write_bytes(content[:-1] + (b"" if how == "shorter" else bytes([content[-1] ^ 1])))
    seen: list[tuple[int, int]] = []
    found = custody.audit_vault(parts, kept.now, lambda done, total: seen.append((done, total)))
    expected = "missing" if how == "missing" else "altered"
    assert [(item.sha256, item.kind, item.how) for item in found.wrong] == [
        (name, "original", expected)
    ]
    assert (seen[-1][0], len(seen)) == (seen[-1][1], 7)
    assert kept.work.alarms()["vault.damaged"] == "vault"
    facts = kept.work.leaves("vault.audited")[-1]["facts"]
    assert facts == {"objects": 7, "wrong": 1, "missing": int(how == "missing")}
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    custody.audit_vault(parts, kept.now)
    assert "vault.damaged" not in kept.work.alarms()


def test_what_is_missing_is_told_within_a_day_without_an_audit(kept: SimpleNamespace) -> None:
    [[name]] = kept.work.query("SELECT original FROM drops")
    kept.parts.vault.path(name).unlink()
    custody.watch_custody(kept.parts, kept.now + timedelta(days=1))
    assert kept.work.alarms()["vault.damaged"] == "vault"


def test_no_other_code_destroys() -> None:
    """In the whole program: one caller of the vault's `destroy`, and one of what it calls."""
    calls: dict[str, set[str]] = {"destroy": set(), "remove": set(), "remove_held": set()}
    deletes = set()
    root = Path(gateway.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            name, of = node.func.attr, ast.unparse(node.func.value)
            where = path.relative_to(root).as_posix()
            if name in calls and of in ("vault", "parts.vault", "self._blobs", "self._keeper"):
                calls[name].add(where)
            if of in ("sa", "s3") and name in ("delete", "delete_object", "delete_objects"):
                deletes.add((where, name))
            if name in ("unlink", "rmtree", "rename", "replace"):
                assert "vault" not in ast.unparse(node), where
    assert calls == {
        "destroy": {"records/retention.py"},
        "remove": {"records/vault.py"},
        "remove_held": {"store/lockedfolder.py"},
    }
    # The last three hold how people sign in (ended sessions, pauses, lost keys): no record.
    assert deletes == {
        ("store/served.py", "delete"),
        ("store/s3.py", "delete_object"),
        ("store/sessions.py", "delete"),
        ("store/signins.py", "delete"),
        ("store/people.py", "delete"),
    }


# --- hand-over and export -------------------------------------------------------------------------


def test_originals_are_handed_over_once(work: AtWork) -> None:
    folder = work.home.records_of("ofsted")
    folder.rmdir()
    work.rows(clean_row(1))
    work.tick(MONDAY)
    assert work.alarms()["outbox.missing"] == "records:ofsted"
    folder.mkdir()
    [handed] = work.tick("2026-03-02T16:11").handed_over
    assert "outbox.missing" not in work.alarms()
    path = folder / f"{handed.drop_id}.gpg"
    [[original]] = work.query("SELECT original FROM drops")
    assert path.read_bytes() == (work.home.vault / original[:2] / original).read_bytes()
    path.unlink()  # its sender has taken it into its own system
    assert work.tick(NEXT).handed_over == []
    assert list(folder.iterdir()) == []


def test_originals_go_to_the_senders_bucket(work: AtWork, s3_server: S3Server) -> None:
    name = s3_server.make_bucket(f"r-{uuid.uuid4().hex[:12]}")
    work.settings(
        f'[records.ofsted]\nendpoint = "{s3_server.endpoint}"\nregion = "{REGION}"\n'
        f'bucket = "{name}"\nprefix = "in/"\n'
    )
    GATEWAY.credentials(work.home.keys / "s3" / "records-ofsted.toml")
    work.rows(clean_row(1))
    [handed] = work.tick(MONDAY).handed_over
    assert s3_server.names(name) == [f"in/{handed.drop_id}.gpg"]


def test_the_vault_is_kept_in_a_locked_bucket_as_well(work: AtWork, s3_server: S3Server) -> None:
    name = s3_server.make_bucket(f"v-{uuid.uuid4().hex[:12]}", locked=True)
    work.settings(
        f'[vault]\nendpoint = "{s3_server.endpoint}"\nregion = "{REGION}"\nbucket = "{name}"\n'
    )
    VAULT.credentials(work.home.keys / "s3" / "vault.toml")
    [look] = [look for look in look_at_buckets(work.home) if look[0] == "bucket vault"]
    assert look[1] == "fail"  # until the policy is there
    s3_server.client().put_bucket_policy(Bucket=name, Policy=vault_policy(name))
    [look] = [look for look in look_at_buckets(work.home) if look[0] == "bucket vault"]
    assert look[1] == "ok", look
    work.rows(clean_row(1))
    work.tick(MONDAY)
    with work.parts(NEXT) as (parts, now):
        kept = parts.vault.names()
        assert set(s3_server.names(name)) == {f"{item[:2]}/{item}" for item in kept}
        assert custody.audit_vault(parts, now).wrong == ()
        for path in work.home.vault.glob("*/*"):
            path.unlink()  # the folder is lost: the bucket has it all
        assert custody.audit_vault(parts, now).wrong == ()
        assert parts.vault.names() == kept


def test_the_vault_is_written_as_a_bag(kept: SimpleNamespace, tmp_path: Path) -> None:
    parts, here = kept.parts, Path.cwd()
    told = write_bag(parts.database, parts.vault, tmp_path / "bag", None, None, kept.now)
    assert (told.objects, Path.cwd()) == (7, here)
    bag = bagit.Bag(str(tmp_path / "bag"))
    bag.validate()
    index = json.loads((tmp_path / "bag" / "data" / "index.json").read_text())
    assert {item["sha256"] for item in index} == parts.vault.names()
    for item in index:
        assert (tmp_path / "bag" / item["file"]).stat().st_size == item["size"]
    assert "SCN000001" not in json.dumps(index)
    none = write_bag(parts.database, parts.vault, tmp_path / "none", kept.before, None, kept.now)
    assert none.objects == 0
    [[name]] = kept.work.query("SELECT original FROM drops")
    path = parts.vault.path(name)
    path.chmod(0o600)
    path.write_bytes(b"other bytes")
    with pytest.raises(StoreFault) as fault:
        write_bag(parts.database, parts.vault, tmp_path / "other", None, None, kept.now)
    assert fault.value.code == "vault.damaged"

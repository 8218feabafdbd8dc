"""What the gateway leans on fails and comes back: a coded alarm, nothing lost, nothing twice.

Waits are short because the product's own patience is set short here, never the fault's length
against it: each outage lasts longer than the gateway waits. Full disks are in
`test_bad_conditions.py`, and `make soak` holds the database for a whole minute.
"""

import dataclasses
import hashlib
import time
import uuid
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from bad_home import MORNING, SENTENCES, TOKEN, WINDOW, Exchange
from mailing import Postbox, bound, rebound, serving
from outages import FaultyProxy, HangingGpg, held_by_another_program, stopped_agent
from rehearsing import AtWork, clean_row, csv_of, update_row
from s3server import GATEWAY, REGION, S3Server

from gateway.crypto import gpg
from gateway.store import s3

LATER, LAST = "2026-03-02T16:10", "2026-03-02T16:40"
PACKAGE = "notifications-2026-03-02-01"


def placed_once(work: AtWork) -> None:
    """One package, sealed once, delivered once to each, with the bytes that were sealed."""
    for party in ("dfe", "panel"):
        assert work.packages(party) == [PACKAGE]
        asked = "SELECT sha256, state FROM deliveries WHERE package_id = ? AND party = ?"
        ((sealed, state),) = work.query(asked, PACKAGE, party)
        path = work.home.outbox_of(party, "notifications") / f"{PACKAGE}.zip.gpg"
        assert (hashlib.sha256(path.read_bytes()).hexdigest(), state) == (sealed, "placed")
    assert len(work.leaves("package.sealed")) == 1
    assert len(work.leaves("delivery.placed")) == 2
    assert len(work.leaves("drop.received")) == len(work.leaves("drop.judged"))


@pytest.fixture
def work(exchange: Exchange) -> AtWork:
    """The same home, for what asks its rows."""
    return AtWork(exchange.home.root, exchange.reader)


# --- gpg hangs ------------------------------------------------------------------------------------


@pytest.fixture
def hanging(tmp_path, monkeypatch) -> HangingGpg:
    """A gpg on PATH that can be made to hang."""
    made = HangingGpg(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}")
    return made


def test_a_gpg_that_hangs(exchange, work, hanging, monkeypatch):
    """Every run of it: the tick ends with an alarm, waits in full but once, and then goes on."""
    path = exchange.drop(f"{TOKEN}.csv", exchange.good())
    with exchange.working() as worker:
        with hanging.hanging(), monkeypatch.context() as patience:
            patience.setattr(gpg, "PATIENCE", 4.0)
            patience.setattr(gpg, "ONCE_STUCK", 0.2)
            began = time.monotonic()
            told = worker.tick(WINDOW)
            took = time.monotonic() - began
            assert set(told.faults) == {"gpg.stuck"}
            assert SENTENCES.fullmatch(told.alarms["gpg.stuck"])
            assert took > 4.0
            assert hanging.left() == [], "who was waited for in vain is ended"
            assert path.is_file()
            assert worker.opened() == {"dfe": {}, "panel": {}}
            size = worker.ledger_size()
            assert set(worker.tick("2026-03-02T16:07").faults) == {"gpg.stuck"}
            assert worker.ledger_size() == size, "what is known is not told again at each tick"
        told = exchange.lives(worker, LATER, start=601, more=2)
        assert "gpg.stuck" not in told.alarms
        exchange.says_nothing_of(TOKEN, told)
    placed_once(work)


def test_a_gpg_that_hangs_for_one_flow_stops_no_other(exchange, work, hanging, monkeypatch):
    """What is sealed to Ofsted's records key hangs; DfE's drop is taken in the same tick."""
    exchange.drop(f"{TOKEN}.csv", exchange.good())
    theirs = exchange.home.inbox_of("dfe", "scr-updates")
    updates = csv_of([update_row(1)], tuple(update_row(1)))
    with exchange.working() as worker:
        parts = worker.parts
        state = parts.openpgp.state(parts.pins.records_of("ofsted"))
        sealing = state.part_for("encrypt", parts.openpgp.now)
        exchange.drop("updates.csv", updates, theirs)
        with hanging.hanging(f"{sealing.fingerprint}! "), monkeypatch.context() as patience:
            patience.setattr(gpg, "PATIENCE", 6.0)
            told = worker.tick(MORNING)
            assert set(told.faults) == {"gpg.stuck"}
            assert [drop["flow"] for drop in told.drops] == ["scr-updates"]
            assert told.unfinished == {"notifications": 1}
        told = exchange.lives(worker, WINDOW, start=601, more=2)
        assert "gpg.stuck" not in told.alarms
    placed_once(work)


def test_an_agent_that_stands_still(exchange, work, monkeypatch):
    """The real gpg waits for its agent without end: it is ended, and works when the agent does."""
    exchange.drop("good.csv", exchange.good())
    with exchange.working() as worker:
        assert [drop["state"] for drop in worker.tick(MORNING).drops] == ["accepted"]
        worker.parts.openpgp.secret_keys()  # which starts the agent
        home = worker.parts.openpgp._home.path
        with stopped_agent(home), monkeypatch.context() as patience:
            patience.setattr(gpg, "PATIENCE", 4.0)
            patience.setattr(gpg, "ONCE_STUCK", 0.5)
            told = worker.tick(WINDOW)
            assert set(told.faults) == {"gpg.stuck"}
            assert worker.opened() == {"dfe": {}, "panel": {}}
        told = exchange.lives(worker, LATER, start=601, more=2)
        assert "gpg.stuck" not in told.alarms
    placed_once(work)


def test_a_start_with_a_gpg_that_hangs_is_refused(exchange, hanging, monkeypatch):
    """A worker cannot be opened; `run` starts it again and again until it can."""
    monkeypatch.setattr(gpg, "PATIENCE", 1.0)
    with hanging.hanging(), pytest.raises(gpg.CryptoFault) as refused, exchange.working():
        pass
    assert refused.value.code == "gpg.stuck"
    assert SENTENCES.fullmatch(str(refused.value))
    assert hanging.left() == []


# --- the database is held -------------------------------------------------------------------------


def test_a_database_held_for_less_than_the_gateway_waits(exchange, work):
    with exchange.working(busy_seconds=20) as worker:
        with held_by_another_program(exchange.home.database, seconds=1.5):
            told = exchange.lives(worker)
        assert told.faults == {}
    placed_once(work)


def test_a_database_held_for_longer_than_the_gateway_waits(exchange, work):
    path = exchange.drop(f"{TOKEN}.csv", exchange.good())
    with exchange.working(busy_seconds=1) as worker:
        with held_by_another_program(exchange.home.database):
            for at in (MORNING, WINDOW):
                told = worker.tick(at)
                assert told.error == "database.locked"
                assert SENTENCES.fullmatch(told.faults["database.locked"])
        assert path.is_file()
        assert worker.opened() == {"dfe": {}, "panel": {}}
        told = exchange.lives(worker, LATER, start=601, more=2)
        assert "database.locked" not in told.alarms
    placed_once(work)


# --- a bucket's service errs ----------------------------------------------------------------------


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    """The way to the server, which can go wrong."""
    made = FaultyProxy(s3_server.endpoint)
    yield made
    made.close()


@pytest.fixture
def bucket(s3_server: S3Server, proxy: FaultyProxy, work: AtWork) -> str:
    """dfe's bucket, as the home's settings have it."""
    name = s3_server.make_bucket(f"b-{uuid.uuid4().hex[:12]}")
    work.settings(
        f'[s3.dfe]\nendpoint = "{proxy.endpoint}"\nregion = "{REGION}"\nbucket = "{name}"\n'
    )
    GATEWAY.credentials(work.home.keys / "s3" / "dfe.toml")
    return name


def lies_whole_in(server: S3Server, bucket: str, work: AtWork, proxy: FaultyProxy) -> None:
    """The bucket holds each file of the package, once, as the folder does."""
    files = {f"notifications/{path.name}": path.read_bytes()
             for path in work.home.outbox_of("dfe", "notifications").iterdir()}  # fmt: skip
    assert sorted(server.names(bucket)) == sorted(files)
    done = sorted(path for _, path, status in proxy.puts if status == HTTPStatus.OK)
    assert done == sorted(f"/{bucket}/{key}" for key in files), "each put was done once"
    client = server.client()
    for key, content in files.items():
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == content


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (500, "bucket.failed"),
        (503, "bucket.failed"),
        ("cut", "bucket.unreachable"),
        ("late", "bucket.unreachable"),
    ],
)
def test_a_bucket_s_service_that_errs(fault, code, work, s3_server, bucket, proxy, monkeypatch):
    """Also where the put was done and only its answer was lost: it is there once."""
    made = s3._made_client

    def hurried(*words):
        return made(*words[:-1], dataclasses.replace(words[-1], read=3))

    monkeypatch.setattr(s3, "_made_client", hurried)
    work.tick("2026-03-02T09:00")
    work.drop(csv_of([clean_row(1)]))
    proxy.fault = fault
    report = work.tick(WINDOW)
    (failed,) = report.faults
    assert failed.code == code
    assert SENTENCES.fullmatch(failed.words)
    assert work.open_alarms() == [(code, f"delivery:{PACKAGE}:dfe")]
    assert [placed.party for placed in report.placed] == ["panel"]
    assert {name for name, *_ in proxy.puts} == {str(fault)}
    done = {name for name, _, status in proxy.puts if status == HTTPStatus.OK}
    assert done == ({str(fault)} if isinstance(fault, str) else set()), "done, and not told"
    assert list(work.home.outbox_of("dfe", "notifications").glob("*.manifest.json")) == []
    proxy.over.set()
    proxy.fault = None
    (placed,) = work.tick(LATER).placed
    assert placed.party == "dfe"
    assert work.open_alarms() == []
    lies_whole_in(s3_server, bucket, work, proxy)
    placed_once(work)
    assert work.tick(LAST).placed == []


# --- the mail server is dead ----------------------------------------------------------------------


def test_a_dead_mail_server_stops_no_package_and_each_mail_goes_once(work):
    postbox, sock = Postbox(), bound()
    port = sock.getsockname()[1]
    sock.close()
    work.settings(
        f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\ntimeout_seconds = 20\n'
    )
    work.tick("2026-03-02T09:00")
    stray = work.home.inbox / "ofsted" / "stray.csv"
    stray.write_bytes(b"in no flow's folder")  # something for the officers to be told of
    work.drop(csv_of([clean_row(1)]))
    report = work.tick(WINDOW)
    assert (report.faults, [placed.party for placed in report.placed]) == ([], ["dfe", "panel"])
    work.tick(LATER)
    placed_once(work)
    states = {state for (state,) in work.query("SELECT state FROM mails")}
    assert states == {"queued"}
    for at in (LAST, "2026-03-02T18:00", "2026-03-03T09:00"):
        work.tick(at)
    assert work.alarms()["mail.failing"] == "mail"
    ((queued,),) = work.query("SELECT count(*) FROM mails")
    with serving(postbox, rebound(port)):
        for at in ("14:00", "15:00", "16:30"):  # each tick gives its mail some seconds
            work.tick(f"2026-03-03T{at}")
    ((sent,),) = work.query("SELECT count(*) FROM mails WHERE state = 'sent'")
    assert sent == len(postbox.taken) >= queued > 0
    identities = [(to, made["Message-ID"]) for to, made in postbox.taken]
    assert len(identities) == len(set(identities))
    assert "mail.failing" not in work.alarms()

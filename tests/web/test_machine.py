"""Files of the pages, probes, and figures."""

import gzip
import json
import re
from datetime import timedelta

import pytest
from at_the_site import AFTER, AtTheSite

from gateway.engine.backupwatch import note_backup
from gateway.engine.door import DoorClosed
from gateway.store import alarms, counts, ledger, meta
from gateway.web.assets import FOLDER

ANSWER = {"ok": False, "code": "asked.malformed"}


def addresses(at: AtTheSite) -> list[str]:
    """Every file that the home page names."""
    return re.findall(r'"(/static/[^"]+)"', at.client.get("/").text)


def test_files_are_cached_for_good_and_packed(at):
    named = addresses(at)
    assert len(named) >= 5
    for address in named:
        plain = at.client.get(address)
        assert plain.status_code == 200
        assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert plain.headers["X-Content-Type-Options"] == "nosniff"
        packed = at.client.get(address, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Vary"] == "Accept-Encoding"
        if "Content-Encoding" in packed.headers:
            assert gzip.decompress(packed.data) == plain.data
    kinds = {address.rpartition(".")[2]: at.client.get(address).mimetype for address in named}
    assert kinds == {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@pytest.mark.parametrize(
    "tail", ["site.css", "../site.css", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "", "vendor"]
)
def test_no_other_version_and_nothing_else_is_served(tail, at):
    version = addresses(at)[0].split("/")[2]
    assert at.client.get(f"/static/0000000000000000/{tail}").status_code == 404
    if tail != "site.css":
        assert at.client.get(f"/static/{version}/{tail}").status_code == 404


def test_a_page_weighs_little(at):
    first = [at.client.get("/", headers={"Accept-Encoding": "gzip"})]
    scripts = [f"{addresses(at)[0].rpartition('vendor')[0]}vendor/{name}" for name in
               ("govuk-frontend.min.js", "moj-sortable-table.mjs")]  # fmt: skip
    plain = sum(len(at.client.get(path).data) for path in [*addresses(at), *scripts])
    assert plain + len(first[0].data) <= 250 * 1024
    assert len(first[0].data) <= 30 * 1024


def test_nothing_that_is_for_gov_uk_alone_is_served():
    for path in FOLDER.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "GDS Transport" not in text, path
            assert "@font-face" not in text, path
            assert "crest" not in text.lower() or path.suffix == ".js", path
            assert not re.search(r"url\(", text), path


def test_it_says_that_it_lives(at):
    told = at.client.get("/healthz", base_url="http://10.1.2.3")
    assert (told.status_code, told.text) == (200, "ok\n")


def test_it_is_ready_when_worker_database_and_disk_are(at):
    at.worker.answers.append(ANSWER)
    told = at.client.get("/readyz")
    assert (told.status_code, told.text) == (200, "ok\n")


def test_it_says_what_is_not_ready(site_set):
    at = site_set("minimum_free_bytes = 1152921504606846976")

    def closed(_request: object) -> dict[str, object]:
        raise DoorClosed("The gateway's worker does not answer.")

    object.__setattr__(at.site, "ask", closed)
    with at.site.parts.database.transaction() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    told = at.client.get("/readyz")
    assert told.status_code == 503
    assert told.text.split() == ["database.version", "worker.absent", "disk.low"]


def test_figures_are_for_this_computer_alone(at):
    at.worker.answers.append(ANSWER)
    told = at.client.get("/metrics")
    assert told.status_code == 200
    assert "gateway_worker_answers 1.0" in told.text
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert at.client.get("/metrics", environ_overrides=elsewhere).status_code == 404
    assert at.client.get("/metrics", base_url="http://evil.example").status_code == 400


def test_figures_are_for_whoever_shows_the_token_where_there_is_one(at):
    token = at.site.parts.home.keys / "metrics.token"
    token.write_text("a-token-of-tests-alone\n")
    at.worker.answers.append(ANSWER)
    shown = {"Authorization": "Bearer a-token-of-tests-alone"}
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    good = at.client.get("/metrics", headers=shown, environ_overrides=elsewhere)
    assert good.status_code == 200
    assert at.client.get("/metrics").status_code == 404
    wrong = {"Authorization": "Bearer a-token-of-tests-alonf"}
    assert at.client.get("/metrics", headers=wrong).status_code == 404
    token.write_text("short\n")
    assert at.client.get("/metrics", headers={"Authorization": "Bearer short"}).status_code == 404


def test_through_a_proxy_figures_take_the_token(site_set):
    at = site_set('[web]\norigin = "https://gateway.example"\nbehind_proxy = ["127.0.0.1"]')
    assert at.client.get("/metrics", base_url="http://gateway.example").status_code == 404


def figure(text: str, name: str, **labels: str) -> float:
    """A figure by its name and labels."""
    for line in text.splitlines():
        if line.startswith(name) and all(f'{key}="{it}"' in line for key, it in labels.items()):
            return float(line.rpartition(" ")[2])
    raise KeyError(name)


def test_figures_are_counted_from_the_rows(at_placed):
    at = at_placed
    at.worker.answers.append(ANSWER)
    database = at.site.parts.database
    with database.transaction() as tx:
        alarms.raise_once(tx, "disk.low", "disk:var", "words", AFTER)
        ends = [("dfe", "exchange", "expiring", (AFTER + timedelta(days=30)).isoformat())]
        meta.put(tx, "keys-seen", json.dumps(ends))
        leaves = ledger.last_seq(tx)
    text = at.client.get("/metrics").text
    assert figure(text, "gateway_packages", flow="notifications", state="placed") >= 3
    assert figure(text, "gateway_deliveries", party="dfe", state="placed") >= 3
    assert figure(text, "gateway_open_alarms", code="disk.low") == 1
    with database.snapshot() as tx:
        for what in counts.STATED:
            for (kind, state), count in counts.counted(tx, what).items():
                labels = {counts.STATED[what]: kind, "state": state}
                assert figure(text, f"gateway_{what}{{", **labels) == count, (what, labels)
    waits = figure(text, "gateway_oldest_waiting_delivery_seconds", party="dfe")
    assert waits > 2 * 86400, "since the first of the packages, days ago"
    assert figure(text, "gateway_key_days_left", party="dfe", role="exchange") == 30
    assert figure(text, "gateway_ledger_leaves") == leaves
    assert figure(text, "gateway_last_tick_age_seconds") > 0
    assert figure(text, "gateway_last_checkpoint_age_seconds") > 0
    assert figure(text, "gateway_disk_free_bytes", folder="var") > 0


def test_figures_hold_up_no_writer_and_wait_for_none(at):
    at.worker.answers.append(ANSWER)
    database = at.site.parts.database
    with database.transaction() as tx:
        meta.put(tx, "held", "yes")
        assert at.client.get("/metrics").status_code == 200


def test_it_says_whom_to_tell_of_a_hole_where_somebody_is_named(at, site_set):
    where = "/.well-known/security.txt"
    assert at.client.get(where).status_code == 404
    named = site_set('[web]\nsecurity_contact = "mailto:security@gateway.example"')
    told = named.client.get(where)
    assert told.status_code == 200
    assert told.content_type == "text/plain; charset=utf-8"
    assert "Contact: mailto:security@gateway.example\n" in told.text
    assert re.search(r"^Expires: \d{4}-\d\d-\d\dT00:00:00Z$", told.text, re.MULTILINE)


def test_every_figure_that_a_rule_goes_by_is_shown(at_placed, checkout):
    """deploy/prometheus: a rule about a figure that is not there would never say anything."""
    rules = (checkout / "deploy" / "prometheus" / "gateway.rules.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(gateway_[a-z_]+)", rules))
    assert len(named) > 6
    at = at_placed
    with at.site.parts.database.transaction() as tx:
        note_backup(tx, 5, AFTER)
    at.worker.answers.append(ANSWER)
    shown = at.client.get("/metrics").text
    assert named <= set(re.findall(r"^# TYPE (gateway_[a-z_]+) gauge$", shown, re.MULTILINE))

"""Evidence of what was said on the site: by the gateway's word, and never as if by an officer."""

import importlib.util
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import pytest
from receipting import Keyring, Recipients, at_work, copied

from gateway.engine.evidence import export_pack
from gateway.receipts.onsite import Saying, say_on_site
from gateway.store.people import PersonRow

DAYS = (date(2026, 3, 2), date(2026, 3, 2))
MADE = datetime(2026, 1, 5, tzinfo=UTC)
JO = PersonRow(
    "p-0123456789abcdef",
    "Jo Smith",
    "dfe",
    "jo@dfe.invalid",
    "dfe-officer-1",
    True,
    "x",
    MADE,
    MADE,
    None,
)


@pytest.fixture(scope="module")
def verifier(checkout: Path) -> ModuleType:
    """The one file, imported by itself."""
    path = checkout / "tools" / "verify_evidence.py"
    spec = importlib.util.spec_from_file_location("verify_evidence_of_the_site", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pack(
    placed_home: tuple[Path, str], keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The pack of a day on which Jo, who is an officer too, accepted a package on the site."""
    folder = tmp_path_factory.mktemp("site-evidence")
    with at_work(copied(placed_home[0], folder / "home"), keyring, placed_home[1]) as found:
        given(found)
        export_pack(found.parts, folder / "pack.zip", DAYS, None, found.now)
        yield folder / "pack.zip"


def given(found: Recipients) -> None:
    """DfE collects by its key, and Jo accepts on the site; the panel accepts by its officer's."""
    found.give("collected")
    saying = Saying(JO, "dfe", "notifications", found.package_id, "accepted")
    say_on_site(found.parts.receipts(), saying, found.now)
    found.give("collected", "opened", "accepted", party="panel")


def test_the_verifier_says_by_whose_word_it_is(pack: Path, verifier: ModuleType) -> None:
    said: list[str] = []
    verifier.verify_pack(pack, None, [], set(), said.append)
    told = "\n".join(said)
    word = "by the gateway's word, and not signed by them: Jo Smith of dfe said on the site"
    assert f"{word}: 1 accepted, 1 opened." in told
    assert "- by panel-officer-1 of panel: 1 accepted" in told
    assert "by dfe-officer-1" not in told, "the officer has signed nothing"
    assert "NOT PROVEN" in told
    assert "by the people themselves: what they said on the site" in told


def test_the_pack_holds_it_with_the_gateways_signature_and_names_no_officers_key(
    pack: Path,
) -> None:
    with zipfile.ZipFile(pack) as opened:
        names = opened.namelist()
        [accepted] = [
            name for name in names if "/dfe/accepted-" in name and name.endswith(".receipt.json")
        ]
        body = json.loads(opened.read(accepted))
        signers = json.loads(opened.read("receipts/signers.json"))
        keys = json.loads(opened.read("keys/keys.json"))
        page = opened.read("summary.html").decode()
    assert body["format"] == "gateway-site-receipt/1"
    assert f"{accepted}.asc" in names
    assert body["signed_by"] in keys["gateway"]
    assert set(signers) == {"panel-officer-1"}
    assert "(on the site, by the gateway's word)" in page
    assert "Jo Smith" not in page


@pytest.mark.parametrize(
    "change",
    [
        {"said": "I accept everything."},
        {"kind": "accepted", "said": "I have opened this package, and it can be read."},
        {"signed_by": "0" * 40},
        {"package": "notifications-2026-03-02-02"},
    ],
)
def test_words_that_are_not_of_the_site_are_not_proven(
    pack: Path, verifier: ModuleType, change: dict[str, str]
) -> None:
    """Whoever holds the gateway's key can sign; the form still takes no other words."""
    with zipfile.ZipFile(pack) as opened:
        [name] = [
            item
            for item in opened.namelist()
            if "/dfe/accepted-" in item and item.endswith(".receipt.json")
        ]
        body = json.loads(opened.read(name)) | change

    class Signed:
        """A gpg for which every signature is the gateway's."""

        def signer(self, _name: str) -> str:
            return str(json.loads(zipfile.ZipFile(pack).read(name))["signed_by"])

    gateway = {Signed().signer(name)}
    with pytest.raises(verifier.Unproven):
        verifier.verify_site_receipt(name, body, Signed(), gateway)

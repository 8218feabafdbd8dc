import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import PartyPins, PinFaults, Pins, load_pins, write_pins

A, B, C, D = (digit * 40 for digit in "ABCD")

party_ids = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)
fingerprints = st.text("0123456789ABCDEF", min_size=40, max_size=40)


def _read(tmp_path: Path, text: str) -> Pins:
    path = tmp_path / "parties.toml"
    path.write_text(text, encoding="utf-8")
    return load_pins(path)


def _faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(PinFaults) as caught:
        _read(tmp_path, text)
    assert caught.value.code == "pins.faulty"
    assert all(fault in str(caught.value) for fault in caught.value.faults)
    return [fault.partition(": ")[0] for fault in caught.value.faults]


def test_spaces_and_small_letters_are_allowed(tmp_path: Path) -> None:
    spaced = " ".join(["abcd"] * 5) + "  " + " ".join(["ABCD"] * 5)
    pins = _read(tmp_path, f'[gateway]\nsigning="{spaced}"\n[parties.dfe]\nexchange="{B}"\n')
    assert pins == Pins("ABCD" * 10, {"dfe": PartyPins(B, None)})


def test_every_pin_in_a_steady_order() -> None:
    pins = Pins(A, {"ofsted": PartyPins(B, C), "dfe": PartyPins(D)})
    assert list(pins.each()) == [
        ("gateway", "signing", A),
        ("dfe", "exchange", D),
        ("ofsted", "exchange", B),
        ("ofsted", "records", C),
    ]


def test_a_new_home_knows_no_party_yet(tmp_path: Path) -> None:
    pins = _read(tmp_path, f'[gateway]\nsigning="{A}"\n')
    assert pins == Pins(A, {})
    with pytest.raises(CryptoFault, match="No exchange key of dfe is pinned") as caught:
        pins.exchange_of("dfe")
    assert caught.value.code == "pins.missing"


def test_a_partys_keys_by_what_they_are_for() -> None:
    pins = Pins(A, {"ofsted": PartyPins(B, C), "dfe": PartyPins(D)})
    assert (pins.exchange_of("dfe"), pins.exchange_of("ofsted")) == (D, B)
    assert pins.records_of("ofsted") == C
    with pytest.raises(CryptoFault, match="No records key of dfe is pinned") as caught:
        pins.records_of("dfe")
    assert caught.value.code == "pins.missing"


def test_a_party_may_use_one_key_for_both(tmp_path: Path) -> None:
    text = f'[gateway]\nsigning="{A}"\n[parties.dfe]\nexchange="{B}"\nrecords="{B}"\n'
    assert _read(tmp_path, text).parties["dfe"] == PartyPins(B, B)


def test_every_fault_at_once(tmp_path: Path) -> None:
    text = f"""
    colour = "blue"
    [gateway]
    signing = "{A[:16]}"
    spare = "{A}"
    [parties.dfe]
    exchange = "{B}"
    backup = "{C}"
    [parties.Ofsted]
    exchange = 7
    [parties.panel]
    records = "{B}"
    """
    assert _faults(tmp_path, text) == [
        "colour",
        "gateway.spare",
        "gateway.signing",
        "parties.Ofsted",
        "parties.Ofsted.exchange",
        "parties.dfe.backup",
        "parties.panel.exchange",
        "parties.panel.records",
    ]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", ["gateway", "gateway.signing"]),
        (f'gateway="{A}"\nparties=[]', ["gateway", "gateway.signing", "parties"]),
        (
            f'[gateway]\nsigning="{A}"\n[parties]\ndfe="{B}"',
            ["parties.dfe", "parties.dfe.exchange"],
        ),
        (f'[gateway]\nsigning="{A}"\n[parties.a]\nexchange="{A}"', ["parties.a.exchange"]),
        ("[gateway", ["not TOML"]),
    ],
)
def test_misshapen_files(tmp_path: Path, text: str, places: list[str]) -> None:
    assert _faults(tmp_path, text) == places


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "parties.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(PinFaults):
        load_pins(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CryptoFault, match="gateway init") as caught:
        load_pins(tmp_path / "parties.toml")
    assert caught.value.code == "pins.missing"


@given(
    st.lists(fingerprints, min_size=9, max_size=9, unique=True),
    st.lists(st.tuples(party_ids, st.booleans()), max_size=4, unique_by=lambda p: p[0]),
)
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], parties: list[tuple[str, bool]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "parties.toml"
    supply = iter(keys)
    pins = Pins(
        next(supply),
        {party: PartyPins(next(supply), next(supply) if both else None) for party, both in parties},
    )
    write_pins(path, pins)
    first = path.read_bytes()
    assert load_pins(path) == pins
    write_pins(path, load_pins(path))
    assert path.read_bytes() == first
    tomllib.loads(first.decode())
    assert first.startswith(b"# Whose key is whose")

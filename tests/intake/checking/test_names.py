"""Names in text: whole words in every spelling, and ordinary words only where they are names."""

import unicodedata
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.checking.folding import (
    letters_column,
    letters_of,
    plain,
    plain_column,
)
from gateway.intake.checking.names import NameFinder

EVERYDAY = ("will", "mark", "may", "june", "rose", "hope", "young", "april", "august", "march")
FINDER = NameFinder(EVERYDAY)

HELD = {
    "aisha": ["Aisha said", "saw AISHA.", "aisha's mother", "Aisha\u2019s", "(Aisha)", "Aisha's",
              "A\u00efsha", "mother/Aisha", "Aisha-Khan", "Aisha,Khan",
              "Ais\u00adha", "AISHA\u200b"],
    "oneill": ["O'Neill", "O\u2019Neill's", "O`Neill", "ONeill", "o'neill", "O\u00b4Neill"],
    "neill": ["O'Neill was there"],
    "sian": ["Si\u00e2n", "Sian's", unicodedata.normalize("NFD", "Si\u00e2n"), "si\u00e2n"],
    "annemarie": ["Anne-Marie", "AnneMarie", "anne\u2011marie's"],
    "marie": ["Anne-Marie", "with Marie-Claire"],
    "lukasz": ["\u0141ukasz", "\u0142ukasz"],
    "james": ["James' house", "James's house", "James\u2019"],
    "smith": ["the Smiths' house", "SMITH"],
    "khan": ["Khan;", "khan", "\uff2bhan"],
}  # fmt: skip
FREE = {
    "ann": ["planning", "Hannah", "annual", "Anna"],
    "neil": ["O'Neill"],
    "lee": ["asleep", "Leeds", "flee"],
    "smith": ["Smithson", "blacksmith", "smiths"],
    "ian": ["Ian1", "guardian"],
    "marie": ["Anne-Maries", "Mariel"],
}
HELD_AS_NAMES = {
    "will": ["We saw Will today", "saw Will.", "Dr. Will came", "known as \"Will\"", "Mother: Will",
             "with J. Will", "and WILL said", "then Will-Young", "Mr Will"],
    "rose": ["to Rose's house", "said Rose", "mother (Rose)"],
    "may": ["He told May about it", "and May said", "with May. It", "call May on 3",
            "May I, May said"],
    "june": ["saw April and June", "with June, aged 3", "mother June"],
    "mark": ["ask Mark", "e.g. Mark", "No 3. Then Mark left"],
}  # fmt: skip
FREE_AS_WORDS = {
    "will": ["he will be seen", "Will be seen", "It ended. Will be seen", "a) It ended! Will he?",
             "one\nWill be", "- Will call", "1. Will call", "\"Will he come?\" asked one",
             "Really? Will he", "\u2022 Will call", "It ended.\" Will he", "goodwill", "Willing"],
    "rose": ["the price rose", "Rose early", "It was so. Rose early"],
    "may": ["they may come", "in May", "since May", "on 3 May", "3rd May", "3rd of May 2024",
            "May 2024 was", "until late May", "between April and May", "from May to July",
            "in April, May", "by 12 May", "end of May", "next May", "said May 3rd",
            "from April to May"],
    "june": ["in June", "early June", "during June", "between April and June", "12/June"],
    "march": ["from March until May", "the march"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for table in (HELD, HELD_AS_NAMES) for name in table for text in table[name]],
)
def test_names_that_stand_in_text(name: str, text: str) -> None:
    assert FINDER.holds(text, {name})
    assert name in letters_of(text)  # so that whole columns find it too


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for table in (FREE, FREE_AS_WORDS) for name in table for text in table[name]],
)
def test_words_that_are_no_names(name: str, text: str) -> None:
    assert not FINDER.holds(text, {name})


@given(st.text(max_size=40))
def test_columns_fold_as_single_texts_do(text: str) -> None:
    series = pl.Series([text, "Plain"])
    if not text.isascii():
        text = text.replace("\u03a3", "s")  # a final sigma depends on what follows it
        series = pl.Series([text, "Plain"])
    assert plain_column(series).to_list() == [plain(text), "plain"]


@given(st.text(max_size=30), st.text(alphabet="abcdefghijklmnopqrstuvwxyz\u00e9\u0142", min_size=3))
def test_whole_columns_miss_no_name(text: str, name: str) -> None:
    letters = letters_of(name)
    for shown in (f"{text} {name.title()}'s {text}", f"{text}; {name.upper()}. {text}"):
        if FINDER.holds(shown, {letters}):
            assert letters in letters_column(pl.Series([shown]))[0]


AROUND = (
    "{}", "saw {}", "({})", "{}'s", "{}\u2019s", "{}s' house", "to {}.", "{}-x", "x-{}", "\n{}\n",
    "O'{}", "O'{}'s", "x-{}'s", "Khan-{}-Khan", "{}'", "_{}_", "'{}'", "it's {}'s-x",
)  # fmt: skip


@given(
    st.text(alphabet="bcdfghjklmnpqrtvwxyz\u00e9\u00fc", min_size=3, max_size=12),
    st.sampled_from(AROUND),
    st.sampled_from((str.upper, str.lower, str.title)),
)
def test_a_name_is_found_however_it_stands(
    name: str, around: str, case: Callable[[str], str]
) -> None:
    assert FINDER.holds(around.format(case(name)), {letters_of(name)})


@given(
    st.text(alphabet="bcdfgh", min_size=2, max_size=4),
    st.text(alphabet="bcdfgh", min_size=2, max_size=4),
    st.sampled_from(("{}'{}", "{}-{}", "{}\u2019{}'s", "x-{}'{}", "{}-{}'s", "{}'{}-x", "{}-{}s'")),
)
def test_a_name_in_two_parts_is_found_as_one(first: str, second: str, form: str) -> None:
    assert FINDER.holds(f"saw {form.format(first, second)} go", {letters_of(first + second)})

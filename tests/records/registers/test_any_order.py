"""Whatever steps are tried, by whom, in what order: an entry stands as a plain account says.

The account beside the rules is written from the memorandum's words and knows nothing of them.
"""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.records.registers.progress import Progress, after, begun, steps_left
from gateway.records.registers.rules import REGISTERS, REQUESTS, RegisterRefused

PARTIES = ("dfe", "ofsted")
STEPS = sorted({step for item in REGISTERS.values() for step in item.steps} | {"nonsense"})
TRIES = st.lists(
    st.tuples(st.sampled_from(STEPS), st.sampled_from((*PARTIES, "panel"))), max_size=25
)


def walked(register: str, tries: Sequence[tuple[str, str]]) -> tuple[Progress, list[Progress]]:
    """The entry of Ofsted's after all tries, and as it was after each that was taken."""
    progress, ways = begun(register, "ofsted", PARTIES), []
    for step, party in tries:
        try:
            progress = after(progress, step, party)
        except RegisterRefused as refused:
            assert refused.code.startswith("register.")
            assert refused.hint
            continue
        ways.append(progress)
    return progress, ways


@settings(max_examples=300)
@given(st.sampled_from(sorted(REGISTERS)), TRIES)
def test_an_entry_ends_once_and_only_its_parties_move_it(
    register: str, tries: list[tuple[str, str]]
) -> None:
    progress, ways = walked(register, tries)
    assert all(party in PARTIES for _, party in progress.taken)
    assert progress.number == len(ways)
    states = [way.state for way in ways]
    ended = [way.ended for way in ways]
    assert ended == sorted(ended), "what has ended does not begin again"
    if True in ended:
        assert len(set(states[ended.index(True) :])) == 1
    assert progress.actions >= 0
    assert progress.signed <= set(PARTIES)


@settings(max_examples=300)
@given(st.sampled_from(REQUESTS), TRIES)
def test_no_request_is_closed_behind_the_others_back(
    register: str, tries: list[tuple[str, str]]
) -> None:
    progress, _ = walked(register, tries)
    if progress.state == "closed":
        assert progress.has("informed", "ofsted") or progress.has("mistaken", "ofsted")
        assert progress.has("closed", "ofsted") or progress.has("mistaken", "ofsted")
    if progress.has("acknowledged"):
        assert progress.has("informed", "ofsted")
        assert progress.has("acknowledged", "dfe")


@settings(max_examples=500)
@given(st.data())
def test_an_incident_is_closed_only_after_all_of_it(data: st.DataObject) -> None:
    steps = sorted(REGISTERS["incident"].steps)
    one = st.tuples(st.sampled_from(steps), st.sampled_from(PARTIES))
    tries = data.draw(st.lists(one, max_size=60))
    progress, ways = walked("incident", tries)
    if progress.state == "closed":
        assert progress.has("acknowledged", "dfe")
        assert progress.ico
        assert progress.actions == 0
        assert progress.signed == set(PARTIES)
    for way in ways:
        if way.state == "agreed":
            assert way.signed == set(PARTIES)
        assert not (way.has("ico-reported") and way.has("ico-not-reportable"))


@given(TRIES)
def test_words_proposed_anew_are_signed_anew(tries: list[tuple[str, str]]) -> None:
    progress = begun("review", "ofsted", PARTIES)
    signed: set[str] = set()
    for step, party in tries:
        try:
            progress = after(progress, step, party)
        except RegisterRefused:
            continue
        if step == "proposed":
            signed = set()
        elif step == "agreed":
            signed.add(party)
        assert progress.signed == signed
        if progress.state != "closed":
            assert (progress.state == "agreed") == (signed == set(PARTIES))


@given(st.sampled_from(sorted(REGISTERS)), TRIES)
def test_what_is_offered_can_be_taken_and_nothing_else(
    register: str, tries: list[tuple[str, str]]
) -> None:
    progress, _ = walked(register, tries)
    for party in (*PARTIES, "panel"):
        offered = steps_left(progress, party)
        for step, rule in REGISTERS[register].steps.items():
            try:
                after(progress, step, party)
                able = rule.by_hand
            except RegisterRefused:
                able = False
            assert (step in offered) is able

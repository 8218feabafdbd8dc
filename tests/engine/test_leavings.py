"""What a killed run leaves is gone with the next tick, in the recipients' outboxes too."""

from rehearsing import AtWork


def test_what_a_killed_writing_of_checkpoints_left_goes(work: AtWork) -> None:
    places = [work.home.var, *(work.home.outbox / party for party in ("dfe", "panel"))]
    for place in places:
        left = place / ".sealing-killed.part"
        left.mkdir(mode=0o700)
        (left / "part").write_text("half a note")
    work.tick("2026-03-02T10:00")
    assert [path for place in places for path in place.glob(".sealing-*")] == []

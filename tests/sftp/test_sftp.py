"""SFTP as OpenSSH's own clients see it."""


def test_a_party_lists_fetches_and_has_collected(sftp, package, work):
    files = [f"{package}{end}" for end in (".manifest.json", ".manifest.json.asc", ".zip.gpg")]
    assert sftp.names("dfe", "/outbox/notifications") == files
    done = sftp.do("dfe", f"get -R /outbox/notifications/{package}* ")
    assert done.returncode == 0, done.stderr
    for name in files:
        placed = work.home.outbox_of("dfe", "notifications") / name
        assert (sftp.folder / name).read_bytes() == placed.read_bytes()
    assert work.query("SELECT party, state FROM deliveries ORDER BY party") == [
        ("dfe", "collected"),
        ("panel", "placed"),
    ]

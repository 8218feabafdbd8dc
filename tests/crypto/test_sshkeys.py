"""SSH keys: the host's own, and the files that say who may log in."""

import stat
import subprocess

import pytest

from gateway.crypto.faults import CryptoFault
from gateway.crypto.sshkeys import (
    all_party_keys,
    host_fingerprint,
    host_key_file,
    make_host_key,
    party_keys,
)


def made(need_program, path, *kind):
    """A new key's public line, and its fingerprint as OpenSSH tells it."""
    program = need_program("ssh-keygen")
    subprocess.run([program, "-q", "-N", "", "-f", str(path), *kind], check=True)
    told = subprocess.run(
        [program, "-lf", f"{path}.pub"], check=True, capture_output=True, text=True
    )
    return path.with_suffix(".pub").read_text(), told.stdout.split()[1]


def test_the_host_key_is_made_once_and_ssh_reads_it(need_program, tmp_path):
    assert host_fingerprint(tmp_path) is None
    path = make_host_key(tmp_path)
    body = path.read_bytes()
    assert make_host_key(tmp_path) == path == host_key_file(tmp_path)
    assert path.read_bytes() == body
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    program = need_program("ssh-keygen")
    told = subprocess.run([program, "-lf", str(path)], check=True, capture_output=True, text=True)
    assert host_fingerprint(tmp_path) == told.stdout.split()[1]


def test_a_party_s_keys_are_told_as_openssh_tells_them(need_program, tmp_path):
    first, one = made(need_program, tmp_path / "a", "-t", "ed25519")
    second, two = made(need_program, tmp_path / "b", "-t", "ecdsa", "-b", "384")
    third, three = made(need_program, tmp_path / "c", "-t", "rsa", "-b", "3072")
    (tmp_path / "dfe.pub").write_text(f"# the job\n\n{first}{second}\n{third}")
    assert party_keys(tmp_path, "dfe") == {one, two, three}
    assert party_keys(tmp_path, "panel") == frozenset()
    (tmp_path / "panel.pub").write_text(second)
    with pytest.raises(CryptoFault) as shared:
        all_party_keys(tmp_path, ("dfe", "panel"))
    assert shared.value.code == "sftp.shared-key"


def test_what_is_no_plain_strong_key_is_refused_by_line(need_program, tmp_path):
    good, _ = made(need_program, tmp_path / "a", "-t", "ed25519")
    weak, _ = made(need_program, tmp_path / "b", "-t", "rsa", "-b", "2048")
    bad = (weak, f'command="id" {good}', "ssh-ed25519 AAAA", "-----BEGIN", "ssh-dss x y", good[:60])
    for line in bad:
        (tmp_path / "dfe.pub").write_text(f"{good}{line}\n")
        with pytest.raises(CryptoFault, match="line 2") as refused:
            party_keys(tmp_path, "dfe")
        assert refused.value.code == "sftp.bad-key"
    (tmp_path / "dfe.pub").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CryptoFault, match="not text"):
        party_keys(tmp_path, "dfe")

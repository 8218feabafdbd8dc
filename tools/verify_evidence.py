#!/usr/bin/env python3
"""Verify an exported ledger without the gateway: Python and `cryptography` are all that it needs.

    python verify_evidence.py FOLDER [--keys LEDGER-KEYS] [--checkpoint NOTE ...]

FOLDER is what ``ledger export`` wrote. ``--keys``: the public keys that *you* hold; without it
those in the folder are used, and the answer says so. ``--checkpoint``: notes that you kept earlier;
the log must add to each. Exit code: 0 everything holds, 1 something does not, 2 usage.
The format is in docs/ledger.md; nothing here is taken from the gateway's own code.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MEMBERS = {"agreement", "at", "commits", "event", "facts", "id", "subject", "v"}


class Unproven(Exception):
    """Something is not as it was signed, or cannot be read."""


def sha256(*parts):
    """SHA-256 of the parts, one after another."""
    return hashlib.sha256(b"".join(parts)).digest()


def decoded(text):
    """Bytes from base64, in the one way that it is written."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError(text)
    return raw


class Roots:
    """Roots over a growing log (RFC 9162): it keeps no more than the peaks."""

    def __init__(self):
        self.size = 0
        self.peaks = []  # (leaves under it, hash), the largest first

    def add(self, leaf):
        """Add a leaf."""
        node, count = sha256(b"\x00", leaf), 1
        while self.peaks and self.peaks[-1][0] == count:
            node, count = sha256(b"\x01", self.peaks.pop()[1], node), count * 2
        self.peaks.append((count, node))
        self.size += 1

    def root(self):
        """The root over all leaves so far."""
        if not self.peaks:
            return sha256()
        node = self.peaks[-1][1]
        for _, peak in reversed(self.peaks[:-1]):
            node = sha256(b"\x01", peak, node)
        return node


def read_keys(text, bare=False):
    """Public keys of signed notes, by name and id: ``<name>+<id>+<base64>`` a line.

    ``bare``: the text holds nothing else, as an exported one.
    """
    found = {}
    if bare and not text.endswith("\n"):
        raise Unproven("the public keys of the export are cut short")
    for line in text.split("\n")[:-1] if bare else text.splitlines():
        if not bare and (not line.strip() or line.startswith("#")):
            continue
        try:
            name, key_id, told = line.split("+", 2)
            raw = decoded(told)
            right = sha256(name.encode(), b"\n", raw)[:4]
            if raw[:1] != b"\x01" or len(raw) != 33 or right.hex() != key_id:
                raise ValueError(line)
            found[name, right] = Ed25519PublicKey.from_public_bytes(raw[1:])
        except ValueError as error:
            raise Unproven("a line of the public keys is no key") from error
    if not found:
        raise Unproven("there is no public key to verify with")
    return found


def open_note(note, keys):
    """(origin, size, root) of a note that a known key signed and no known key signed falsely."""
    text, gap, tail = note.rpartition("\n\n")
    lines = tail.splitlines()
    if not gap or not lines or not tail.endswith("\n"):
        raise Unproven("it is no signed note")
    text += "\n"
    signed = False
    for line in lines:
        try:
            dash, name, told = line.split(" ")
            raw = decoded(told)
        except ValueError as error:
            raise Unproven("a signature line cannot be read") from error
        if dash != "\u2014":
            raise Unproven("a signature line cannot be read")
        key = keys.get((name, raw[:4]))
        if key is None:
            continue
        try:
            key.verify(raw[4:], text.encode())
        except InvalidSignature as error:
            raise Unproven("its signature is false") from error
        signed = True
    if not signed:
        raise Unproven("no known key has signed it")
    try:
        origin, size, told = text.split("\n")[:3]
        root = decoded(told)
        if str(int(size)) != size or int(size) < 0 or len(root) != 32:
            raise ValueError(size)
    except ValueError as error:
        raise Unproven("it is no checkpoint") from error
    return origin, int(size), root


def leaves_of(path):
    """Each leaf of a file: 4 bytes of length, big-endian, and the leaf."""
    with path.open("rb") as source:
        while length := source.read(4):
            leaf = source.read(int.from_bytes(length, "big"))
            if len(length) != 4 or len(leaf) != int.from_bytes(length, "big"):
                raise Unproven("leaves.bin is cut short")
            yield leaf


def require_leaf(leaf, number):
    """A leaf is JSON of known members in canonical order."""
    try:
        told = json.loads(leaf)
        plain = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if set(told) != MEMBERS or plain.encode() != leaf:
            raise ValueError(number)
    except (ValueError, TypeError) as error:
        raise Unproven(f"leaf {number} is not in the form of a leaf") from error


def verify_log(place, keys, kept, say):
    """Verify one log. ``kept``: checkpoints by origin that the reader holds."""
    try:
        text = (place / "log.json").read_bytes().decode()
        told = json.loads(text)
        origin, size = told["origin"], told["size"]
        known = set(told) == {"format", "origin", "size", "cites"}
        plain = json.dumps(told, indent=2) + "\n"
        if told["format"] != "gateway-log/1" or not known or plain != text:
            raise ValueError(told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unproven("log.json is not as it was written") from error
    wanted = {}
    notes = sorted((place / "checkpoints").glob("*"))
    for path in notes:
        try:
            seen = open_note(path.read_bytes().decode(), keys)
        except UnicodeDecodeError as error:
            raise Unproven(f"{path.name} is no text") from error
        except Unproven as why:
            raise Unproven(f"checkpoint {path.name}: {why}") from why
        if seen[0] != origin or path.name != f"{seen[1]}.note":
            raise Unproven(f"checkpoint {path.name} is of another log, or of another size")
        wanted[seen[1]] = seen[2]
    if not wanted:
        raise Unproven("no checkpoint is there, so that nothing is signed")
    mine = {number: root for name, number, root in kept if name == origin}
    roots = Roots()
    for leaf in leaves_of(place / "leaves.bin"):
        roots.add(leaf)
        require_leaf(leaf, roots.size)
        for source, held in (("its checkpoint", wanted), ("a checkpoint that you kept", mine)):
            if roots.size in held and roots.root() != held[roots.size]:
                raise Unproven(f"the first {roots.size} leaves are not those of {source}")
    missing = [number for number in (*wanted, *mine) if number > roots.size]
    if missing or not roots.size == size == max(wanted):
        raise Unproven("leaves are missing at the end, or were added without being signed")
    say(f"{origin}: {size} leaves are proven by {len(wanted)} signed checkpoints.")
    if mine:
        say(f"  {len(mine)} checkpoints that you kept are of the same log: nothing was taken away.")
    if told["cites"] is not None:
        seen = open_note(told["cites"], keys)
        say(f"  It follows on {seen[0]}, of which {seen[1]} leaves had been seen.")


def verify(folder, keys_text, kept_notes, say):
    """Verify all logs of a folder. Raises Unproven."""
    keys = read_keys(keys_text)
    read_keys((folder / "ledger-keys").read_bytes().decode(), bare=True)
    if {path.name for path in folder.iterdir() if path.is_file()} != {"ledger-keys"}:
        raise Unproven("the folder has not exactly the files that it should")
    kept = [open_note(note, keys) for note in kept_notes]
    places = sorted(path for path in folder.iterdir() if path.is_dir())
    if [path.name for path in places] != [str(n + 1) for n in range(len(places))] or not places:
        raise Unproven("the logs are not numbered 1, 2, …")
    for place in places:
        expected = {"log.json", "leaves.bin", "checkpoints"}
        if {path.name for path in place.iterdir()} != expected:
            raise Unproven(f"log {place.name} has not exactly the files that it should")
        verify_log(place, keys, kept, say)


def main(arguments=None):
    """Run as a program; the exit code."""
    parser = argparse.ArgumentParser(description="Verify an exported ledger.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keys", type=Path, help="the public keys that you hold")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[])
    told = parser.parse_args(arguments)
    try:
        keys = (told.keys or told.folder / "ledger-keys").read_bytes().decode()
        notes = [path.read_bytes().decode() for path in told.checkpoint]
        verify(told.folder, keys, notes, print)
    except (OSError, UnicodeDecodeError) as error:
        print(f"NOT PROVEN: a file cannot be read ({type(error).__name__}).")
        return 1
    except Unproven as why:
        print(f"NOT PROVEN: {why}.")
        return 1
    if told.keys is None:
        print("  The keys came with the export: compare config/ledger-keys with your own copy.")
    print("Everything that is signed holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

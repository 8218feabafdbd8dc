#!/usr/bin/env python3
"""Verify an evidence pack, or an exported ledger, without the gateway.

    python verify_evidence.py PACK.zip [--keys LEDGER-KEYS] [--fingerprint KEY ...]
                                       [--checkpoint NOTE ...]

It needs Python, its package `cryptography`, and gpg for the signatures of parties and officers.
PACK is what ``evidence export`` wrote, zipped or unpacked, or the folder that ``ledger export``
wrote. ``--keys``: the ledger's public keys that *you* hold, and ``--fingerprint``: those of the
gateway, parties and officers that you know; without them the pack's own are used, and the answer
says so. ``--checkpoint``: notes that you kept earlier; the log must add to each. Exit code: 0
everything holds, 1 something does not, 2 usage. The formats are in docs/evidence.md and
docs/ledger.md; nothing here is taken from the gateway's own code.
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
from itertools import pairwise
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MEMBERS = {"agreement", "at", "commits", "event", "facts", "id", "subject", "v"}
PACK = "gateway-evidence/1"
MEMBERS_OF_INDEX = "before case files format from home made_at packages rehearsal since until"
SLICE = "consistency count cites first first_path format last_path origin size"
RECEIPT = "agreement_hash at digest format head id kind officer package party"
SITE_RECEIPT = (
    "agreement_hash at digest format id kind name officer package party person said signed_by"
)
OFFICERS_SAY = {"accepted", "queried", "quarantined"}
SAID_ON_SITE = {
    "opened": "I have opened this package, and it can be read.",
    "accepted": "I accept this package for my organisation.",
    "queried": "I have a question about this package, and do not accept it as it is.",
}
LOG_FILE = re.compile(r"ledger/([1-9]\d*)/(slice\.json|leaves\.bin|checkpoints/\d+\.note)")
FINGERPRINT = re.compile(r"[0-9A-F]{40}")


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

    def __init__(self, size=0, lefts=()):
        """``lefts``: the hashes of the complete subtrees over the first leaves, smallest first."""
        counts = [1 << bit for bit in range(size.bit_length()) if size >> bit & 1]
        if len(counts) != len(lefts):
            raise Unproven("a proof is too short")
        self.size = size
        self.peaks = list(zip(counts, lefts, strict=True))[
            ::-1
        ]  # (leaves under it, hash), the largest first

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


def signed_text(note, keys, signers=None):
    """The text of a note that a known key signed and no known key signed falsely.

    ``signers``: where given, nobody else may have signed it.
    """
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
        if signers is not None and (name, raw[:4]) not in signers:
            raise Unproven("somebody has signed it whose key is not there")
        if key is None:
            continue
        try:
            key.verify(raw[4:], text.encode())
        except InvalidSignature as error:
            raise Unproven("its signature is false") from error
        signed = True
    if not signed:
        raise Unproven("no known key has signed it")
    return text


def open_note(note, keys, signers=None):
    """(origin, size, root) of a signed checkpoint."""
    return checkpoint(signed_text(note, keys, signers))


def checkpoint(text):
    """(origin, size, root) that the lines of a checkpoint tell."""
    try:
        origin, size, told = text.split("\n")[:3]
        root = decoded(told)
        if str(int(size)) != size or int(size) < 0 or len(root) != 32:
            raise ValueError(size)
    except (ValueError, AttributeError) as error:
        raise Unproven("it is no checkpoint") from error
    return origin, int(size), root


def leaves_of(opened):
    """Each leaf of an opened file: 4 bytes of length, big-endian, and the leaf."""
    with opened as source:
        while length := source.read(4):
            leaf = source.read(int.from_bytes(length, "big"))
            if len(length) != 4 or len(leaf) != int.from_bytes(length, "big"):
                raise Unproven("leaves.bin is cut short")
            yield leaf


def require_leaf(leaf, number):
    """What a leaf says: JSON of known members in canonical order."""
    try:
        told = json.loads(leaf)
        plain = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if set(told) != MEMBERS or plain.encode() != leaf:
            raise ValueError(number)
    except (ValueError, TypeError) as error:
        raise Unproven(f"leaf {number} is not in the form of a leaf") from error
    return told


def verify_log(place, keys, own, kept, say):
    """Verify one log. ``own``: the export's keys; ``kept``: checkpoints that the reader holds."""
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
            seen = open_note(path.read_bytes().decode(), keys, own)
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
    roots, lost = Roots(), set()
    for leaf in leaves_of((place / "leaves.bin").open("rb")):
        roots.add(leaf)
        said = require_leaf(leaf, roots.size)
        if said["event"] == "witness.lost":
            lost.add(tuple(said["facts"].get(name) for name in ("log", "size", "root")))
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
        before, seen, root = checkpoint(told["cites"])
        cited = (before.removeprefix(origin.rpartition("/")[0] + "/"), seen, root.hex())
        if cited not in {(str(log), *rest) for log, *rest in lost}:
            raise Unproven("log.json follows on a checkpoint that no leaf tells of")
        if told["cites"] != f"{before}\n{seen}\n{base64.b64encode(root).decode()}\n":
            raise Unproven("log.json is not as it was written")
        say(f"  It follows on {before}, of which {seen} leaves were seen; what it lacks is lost.")


def verify(folder, keys_text, kept_notes, say):
    """Verify all logs of a folder. Raises Unproven."""
    keys = read_keys(keys_text)
    own = read_keys((folder / "ledger-keys").read_bytes().decode(), bare=True)
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
        verify_log(place, keys, own, kept, say)


# --- evidence packs -------------------------------------------------------------------------------


def climb(node, index, size, path):
    """(root, hashes to the left, the smallest subtree first) of an inclusion proof (RFC 9162)."""
    if not 0 <= index < size:
        raise Unproven("a proof is of no leaf of its log")
    lefts, last = [], size - 1
    for step in path:
        if last == 0:
            raise Unproven("a proof is too long")
        if index & 1 or index == last:
            node = sha256(b"\x01", step, node)
            lefts.append(step)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\x01", node, step)
        index, last = index >> 1, last >> 1
    if last:
        raise Unproven("a proof is too short")
    return node, lefts


def adds_to(first, first_root, second, second_root, path):
    """Whether the second tree only adds to the first (RFC 9162 §2.1.4.2)."""
    steps = list(path)
    if not 0 < first < second:
        return False
    if first & (first - 1) == 0:
        steps.insert(0, first_root)
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    if not steps:
        return False
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = sha256(b"\x01", step, old), sha256(b"\x01", step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = sha256(b"\x01", new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


class Pack:
    """The files of a pack, from a zip or from a folder."""

    def __init__(self, path):
        self.folder, self.zip = (path, None) if path.is_dir() else (None, zipfile.ZipFile(path))
        if self.zip:
            self.names = self.zip.namelist()
            require_plain_zip(path, self.zip.infolist())
        else:
            found = sorted(item for item in path.rglob("*") if not item.is_dir())
            self.names = [item.relative_to(path).as_posix() for item in found]

    def open(self, name):
        """A file of the pack, opened."""
        if name not in self.names:
            raise Unproven(f"{name} is not there")
        return self.zip.open(name) if self.zip else (self.folder / name).open("rb")

    def read(self, name):
        """All bytes of a file of the pack."""
        with self.open(name) as source:
            return source.read()

    def hashed(self, name):
        """(SHA-256 in hex, size) of a file of the pack."""
        digest, size = hashlib.sha256(), 0
        with self.open(name) as source:
            while part := source.read(1 << 20):
                digest.update(part)
                size += len(part)
        return digest.hexdigest(), size

    def under(self, start, end):
        """The names that start and end so."""
        return [name for name in self.names if name.startswith(start) and name.endswith(end)]

    def told(self, name, members=None):
        """What a JSON file says. It is in canonical form, with a line feed behind."""
        raw = self.read(name)
        try:
            said = json.loads(raw)
            plain = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            if plain.encode() + b"\n" != raw:
                raise ValueError(name)
            if members is not None and set(said) != set(members.split()):
                raise ValueError(name)
        except (ValueError, TypeError, RecursionError) as error:
            raise Unproven(f"{name} is not in the form that it should be in") from error
        return said


def require_plain_zip(path, infos):
    """A pack's zip has one form alone: files stored in order, nothing before, between, behind."""
    with path.open("rb") as source:
        central, at = b"", 0
        for info in infos:
            name = info.filename.encode()
            sizes = (info.CRC, info.file_size, info.file_size, len(name), 0)
            local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0x800, 0, 0, 0x21, *sizes) + name
            source.seek(at)
            if source.read(len(local)) != local or info.compress_type != zipfile.ZIP_STORED:
                raise Unproven("the zip is not as it was written")
            start = struct.pack("<4s6H", b"PK\1\2", 0x0314, 20, 0x800, 0, 0, 0x21)
            rights = 0o100644 << 16
            central += start + struct.pack("<3I5H2I", *sizes, 0, 0, 0, rights, at) + name
            at += len(local) + info.file_size
        count = len(infos)
        sizes = (0, 0, count, count, len(central), at, 0)
        source.seek(at)
        if source.read() != central + struct.pack("<4s4H2IH", b"PK\5\6", *sizes):
            raise Unproven("the zip is not as it was written")


class Gpg:
    """gpg with a keyring of its own, which holds the pack's public keys and goes with it."""

    def __init__(self, pack, folder):
        self.folder, self.pack, self.users = Path(folder), pack, {}
        for name in pack.under("", ".key.asc"):
            self._take(name)

    def _run(self, *words, data=None):
        base = ["gpg", "--homedir", str(self.folder), "--batch", "--no-tty", "--no-autostart"]
        try:
            return subprocess.run(
                [*base, "--status-fd", "1", *words], input=data, capture_output=True, check=False
            ).stdout.decode(errors="replace")
        except FileNotFoundError as error:
            raise Unproven("gpg is not installed, and signatures need it") from error

    def _take(self, name):
        told = self._run("--import", data=self.pack.read(name))
        ids = {line.split()[3] for line in told.splitlines() if " IMPORT_OK " in line}
        fingerprint = name.rsplit("/", 1)[-1].removesuffix(".key.asc")
        if ids != {fingerprint} or not FINGERPRINT.fullmatch(fingerprint):
            raise Unproven(f"{name} is not the key that it is named for")

    def signer(self, name):
        """The fingerprint of the key that signed a file; its signature is beside it."""
        data, made = self.folder / "data", self.folder / "made"
        data.write_bytes(self.pack.read(name))
        made.write_bytes(self.pack.read(name + ".asc"))
        words = ("--trust-model", "always", "--verify", str(made), str(data))
        lines = [line.split() for line in self._run(*words).splitlines()]
        said = {line[1]: line[2:] for line in lines if line[:1] == ["[GNUPG:]"] and len(line) > 1}
        good = ("GOODSIG" in said) != ("EXPKEYSIG" in said)
        if not good or "VALIDSIG" not in said or {"BADSIG", "REVKEYSIG"} & set(said):
            raise Unproven(f"the signature under {name} is false, or its key is not in the pack")
        if "EXPKEYSIG" in said:  # good where it was made while the key was in being
            ends = [int(line[2]) for line in lines if line[1:2] == ["KEYEXPIRED"]]
            if not ends or int(said["VALIDSIG"][2]) >= min(ends):
                raise Unproven(f"{name} was signed with a key that had expired")
        return said["VALIDSIG"][-1]


class Facts:
    """What the leaves of a pack tell that its files must bear out."""

    def __init__(self, since, before):
        self.since, self.before = since, before
        self.receipts = {}  # SHA-256 of a receipt: (package, party, kind)
        self.placed = {}  # (package, party): SHA-256 of what was placed
        self.holds = set()
        self.entered = {}  # register entries: register and party

    def has(self, leaf):
        """Whether a leaf is of the days asked for."""
        return self.since <= leaf["at"] < self.before

    def add(self, leaf):
        """Take a leaf in, if it is of the days asked for."""
        if not self.has(leaf):
            return
        told, event = leaf["facts"], leaf["event"]
        about = leaf["subject"].rpartition(":")[2]
        if event == "receipt.recorded":
            self.receipts[told["receipt"]] = (told["package"], told["party"], told["kind"])
        elif event == "delivery.placed":
            self.placed[told["package"], told["party"]] = told["sha256"]
        elif event == "hold.begun":
            self.holds.add(about)
        elif event == "register.entered":
            self.entered[about] = (told["register"], told["party"])


class Seen:
    """A checkpoint that somebody has: the reader, or who signed a receipt or manifest with it."""

    def __init__(self, note, keys, who):
        self.origin, self.size, self.root = open_note(note, keys)
        self.who, self.same = who, None


def verify_slice(pack, number, keys, seen, facts, last):
    """Verify a slice of one log; what it proves, in words."""
    place = f"ledger/{number}"
    told = pack.told(f"{place}/slice.json", SLICE)
    try:
        origin, first, count, size = (told[name] for name in ("origin", "first", "count", "size"))
        paths = [[decoded(step) for step in told[name]] for name in ("first_path", "last_path")]
        numbers = all(type(item) is int and item >= 0 for item in (first, count, size))
        if told["format"] != "gateway-slice/1" or not numbers or type(origin) is not str:
            raise ValueError(place)
        if any(len(step) != 32 for path in paths for step in path):
            raise ValueError(place)
    except (ValueError, TypeError, AttributeError) as error:
        raise Unproven(f"{place}/slice.json is not in the form that it should be in") from error
    roots_at = checkpoints_of(pack, place, origin, keys)
    if size != max(roots_at) or first + count > size:
        raise Unproven(f"{place}: the slice is not under its latest checkpoint")
    verify_steps(place, told["consistency"], roots_at)
    mine = [item for item in seen if item.origin == origin]
    asked = {item.size for item in mine}
    if count:
        prove_leaves(pack, place, first, count, paths, (size, roots_at), asked, facts)
    elif pack.read(f"{place}/leaves.bin") or any(paths):
        raise Unproven(f"{place}: there are leaves that are not told of")
    for item in mine:
        compare(item, roots_at, size, last)
    cited = checkpoint(told["cites"])[:2] if told["cites"] is not None else None
    return origin, first, count, size, len(roots_at), cited


def checkpoints_of(pack, place, origin, keys):
    """The root that a signed checkpoint tells for each size."""
    found = {}
    for name in pack.under(f"{place}/checkpoints/", ".note"):
        try:
            told, size, root = open_note(pack.read(name).decode(), keys)
        except UnicodeDecodeError as error:
            raise Unproven(f"{name} is no text") from error
        except Unproven as why:
            raise Unproven(f"{name}: {why}") from why
        if told != origin or name != f"{place}/checkpoints/{size}.note":
            raise Unproven(f"{name} is of another log, or of another size")
        found[size] = root
    if not found:
        raise Unproven(f"{place} has no checkpoint, so that nothing is signed")
    return found


def verify_steps(place, steps, roots_at):
    """Each checkpoint only adds to the one before."""
    sizes = sorted(roots_at)
    try:
        pairs = [(step["from"], step["to"]) for step in steps]
        if pairs != list(pairwise(sizes)):
            raise ValueError(place)
        for step in steps:
            path = [decoded(item) for item in step["path"]]
            first, second = step["from"], step["to"]
            whole = len(step) == 3 and all(len(item) == 32 for item in path)
            if not whole or not adds_to(first, roots_at[first], second, roots_at[second], path):
                raise Unproven(f"{place}: checkpoint {second} does not add to checkpoint {first}")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unproven(f"{place}: the consistency proofs are not as they should be") from error


def prove_leaves(pack, place, first, count, paths, head, asked, facts):
    """The leaves are those of the log, in order, none missing between the first and the last.

    The path of the first gives the subtrees before it; with the leaves they must give the subtrees
    before the last, which its own path has. Roots at the sizes asked for are kept by the way.
    """
    size, root = head[0], head[1][head[0]]
    roots, seen = None, 0
    for leaf in leaves_of(pack.open(f"{place}/leaves.bin")):
        node = sha256(b"\x00", leaf)
        if seen == 0:
            reached, lefts = climb(node, first, size, paths[0])
            roots = Roots(first, lefts)
            if reached != root:
                raise Unproven(f"{place}: the first leaf is not that of the log")
        seen += 1
        if seen == count:
            reached, lefts = climb(node, first + count - 1, size, paths[1])
            if reached != root or [peak for _, peak in roots.peaks][::-1] != lefts:
                raise Unproven(f"{place}: a leaf is not that of the log, or not in its place")
        roots.add(leaf)
        said = require_leaf(leaf, first + seen)
        if seen == 1 and first and facts.has(said):
            raise Unproven(f"{place}: the first leaves of these days are left out")
        if seen == count and first + seen < size and facts.has(said):
            raise Unproven(f"{place}: the last leaves of these days are left out")
        facts.add(said)
        told = head[1].get(roots.size)
        if told is not None and told != roots.root():
            raise Unproven(f"{place}: leaves are not those of checkpoint {roots.size}")
        if told is None and roots.size in asked:
            head[1][roots.size] = roots.root()
    if seen != count:
        raise Unproven(f"{place}: leaves are missing, or were added")


def compare(item, roots_at, size, last):
    """Hold what somebody has seen against the log."""
    if item.size in roots_at:
        item.same = True if item.root == roots_at[item.size] else None
        if not item.same and last:
            raise Unproven(f"{item.who} saw another history of the log: it was rewritten")
    elif item.size > size and last:
        raise Unproven(f"{item.who} saw {item.size} leaves, more than the log has: it was cut")


def verify_index(pack, keys):
    """The list of all files, signed, and each file as it is listed."""
    try:
        text = signed_text(pack.read("index.note").decode(), keys)
    except UnicodeDecodeError as error:
        raise Unproven("index.note is no text") from error
    if text != f"{PACK}\nindex.json {pack.hashed('index.json')[0]}\n":
        raise Unproven("index.json is not the one that was signed")
    index = pack.told("index.json", MEMBERS_OF_INDEX)
    try:
        files = {item["path"]: (item["sha256"], item["size"]) for item in index["files"]}
        if index["format"] != PACK or len(files) != len(index["files"]):
            raise ValueError(index)
    except (KeyError, TypeError, ValueError) as error:
        raise Unproven("index.json is not in the form that it should be in") from error
    if sorted([*files, "index.json", "index.note"]) != sorted(pack.names):
        raise Unproven("the pack has not exactly the files that it lists")
    for name, told in files.items():
        if pack.hashed(name) != told:
            raise Unproven(f"{name} is not as it was signed")
    return index


def verify_agreements(pack, gpg, pins):
    """Who signed which version, by its hash: {hash: {party: (kind, key)}}."""
    found = {}
    for name in pack.under("agreements/", ".json"):
        parts = name.removesuffix(".json").split("/")
        if len(parts) == 2:
            if sha256(pack.read(name)).hex() != parts[1]:
                raise Unproven(f"{name} is not the agreement of that hash")
            found.setdefault(parts[1], {})
    for name in sorted(pack.under("agreements/", ".json")):
        parts = name.removesuffix(".json").split("/")
        if len(parts) == 2:
            continue
        try:
            said = json.loads(pack.read(name))
            party, told, kind = said["party"], said["hash"], said["kind"]
        except (ValueError, TypeError, KeyError) as error:
            raise Unproven(f"{name} is no statement about an agreement") from error
        key = gpg.signer(name)
        if told != parts[1] or told not in found or key not in pins.get(party, ()):
            raise Unproven(f"{name} is not signed by the party that it names")
        found[told][party] = (kind, key)
    return found


def verify_manifests(pack, gpg, keys, gateway, seen):
    """Each package's manifest, signed by the gateway: {(package, party): manifest}."""
    found = {}
    for name in pack.under("manifests/", ".json"):
        said = pack.told(name)
        try:
            package, party = said["package"], said["recipient"]
            if name != f"manifests/{package}/{party}.manifest.json":
                raise ValueError(name)
            if said["checkpoint"] is not None:
                seen.append(Seen(said["checkpoint"], keys, "the gateway, in a manifest,"))
            found[package, party] = said
            said["delivery_sha256"], said["agreement_hash"]
        except (ValueError, TypeError, KeyError) as error:
            raise Unproven(f"{name} is no manifest of what it is named for") from error
        if gpg.signer(name) not in gateway:
            raise Unproven(f"{name} is not signed by the gateway, with a key that you know")
    return found


def named(receipt):
    """Who signed a receipt: a party, or an officer of it; on the site, who said it."""
    officer, party = receipt["officer"], receipt["party"]
    if on_site(receipt):
        return f"{receipt['name']} of {party}"
    return f"{officer} of {party}" if officer else party


def on_site(receipt):
    """Whether the gateway says that somebody said it on its site: nobody else has signed it."""
    return receipt["format"] == "gateway-site-receipt/1"


def verify_site_receipt(name, said, gpg, gateway):
    """The key of the gateway that signed what somebody said on its site."""
    place = f"receipts/{said['package']}/{said['party']}/"
    if not name.startswith(place) or SAID_ON_SITE.get(said["kind"]) != said["said"]:
        raise Unproven(f"{name} is no receipt of what it is named for")
    key = gpg.signer(name)
    if key not in gateway or key != said["signed_by"]:
        raise Unproven(f"{name} is not signed by the gateway, with a key that you know")
    return key


def verify_receipts(pack, gpg, keys, pins, gateway, seen):
    """Each receipt: [(SHA-256, receipt, the key that signed it, or None)]."""
    found = []
    officers = pack.told("receipts/signers.json")
    for name in sorted(pack.under("receipts/", ".receipt.json")):
        said = pack.told(name)
        site = isinstance(said, dict) and said.get("format") == "gateway-site-receipt/1"
        said = pack.told(name, SITE_RECEIPT if site else RECEIPT)
        if site:
            key = verify_site_receipt(name, said, gpg, gateway)
            found.append((sha256(pack.read(name)).hex(), said, key))
            continue
        place = f"receipts/{said['package']}/{said['party']}/"
        if said["format"] != "gateway-receipt/1" or not name.startswith(place):
            raise Unproven(f"{name} is no receipt of what it is named for")
        officer, key = said["officer"], None
        if (said["kind"] in OFFICERS_SAY) != (officer is not None):
            raise Unproven(f"{name}: an officer says what officers say, and nothing else")
        if name + ".asc" in pack.names:
            try:
                known = officers[officer] if officer else {"party": said["party"]}
                right = known["keys"] if officer else pins[said["party"]]
                if known["party"] != said["party"]:
                    raise ValueError(name)
            except (KeyError, TypeError, ValueError) as error:
                raise Unproven(f"{name}: nobody is known who could have signed it") from error
            key = gpg.signer(name)
            if key not in right:
                raise Unproven(f"{name} is not signed by {named(said)}")
            if said["head"] is not None:
                seen.append(Seen(said["head"], keys, named(said)))
        elif said["kind"] != "collected":
            raise Unproven(f"{name} is not signed")
        found.append((sha256(pack.read(name)).hex(), said, key))
    return found


def destroyed(pack):
    """Packages whose manifests were destroyed when no hold was on, as the pack has it."""
    told = pack.told("custody.json", "destructions holds")["destructions"]
    kinds = ("manifest", "signature")
    return {item["subject"].partition(":")[2] for item in told if item["kind"] in kinds}


def require_borne_out(index, facts, manifests, receipts, pack):
    """Files and leaves tell the same, and no file is left out that a leaf tells of."""
    wanted, gone = set(index["packages"]), destroyed(pack)
    for (package, party), digest in facts.placed.items():
        if (index["case"] and package not in wanted) or package in gone:
            continue
        said = manifests.get((package, party))
        if said is None or said["delivery_sha256"] != digest:
            raise Unproven(f"the record tells of {package} for {party}, and its manifest is not so")
    told = {}
    for digest, said, _ in receipts:
        package, party = said["package"], said["party"]
        told[digest] = (package, party, said["kind"])
        manifest = manifests.get((package, party))
        if manifest is None and package not in gone:
            raise Unproven(f"a receipt is for {package}, whose manifest is not there")
        same = manifest is None or (said["digest"], said["agreement_hash"]) == (
            manifest["delivery_sha256"],
            manifest["agreement_hash"],
        )
        if not same or facts.receipts.get(digest) != told[digest]:
            raise Unproven(f"a receipt for {package} is not the one of the record")
    for digest, (package, party, kind) in facts.receipts.items():
        if digest not in told and not (index["case"] and package not in wanted):
            raise Unproven(f"the record tells of {kind} by {party} for {package}: it is left out")
    holds = {item["id"] for item in pack.told("custody.json")["holds"]}
    if not facts.holds <= holds:
        raise Unproven("a hold that the record tells of is left out")
    entries = {item["id"]: item for item in pack.told("registers.json")["entries"]}
    for entry, told_of in facts.entered.items():
        mine = entries.get(entry, {})
        if (mine.get("register"), mine.get("party")) != told_of:
            raise Unproven("a register's entry that the record tells of is left out or altered")


def verify_pack(path, keys_text, kept_notes, known, say):
    """Verify an evidence pack, and say what is proven, what is not, and by whom."""
    try:
        pack = Pack(path)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise Unproven("the zip cannot be read") from error
    own = pack.read("ledger-keys").decode()
    read_keys(own, bare=True)
    keys = read_keys(keys_text or own)
    index = verify_index(pack, keys)
    seen = [Seen(note, keys, "you") for note in kept_notes]
    pins = pack.told("keys/keys.json", "gateway parties")
    gateway = set(pins["gateway"]) & known if known else set(pins["gateway"])
    if not gateway:
        raise Unproven("the gateway's key is none that you know")
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        gpg = Gpg(pack, folder)
        agreements = verify_agreements(pack, gpg, pins["parties"])
        manifests = verify_manifests(pack, gpg, keys, gateway, seen)
        receipts = verify_receipts(pack, gpg, keys, pins["parties"], gateway, seen)
    facts, slices = Facts(index["since"], index["before"]), []
    places = sorted({int(hit[1]) for hit in map(LOG_FILE.fullmatch, pack.names) if hit})
    if not places:
        raise Unproven("the pack has no part of the ledger")
    for number in places:
        last = number == places[-1]
        slices.append(verify_slice(pack, number, keys, seen, facts, last))
    require_borne_out(index, facts, manifests, receipts, pack)
    tell(say, known, index, slices, agreements, manifests, receipts, seen)
    tell_not(say, slices, agreements, manifests, receipts, seen, bool(keys_text), known, pack)


def unknown_mark(key, known):
    """What is said behind a name whose key is none of those that the reader gave."""
    return " (by a key that you have not given)" if known and key not in known else ""


def tell(say, known, index, slices, agreements, manifests, receipts, seen):
    """Say what is proven, and by whom."""
    rehearsal = " REHEARSAL: every key is the gateway's own." if index["rehearsal"] else ""
    say(f"Evidence of {index['from']} to {index['until']}, made {index['made_at']}.{rehearsal}")
    say("PROVEN")
    for origin, first, count, size, signed, _ in slices:
        if count:
            say(
                f"- by the gateway's ledger key: {count} events, places {first + 1} to"
                f" {first + count} of {size} in {origin}, are unchanged, in order, none left out;"
                f" {signed} signed checkpoints only add to one another."
            )
        else:
            say(f"- by the gateway's ledger key: {origin} has {size} events; none is given here.")
    if any(item.same and item.who == "you" for item in seen):
        say("- by the checkpoints that you kept: it is the same log, and nothing was taken away.")
    for told, signed in sorted(agreements.items()):
        by = sorted(
            party + unknown_mark(key, known)
            for party, (kind, key) in signed.items()
            if kind == "signed"
        )
        if by:
            say(f"- by {' and '.join(by)}: agreement {told[:16]}… is signed.")
    if manifests:
        count = len({package for package, _ in manifests})
        say(
            f"- by the gateway's signing key: what {count} packages were, for {len(manifests)}"
            " deliveries: their SHA-256, rows, columns left out, and the agreement they were under."
        )
    signers = {}
    by_word = {}
    for _, said, key in receipts:
        if on_site(said):
            kinds = by_word.setdefault(named(said), {})
            kinds[said["kind"]] = kinds.get(said["kind"], 0) + 1
        elif key:
            kinds = signers.setdefault((named(said), unknown_mark(key, known)), {})
            kinds[said["kind"]] = kinds.get(said["kind"], 0) + 1
    for (who, mark), kinds in sorted(signers.items()):
        words = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        sizes = [item.size for item in seen if item.who == who and item.same]
        same = f" It saw the first {max(sizes)} events, the same as here." if sizes else ""
        say(f"- by {who}{mark}: {words}, for the very bytes that the manifests name.{same}")
    for who, kinds in sorted(by_word.items()):
        words = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        say(f"- by the gateway's word, and not signed by them: {who} said on the site: {words}.")
    kept = "about the named packages " if index["case"] else ""
    say(f"- Every manifest and receipt {kept}that these events tell of is here, and no other.")


def owners_of(pack):
    """Whose the keys are, as the pack has it."""
    pins, owners = pack.told("keys/keys.json"), {}
    told = {"the gateway": pins["gateway"], **pins["parties"]}
    officers = pack.told("receipts/signers.json")
    told |= {f"{name} of {said['party']}": said["keys"] for name, said in officers.items()}
    for who, keys in told.items():
        owners |= dict.fromkeys(keys, who)
    return owners


def tell_not(say, slices, agreements, manifests, receipts, seen, keys_known, known, pack):
    """Say what this pack does not prove."""
    say("NOT PROVEN by this pack")
    if not keys_known:
        say("- that the ledger key is the gateway's: it came with the pack. Give --keys.")
    owners = owners_of(pack)
    if set(owners) - known:
        say("- whose these keys are: compare them with those you know (--fingerprint).")
        for key, who in sorted(owners.items(), key=lambda pair: pair[1]):
            if key not in known:
                say(f"    {key} {who}")
    if not any(item.same and item.who == "you" for item in seen):
        say("- that no other history was shown to you before. Give a --checkpoint that you kept.")
    lost = [item for item in seen if item.same is None]
    if lost:
        say(f"- {len(lost)} checkpoints that were seen, of events that are not in this pack.")
    for origin, *_, cited in slices:
        if cited:
            say(f"- what was lost of {cited[0]}, of which {cited[1]} events had been seen, when")
            say(f"  {origin} was opened in its place: its first events tell of that.")
    unsigned = sorted(
        {told for told, by in agreements.items() if "signed" not in dict(by.values())}
    )
    for told in unsigned:
        say(f"- that anyone signed agreement {told[:16]}….")
    if destroyed(pack):
        say("- what some packages were: their manifests were destroyed, as custody.json tells.")
    missing = {said["agreement_hash"] for said in manifests.values()} - set(agreements)
    for told in sorted(missing):
        say(f"- what agreement {told[:16]}… says: it is not in the pack.")
    if any(on_site(said) for _, said, _ in receipts):
        say("- by the people themselves: what they said on the site. That they were signed in, and")
        say("  said it in these words, is the gateway's account, signed with its own key.")
    bare = sum(1 for _, _, key in receipts if key is None)
    if bare:
        say(f"- by a recipient: {bare} of the collections, which are the gateway's own account.")
    say("- what is inside a package: its hash is here, and its content is not.")
    say("- the times: each is by the clock of whoever signed. What is told in summary.html,")
    say("  registers.json and custody.json is the gateway's word, as it stood on that day.")


def main(arguments=None):
    """Run as a program; the exit code."""
    parser = argparse.ArgumentParser(description="Verify an evidence pack or an exported ledger.")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--keys", type=Path, help="the ledger's public keys that you hold")
    parser.add_argument("--fingerprint", action="append", default=[], help="a key that you know")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[])
    told = parser.parse_args(arguments)
    whole_log = told.pack.is_dir() and not (told.pack / "index.json").exists()
    known = {"".join(item.split()).upper() for item in told.fingerprint}
    try:
        notes = [path.read_bytes().decode() for path in told.checkpoint]
        keys = told.keys.read_bytes().decode() if told.keys else None
        if whole_log:
            verify(told.pack, keys or (told.pack / "ledger-keys").read_text(), notes, print)
        else:
            verify_pack(told.pack, keys, notes, known, print)
    except (OSError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        print(f"NOT PROVEN: a file cannot be read ({type(error).__name__}).")
        return 1
    except Unproven as why:
        print(f"NOT PROVEN: {why}.")
        return 1
    if whole_log and told.keys is None:
        print("  The keys came with the export: compare config/ledger-keys with your own copy.")
    print("Everything that is signed holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The steps of the offline verifier that look at the log: its members, keys, checkpoint, entries, history and signatures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from smalt.ledger import tiles
from smalt.ledger.envelope import BadEnvelope, canonical, disclose
from smalt.ledger.note import COSIGNATURE, ED25519, BadNote, Checkpoint, Note, NoteKey
from smalt.ledger.tree import leaf_hash, root
from smalt.trust.record import BadStatement, event_of
from smalt.trust.verifier.case import CHECKPOINT, KEYS, OLDER, SUMS, WITNESSED, Broken, Case, Said, shown


def members(case: Case) -> Said:
    """``SHA256SUMS`` lists every other member, as ``sha256sum`` writes it."""
    sums = case.member(SUMS).decode("utf-8", "replace")
    written = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(case.members.items()) if name != SUMS
    )
    if sums != written:
        ours, theirs = set(written.splitlines()), set(sums.splitlines())
        names = sorted({line[66:] for line in ours ^ theirs})
        raise Broken(f"Not the members that {SUMS} lists: {', '.join(names[:3]) or 'their order'}.")
    yield "holds", f"All {len(case.members)} members are as they were put in."


def keys(case: Case) -> Said:
    """Whose log this is."""
    plain = case.json(KEYS)
    try:
        case.log_key, case.checker_key = NoteKey.parse(plain["log_key"]), bytes.fromhex(plain["checker_key"])
        whole = {"origin": case.log_key.name, "log_key": str(case.log_key), "checker_key": case.checker_key.hex()}
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Broken(f"{KEYS} does not hold the keys of a log and of its checker.") from None
    if plain != whole or case.log_key.kind != ED25519 or len(case.checker_key) != 32:
        raise Broken(f"{KEYS} does not hold the keys of a log and of its checker.")
    if not case.wanted.keys:
        yield "note", f"No key was given: compare this one with the one you were told elsewhere: {case.log_key}"
    elif case.log_key in case.wanted.keys:
        yield "holds", f"The log's key is the one that was given: {case.log_key}"
    else:
        raise Broken(f"The log's key is not the one that was given, but {case.log_key}")


def checkpoint(case: Case) -> Said:
    """What the log states of itself, signed."""
    try:
        case.note = Note.parse(case.member(CHECKPOINT).decode("utf-8"))
        case.stated = Checkpoint.parse(case.note.text)
    except (BadNote, UnicodeDecodeError):
        raise Broken("The checkpoint is not one.") from None
    if case.stated.origin != case.log_key.name or not case.note.signed_by(case.log_key, case.verifier):
        raise Broken("The log's signature below the checkpoint does not hold.")
    yield "holds", f"The log {case.stated.origin} signed that it has {case.stated.size} entries."


def entries(case: Case) -> Said:
    """The root over all entries, recomputed: none is missing, changed, added or in another place.

    The bundle of a long log has the older entries as their hashes only, apart from those that still matter.
    """
    for path, first, width in tiles.entry_tiles(case.stated.size):
        hashes = f"log/{tiles.path(0, first // tiles.WIDTH)}"
        if f"log/{path}" not in case.members and hashes in case.members and len(case.entries) == 0:
            found, case.whole_from = _unpacked(case, hashes, tiles.unpack_hashes, width), first + width
            case.leaves += found
            continue
        found = _unpacked(case, f"log/{path}", tiles.unpack_entries, width)
        case.entries.update(enumerate(found, first))
        case.leaves += [leaf_hash(entry) for entry in found]
    if root(case.leaves) != case.stated.root:
        raise Broken("The entries are not those of the checkpoint: an entry was changed, removed, added or moved.")
    older = _older(case)
    case.entries = dict(sorted({**case.entries, **older}.items()))
    yield "holds", f"The root was recomputed from all {case.stated.size} entries: every one is included, in its place."
    if case.whole_from:
        known = f"Of the first {case.whole_from} entries the bundle has the hashes, and {len(older)} in full"
        yield "note", f"{known}; what the others say was not looked at. `smalt trust bundle --whole` has all."


def _unpacked(case: Case, name: str, unpack: Callable[[bytes], list[bytes]], width: int) -> list[bytes]:
    try:
        found = unpack(case.member(name))
    except ValueError:
        raise Broken(f"{name} is cut off.") from None
    if len(found) != width:
        raise Broken(f"{name} has {len(found)} entries instead of {width}.")
    return found


def _older(case: Case) -> dict[int, bytes]:
    """The entries that stand one by one, each with the hash that the log has in its place."""
    found = {}
    for name, entry in case.members.items():
        if not name.startswith(OLDER):
            continue
        place = name.removeprefix(OLDER)
        index = int(place) if place.isdecimal() and len(place) < 18 else case.whole_from
        if index >= case.whole_from or case.leaves[index] != leaf_hash(entry):
            raise Broken(f"{name} is not the entry that the log has there.")
        found[index] = entry
    return found


def history(case: Case) -> Said:
    """Whether the log only grew since a checkpoint that the reader kept."""
    if case.wanted.previous is None:
        yield "note", "No earlier checkpoint was given: that the log only grew since then was not looked at."
        return
    try:
        before = Checkpoint.parse(case.wanted.previous.text)
    except BadNote:
        raise Broken("The earlier checkpoint is not one.") from None
    if before.origin != case.stated.origin or not case.wanted.previous.signed_by(case.log_key, case.verifier):
        raise Broken("The earlier checkpoint was not signed by this log.")
    if before.size > case.stated.size:
        raise Broken(
            f"The log was cut: it had {before.size} entries at the earlier checkpoint, now {case.stated.size}."
        )
    if root(case.leaves[: before.size]) != before.root:
        raise Broken("The log was forked: its first entries are not those of the earlier checkpoint.")
    yield "holds", f"The first {before.size} entries are those of the earlier checkpoint: the log only grew."


def witnesses(case: Case) -> Said:
    """Who else saw this checkpoint, or an earlier one that this log goes on from."""
    seen = sorted(_witnessed(case), key=lambda one: -one[0])
    for key in case.wanted.witnesses:
        times = [(size, note.time_of(key, case.verifier)) for size, note in seen if key.kind == COSIGNATURE]
        size, at = next(((size, at) for size, at in times if at is not None), (0, None))
        if at is None:
            raise Broken(
                f"The witness {key.name} cosigned no checkpoint of this bundle, or its signature does not hold."
            )
        after = case.stated.size - size
        yield (
            "holds",
            f"The witness {key.name} cosigned the first {size} entries at {shown(at)}; {after} came after that.",
        )
    if not case.wanted.witnesses:
        yield "note", "No witness was asked for."


def _witnessed(case: Case) -> Iterator[tuple[int, Note]]:
    """The checkpoints of the bundle, each of the log's own and of what it goes on from, with their sizes."""
    yield case.stated.size, case.note
    for name, data in case.members.items():
        if not name.startswith(WITNESSED):
            continue
        try:
            note = Note.parse(data.decode("utf-8"))
            stated = Checkpoint.parse(note.text)
        except (BadNote, UnicodeDecodeError):
            raise Broken(f"{name} is not a checkpoint.") from None
        if stated.origin != case.stated.origin or not note.signed_by(case.log_key, case.verifier):
            raise Broken(f"{name} was not signed by this log.")
        if stated.size > case.stated.size or root(case.leaves[: stated.size]) != stated.root:
            raise Broken(f"{name} is a checkpoint that this log does not go on from: it was forked.")
        yield stated.size, note


def signatures(case: Case) -> Said:
    """Every entry is a statement that the checker signed, and stands there once."""
    seen: dict[bytes, int] = {}
    for index, entry in case.entries.items():
        try:
            made = disclose(entry, case.checker_key, case.verifier)
            case.events.append(event_of(made, index))
        except BadEnvelope as why:
            raise Broken(f"Entry {index}: {why}.") from None
        except BadStatement as why:
            raise Broken(f"Entry {index} is signed, but this verifier cannot read it: {why}.") from None
        payload = canonical(made)
        if payload in seen:
            raise Broken(f"Entry {index} repeats entry {seen[payload]}: a statement was replayed.")
        seen[payload] = index
    yield "holds", f"The checker signed each of the {len(case.entries)} entries, and none is there twice."

"""Judges a log by pymerkle: rebuilds its tree from the entries, and has it verify our roots and our proofs.

pymerkle writes inclusion proofs as RFC 6962 does, and consistency proofs in a form of its own: those are verified with our roots, and
ours is compared with the RFC's definition over subtrees that pymerkle hashes.

Input: {"entries": [base64], "roots": [[size, hex]], "inclusion": [[index, size, [hex]]], "consistency": [[old, size, [hex]]]}.
Prints what pymerkle refused, as a list of words.
"""

import base64
import json
import sys

from pymerkle import InclusionProof, InmemoryTree, verify_consistency, verify_inclusion


def main() -> None:
    told = json.load(sys.stdin.buffer)
    entries = [base64.b64decode(entry) for entry in told["entries"]]
    tree = grown(entries)
    roots = {size: bytes.fromhex(root) for size, root in told["roots"]}
    refused = [f"root {size}" for size, root in roots.items() if tree.get_root(size) != root]
    for index, size, proof in told["inclusion"]:
        known = tree.prove_inclusion(index + 1, size).serialize()  # its structure, our hashes
        ours = InclusionProof.deserialize({**known, "path": [known["path"][0], *proof]})
        judge(
            refused,
            f"inclusion {index} of {size}",
            verify_inclusion,
            tree.get_leaf(index + 1),
            roots[size],
            ours,
            index=index + 1,
            size=size,
        )
    for old, size, proof in told["consistency"]:
        theirs = tree.prove_consistency(old, size)
        judge(
            refused,
            f"consistency {old} of {size}",
            verify_consistency,
            roots[old],
            roots[size],
            theirs,
            prior_size=old,
            later_size=size,
        )
        if proof != [one.hex() for one in subproof(entries, old, 0, size, whole=True)]:
            refused.append(f"consistency {old} of {size}: another proof")
    print(json.dumps(refused))


def grown(entries: list) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    return tree


def subproof(entries: list, old: int, low: int, high: int, *, whole: bool) -> list:
    """SUBPROOF(old, D[low:high], whole) of RFC 6962, section 2.1.2, with the subtrees' hashes by pymerkle."""
    size = high - low
    if old == size:
        return [] if whole else [grown(entries[low:high]).get_root()]
    half = 1 << (size - 1).bit_length() - 1
    if old <= half:
        return [*subproof(entries, old, low, low + half, whole=whole), grown(entries[low + half : high]).get_root()]
    return [*subproof(entries, old - half, low + half, high, whole=False), grown(entries[low : low + half]).get_root()]


def judge(refused: list, name: str, verify: object, *arguments: object, **options: object) -> None:
    try:
        verify(*arguments, **options)
    except Exception as problem:
        refused.append(f"{name}: {problem}")


main()

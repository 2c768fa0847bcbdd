"""Judges a checkpoint and entry tiles by what C2SP's signed-note, tlog-checkpoint and tlog-tiles say, with PyNaCl and pymerkle.

Arguments: the folder of an unpacked bundle. Written from the specifications, apart from the product. Prints
{"origin": …, "size": …, "problems": […]}.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from pymerkle import InmemoryTree


def main() -> None:
    folder, problems = Path(sys.argv[1]), []
    key = json.loads((folder / "keys.json").read_text())["log_key"]
    name, ident, encoded = key.split("+", 2)
    raw = base64.b64decode(encoded)
    if raw[0] != 1 or hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() != ident:
        problems.append("key")
    text, _, lines = (folder / "log" / "checkpoint").read_text().rpartition("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    for line in lines.splitlines():
        dash, who, signature = line.split(" ")
        signature = base64.b64decode(signature)
        if dash == "—" and who == name == origin and signature[:4].hex() == ident:
            try:
                VerifyKey(raw[1:]).verify(text.encode(), signature[4:])
                break
            except BadSignatureError:
                pass
    else:
        problems.append("signature")
    tree, count = InmemoryTree(algorithm="sha256"), int(size)
    for number in range((count + 255) // 256):
        width = min(256, count - 256 * number)
        part = "/".join([f"x{number // 1000:03d}"] * (number >= 1000) + [f"{number % 1000:03d}"])
        tile = (folder / "log" / "tile" / "entries" / (part if width == 256 else f"{part}.p/{width}")).read_bytes()
        while tile:
            length = int.from_bytes(tile[:2])
            tree.append_entry(tile[2 : 2 + length])
            tile = tile[2 + length :]
    if tree.get_size() != count or base64.b64encode(tree.get_root()).decode() != root:
        problems.append("root")
    print(json.dumps({"origin": origin, "size": count, "problems": problems}))


main()

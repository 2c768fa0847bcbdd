"""Judges DSSE envelopes by securesystemslib. Input: {"public": hex of an Ed25519 key, "envelopes": [text]}; prints a word for each.

The word is empty when it is accepted; the key's id is what our envelopes say it is.
"""

import json
import sys

from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey


def main() -> None:
    told = json.load(sys.stdin.buffer)
    found = []
    for text in told["envelopes"]:
        try:
            plain = json.loads(text)
            ident = plain["signatures"][0]["keyid"]
            key = SSlibKey(ident, "ed25519", "ed25519", {"public": told["public"]})
            envelope = Envelope.from_dict(plain)
            envelope.verify([key], 1)
            kind = json.loads(envelope.payload)["_type"]
            found.append("" if kind == "https://in-toto.io/Statement/v1" else kind)
        except Exception as problem:
            found.append(type(problem).__name__)
    print(json.dumps(found))


main()

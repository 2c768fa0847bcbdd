"""DSSE v1.0.2 envelopes around in-toto statements, as bytes. Keys are handed in, as in `smalt.ledger.note`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from smalt.ledger.note import Signer, Verifier

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


class BadEnvelope(ValueError):
    """The bytes are no envelope around a statement."""


def canonical(value: Any) -> bytes:
    """One way to write a JSON value: sorted names, no spaces, UTF-8. Numbers in it are whole."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def key_id(public: bytes) -> str:
    """The name of an Ed25519 key in an envelope: SHA-256 of its 32 bytes, in hexadecimal."""
    return hashlib.sha256(public).hexdigest()


def pre_authentication(payload: bytes) -> bytes:
    """What is signed: PAE(payload type, payload)."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def enclose(statement: dict[str, Any], public: bytes, signer: Signer) -> bytes:
    """``statement`` in a signed envelope."""
    payload = canonical(statement)
    signature = signer(pre_authentication(payload))
    return canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": key_id(public), "sig": base64.b64encode(signature).decode()}],
        }
    )


def disclose(envelope: bytes, public: bytes, verifier: Verifier) -> dict[str, Any]:
    """The statement in ``envelope``, once the signature of ``public`` holds; `BadEnvelope` otherwise."""
    try:
        outer = json.loads(envelope)
        payload = base64.b64decode(outer["payload"], validate=True)
        signatures = [
            base64.b64decode(one["sig"], validate=True)
            for one in outer["signatures"]
            if one.get("keyid") == key_id(public)
        ]
        kind = outer["payloadType"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise BadEnvelope("not an envelope") from None
    if kind != PAYLOAD_TYPE:
        raise BadEnvelope("an envelope around something else")
    if not any(verifier(public, pre_authentication(payload), signature) for signature in signatures):
        raise BadEnvelope("the signature does not hold")
    return statement_of(payload)


def statement_of(payload: bytes) -> dict[str, Any]:
    """The statement in ``payload``; `BadEnvelope` when it is none."""
    try:
        statement = json.loads(payload)
    except (ValueError, RecursionError):
        raise BadEnvelope("not a statement") from None
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT_TYPE:
        raise BadEnvelope("not a statement")
    return statement

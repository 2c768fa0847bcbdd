"""Digests of what people carry: cookies, tokens, links, and the e-mail address they sign in with.

One key of the installation makes them all, each for its own purpose. The key lives in the key store, outside the
database, so that a copy of the database can be searched neither for a secret nor for an address.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from smalt.kernel.errors import Malformed
from smalt.kernel.ids import PersonId, SessionId
from smalt.seal.keystore import KeyStore
from smalt.seal.tokens import SessionSigner, digest, new_secret, well_formed

TOKEN_PREFIX = "smalt_tok"  # noqa: S105  # the public beginning of every token
LINK_PREFIX = "smalt_link"
GRANT_PREFIX = "smalt_grant"
EMAIL_MAX_CHARS = 254


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Made once in a process, from the keys ``credential`` and ``session`` of the key store."""

    key: bytes
    signer: SessionSigner

    @classmethod
    def of(cls, keystore: KeyStore) -> Credentials:
        return cls(keystore.purpose_key("credential"), SessionSigner(keystore.purpose_key("session")))

    def new_cookie(self, session: SessionId) -> str:
        return self.signer.issue(session)

    def session_of(self, cookie: str) -> SessionId:
        """`Unauthenticated` for a cookie that was not issued here."""
        return self.signer.read(cookie)

    def of_cookie(self, cookie: str) -> bytes:
        return digest(cookie, self.key, "session")

    def new_token(self) -> str:
        return new_secret(TOKEN_PREFIX)

    def of_token(self, token: str) -> bytes | None:
        """None for what cannot be a token, so that no look-up is needed."""
        return digest(token, self.key, "token") if well_formed(token, TOKEN_PREFIX) else None

    def new_link(self) -> str:
        return new_secret(LINK_PREFIX)

    def of_link(self, secret: str) -> bytes | None:
        return digest(secret, self.key, "invitation") if well_formed(secret, LINK_PREFIX) else None

    def new_grant(self) -> str:
        """The secret of a visitor's link to one document."""
        return new_secret(GRANT_PREFIX)

    def of_grant(self, secret: str) -> bytes | None:
        return digest(secret, self.key, "grant") if well_formed(secret, GRANT_PREFIX) else None

    def of_recovery(self, person: PersonId, code: str) -> bytes:
        """The digest of one person's recovery code, as `smalt.people.factor` writes it."""
        return digest(f"{person} {code}", self.key, "recovery")

    def of_email(self, email: str) -> bytes:
        """The digest of an address as `plain_email` writes it."""
        return digest(email, self.key, "email")

    def of_witness(self, key: str) -> bytes:
        """The digest of a witness's key as a signature line names it: name+id."""
        return digest(key, self.key, "witness")


def plain_email(typed: str) -> str:
    """The address in the one form in which it is compared: NFKC, lower case, no space around. `Malformed` otherwise.

    What makes an address deliverable only a delivery tells; here it has one @, something on both sides, no white space.
    """
    email = unicodedata.normalize("NFKC", typed).strip().casefold()
    local, _, domain = email.rpartition("@")
    fits = bool(local) and bool(domain) and len(email) <= EMAIL_MAX_CHARS
    if not fits or "@" in local or not email.isprintable() or any(char.isspace() for char in email):
        raise Malformed(
            "person.email",
            "This is not an e-mail address.",
            kept="Nothing was changed.",
            todo="Write it like name@example.com.",
        )
    return email

"""Whether a new password is one that people guess (NIST SP 800-63B-4, section 3.1.1.2: compare with a blocklist).

Lists of passwords from breaches, of names and of words, keyboard walks, repeats and dates, and what is known of the
person. No rules of composition: they make passwords worse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from smalt.kernel.errors import Malformed
from smalt.people.person import PASSWORD_MIN_CHARS

LOOKED_AT_CHARS = 72
"""A guess that is right so far is not made safe by what comes after; and judging takes longer than linear time."""
SCORE_MIN = 3
"""Of 0 to 4: more than 10^8 guesses, "safely unguessable" offline only with a slow hash, which we have."""
_WORDS = re.compile(r"[\s@._+-]+")


def require_strong(password: str, about: Iterable[str] = ()) -> None:
    """`Malformed` for a password that is too short, that stands in lists of breached ones, follows a pattern, or is about its person.

    ``about``: the person's name and address, the workspace's name; their parts count too.
    """
    if len(password) < PASSWORD_MIN_CHARS:
        raise Malformed(
            "password.too_short",
            "The password is too short.",
            kept="Nothing was changed.",
            todo="Choose a longer one. A sentence is easier to keep than a puzzle.",
            facts={"min_characters": PASSWORD_MIN_CHARS},
        )
    from zxcvbn import zxcvbn  # lazily: its lists are large, and passwords are set rarely

    known = {part.casefold() for text in about for part in (text, *_WORDS.split(text)) if part}
    judged = zxcvbn(password[:LOOKED_AT_CHARS], user_inputs=[*sorted(known), "smalt"])
    if judged["score"] < SCORE_MIN:
        raise Malformed(
            "password.guessable",
            "This password would be guessed.",
            kept="Nothing was changed.",
            todo="It is in lists of stolen passwords, follows a pattern, or is made of what is known of you. "
            "Take several words that do not belong together.",
        )

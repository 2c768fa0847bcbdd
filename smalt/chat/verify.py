"""Verify: every figure in a reply is bound to a cited cell or to a recomputed formula, or it is counted as untraced.

Pure, and independent of the engine that wrote the reply: what the engine says of its own figures is not believed. A
number that names something (a year, a date, a page, a form) is not a figure; the same rule sets the page (`present`).
"""

from __future__ import annotations

import msgspec

from smalt.chat.present import present
from smalt.engine.answer import Answer

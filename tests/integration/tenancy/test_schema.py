"""The schema's rules hold, and every rule has been seen to fail."""

from __future__ import annotations

"""Smalt: an AI workspace for finance teams whose security promises prove themselves."""

__version__ = "0.1.0"

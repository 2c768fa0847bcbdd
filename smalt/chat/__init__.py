"""Conversations: threads, turns, and the one path from a question to a settled answer."""

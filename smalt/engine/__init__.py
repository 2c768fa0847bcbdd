"""The local engine: answers by look-up and arithmetic over cited cells, and declines rather than guess."""

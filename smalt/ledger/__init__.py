"""The transparency log as pure functions of bytes: C2SP tlog-tiles, tlog-checkpoint, signed-note, DSSE. No input or output."""

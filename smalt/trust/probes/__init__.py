"""What checks look with: bytes of old protocols, the kernel's tables, traps on loopback. No check stands here."""

"""The cryptographic boundary: the only part of Smalt that encrypts, signs, hashes passwords or holds keys."""

"""The living Trust Center: claims, the checks that prove them, the evidence, and what may be said from it."""

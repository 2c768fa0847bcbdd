"""The tenant boundary: who acts, what they may do, and the one door to a tenant's rows, blobs and keys."""

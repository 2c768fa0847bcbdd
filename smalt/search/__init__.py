"""What the engine searches: the facts of a document, its profile, and a sealed-able index segment."""

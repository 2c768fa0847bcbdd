"""Words that every layer may use. Standard library only, no input or output."""

"""The command ``smalt``."""


def main() -> None:
    """Run the command line."""

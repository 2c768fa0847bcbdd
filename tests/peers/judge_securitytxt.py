"""Judges a security.txt given on standard input: prints the codes of its errors, recommendations and notifications."""

import json
import sys

from sectxt import Parser


def main() -> None:
    judged = Parser(sys.stdin.buffer.read())
    print(
        json.dumps(
            {
                "valid": judged.is_valid(),
                "errors": [one["code"] for one in judged.errors],
                "recommendations": [one["code"] for one in judged.recommendations],
                "notifications": [one["code"] for one in judged.notifications],
            }
        )
    )


main()

#!/usr/bin/env python3
"""Counts lines, words and characters of each file that is named: an example to replace."""

import sys
from pathlib import Path


def main() -> int:
    names = sys.argv[1:]
    if not names:
        print("usage: count-words.py FILE...", file=sys.stderr)
        return 2
    for name in names:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        print(f"{name}: {len(text.splitlines())} lines, {len(text.split())} words, {len(text)} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())

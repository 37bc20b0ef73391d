#!/usr/bin/env python3
"""Prints the commits since a revision (default: the newest tag) as JSON. Reads git, writes nothing.

usage: commits.py [SINCE]
"""
import json
import re
import subprocess
import sys

# The first word of a subject that hints at a section of the changelog.
HINTS = {
    "security": "Security",
    "remove": "Removed",
    "drop": "Removed",
    "change": "Changed",
    "deprecate": "Deprecated",
    "feat": "Added",
    "add": "Added",
    "fix": "Fixed",
}
FIELD, RECORD = "\x1f", "\x1e"


def git(*args):
    done = subprocess.run(["git", *args], capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode != 0:
        sys.exit(f"git {args[0]}: {done.stderr.strip()}")
    return done.stdout


def newest_tag():
    done = subprocess.run(["git", "describe", "--tags", "--abbrev=0"], capture_output=True, text=True)
    return done.stdout.strip() or None


def guess(subject):
    """The section that the subject's first word hints at, or None. `feat!:` and `change:` are changes."""
    match = re.match(r"([a-z]+)(\([^)]*\))?(!?)", subject.lower())
    if not match:
        return None
    return "Changed" if match.group(3) else HINTS.get(match.group(1))


def commits(since):
    span = [f"{since}..HEAD"] if since else ["HEAD"]
    text = git("log", "--no-merges", f"--format={RECORD}%h{FIELD}%s{FIELD}%b{FIELD}", "--name-only", *span)
    for record in filter(None, (part.strip("\n") for part in text.split(RECORD))):
        short, subject, body, files = record.split(FIELD)
        yield {
            "hash": short,
            "subject": subject,
            "body": body.strip(),
            "files": [name for name in files.split("\n") if name],
            "guess": guess(subject),
        }


def main():
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    since = sys.argv[1] if len(sys.argv) == 2 else newest_tag()
    if since and since.startswith("-"):
        sys.exit(__doc__)
    print(json.dumps({"since": since, "commits": list(commits(since))}, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()

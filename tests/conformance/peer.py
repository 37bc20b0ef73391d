"""Runs `agentskills validate` on each folder named on standard input, and prints a verdict a line.

The program is called as a function, since starting it takes longer than what it does.
"""

import contextlib
import io
import sys

from skills_ref.cli import main

for line in sys.stdin:
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            main(["validate", line.rstrip("\n")], standalone_mode=False)
        verdict = "valid"
    except SystemExit as exit:
        verdict = "valid" if not exit.code else "invalid"
    except Exception:
        verdict = "crashes"
    print(verdict)

"""A dishonest publisher, for ./demo: makes every kept run of the candidate a success, digest and all.

python3 scripts/tamper.py RUNS   the folder of kept runs, ~/.cache/skill/runs
"""

import hashlib
import json
import pathlib
import sys

changed = 0
for path in sorted(pathlib.Path(sys.argv[1]).rglob('*.json')):
    stored = json.loads(path.read_text())
    kept = json.loads(stored['kept'])
    run = kept['run']
    if run['arm'] != 'cand' or run['score'] != 0:
        continue
    run['score'] = 1000
    for check in run['checks']:
        check['value'] = [1, 1]
    stored['kept'] = json.dumps(kept, separators=(',', ':'), ensure_ascii=False)
    stored['digest'] = hashlib.sha256(stored['kept'].encode()).hexdigest()
    path.write_text(json.dumps(stored, ensure_ascii=False))
    changed += 1
print(f'{changed} failed runs are now successes')

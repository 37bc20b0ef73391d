"""The bench's cases as a task of Inspect."""

import json
import pathlib

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, system_message


@task
def shout():
    suite = json.loads(pathlib.Path("shout/evals/evals.json").read_text())
    samples = [Sample(id=case["id"], input=case["prompt"], target="LOUD") for case in suite["evals"]]
    return Task(
        dataset=MemoryDataset(samples),
        solver=[system_message("Answer LOUD."), generate()],
        scorer=includes(ignore_case=False),
    )

#!/usr/bin/env python3
"""Measures the model on a harbour that is drawn by chance from its name: 30 days of hourly readings to learn from, then seven days to
forecast. Prints the root of the mean squared error in centimetres. The same name is the same harbour on every machine.

usage: measure.py NAME
"""
import ast
import math
import pathlib
import random
import sys
import time

LEARN, TEST = 24 * 30, 24 * 7  # hours
SECONDS = 10  # of processor time, so that a busy machine changes nothing
MODULES = {"bisect", "collections", "functools", "itertools", "math", "random", "statistics"}
FORBIDDEN = {"open", "eval", "exec", "compile", "globals", "locals", "vars", "getattr", "setattr", "input", "breakpoint"}


def harbour(name):
    """Levels of a harbour that does not exist: moon, sun, their smaller waves, and weather."""
    chance = random.Random(name)
    moon = chance.uniform(80, 200)
    share = {12.4206: 1, 12.0: chance.uniform(0.2, 0.45), 12.6583: chance.uniform(0.15, 0.25),
             23.9345: chance.uniform(0.05, 0.15), 25.8193: chance.uniform(0.04, 0.12)}
    waves = [(period, moon * part, chance.uniform(0, 2 * math.pi)) for period, part in share.items()]
    mean, weather, levels = chance.uniform(250, 400), 0.0, []
    for hour in range(LEARN + TEST):
        weather = 0.97 * weather + chance.gauss(0, 2)
        tide = sum(height * math.cos(2 * math.pi * hour / period + start) for period, height, start in waves)
        levels.append(mean + tide + weather + chance.gauss(0, 3))
    return levels


def check(source):
    """Ends the program if the model could look at more than its readings."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name not in MODULES]
        elif isinstance(node, ast.ImportFrom):
            names = [] if node.module in MODULES and not node.level else [node.module or "."]
        elif isinstance(node, ast.Name):
            names = [node.id] if node.id in FORBIDDEN or node.id.startswith("__") else []
        elif isinstance(node, ast.Attribute):
            names = [node.attr] if node.attr.startswith(("_", "f_", "gi_", "tb_")) else []
        if names:
            sys.exit(f"model.py, line {node.lineno}: {names[0]} is not allowed")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    check((pathlib.Path(__file__).parent / "model.py").read_text(encoding="utf-8"))
    sys.dont_write_bytecode = True
    import model

    levels = harbour(sys.argv[1])
    trained = model.train(levels[:LEARN])
    forecast = [model.predict(trained, hour) for hour in range(LEARN, LEARN + TEST)]
    if time.process_time() > SECONDS:
        sys.exit(f"more than {SECONDS} seconds of processor time")
    squares = [(made - level) ** 2 for made, level in zip(forecast, levels[LEARN:])]
    print(f"rmse_cm: {math.sqrt(sum(squares) / len(squares)):.3f}")


if __name__ == "__main__":
    main()

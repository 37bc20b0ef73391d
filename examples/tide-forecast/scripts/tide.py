#!/usr/bin/env python3
"""Forecasts water levels from hourly readings. Reads one file, writes nothing.

usage: tide.py READINGS HOURS
"""
import sys

sys.dont_write_bytecode = True
import model


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        levels = [float(line) for line in file if line.strip()]
    if len(levels) < 24 * 30:
        print(f"{len(levels)} readings are fewer than 30 days; the forecast will be poor", file=sys.stderr)
    trained = model.train(levels)
    for hour in range(1, int(sys.argv[2]) + 1):
        print(hour, round(model.predict(trained, len(levels) - 1 + hour)))


if __name__ == "__main__":
    main()

"""The model of a tide: a mean level and waves of known periods, whose heights are learned from readings by gradient descent."""
import math

PERIODS = [12.42]  # hours; the moon
STEPS = 200
RATE = 0.4


def waves(hour):
    """What is added up: a constant, and for each period its cosine and sine."""
    turns = [2 * math.pi * hour / period for period in PERIODS]
    return [1.0] + [wave(turn) for turn in turns for wave in (math.cos, math.sin)]


def train(levels):
    """Learns the weights of the waves from levels in centimetres, one an hour."""
    rows = [waves(hour) for hour in range(len(levels))]
    weights = [0.0] * len(rows[0])
    for _ in range(STEPS):
        slope = [0.0] * len(weights)
        for row, level in zip(rows, levels):
            error = sum(weight * wave for weight, wave in zip(weights, row)) - level
            for at, wave in enumerate(row):
                slope[at] += error * wave
        weights = [weight - RATE * part / len(rows) for weight, part in zip(weights, slope)]
    return weights


def predict(weights, hour):
    """The level at an hour, counted from the first reading."""
    return sum(weight * wave for weight, wave in zip(weights, waves(hour)))

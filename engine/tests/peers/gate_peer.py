"""A peer of the gate: the same questions answered by trying every outcome, with fractions, from the standard library alone.

Reads questions as lines of JSON until the end of input, and answers each with a line of JSON.
"""

import json
import math
import sys
from fractions import Fraction
from itertools import combinations, product


def flip(d):
    """Signs of the differences that are not 0: how many reach the observed sum, of how many."""
    sizes = [abs(x) for x in d if x != 0]
    reached = sum(
        1
        for signs in product((1, -1), repeat=len(sizes))
        if sum(s * x for s, x in zip(signs, sizes)) >= sum(d)
    )
    return reached, 2 ** len(sizes)


def halves(base, cand):
    """The sum of every half of the runs of a case."""
    return [sum(half) for half in combinations(base + cand, len(cand))]


def relabel_all(base, cand):
    """Every relabelling of all cases, one after the other."""
    observed = sum(map(sum, cand))
    spread = [halves(b, c) for b, c in zip(base, cand)]
    reached = sum(1 for choice in product(*spread) if sum(choice) >= observed)
    return reached, math.prod(map(len, spread))


def relabel(base, cand):
    """The same for more cases: sums that coincide are counted together."""
    sums = {0: 1}
    for b, c in zip(base, cand):
        following = {}
        for half in halves(b, c):
            for total, ways in sums.items():
                following[total + half] = following.get(total + half, 0) + ways
        sums = following
    observed = sum(map(sum, cand))
    return sum(ways for total, ways in sums.items() if total >= observed), sum(sums.values())


def t_quantile(p, df):
    """Halves the interval around the t up to which the density integrates to p (Simpson, with t = sqrt(df) tan(angle))."""
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(math.pi)

    def below(angle):
        n = 2000
        h = angle / n
        weights = (1 if i in (0, n) else 4 if i % 2 else 2 for i in range(n + 1))
        return 0.5 + scale * h / 3 * sum(w * math.cos(i * h) ** (df - 1) for i, w in enumerate(weights))

    low, high = 0.0, math.pi / 2
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return math.sqrt(df) * math.tan(low)


def half_even(x):
    """Python's own rounding of fractions."""
    return round(x)


def verdict(base, cand, cluster, policy, failed_attempts, recorded_pm, critical):
    """The rules of the gate, written down again."""
    n, k = len(base), len(base[0])
    names = cluster or list(range(n))
    groups = sorted(set(names))
    reasons = []
    if n < 8:
        reasons.append("too_few_cases")
    if len(groups) < 8:
        reasons.append("too_few_clusters")
    if k < 3:
        reasons.append("too_few_runs")
    if reasons:
        return {"verdict": "invalid", "reasons": reasons}
    d = [Fraction(sum(c) - sum(b), k) for b, c in zip(base, cand)]
    gain = sum(d) / n
    squares = sum(sum(d[i] - gain for i in range(n) if names[i] == g) ** 2 for g in groups)
    variance = Fraction(len(groups), len(groups) - 1) * squares / n**2
    p_run = relabel(base, cand)
    p_case = flip([sum(half_even(d[i]) for i in range(n) if names[i] == g) for g in groups])
    alpha = Fraction(1, 20) / 2**failed_attempts
    for i in sorted(critical):
        if any(score < 1000 for score in cand[i]):
            reasons.append(f"critical_case_failed:{i}")
    if gain < 10:
        reasons.append("below_step")
    if gain < 0 or gain**2 < variance:
        reasons.append("below_ladder_step")
    if Fraction(*(p_run if policy == "standard" else p_case)) > alpha:
        reasons.append("not_significant")
    if recorded_pm is not None and Fraction(sum(map(sum, cand)), n * k) < recorded_pm:
        reasons.append("below_recorded")
    return {
        "verdict": "reject" if reasons else "accept",
        "reasons": reasons,
        "p_run": [str(x) for x in p_run],
        "p_case": [str(x) for x in p_case],
    }


def answer(question):
    kind = question.pop("kind")
    if kind == "flip":
        return [str(x) for x in flip(**question)]
    if kind == "relabel":
        one, other = relabel_all(**question), relabel(**question)
        assert one == other, (one, other)
        return [str(x) for x in one]
    if kind == "t":
        return t_quantile(**question)
    return verdict(**question)


for line in sys.stdin.read().splitlines():
    print(json.dumps(answer(json.loads(line))))

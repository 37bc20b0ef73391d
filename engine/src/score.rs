//! Scores of runs, cases and suites as exact fractions.

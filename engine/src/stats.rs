//! The statistics of scores: exact tests, intervals, power, agreement. Pure functions.

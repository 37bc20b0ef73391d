//! Grading by a model: expectations with evidence, rubrics, blind comparison, and remarks on a suite.

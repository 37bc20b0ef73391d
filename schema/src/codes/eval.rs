//! Suites, runs, scores and the gate.
use super::codes;

codes! {
    GATE_INPUT = "E_GATE_INPUT", Usage, 422, "no verdict can be made from these scores", "docs/scores.md shows the form",
        "A verdict needs the per-mille score of every run of every case, for the baseline and for the candidate: as many cases on both sides, as many runs in every case, whole numbers from 0 to 1000.";
    GATE_SIZE = "E_GATE_SIZE", Usage, 422, "too many scores for an exact verdict", "use fewer cases or runs, or checks whose scores take fewer values",
        "The exact tests count relabellings. The count grows with cases, runs, and the number of different scores; it is bounded so that whoever recomputes a verdict knows what it can cost.";
    GATE_REJECTED = "E_GATE_REJECTED", Gate, 422, "measured, and not better", "docs/scores.md says what each reason means",
        "An improved version has to beat the head on the holdout by an exact test. This one was measured and did not. The attempt counts: the next one has to be twice as convincing.";
    GATE_INVALID = "E_GATE_INVALID", Invalid, 422, "not measured", "docs/scores.md says what each reason means",
        "The runs cannot support a verdict: too few of them, too many missing, or something went wrong while they were made. Nothing is said about the skill, and no attempt is counted.";
}

//! Attempts, records and the gate of the registry.
use super::codes;

codes! {
    SUITE_UNKNOWN = "E_SUITE_UNKNOWN", NotFound, 422, "the registry does not have this suite", "publish it first: skill suite publish",
        "A measured release names the suite that measured it by its digest. The suite must have been published before, so that whoever doubts the score can run it.";
    SUITE_CHANGED = "E_SUITE_CHANGED", Conflict, 422, "the holdout changed together with the skill", "publish the new suite first with skill suite publish, which measures the head on it; then publish the skill",
        "A release may change the skill or the holdout, not both: otherwise a suite that became easier would look like a skill that became better.";
    UNMEASURED = "E_UNMEASURED", Gate, 422, "the head has a recorded score, and this version was not measured against it", "publish from a folder with its suite, so that skill publish measures it; --maintenance for a release that claims no better score",
        "Once a version of a skill has a recorded score, each later one must show by measurement that it is better, or with --maintenance that it is no worse.";
    NO_ATTEMPT = "E_NO_ATTEMPT", NotFound, 422, "no such attempt was logged", "skill publish logs the attempt before it measures",
        "An attempt is logged before anything is measured, so that one that fails cannot be kept secret. A result without an attempt counts for nothing.";
    ATTEMPT_USED = "E_ATTEMPT_USED", Conflict, 409, "the attempt has its result already", "log a new one; skill publish does it by itself",
        "An attempt has one result.";
    ATTEMPT_OTHER = "E_ATTEMPT_OTHER", Integrity, 422, "the attempt is for something else", "log an attempt for this skill, version, head and suite; skill publish does it by itself",
        "An attempt is for one skill, one tree of files, one head, one suite and one score key, and its result is signed by the key that signed it.";
    NO_RECORD = "E_NO_RECORD", NotFound, 404, "the version has no score record", "skill info lists the versions that have a score",
        "A version that was published without being measured has no record: there is no suite beside it, or no model was at hand, and nothing claims a score for it.";
    SCORE_DIFFERS = "E_SCORE_DIFFERS", Integrity, 422, "the published score is not what its record says", "do not rely on the number; tell the registry's operator",
        "The record of a published version was fetched and computed again: its result, verdict, grades and what the index says of it. At least one of them came out differently.";
    SCORE_KEY = "E_SCORE_KEY", Integrity, 422, "the record was made under other conditions than the attempt says", "measure again; numbers under different score keys are never compared",
        "The score key is a digest of everything that must be the same before two scores may be compared: the held-out cases, model, engine, sampling, limits, sandbox and grader.";
    RECORD_RUNS = "E_RECORD_RUNS", Integrity, 422, "the runs of the record are not those of the attempt", "measure again",
        "The seeds of all runs follow from the attempt, so that runs of another one cannot be shown twice, and every held-out case must be there as often as every other.";
    TRANSCRIPTS = "E_TRANSCRIPTS", Integrity, 422, "the transcripts are not those of the record", "send the transcripts that were written with the record",
        "A record names the digest of each run's transcript. With an open holdout the transcripts are sent along, so that anyone can read what was answered.";
    REGRADE = "E_REGRADE", Integrity, 422, "a check does not come out as the record says", "measure again with the suite as it was published",
        "The registry makes the deterministic checks again on the uploaded transcripts. They say the same everywhere, so a difference means that record or suite was changed.";
    VERDICT = "E_VERDICT", Integrity, 422, "the verdict does not follow from the runs", "measure again; the registry's answer has the numbers",
        "Whoever has the runs computes the verdict again, to the bit: it depends on nothing but the scores, the number of failed attempts before, and the recorded score of the head.";
}

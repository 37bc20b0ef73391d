//! Suites, runs, score records and reports.
use super::codes;

codes! {
    RECORD = "E_RECORD", Integrity, 422, "the score record is malformed", "write it again with skill eval --record",
        "A score record is one canonical JSON document of the format skill-score/v1. Each member is known, within its limits, and spelt in one way, so that its digest stands for it.";
    RECORD_RESULT = "E_RECORD_RESULT", Integrity, 422, "the score record does not follow from its runs", "",
        "Whoever has a record recomputes its result, its score key and the scores of its runs from what the runs say. This record says something else than its runs do.";
    WORKSPACE = "E_WORKSPACE", Failed, 422, "the folder is not a workspace of skill-creator", "name the folder that holds eval-0, eval-1 and so on, often iteration-1",
        "A workspace holds a folder for each eval, in it a folder for each configuration (with_skill, without_skill), and in that grading.json, either at once or in run-1, run-2 and so on.";
}

//! Suites, their checks, their split, and what is measured with them.
use super::codes;

codes! {
    SUITE = "E_SUITE", Failed, 422, "the suite cannot be read",
        "correct the file at the place that is named; docs/suites.md describes the format",
        "A suite is one JSON document (RFC 8259): an object with `evals`, or a list of cases. It is refused whole when it is not JSON, when a key stands twice in one object (tools disagree on which of the two counts), when a member has another type than the format gives it, or when it is larger than the limits. Unknown members are kept and never refused.";
    NO_SUITE = "E_NO_SUITE", NotFound, 422, "there is no suite",
        "skill suite new writes one; a suite lies in evals/evals.json beside SKILL.md",
        "A suite is looked for at `evals/evals.json` in the skill's folder, or at `evals.json` in the folder of the suite itself. A packed suite has `evals.json` at its root.";
    SUITE_LINT = "E_SUITE_LINT", Failed, 422, "the suite has errors",
        "skill suite check shows each finding with its place",
        "A score is worth what its suite is worth. The rules refuse what makes a score wrong without anybody noticing: cases that stand on both sides of the split, checks that cannot fail or cannot be computed, files that are missing, expressions that may run without end.";
    SUITE_DIGEST = "E_SUITE_DIGEST", Integrity, 422, "the suite is not the one that was stated",
        "fetch it again; do not use it until its digests are those of its statement",
        "A suite is published with three digests: over all cases, those for training and those held out. Each is made of the ids and hashes of the cases, input files included. A suite with other digests measures something else.";
    SPLIT_LOCK = "E_SPLIT_LOCK", Conflict, 409, "the lock of the split does not hold",
        "restore evals/split.lock from version control; after a merge take one side's file and run skill suite split again",
        "`evals/split.lock` says for each case whether it is for training or held out. Lines are only ever added at its end, each as the rule of the split gives it. A changed, moved or removed line could bring a held-out case into training, so a lock whose lines are not what the rule gives is refused and nothing is measured.";
    CHECK_KIND = "E_CHECK_KIND", Failed, 422, "a check is of a kind that does not exist or cannot stand there",
        "use one of the kinds that docs/checks.md lists",
        "A check that nobody can run would be missing data in every run. Checks that a model judges and checks that only report (`similar`) cannot stand inside `not`, `all`, `any` and `at_least`, since these need a value at once.";
    CHECK_PARAM = "E_CHECK_PARAM", Failed, 422, "a parameter of a check is missing or not valid",
        "correct the parameter that is named",
        "A check is read wholly before anything runs, so that a mistake in it shows at lint and never in the middle of a measurement.";
    CHECK_REGEX = "E_CHECK_REGEX", Failed, 422, "a regular expression cannot be used",
        "write it without look-around and back-references; two checks joined by `all` and `not` often say the same",
        "What an expression is matched against is written by a model. Only expressions that are matched in time linear in the text are accepted (the syntax of Rust's regex crate), and only small ones.";
    CHECK_SCHEMA = "E_CHECK_SCHEMA", Failed, 422, "a JSON schema cannot be used",
        "use JSON Schema 2020-12 with references that begin with `#/` and do not lead back to themselves",
        "A schema in another place can change or be gone, which would change scores. Schemas that expand without end would let a suite stop whoever runs it.";
    CHECK_PATH = "E_CHECK_PATH", Failed, 422, "a JSONPath cannot be used",
        "use JSONPath of RFC 9535 with at most one `..` and without match() and search()",
        "Suites are run by people who did not write them. Paths whose cost can grow faster than the document are refused.";
    CHECK_GLOB = "E_CHECK_GLOB", Failed, 422, "a path or pattern of files cannot be used",
        "name files relative to the folder, with `/` between the parts and without `..`",
        "A check looks at the files that a run left, and at nothing else.";
    SCORE = "E_SCORE", Failed, 422, "the values of a run make no score",
        "each value is a fraction between 0 and 1 with a denominator that is not 0",
        "Scores are computed exactly, as fractions. Values outside of 0 to 1, and sums too large for 128 bits, come from a damaged or forged record.";
    GATE_INPUT = "E_GATE_INPUT", Usage, 422, "no verdict can be made from these scores", "docs/scores.md shows the form",
        "A verdict needs the per-mille score of every run of every case, for the baseline and for the candidate: as many cases on both sides, as many runs in every case, whole numbers from 0 to 1000.";
    GATE_SIZE = "E_GATE_SIZE", Usage, 422, "too many scores for an exact verdict", "use fewer cases or runs, or checks whose scores take fewer values",
        "The exact tests count relabellings. The count grows with cases, runs, and the number of different scores; it is bounded so that whoever recomputes a verdict knows what it can cost.";
    GATE_REJECTED = "E_GATE_REJECTED", Gate, 422, "measured, and not better", "docs/scores.md says what each reason means",
        "An improved version has to beat the head on the holdout by an exact test. This one was measured and did not. The attempt counts: the next one has to be twice as convincing.";
    GATE_INVALID = "E_GATE_INVALID", Invalid, 422, "not measured", "docs/scores.md says what each reason means",
        "The runs cannot support a verdict: too few of them, too many missing, or something went wrong while they were made. Nothing is said about the skill. An attempt that was logged counts all the same: otherwise a bad one could be called invalid.";
    RECORD = "E_RECORD", Integrity, 422, "the score record is malformed", "write it again with skill eval --record",
        "A score record is one canonical JSON document of the format skill-score/v1. Each member is known, within its limits, and spelt in one way, so that its digest stands for it.";
    RECORD_RESULT = "E_RECORD_RESULT", Integrity, 422, "the score record does not follow from its runs", "",
        "Whoever has a record recomputes its result, its score key and the scores of its runs from what the runs say. This record says something else than its runs do.";
    WORKSPACE = "E_WORKSPACE", Failed, 422, "the folder is not a workspace of skill-creator", "name the folder that holds eval-0, eval-1 and so on, often iteration-1",
        "A workspace holds a folder for each eval, in it a folder for each configuration (with_skill, without_skill), and in that grading.json, either at once or in run-1, run-2 and so on.";
    SANDBOX = "E_SANDBOX", Unavailable, 503, "there is no sandbox for this command, so it was not run",
        "run it where user namespaces or Landlock are available, or vouch for the command explicitly",
        "Commands of a skill, a suite or a model are run without access to the suite, the home folder and the network. Where the system offers nothing that enforces this they are not run at all.";
    SANDBOX_FAILED = "E_SANDBOX_FAILED", Unavailable, 503, "the sandbox could not be set up", "the message names what failed",
        "A fault of the machine and not of the command: the run counts as missing, never as failed.";
    SKILL_UNREADABLE = "E_SKILL_UNREADABLE", Failed, 422, "the skill cannot be loaded for a run", "skill check names what is wrong with its SKILL.md",
        "An executor loads a skill as an agent does: SKILL.md needs a readable frontmatter with a description, and files are regular files within the limits.";
    CASSETTE = "E_CASSETTE", Failed, 422, "the recorded runs cannot be used", "record them again",
        "A cassette is a JSON file of executions by case, arm and repeat, in the format that the engine writes.";
    CASE_INPUT = "E_CASE_INPUT", Failed, 422, "an input file of a case cannot be used", "name a regular file in the suite's folder",
        "Input files are named by paths in the folder that holds `evals/`, and are copied for each run. A path that leaves the folder, a link or a special file is refused.";
    MODEL = "E_MODEL", Failed, 422, "the model cannot be used",
        "skill model list shows what is here; docs/models.md says how models are named",
        "An eval needs a model: one of the local store, run by skill-engine-worker, or one behind an HTTP interface. This one is unknown, refuses the key, or cannot do what was asked.";
    MODEL_UNAVAILABLE = "E_MODEL_UNAVAILABLE", Unavailable, 503, "the model does not answer", "try again; finished runs are kept",
        "The machine, the network or the provider failed. Nothing is said about the skill, and nothing that was finished is lost.";
    BUDGET = "E_BUDGET", Budget, 422, "a cap was reached before all runs were made", "raise the cap, or run the command again: finished runs are kept",
        "Caps on runs, tokens, seconds and money are hard: a run is begun only if its worst case fits. What was finished is kept, and the same command goes on from there.";
    NOT_COMPARABLE = "E_NOT_COMPARABLE", Failed, 422, "the scores cannot be compared", "measure both under the same conditions",
        "Two scores may be compared if and only if their score keys are equal: the same cases, model, engine, sampling, limits, sandbox and grader. Anything else compares the conditions, not the skills.";
    NOT_REPRODUCED = "E_NOT_REPRODUCED", Gate, 422, "the record did not come out again", "",
        "The same model and engine in exact mode give the same bits. A record that does not come out again was made under other conditions, or says what was not measured.";
    IMPROVE = "E_IMPROVE", Conflict, 409, "the run of improve cannot go on", "begin a new one with skill improve",
        "A run goes on by replaying its journal, so that it ends where an uninterrupted one ends. That holds only if suite, model, engine and proposer are the same, and if one process works on it at a time.";
    CONTROLS = "E_CONTROLS", Invalid, 422, "the suite's controls failed, so nothing is improved against it", "correct the suite: skill eval shows each check of each run",
        "Before anything is improved, the suite is tried on skills whose result is known: an oracle must solve nine of ten cases, and an empty skill must not beat no skill at all. A suite that fails this would reward something else than it means to.";
    NOT_IMPROVED = "E_NOT_IMPROVED", Gate, 422, "no better version was found", "the report says what was tried; add cases that fail, or another proposer",
        "Nothing that was tried beat the starting version by more than noise on the train cases. The holdout was not looked at, and no attempt is counted.";
    NO_SIGNAL = "E_NO_SIGNAL", Invalid, 422, "the suite does not tell versions apart", "add cases whose result depends on the skill, or measure with more runs",
        "All candidates came out alike, within the noise that two measurements of the same version have. Going on would pick noise.";
    PROPOSER = "E_PROPOSER", Failed, 422, "the proposer cannot be used", "name a model with --proposer, or a command with --proposer-cmd",
        "A proposer is a model, or a command that reads a brief on standard input and edits the folder that it is started in.";
    GIT = "E_GIT", Failed, 500, "git failed", "install git, or look at what it says",
        "Versions that are kept are commits, so that each step can be looked at and taken back. git is run without hooks, filters and the user's configuration.";
}

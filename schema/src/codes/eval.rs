//! Suites, their split, and what is measured with them.
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
    SPLIT_LOCK = "E_SPLIT_LOCK", Conflict, 409, "the lock of the split does not hold",
        "restore evals/split.lock from version control; after a merge take one side's file and run skill suite split again",
        "`evals/split.lock` says for each case whether it is for training or held out. Lines are only ever added at its end, each as the rule of the split gives it. A changed, moved or removed line could bring a held-out case into training, so a lock whose lines are not what the rule gives is refused and nothing is measured.";
}

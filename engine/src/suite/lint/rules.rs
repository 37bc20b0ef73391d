//! The rules for suites: the catalogue. `docs/suites.md` explains each one.

use skill_schema::{
    codes,
    lint::{Rule, Severity},
};

macro_rules! rules {
    ($($name:ident = $id:literal, $strict:ident / $lenient:ident, $title:literal;)*) => {
        $(
            #[doc = concat!("`", $id, "`: ", $title, ".")]
            pub const $name: &Rule = &Rule {
                id: $id, strict: Severity::$strict, lenient: Severity::$lenient, code: codes::SUITE_LINT, title: $title,
            };
        )*
        /// Every rule, in the order in which `docs/suites.md` lists them.
        pub const ALL: &[&Rule] = &[$($name),*];
    };
}

rules! {
    UNREADABLE = "suite.unreadable", Error / Error, "the suite is JSON of the format, within the limits";
    EMPTY = "suite.empty", Error / Warning, "there are cases";
    SKILL_NAME = "suite.skill-name", Warning / Note, "skill_name is the name of the skill beside it";
    TOO_FEW_CASES = "suite.too-few-cases", Warning / Note, "at least 8 cases in 8 groups are held out, which the gate needs";
    TOO_FEW_RUNS = "suite.too-few-runs", Warning / Note, "the gate makes at least 3 runs of each case";
    GREEDY = "suite.greedy", Note / Note, "temperature is above 0; at 0 all runs of a case count as one";
    NETWORK = "suite.network", Note / Note, "runs have no network";
    DUPLICATE_ID = "suite.duplicate-id", Error / Error, "no two cases have the same id";
    NO_PROMPT = "suite.no-prompt", Error / Warning, "a case asks something";
    PLACEHOLDER = "suite.placeholder", Warning / Note, "what skill suite new wrote to be replaced was replaced";
    DRAFT = "suite.draft", Error / Error, "a person has reviewed every case that a model drafted";
    NO_CHECKS = "suite.no-checks", Error / Warning, "a case has checks or expectations";
    JUDGED_ONLY = "suite.judged-only", Note / Note, "a case has a check that needs no grader model";
    ZERO_WEIGHT = "suite.zero-weight", Error / Warning, "the weights of a case's checks add up to more than 0";
    DUPLICATE_CHECK = "suite.duplicate-check", Error / Warning, "no two checks of a case have the same id";
    UNKNOWN_CHECK = "suite.unknown-check", Error / Error, "a check is of a kind that exists";
    UNKNOWN_TARGET = "suite.unknown-target", Error / Error, "a target is final, transcript, outputs/…, exit or usage";
    PARAMETER = "suite.parameter", Error / Error, "a check has the parameters that its kind needs";
    LOOKAROUND = "suite.lookaround", Error / Error, "a regular expression has no look-around and no back-references";
    REGEX = "suite.regex", Error / Error, "a regular expression is valid and small";
    METRIC_PATTERN = "suite.metric-pattern", Error / Error, "a metric's pattern has a group that holds the number";
    REMOTE_REF = "suite.remote-ref", Error / Error, "a JSON schema refers to nothing outside of itself";
    SCHEMA = "suite.schema", Error / Error, "a JSON schema is one of 2020-12 and of bounded size";
    JSON_PATH = "suite.json-path", Error / Error, "a JSONPath is one of RFC 9535 and of bounded cost";
    PATH = "suite.path", Error / Error, "paths stay inside of the suite and can be packed";
    OUTSIDE = "suite.outside", Error / Warning, "files of cases lie under evals/, so that they travel with the suite";
    MISSING_FILE = "suite.missing-file", Error / Error, "every file that a case names exists";
    FILE_DIGEST = "suite.file-digest", Error / Error, "a file has the SHA-256 that the case says";
    NEAR_DUPLICATE = "suite.near-duplicate", Error / Warning, "cases of different groups do not ask nearly the same, nor share a file";
    SPANS_CATEGORIES = "suite.group-spans-categories", Error / Warning, "all cases of a group have one category";
    ANSWER_IN_PROMPT = "suite.answer-in-prompt", Warning / Note, "what a check looks for does not stand in the prompt";
    ONE_SIDED = "suite.one-sided-triggers", Warning / Note, "there are queries that should and queries that should not trigger";
    LOCK = "suite.lock", Error / Error, "evals/split.lock is what the rule of the split gives";
    LOCK_DIFFERS = "suite.lock-differs", Warning / Note, "category and group are those of the lock";
    NOT_SPLIT = "suite.not-split", Warning / Note, "every case is in evals/split.lock";
    NO_HOLDOUT = "suite.no-holdout", Error / Warning, "some cases are held out";
    NO_TRAIN = "suite.no-train", Error / Warning, "some cases are for training";
}

/// The rule with this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_well_formed_and_never_stricter_when_lenient() {
        let mut ids: Vec<_> = ALL.iter().map(|rule| rule.id).collect();
        for rule in ALL {
            let name = rule.id.strip_prefix("suite.").unwrap();
            assert!(skill_schema::name::follows_rule(name, 64) && rule.lenient <= rule.strict, "{}", rule.id);
            assert_eq!(find(rule.id), Some(*rule));
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
    }
}

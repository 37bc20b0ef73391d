//! Rules about suites and their checks.
use super::codes;

codes! {
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
}

//! Checks of text, numbers, exit status and usage; and which part of an answer is code.

use serde_json::json;

use super::{Bed, refused};

#[test]
fn texts_are_compared_as_the_kind_says() {
    Bed::new("  Hello, World\nSecond line  \n").table(&[
        (json!({"kind": "exact", "value": "Hello, World\nSecond line"}), 1),
        (json!({"kind": "exact", "value": "hello, world\nsecond line"}), 0),
        (json!({"kind": "iexact", "value": "HELLO, world\nsecond line\n"}), 1),
        (json!({"kind": "contains", "value": "World"}), 1),
        (json!({"kind": "contains", "value": "world"}), 0),
        (json!({"kind": "icontains", "value": "WORLD"}), 1),
        (json!({"kind": "contains_all", "values": ["Hello", "line"]}), 1),
        (json!({"kind": "contains_all", "values": ["Hello", "third"]}), 0),
        (json!({"kind": "icontains_all", "values": ["hello", "LINE"]}), 1),
        (json!({"kind": "contains_any", "values": ["third", "line"]}), 1),
        (json!({"kind": "contains_any", "values": ["third", "LINE"]}), 0),
        (json!({"kind": "icontains_any", "values": ["third", "LINE"]}), 1),
        (json!({"kind": "starts_with", "value": "Hello"}), 1),
        (json!({"kind": "starts_with", "value": "World"}), 0),
        (json!({"kind": "istarts_with", "value": "hELLO"}), 1),
        (json!({"kind": "ends_with", "value": "line"}), 1),
        (json!({"kind": "ends_with", "value": "World"}), 0),
        (json!({"kind": "iends_with", "value": "LINE"}), 1),
    ]);
}

#[test]
fn expressions_match_anywhere_and_are_counted_if_asked() {
    Bed::new("error 1\nerror 22\nok").table(&[
        (json!({"kind": "regex", "pattern": "error \\d{2}"}), 1),
        (json!({"kind": "regex", "pattern": "^error 22"}), 0),
        (json!({"kind": "regex", "pattern": "(?m)^error 22$"}), 1),
        (json!({"kind": "iregex", "pattern": "ERROR"}), 1),
        (json!({"kind": "regex", "pattern": "ERROR"}), 0),
        (json!({"kind": "regex", "pattern": "error", "min": 2}), 1),
        (json!({"kind": "regex", "pattern": "error", "min": 3}), 0),
        (json!({"kind": "regex", "pattern": "error", "max": 1}), 0),
        (json!({"kind": "regex", "pattern": "fatal", "max": 0}), 1),
        (json!({"kind": "regex", "pattern": "error", "max": 0}), 0),
    ]);
}

#[test]
fn expressions_that_could_take_long_are_refused() {
    let regex = |pattern: &str| json!({"kind": "regex", "pattern": pattern});
    refused(&[
        (regex("(?=x)y"), "E_CHECK_REGEX"),
        (regex("(?<!x)y"), "E_CHECK_REGEX"),
        (regex("(a)\\1"), "E_CHECK_REGEX"),
        (regex("("), "E_CHECK_REGEX"),
        (regex("((a{1000}){1000}){1000}"), "E_CHECK_REGEX"),
        (regex(&"a".repeat(2_001)), "E_CHECK_REGEX"),
        (regex(""), "E_CHECK_PARAM"),
        (json!({"kind": "regex", "pattern": 5}), "E_CHECK_PARAM"),
        (json!({"kind": "regex", "pattern": "x", "min": 2, "max": 1}), "E_CHECK_PARAM"),
        (json!({"kind": "regex", "pattern": "x", "min": -1}), "E_CHECK_PARAM"),
    ]);
    assert!(super::parse(&super::of(&regex(&"a".repeat(2_000)))).is_ok());
}

#[test]
fn texts_that_say_nothing_are_refused() {
    refused(&[
        (json!({"kind": "contains", "value": ""}), "E_CHECK_PARAM"),
        (json!({"kind": "contains_any", "values": []}), "E_CHECK_PARAM"),
        (json!({"kind": "contains_all", "values": ["x", ""]}), "E_CHECK_PARAM"),
        (json!({"kind": "contains_all", "values": "x"}), "E_CHECK_PARAM"),
        (json!({"kind": "contains", "value": "x".repeat(64 * 1024 + 1)}), "E_CHECK_PARAM"),
        (json!({"kind": "contains", "value": "x", "target": "elsewhere"}), "E_CHECK_PARAM"),
        (json!({"kind": "contains", "value": "x", "target": "outputs/../x"}), "E_CHECK_GLOB"),
        (json!({"kind": "contains", "value": "x", "part": "header"}), "E_CHECK_PARAM"),
    ]);
}

#[test]
fn a_run_without_an_answer_passes_nothing() {
    let bed = Bed::new(" \n");
    let contains = json!({"kind": "contains", "value": "x"});
    bed.table(&[(contains.clone(), 0), (json!({"kind": "not", "check": contains}), 0)]);
}

#[test]
fn numbers_are_found_and_compared_within_a_tolerance() {
    Bed::new("between 3 and 4.25\nloss: 1e-3\nthe answer is -12.5").table(&[
        (json!({"kind": "numeric", "value": -12.5}), 1),
        (json!({"kind": "numeric", "value": "-12.5"}), 1),
        (json!({"kind": "numeric", "value": -12}), 0),
        (json!({"kind": "numeric", "value": -12, "abs_tol": 0.5}), 1),
        (json!({"kind": "numeric", "value": -12, "abs_tol": 0.49}), 0),
        (json!({"kind": "numeric", "value": -10, "rel_tol": 0.25}), 1),
        (json!({"kind": "numeric", "value": -10, "rel_tol": 0.24}), 0),
        (json!({"kind": "numeric", "pattern": "^loss: (.*)$", "max": 0.001}), 1),
        (json!({"kind": "numeric", "pattern": "^loss: (.*)$", "min": 0.0011}), 0),
        (json!({"kind": "numeric", "pattern": "^gain: (.*)$", "min": 0}), 0),
        (json!({"kind": "numeric", "min": -13, "max": -12}), 1),
    ]);
    Bed::new("no digits").table(&[(json!({"kind": "not", "check": {"kind": "numeric", "value": 1}}), 0)]);
    refused(&[
        (json!({"kind": "numeric", "value": "much"}), "E_CHECK_PARAM"),
        (json!({"kind": "numeric", "value": "inf"}), "E_CHECK_PARAM"),
        (json!({"kind": "numeric", "value": 1, "abs_tol": -1}), "E_CHECK_PARAM"),
        (json!({"kind": "numeric", "value": 1, "pattern": "x", "path": "$"}), "E_CHECK_PARAM"),
    ]);
}

#[test]
fn exit_usage_and_transcript_are_targets_too() {
    let mut bed = Bed::new("said");
    bed.exit = 3;
    bed.usage.output_tokens = 40;
    bed.usage.prompt_tokens = 60;
    bed.table(&[
        (json!({"kind": "exact", "value": "3", "target": "exit"}), 1),
        (json!({"kind": "numeric", "path": "$.output_tokens", "max": 40, "target": "usage"}), 1),
        (json!({"kind": "contains", "value": "said", "target": "transcript"}), 1),
        (json!({"kind": "contains", "value": "asked", "target": "transcript"}), 0),
        (json!({"kind": "usage", "max": 100}), 1),
        (json!({"kind": "usage", "max": 99}), 0),
        (json!({"kind": "usage", "field": "output_tokens", "min": 41}), 0),
        (json!({"kind": "usage", "field": "turns", "max": 0}), 1),
    ]);
    refused(&[(json!({"kind": "usage", "field": "joules", "max": 1}), "E_CHECK_PARAM")]);
}

const ANSWER: &str = "\
Never use `eval` or os.system here.

```python
import ast  # eval is dangerous
# os.system would be worse
def run(x):
    \"\"\"Does not call eval.\"\"\"
    url = \"http://host/#top\"  # eval
    return ast.literal_eval(x)
```

Explained: md5 is not used.
";

#[test]
fn a_remark_is_not_taken_for_code() {
    Bed::new(ANSWER).table(&[
        (json!({"kind": "regex", "pattern": "\\beval\\b"}), 1),
        (json!({"kind": "regex", "pattern": "\\beval\\b", "part": "fenced"}), 1),
        (json!({"kind": "regex", "pattern": "\\beval\\b|system", "part": "code"}), 0),
        (json!({"kind": "contains_all", "values": ["literal_eval", "#top", "import ast"], "part": "code"}), 1),
        (json!({"kind": "contains", "value": "md5", "part": "prose"}), 1),
        (json!({"kind": "contains", "value": "literal", "part": "prose"}), 0),
    ]);
}

#[test]
fn code_is_found_with_and_without_fences() {
    use super::super::code::{fenced, prose, without_comments};
    assert_eq!(fenced("a\n```\nb\n```\nc\n~~~~x\nd\n~~~\n~~~~\n"), "b\nd\n~~~\n");
    assert_eq!(prose("a\n```\nb\n```\nc"), "a\nc");
    assert_eq!(fenced("```js\ncut off"), "cut off\n");
    assert_eq!(fenced("plain"), "plain");
    assert_eq!(fenced("```inline``` is no fence"), "```inline``` is no fence");
    assert_eq!(without_comments("#include <x>\n# note\n// note\n-- note\n--flag\n"), "#include <x>\n--flag\n");
    assert_eq!(without_comments("/* a\n b */\ncode /* kept\n"), "code /* kept\n");
    assert_eq!(without_comments("/* never closed\ncode\n"), "/* never closed\ncode\n");
    assert_eq!(without_comments("x = \"\"\"\nselect 1\n\"\"\"\n"), "x = \"\"\"\nselect 1\n\"\"\"\n");
    assert_eq!(without_comments("def f():\n  '''doc\n  more'''\n  pass\n"), "def f():\n  pass\n");
    assert_eq!(without_comments("f(\"a # b\") # c\n"), "f(\"a # b\")\n");
    assert_eq!(without_comments("f('http://x') // c\n"), "f('http://x')\n");
}

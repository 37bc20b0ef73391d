use serde_json::json;
use skill_schema::codes;

use super::*;
use crate::suite::Task;

fn parse(text: &str) -> Result<Suite, Fault> {
    Suite::parse(text.as_bytes())
}

fn place(text: &str) -> String {
    let fault = parse(text).expect_err(text);
    assert_eq!(fault.code, codes::SUITE);
    fault.place.unwrap_or_default()
}

#[test]
fn the_example_of_the_design_is_read() {
    let suite = parse(
        r#"{ "skill_name": "pdf-forms",
  "suite": { "format": 1, "id": "acme/pdf-forms", "version": "2.1.0", "salt": "acme/pdf-forms@suite-1", "holdout": [2,5],
             "runs": {"train": 1, "gate": 5}, "sampling": {"temperature": 0.7, "top_p": 1.0, "max_tokens": 4096},
             "limits": {"turns": 30, "tokens": 60000, "seconds": 300}, "sandbox": "no-network",
             "grader": {"prompt": "builtin:grader@1", "votes": 1} },
  "evals": [
   { "id": 7, "name": "fill-w9", "category": "fill", "group": "w9-fixture", "critical": false,
     "prompt": "Fill the attached W-9 for …", "files": ["evals/files/w9.pdf"], "expected_output": "a filled PDF",
     "expectations": ["The output PDF has the taxpayer name in field 1"],
     "checks": [ {"id":"c1","kind":"file_exists","glob":"outputs/*.pdf","min":1,"required":true},
                 {"id":"c2","kind":"script","run":"evals/checks/fields.py","timeout_s":30,"weight":3} ] },
   { "id": "t1", "kind": "trigger", "category": "trigger", "query": "my boss sent me a w9 …", "should_trigger": true },
   { "id": "m1", "kind": "metric", "category": "loss", "run": "uv run train.py", "pattern": "^val_bpb:\\s+([0-9.]+)",
     "goal": "minimize", "budget_s": 300 } ] }"#,
    )
    .unwrap();
    assert_eq!((suite.skill_name.as_str(), suite.settings.salt.as_str()), ("pdf-forms", "acme/pdf-forms@suite-1"));
    assert_eq!((suite.settings.runs_train, suite.settings.runs_gate), (1, 5));
    let ids: Vec<_> = suite.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["7", "t1", "m1"]);
    let case = &suite.cases[0];
    assert_eq!((case.name.as_str(), case.category.as_str(), case.group.as_str()), ("fill-w9", "fill", "w9-fixture"));
    let Task::Prompt { files, checks, expectations, .. } = &case.task else { panic!("a prompt") };
    assert_eq!((files.len(), expectations.len()), (1, 1));
    assert_eq!((checks[0].required, checks[0].weight, checks[1].weight), (true, 1, 3));
    assert_eq!(checks[1].params["run"], "evals/checks/fields.py");
    assert!(matches!(&suite.cases[1].task, Task::Trigger { should_trigger: true, .. }));
    assert!(matches!(&suite.cases[2].task, Task::Metric { minimize: true, budget_s: 300, .. }));
}

#[test]
fn a_file_of_skill_creator_is_a_suite_unchanged() {
    let suite = parse(
        r#"{"skill_name": "docs", "evals": [
            {"id": 1, "prompt": "Make a table", "expected_output": "A table", "files": [],
             "expectations": ["There is a table", {"text": "It has a header", "passed": true}], "extra": {"kept": [1.5]}},
            {"id": 2, "prompt": "No more", "assertions": ["It ends"]}]}"#,
    )
    .unwrap();
    assert_eq!(suite.settings.salt, "docs", "the salt is the skill's name");
    assert_eq!(suite.cases[0].raw["extra"], json!({"kept": [1.5]}));
    let statements = |n: usize| match &suite.cases[n].task {
        Task::Prompt { expectations, .. } => expectations.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(statements(0), ["There is a table", "It has a header"]);
    assert_eq!(statements(1), ["It ends"]);
    let case = &suite.cases[1];
    assert_eq!((&*case.name, &*case.category, &*case.group, case.critical), ("2", "default", "2", false));
    assert_eq!((suite.settings.runs_gate, suite.settings.sandbox.as_str()), (5, "no-network"));
}

#[test]
fn a_list_of_queries_is_a_suite_whose_ids_do_not_depend_on_their_place() {
    let short = parse(r#"[{"query": "b", "should_trigger": false}]"#).unwrap();
    let long = parse(r#"[{"query": "a", "should_trigger": true}, {"query": "b", "should_trigger": false}]"#).unwrap();
    assert_eq!(long.cases[1].id, short.cases[0].id);
    assert_ne!(long.cases[0].id, long.cases[1].id);
    assert!(short.cases[0].id.starts_with("t-"));
    assert!(parse("[]").unwrap().cases.is_empty());
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    for (text, at) in [
        ("3", ""),
        ("{}", ""),
        (r#"{"evals": {}}"#, "evals"),
        (r#"{"evals": [1]}"#, "evals[0]"),
        (r#"[{"query": "x"}]"#, "[0].should_trigger"),
        (r#"{"skill_name": 1, "evals": []}"#, "skill_name"),
        (r#"{"evals": [{"id": 1.5}]}"#, "evals[0].id"),
        (r#"{"evals": [{"id": "a\tb"}]}"#, "evals[0].id"),
        (r#"{"evals": [{"kind": "quiz"}]}"#, "evals[0].kind"),
        (r#"{"evals": [{"prompt": []}]}"#, "evals[0].prompt"),
        (r#"{"evals": [{"files": "a"}]}"#, "evals[0].files"),
        (r#"{"evals": [{"files": [{"name": "a"}]}]}"#, "evals[0].files[0]"),
        (r#"{"evals": [{"expectations": [1]}]}"#, "evals[0].expectations[0]"),
        (r#"{"evals": [{"critical": "yes"}]}"#, "evals[0].critical"),
        (r#"{"evals": [{"checks": [{}]}]}"#, "evals[0].checks[0].kind"),
        (r#"{"evals": [{"checks": [{"kind": "exact", "weight": 0.5}]}]}"#, "evals[0].checks[0].weight"),
        (r#"{"evals": [{"checks": [{"kind": "exact", "weight": -1}]}]}"#, "evals[0].checks[0].weight"),
        (r#"{"evals": [{"checks": [{"kind": "exact", "weight": 1001}]}]}"#, "evals[0].checks[0].weight"),
        (r#"{"evals": [{"kind": "metric", "run": "x", "pattern": "(1)"}]}"#, "evals[0].goal"),
        (r#"{"evals": [{"kind": "metric", "goal": "maximize", "pattern": "(1)"}]}"#, "evals[0].run"),
        (r#"{"evals": [], "suite": []}"#, "suite"),
        (r#"{"evals": [], "suite": {"format": 2}}"#, "suite.format"),
        (r#"{"evals": [], "suite": {"id": "Acme"}}"#, "suite.id"),
        (r#"{"evals": [], "suite": {"version": "1"}}"#, "suite.version"),
        (r#"{"evals": [], "suite": {"canary": "15-bytes-of-it!"}}"#, "suite.canary"),
        (r#"{"evals": [], "suite": {"holdout": [1, 2]}}"#, "suite.holdout"),
        (r#"{"evals": [], "suite": {"sandbox": "none"}}"#, "suite.sandbox"),
        (r#"{"evals": [], "suite": {"runs": {"gate": 0}}}"#, "suite.runs.gate"),
        (r#"{"evals": [], "suite": {"sampling": {"top_p": 1.5}}}"#, "suite.sampling.top_p"),
        (r#"{"evals": [], "suite": {"limits": {"tokens": 0}}}"#, "suite.limits.tokens"),
        (r#"{"evals": [], "suite": {"grader": {"votes": 12}}}"#, "suite.grader.votes"),
    ] {
        assert_eq!(place(text), at, "{text}");
    }
}

#[test]
fn counts_are_limited_at_both_sides() {
    let limits = Bounds::V1;
    let cases = |n: usize| format!("[{}]", vec![r#"{"prompt":"x"}"#; n].join(","));
    assert_eq!(parse(&cases(limits.cases)).unwrap().cases.len(), limits.cases);
    assert!(parse(&cases(limits.cases + 1)).is_err());
    let files = |n: usize| format!(r#"[{{"prompt":"x","files":[{}]}}]"#, vec!["\"a\""; n].join(","));
    assert!(parse(&files(limits.items)).is_ok());
    assert_eq!(place(&files(limits.items + 1)), "[0].files");
    let id = |n: usize| format!(r#"[{{"prompt":"x","id":"{}"}}]"#, "x".repeat(n));
    assert!(parse(&id(limits.name)).is_ok());
    assert_eq!(place(&id(limits.name + 1)), "[0].id");
    let canary = parse(r#"{"evals": [], "suite": {"canary": "16-bytes-of-it!!"}}"#).unwrap().settings.canary;
    assert_eq!(canary.as_deref(), Some("16-bytes-of-it!!"));
    let weight = r#"[{"prompt":"x","checks":[{"kind":"exact","weight":1000}]}]"#;
    assert!(parse(weight).is_ok());
}

#[test]
fn null_is_as_if_it_were_not_there() {
    let suite = parse(
        r#"{"skill_name": null, "suite": null, "evals": [{"id": null, "prompt": "x", "files": null, "checks": null}]}"#,
    );
    assert!(suite.unwrap().cases[0].id.starts_with("c-"));
}

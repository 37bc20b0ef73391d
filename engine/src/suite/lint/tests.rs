use std::fs;

use serde_json::{Value, json};
use skill_schema::lint::Severity;

use super::*;

/// A skill's folder with a suite; the value must live as long as it is used.
fn skill(suite: &Value) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let evals = home.path().join("notes/evals");
    fs::create_dir_all(evals.join("files")).unwrap();
    fs::write(home.path().join("notes/SKILL.md"), "").unwrap();
    fs::write(evals.join("files/a.txt"), "abc").unwrap();
    fs::write(evals.join("files/same.txt"), "abc").unwrap();
    fs::write(evals.join("evals.json"), serde_json::to_string_pretty(suite).unwrap()).unwrap();
    home
}

fn lint(home: &tempfile::TempDir, level: Level) -> Vec<Finding> {
    check(&home.path().join("notes"), level).unwrap().0.findings
}

fn found(suite: &Value) -> Vec<Finding> {
    lint(&skill(suite), Level::Strict)
}

/// Twenty cases that have nothing in common.
fn good() -> Value {
    let cases: Vec<Value> = (0..20)
        .map(|n| {
            let prompt = format!("alpha{n} beta{n} gamma{n}");
            json!({"id": n, "prompt": prompt, "checks": [{"kind": "contains", "value": format!("answer{n}")}]})
        })
        .collect();
    json!({"skill_name": "notes", "evals": cases})
}

fn rules_of(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}

/// The rules that are broken when members of the first case are these.
fn case(members: &Value) -> Vec<&'static str> {
    let mut suite = good();
    for (key, value) in members.as_object().unwrap() {
        suite["evals"][0][key] = value.clone();
    }
    let findings = found(&suite);
    rules_of(&findings).into_iter().filter(|rule| *rule != rules::NOT_SPLIT.id).collect()
}

fn checks(list: &Value) -> Vec<&'static str> {
    case(&json!({"checks": list}))
}

#[test]
fn a_good_suite_that_is_split_has_no_findings() {
    let home = skill(&good());
    assert_eq!(rules_of(&lint(&home, Level::Strict)), ["suite.not-split"]);
    let opened = Suite::read(&home.path().join("notes")).unwrap();
    opened.suite.split(&opened.lock().unwrap()).unwrap().write(&opened.lock_path()).unwrap();
    assert_eq!(lint(&home, Level::Strict), []);
}

#[test]
fn a_finding_has_its_place_and_its_weight_depends_on_the_level() {
    let mut suite = good();
    suite["evals"][3]["prompt"] = json!(" ");
    let home = skill(&suite);
    let strict = lint(&home, Level::Strict);
    let finding = strict.iter().find(|finding| finding.rule == "suite.no-prompt").unwrap();
    assert_eq!((finding.severity, finding.code), (Severity::Error, Some(codes::SUITE_LINT)));
    assert_eq!(finding.file.as_deref(), Some("evals/evals.json"));
    let text = fs::read_to_string(home.path().join("notes/evals/evals.json")).unwrap();
    let line = text.lines().nth(finding.line.unwrap() - 1).unwrap();
    assert!(line.contains("\"prompt\": \" \""), "{line}");
    let lenient = lint(&home, Level::Lenient);
    let finding = lenient.iter().find(|finding| finding.rule == "suite.no-prompt").unwrap();
    assert_eq!(finding.severity, Severity::Warning);
}

#[test]
fn a_suite_that_cannot_be_read_has_one_finding() {
    let home = skill(&json!({"evals": [{"id": []}]}));
    let (report, opened) = check(&home.path().join("notes"), Level::Strict).unwrap();
    assert!(opened.is_none() && !report.ok && report.code == Some(codes::SUITE));
    assert_eq!(rules_of(&report.findings), ["suite.unreadable"]);
    assert!(report.findings[0].message.starts_with("evals[0].id: "), "{:?}", report.findings);
    assert_eq!(check(home.path(), Level::Strict).unwrap_err().code, codes::NO_SUITE);
}

#[test]
fn checks_are_read_as_they_will_be_made() {
    for (check, rule) in [
        (json!({"kind": "contain", "value": "x"}), "suite.unknown-check"),
        (json!({"kind": "contains", "value": "x", "target": "output"}), "suite.unknown-target"),
        (json!({"kind": "contains"}), "suite.parameter"),
        (json!({"kind": "regex", "pattern": "a(?!b)"}), "suite.lookaround"),
        (json!({"kind": "regex", "pattern": "(?<=a)b"}), "suite.lookaround"),
        (json!({"kind": "regex", "pattern": "(a)\\1"}), "suite.lookaround"),
        (json!({"kind": "regex", "pattern": "a("}), "suite.regex"),
        (json!({"kind": "json_schema", "schema": {"$ref": "https://example.com/s"}}), "suite.remote-ref"),
        (json!({"kind": "json_schema", "schema": {"$ref": "#/none"}}), "suite.schema"),
        (json!({"kind": "json_path", "path": "$["}), "suite.json-path"),
        (json!({"kind": "file_exists", "glob": "outputs/../x"}), "suite.path"),
        (json!({"kind": "not", "check": {"kind": "contain", "value": "x"}}), "suite.unknown-check"),
    ] {
        assert_eq!(checks(&json!([check])), [rule], "{check}");
    }
    assert_eq!(checks(&json!([{"kind": "regex", "pattern": "\\(\\?=a\\)|(?i)b(?:c)"}])), Vec::<&str>::new());
}

#[test]
fn a_misspelt_kind_is_guessed() {
    let mut suite = good();
    suite["evals"][0]["checks"][0]["kind"] = json!("contians");
    let findings = found(&suite);
    let finding = findings.iter().find(|finding| finding.rule == "suite.unknown-check").unwrap();
    assert_eq!(finding.help.as_deref(), Some("did you mean `contains`?"));
}

#[test]
fn a_case_can_be_scored() {
    assert_eq!(case(&json!({"checks": []})), ["suite.no-checks"]);
    assert_eq!(case(&json!({"checks": [], "expectations": ["It is so"]})), ["suite.judged-only"]);
    assert_eq!(checks(&json!([{"kind": "contains", "value": "x", "weight": 0}])), ["suite.zero-weight"]);
    assert_eq!(checks(&json!([{"kind": "similar", "value": "x"}])), ["suite.zero-weight"]);
    let twice = json!([{"id": "a", "kind": "contains", "value": "x"}, {"id": "a", "kind": "contains", "value": "y"}]);
    assert_eq!(checks(&twice), ["suite.duplicate-check"]);
    assert_eq!(case(&json!({"id": 1})), ["suite.duplicate-id"]);
    assert_eq!(checks(&json!([{"kind": "icontains", "value": "ALPHA0 b"}])), ["suite.answer-in-prompt"]);
    assert_eq!(checks(&json!([{"kind": "contains", "value": "alpha"}])), Vec::<&str>::new());
}

#[test]
fn files_exist_inside_of_the_suite() {
    for (file, rule) in [
        (json!("evals/files/none"), Some("suite.missing-file")),
        (json!("evals/../../x"), Some("suite.path")),
        (json!("/etc/passwd"), Some("suite.path")),
        (json!("evals/.hidden"), Some("suite.path")),
        (json!("SKILL.md"), Some("suite.outside")),
        (json!({"path": "evals/files/a.txt", "sha256": "0".repeat(64)}), Some("suite.file-digest")),
        (json!({"path": "evals/files/a.txt"}), None),
        (json!("evals/files/a.txt"), None),
    ] {
        assert_eq!(case(&json!({"files": [file]})), rule.into_iter().collect::<Vec<_>>(), "{file}");
    }
    let script = |run: &str| checks(&json!([{"kind": "script", "run": run}]));
    assert_eq!(script("evals/none.py"), ["suite.missing-file"]);
    assert_eq!(script("python3 evals/none.py"), ["suite.missing-file"]);
    assert_eq!(script("python3 evals/files/a.txt"), Vec::<&str>::new());
    let mut suite = good();
    suite["suite"] = json!({"grader": {"prompt": "evals/none.md"}});
    assert!(rules_of(&found(&suite)).contains(&"suite.missing-file"));
}

#[test]
fn a_link_is_no_file_of_the_suite() {
    let mut suite = good();
    suite["evals"][0]["files"] = json!(["evals/files/link"]);
    let home = skill(&suite);
    std::os::unix::fs::symlink("/etc/hostname", home.path().join("notes/evals/files/link")).unwrap();
    assert!(rules_of(&lint(&home, Level::Strict)).contains(&"suite.path"));
}

#[test]
fn what_is_nearly_the_same_is_on_one_side_of_the_split() {
    let near = json!({"prompt": "alpha1 beta1 gamma1"});
    assert_eq!(case(&near), ["suite.near-duplicate"]);
    let grouped = json!({"prompt": "alpha1 beta1 gamma1", "group": "1"});
    assert_eq!(case(&grouped), ["suite.too-few-cases"], "the group is one less for the gate");
    for (first, second) in [("a.txt", "a.txt"), ("a.txt", "same.txt")] {
        let mut suite = good();
        suite["evals"][0]["files"] = json!([format!("evals/files/{first}")]);
        suite["evals"][1]["files"] = json!([format!("evals/files/{second}")]);
        assert!(rules_of(&found(&suite)).contains(&"suite.near-duplicate"), "{first} {second}");
        suite["evals"][0]["group"] = json!("g");
        suite["evals"][1]["group"] = json!("g");
        assert!(!rules_of(&found(&suite)).contains(&"suite.near-duplicate"));
    }
    assert_eq!(case(&json!({"group": "1", "category": "other"})), ["suite.group-spans-categories"]);
}

#[test]
fn triggers_and_metrics_have_rules_of_their_own() {
    let one_sided = json!([{"query": "a b", "should_trigger": true}, {"query": "c d", "should_trigger": true}]);
    assert!(rules_of(&found(&one_sided)).contains(&"suite.one-sided-triggers"));
    let both = json!([{"query": "a b", "should_trigger": true}, {"query": "c d", "should_trigger": false}]);
    assert!(!rules_of(&found(&both)).contains(&"suite.one-sided-triggers"));
    let metric = |pattern: &str| {
        case(&json!({"kind": "metric", "run": "make", "goal": "minimize", "pattern": pattern, "checks": null}))
    };
    assert_eq!(metric("^loss: [0-9]+"), ["suite.metric-pattern"]);
    assert_eq!(metric("(?<=loss: )([0-9]+)"), ["suite.lookaround"]);
    assert_eq!(metric("loss: ("), ["suite.regex"]);
    assert_eq!(metric("loss: ([0-9]+)"), Vec::<&str>::new());
}

#[test]
fn size_settings_and_lock_are_judged() {
    let with = |settings: Value| {
        let mut suite = good();
        suite["suite"] = settings;
        rules_of(&found(&suite))
    };
    assert!(with(json!({"runs": {"gate": 2}})).contains(&"suite.too-few-runs"));
    assert!(!with(json!({"runs": {"gate": 3}})).contains(&"suite.too-few-runs"));
    assert!(with(json!({"sampling": {"temperature": 0}})).contains(&"suite.greedy"));
    assert!(with(json!({"sandbox": "network"})).contains(&"suite.network"));
    let mut suite = good();
    suite["skill_name"] = json!("other");
    assert!(rules_of(&found(&suite)).contains(&"suite.skill-name"));
    suite["evals"].as_array_mut().unwrap().truncate(19);
    assert!(rules_of(&found(&suite)).contains(&"suite.too-few-cases"));
    suite["evals"].as_array_mut().unwrap().truncate(1);
    let few =
        rules_of(&found(&suite)).into_iter().filter(|rule| rule.starts_with("suite.no-") && *rule != "suite.not-split");
    assert_eq!(few.count(), 1, "one case is on one side");
    assert_eq!(rules_of(&found(&json!([]))), ["suite.empty"]);

    let home = skill(&good());
    let lock = home.path().join("notes/evals/split.lock");
    fs::write(&lock, "<<<<<<< HEAD\n").unwrap();
    assert_eq!(rules_of(&lint(&home, Level::Lenient)), ["suite.lock"]);
    let opened = Suite::read(&home.path().join("notes")).unwrap();
    opened.suite.split(&Lock::default()).unwrap().write(&lock).unwrap();
    let mut suite = good();
    suite["evals"][0]["category"] = json!("moved");
    fs::write(home.path().join("notes/evals/evals.json"), suite.to_string()).unwrap();
    assert_eq!(rules_of(&lint(&home, Level::Strict)), ["suite.lock-differs"]);
}

#[test]
fn a_flood_of_findings_is_cut() {
    let cases = vec![json!({"id": 1, "prompt": ""}); 1_000];
    assert_eq!(found(&json!(cases)).len(), MAX_FINDINGS);
}

#[test]
fn the_documentation_has_an_example_of_every_kind_and_a_row_for_every_rule() {
    let text = include_str!("../../../../docs/suites.md");
    let mut shown = std::collections::BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("{\"kind\": ")) {
        let value: Value = serde_json::from_str(line).expect(line);
        let suite = Suite::from_value(json!([{"prompt": "p", "checks": [value]}])).expect(line);
        let crate::suite::Task::Prompt { checks, .. } = &suite.cases[0].task else { panic!("{line}") };
        crate::check::parse(&checks[0]).unwrap_or_else(|fault| panic!("{line}: {fault}"));
        shown.insert(checks[0].kind.clone());
    }
    let missing: Vec<_> = crate::check::KINDS.iter().filter(|kind| !shown.contains(**kind)).collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
    for rule in rules::ALL {
        let row = format!("| `{}` | {} | {} | {} |", rule.id, rule.strict.as_str(), rule.lenient.as_str(), rule.title);
        assert!(text.contains(&row), "docs/suites.md lacks {row}");
    }
}

#[test]
fn the_example_suites_have_no_errors() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut seen = 0;
    for entry in fs::read_dir(examples).unwrap() {
        let folder = entry.unwrap().path();
        if folder.join("evals/evals.json").is_file() {
            let findings = check(&folder, Level::Strict).unwrap().0.findings;
            let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error()).collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", folder.display());
            seen += 1;
        }
    }
    assert!(seen > 0, "no example has a suite");
}

//! Executors that look where they must not, through `skill eval` and its real sandbox: what they find, and how their runs are
//! marked where something leaked. Linux alone has a sandbox.
#![cfg(target_os = "linux")]

use std::{net::TcpListener, path::Path};

use serde_json::{Value, json};
use skill_tests::{Person, Project, model::Model};

const CANARY: &str = "suite-canary-7f3b9c1d";

/// The skill `look` with eight cases; a run passes if it answers `done` and nothing else.
fn write(project: &Project<'_>, sandbox: &str) {
    project.write("look/SKILL.md", "---\nname: look\ndescription: Looks. Use it always.\n---\n\nskill-secret\n");
    let case = |n: usize| json!({"id": n, "prompt": format!("alpha{n} beta{n} gamma{n} delta{n}"), "checks": [{"kind": "exact", "value": "done"}]});
    let cases: Vec<Value> = (0..8).map(case).collect();
    let suite = json!({"skill_name": "look", "suite": {"canary": CANARY, "sandbox": sandbox}, "evals": cases});
    project.write("look/evals/evals.json", &serde_json::to_string_pretty(&suite).expect("JSON"));
}

/// Measures with a script as the executor. The script holds no single quote.
fn eval(project: &Project<'_>, script: &str, more: &[&str]) -> skill_tests::Outcome {
    let command = format!("bash -c '{script}' - {{prompt}}");
    let args = ["eval", "look", "--executor", "cli", "-k", "1", "--json", "--command", &command];
    project.skill(&[&args[..], more].concat())
}

/// What all runs of a result said, notes and all.
fn transcripts(result: &Value) -> String {
    let folder = result["folder"].as_str().expect("a folder");
    std::fs::read_to_string(Path::new(folder).join("details.json")).expect("details")
}

fn statuses(result: &Value) -> (u64, u64) {
    let of = |status: &str| result["record"]["result"]["statuses"][status].as_u64().expect("a count");
    (of("ok"), of("tainted"))
}

#[test]
fn an_executor_that_looks_around_finds_neither_suite_nor_other_arm_nor_home() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    write(&project, "no-network");
    std::fs::write(nina.place("").join("secret.txt"), "home-secret").expect("written");
    let suite = project.path("look/evals");
    let home = nina.place("");
    // Both arms are run at once, so that each could find what the other has written; the second look is for what has come since.
    let script = format!(
        "echo arm-secret >mine.txt; for turn in 1 2; do sleep 0.1; \
         cat {suite}/evals.json {suite}/../SKILL.md {home}/secret.txt; ls -A {suite} {home}; \
         grep -rhs -e {CANARY} -e skill-canary- -e home-secret /tmp /var /root /home /run /srv {home}; \
         grep -rls arm-secret /tmp /var /root /home | grep -v ^$PWD/mine.txt; done 2>/dev/null; echo done",
        suite = suite.display(),
        home = home.display(),
    );
    let result = eval(&project, &script, &["--width", "2"]).ok().json();
    assert_eq!(statuses(&result), (16, 0), "{}", transcripts(&result));
    assert_eq!(result["record"]["result"]["cand"]["mean_ppm"], 1_000_000, "{}", transcripts(&result));
    for secret in [CANARY, "skill-canary-", "home-secret"] {
        assert!(!transcripts(&result).contains(secret), "{secret}");
    }
}

#[test]
fn an_executor_reaches_no_network_unless_the_suite_says_so() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("set");
    let port = listener.local_addr().expect("an address").port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected; echo done");
    write(&project, "no-network");
    let result = eval(&project, &script, &["--max-runs", "16"]).json();
    assert!(!transcripts(&result).contains("connected"));
    assert!(listener.accept().is_err(), "somebody connected");
    write(&project, "network");
    let result = eval(&project, &script, &[]).json();
    assert!(transcripts(&result).contains("connected") && listener.accept().is_ok(), "the same command can");
}

#[test]
fn an_executor_that_knows_where_the_suite_lies_is_void() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    write(&project, "no-network");
    let script = format!("cat {}; echo done", project.path("look/evals/evals.json").display());
    let result = eval(&project, &script, &[]).ok().json();
    assert_eq!(statuses(&result), (0, 16));
    assert!(transcripts(&result).contains("void: the run shows the path of a folder that it must not know"));
    assert_eq!(result["record"]["result"]["cases"], 0, "void runs count in no mean");
}

#[test]
fn what_leaks_from_the_home_or_the_suite_voids_the_runs_and_the_gate() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    write(&project, "no-network");
    // Somebody opens too much to the command: the folder with the results of earlier evals.
    let kept = nina.place(".local/share/skill/evals");
    std::fs::create_dir_all(&kept).expect("made");
    let kept = kept.display().to_string();
    let script = format!("grep -rhs -e skill-canary- {kept}; echo done");
    let opened = ["--command-reads", &kept, "--gate", "standard"];
    let refused = eval(&project, &script, &opened).refused(11, "E_GATE_INVALID");
    let result: Value = serde_json::from_str(refused.stdout.lines().next().expect("a result")).expect("JSON");
    assert_eq!(statuses(&result), (0, 16));
    assert!(result["record"]["verdict"]["reasons"].as_array().expect("reasons").contains(&json!("tainted")));
    assert!(transcripts(&result).contains("void: the run shows a canary, which stands only where no run may look"));
    // Void runs are not kept, and the canary goes with its eval.
    let closed = eval(&project, &script, &[]).ok().json();
    assert_eq!((statuses(&closed), &closed["cachedRuns"]), ((16, 0), &json!(0)));
    let left = nina.store().parent().map(|folder| folder.join("evals")).expect("a folder");
    let names: Vec<String> = std::fs::read_dir(left)
        .expect("results")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.iter().any(|name| name.starts_with("canary-")), "{names:?}");
    // The suite's own canary voids as well, wherever it was learnt.
    let told = eval(&project, &format!("echo {CANARY}; echo done"), &[]).ok().json();
    assert_eq!(statuses(&told), (0, 16));
}

#[test]
fn a_skill_that_holds_an_answer_key_is_a_leak() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    skill_tests::measured::write(&project, 20);
    let model = Model::obedient();
    let key: String = (0..20)
        .map(|n| format!("alpha{n} beta{n} gamma{n} delta{n} epsilon{n} zeta{n} eta{n} theta{n}: LOUD\n"))
        .collect::<Vec<_>>()
        .concat();
    let mut suite: Value = serde_json::from_str(&project.read("shout/evals/evals.json")).expect("JSON");
    for (n, case) in suite["evals"].as_array_mut().expect("cases").iter_mut().enumerate() {
        case["prompt"] = json!(format!("alpha{n} beta{n} gamma{n} delta{n} epsilon{n} zeta{n} eta{n} theta{n}"));
    }
    project.write("shout/evals/evals.json", &suite.to_string());
    let spec = model.spec();
    let args = ["eval", "shout", "--model", &spec, "-k", "3", "--part", "holdout", "--gate", "standard"];
    let json = project.skill(&[&args[..], &["--json"]].concat()).ok().json();
    assert_eq!((&json["leaks"], &json["record"]["verdict"]["reasons"]), (&json!([]), &json!([])));
    project.write("shout/references/answers.md", &key);
    let shown = project.skill(&args).refused(8, "E_GATE_REJECTED");
    shown.says("holds text of the held-out case").says("references/answers.md, line").says("reject: leak");
    let line = project.skill(&[&args[..], &["--json"]].concat()).stdout.lines().next().expect("a result").to_owned();
    let json: Value = serde_json::from_str(&line).expect("JSON");
    // Eight of twenty are held out; each prompt is found as eight words and as forty characters.
    assert_eq!((json["leaks"].as_array().map(Vec::len), &json["leaks"][0]["field"]), (Some(16), &json!("prompt")));
    assert_eq!(json["record"]["verdict"]["reasons"], json!(["leak"]));
}

#[test]
fn a_command_is_split_as_a_shell_does() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    write(&project, "no-network");
    let said = |command: &str| {
        let args = ["eval", "look", "--executor", "cli", "-k", "1", "--alone", "--json", "--command", command];
        project.skill(&args)
    };
    let result = said("printf '%s|' 'two words' \"{prompt}\" a\\ b").ok().json();
    assert!(transcripts(&result).contains("two words|alpha0 beta0 gamma0 delta0|a b|"), "{}", transcripts(&result));
    for unbalanced in ["printf 'it", "printf it's", "printf \"x", ""] {
        said(unbalanced).refused(2, "E_USAGE").says("--command");
    }
}

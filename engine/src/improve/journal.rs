//! The journal: one line of JSON for everything that was decided, synced before the next thing is begun. The state of a loop is what its
//! journal says and nothing else.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use skill_schema::{Digest, Fault, codes, time::Timestamp};

use super::{operator::Operator, scores::Scores, stop::Stop};

/// Version of the journal's form.
pub const FORMAT: u32 = 1;
/// Bytes of a journal that are read at most: a thousand experiments of a thousand cases.
const MAX_BYTES: u64 = 256 << 20;
/// Times that the lock is asked for.
const LOCK_TRIES: u32 = 10;
/// Pause between two of them.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Entry {
    /// The first line: what is improved, and with what.
    Begin(Begin),
    /// The start was measured.
    Preflight(Preflight),
    /// An experiment ended.
    Experiment(Box<Experiment>),
    /// Versions were measured again with fresh seeds.
    Recheck(Recheck),
    /// The loop ended.
    Stopped {
        /// Why.
        why: Stop,
        /// How many experiments were asked for.
        goal: u32,
    },
    /// The gate decided.
    Gated(Gated),
}

/// What must be the same when a loop goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Digest of the whole suite, its split and its settings.
    pub suite: Digest,
    /// Digest of everything that a score depends on beside the cases: model, engine, sampling, limits, sandbox, grader.
    pub key: Digest,
    /// The program and its version.
    pub engine: String,
    /// What proposes, as it was named.
    pub proposer: String,
}

impl Identity {
    /// The first part in which the other differs, in words.
    pub fn differs(&self, other: &Self) -> Option<&'static str> {
        let parts = [
            (self.suite != other.suite, "the suite has changed"),
            (self.key != other.key, "the model, or how it is asked, has changed"),
            (self.engine != other.engine, "the program is of another version"),
            (self.proposer != other.proposer, "the proposer is another one"),
        ];
        parts.into_iter().find(|(differs, _)| *differs).map(|(_, what)| what)
    }
}

/// What is improved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// [`FORMAT`].
    pub format: u32,
    /// Name of the run, and of the branch after `improve/`.
    pub tag: String,
    /// When it began.
    pub when: Timestamp,
    /// The skill's folder when it began.
    pub source: String,
    /// The skill's name.
    pub name: String,
    /// Tree digest of the starting version.
    pub tree: Digest,
    /// Commit of the starting version.
    pub commit: String,
    /// Tokens that the starting version loads, by estimate.
    pub tokens: u64,
    /// What must stay the same.
    pub identity: Identity,
    /// Ids of the train cases, in the order of the suite.
    pub cases: Vec<String>,
    /// Runs a case.
    pub repeats: u32,
    /// The operators.
    pub operators: Vec<Operator>,
    /// Whether a person decides.
    pub interactive: bool,
}

/// What something took, wherever the runs came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Used {
    /// Runs.
    pub runs: u64,
    /// Tokens of runs and of the proposer.
    pub tokens: u64,
    /// Millionths of a dollar.
    pub cost_micros: u64,
    /// Milliseconds of this machine's time.
    pub ms: u64,
}

impl Used {
    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.tokens += other.tokens;
        self.cost_micros += other.cost_micros;
        self.ms += other.ms;
    }
}

/// The starting version, measured twice with different seeds, and the controls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preflight {
    /// The runs with which candidates are compared.
    pub scores: Scores,
    /// The same with other seeds: what differs is noise.
    pub again: Scores,
    /// Mean of no skill at all, per mille; none if no case tells.
    pub without: Option<u16>,
    /// Mean of an empty skill, per mille.
    pub empty: Option<u16>,
    /// Mean of the oracle, per mille; none if there is no oracle.
    pub oracle: Option<u16>,
    /// What it took.
    pub used: Used,
}

/// How an experiment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is better.
    Keep,
    /// It is not.
    Discard,
    /// The proposer or all runs failed.
    Crash,
    /// It holds text of the holdout.
    Leak,
    /// It breaks a rule.
    Invalid,
    /// Time, tokens or money were used up.
    Budget,
}

impl Status {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Discard => "discard",
            Self::Crash => "crash",
            Self::Leak => "leak",
            Self::Invalid => "invalid",
            Self::Budget => "budget",
        }
    }
}

/// One experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Its number, from 1.
    pub exp: u32,
    /// The experiment that made its parent; 0 is the start.
    pub parent: u32,
    /// The second parent of a merge.
    pub other: Option<u32>,
    /// The kind of edit.
    pub operator: Operator,
    /// How it ended.
    pub status: Status,
    /// The idea, in the proposer's words: untrusted.
    pub idea: String,
    /// Why it ended so.
    pub why: String,
    /// How far it came: 0 was not measured, 1 on a few cases, 2 on all.
    pub stage: u8,
    /// Difference to the parent, as a share of one.
    pub delta: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Its exact test.
    pub p_run: Option<f64>,
    /// How good it is on the train cases, from 0 to 1; none if it was not measured on all.
    pub score: Option<f64>,
    /// Its scores, if it is kept.
    pub scores: Option<Scores>,
    /// Whether every run came out as the parent's.
    pub same: bool,
    /// Whether it holds text of train cases that its parent did not hold.
    pub memorised: bool,
    /// Its commit; empty if there is nothing to commit.
    pub commit: String,
    /// Its tree; none if it cannot be packed.
    pub tree: Option<Digest>,
    /// Tokens that it loads, by estimate.
    pub tokens: u64,
    /// The cap of the whole loop that it reached, if it did.
    pub capped: Option<String>,
    /// What it took.
    pub used: Used,
}

/// Versions measured again with fresh seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recheck {
    /// Keeps so far.
    pub keeps: u32,
    /// By the experiment that made the version.
    pub scores: Vec<(u32, Scores)>,
    /// What it took.
    pub used: Used,
}

/// What the gate said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gated {
    /// The experiment that made the candidate.
    pub exp: u32,
    /// `accept`, `reject` or `invalid`.
    pub verdict: String,
    /// In one sentence.
    pub sentence: String,
    /// Gain on the train cases, as a share of one.
    pub train_gain: f64,
    /// Gain on the holdout, rounded to its number of cases; none if it was not measured.
    pub holdout_gain: Option<f64>,
    /// Why overfitting is suspected; none if it is not.
    pub overfit: Option<String>,
    /// The record's folder.
    pub record: String,
}

/// The file. While this lives no other process writes it.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

impl Journal {
    /// Opens the journal and reads what stands in it. What a killed process left of a line is cut off.
    ///
    /// # Errors
    /// [`codes::IMPROVE`] if another process writes it or a line cannot be read; [`codes::IO`].
    pub fn open(path: &Path) -> Result<(Self, Vec<Entry>), Fault> {
        let at = |fault: Fault| fault.at(path.display().to_string());
        let io = |error: std::io::Error| at(Fault::new(codes::IO).detail(error.to_string()));
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(io)?;
        if !lock(&file) {
            return Err(at(Fault::new(codes::IMPROVE).detail("another process works on it")));
        }
        let mut bytes = Vec::new();
        (&mut file).take(MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut entries = Vec::new();
        for (n, line) in bytes[..whole].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
            let entry = serde_json::from_slice(line)
                .map_err(|e| at(Fault::new(codes::IMPROVE).detail(format!("line {}: {e}", n + 1))))?;
            entries.push(entry);
        }
        file.set_len(whole as u64).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        Ok((Self { file }, entries))
    }

    /// Adds a line and waits until it is on the disk.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn append(&mut self, entry: &Entry) -> Result<(), Fault> {
        let io = |error: std::io::Error| Fault::new(codes::IO).at("journal.jsonl").detail(error.to_string());
        let mut line = serde_json::to_vec(entry).map_err(|e| io(e.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).map_err(io)
    }
}

/// Locks the file for this process. One that was just killed, or a child between fork and exec, may hold it a moment longer.
fn lock(file: &File) -> bool {
    (0..LOCK_TRIES).any(|attempt| {
        if attempt > 0 {
            std::thread::sleep(LOCK_PAUSE);
        }
        flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(goal: u32) -> Entry {
        Entry::Stopped { why: Stop::NoKeeps, goal }
    }

    #[test]
    fn a_half_line_is_cut_off_and_a_damaged_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let (mut journal, entries) = Journal::open(&path).unwrap();
        assert_eq!(entries, []);
        journal.append(&stopped(1)).unwrap();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..whole.len() {
            std::fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
            let (mut journal, entries) = Journal::open(&path).unwrap();
            assert_eq!(entries, [stopped(1)]);
            journal.append(&stopped(2)).unwrap();
            drop(journal);
            assert_eq!(Journal::open(&path).unwrap().1, [stopped(1), stopped(2)]);
        }
        std::fs::write(&path, [b"{}\n", &whole[..]].concat()).unwrap();
        assert_eq!(Journal::open(&path).unwrap_err().code, codes::IMPROVE);
    }

    #[test]
    fn two_processes_do_not_write_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let held = Journal::open(&path).unwrap();
        assert_eq!(Journal::open(&path).unwrap_err().code, codes::IMPROVE);
        drop(held);
        assert!(Journal::open(&path).is_ok());
    }
}

//! The process of a worker: how it is started, how its lines are read, and what it said last.

use std::{
    io,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt},
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
};

use super::Options;
use crate::model::{EngineError, protocol};

/// Bytes of what a worker said on stderr that are kept: its last words.
const MAX_WORDS: usize = 4096;
/// Characters of them that are repeated to the user.
const MAX_SHOWN: usize = 400;
/// How long a worker that closed its stdout may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// A worker's process. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    id: u32,
    words: Arc<Mutex<Vec<u8>>>,
    /// What reads them; it ends with the process.
    listening: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it, with the environment that was given and no other: it has no use for the keys of providers.
    pub fn start(options: &Options) -> Result<Self, EngineError> {
        let mut command = Command::new(&options.program);
        command.arg("serve").arg("--model").arg(&options.model);
        if let Some(folder) = &options.cache {
            command.arg("--cache").arg(folder);
        }
        if let Some(limit) = options.cache_limit {
            command.arg("--cache-limit").arg(limit.to_string());
        }
        command.env_clear().envs(options.environment.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let failed = |e: io::Error| EngineError::Refused(format!("{}: {e}", options.program.display()));
        let mut child = command.spawn().map_err(failed)?;
        let words = Arc::new(Mutex::new(Vec::new()));
        let listening = child.stderr.take().map(|errors| tokio::spawn(keep_last(errors, words.clone())));
        let id = child.id().unwrap_or(0);
        Ok(Self { child, id, words, listening })
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its stdin, once.
    pub fn take_input(&mut self) -> Result<ChildStdin, EngineError> {
        self.child.stdin.take().ok_or_else(|| EngineError::infra("the worker has no stdin"))
    }

    /// Its stdout, once.
    pub fn take_output(&mut self) -> Result<ChildStdout, EngineError> {
        self.child.stdout.take().ok_or_else(|| EngineError::infra("the worker has no stdout"))
    }

    /// Waits for the end and tells how it came to it: status, and what it said on stderr.
    pub async fn last_words(&mut self, what: &str) -> String {
        let status = tokio::time::timeout(ENDING, self.child.wait()).await;
        let status = match status {
            Ok(Ok(status)) => format!(" ({status})"),
            _ => String::new(),
        };
        if let Some(listening) = self.listening.take() {
            drop(tokio::time::timeout(ENDING, listening).await);
        }
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let words = String::from_utf8_lossy(&words);
        let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        // The first line says what happened, what follows is a trace.
        let shown: String =
            lines.first().map_or("", |line| line).chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect();
        let separator = if shown.is_empty() { "" } else { ": " };
        format!("{what}{status}{separator}{shown}")
    }
}

/// Keeps the end of a stream.
async fn keep_last(mut from: impl AsyncRead + Unpin, words: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 {
            return;
        }
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(&buffer[..count]);
        let excess = words.len().saturating_sub(MAX_WORDS);
        words.drain(..excess);
    }
}

/// One line without its end; `None` at the end of the stream. A line that is too long is an error: the worker runs a stranger's
/// model.
pub(super) async fn read_line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let limit = protocol::MAX_LINE as u64 + 1;
    from.take(limit).read_until(b'\n', &mut line).await?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if line.len() >= protocol::MAX_LINE => Err(io::Error::other("a line that is too long")),
        Some(_) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a line that breaks off")),
    }
}

//! The local engine: a client of the program `skill-engine-worker`, which runs a model in a process of its own.
//!
//! A worker that dies takes its unfinished answers with it, and nothing else: they are reported as faults of the machinery, and
//! the next request starts it again. If it dies again before it has answered anything, it stays dead.

mod connection;
mod process;

use std::{
    collections::HashMap,
    ffi::OsString,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use super::{
    Caps, CaseOutput, Engine, EngineError, Fingerprint, GroupRequest, GroupStream, Message, Sharing,
    protocol::{Counters, FromWorker, Hello, Open, Opened, Outcome, ToWorker},
};
use connection::Connection;

/// How long a worker may take to load its model: large ones come from slow disks, and their digest is computed.
const LOAD: Duration = Duration::from_mins(15);
/// How often in a row a worker is started anew without having answered anything.
const RESTARTS: u32 = 1;

/// How a worker is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The program.
    pub program: PathBuf,
    /// The whole environment that it gets, such as `LD_LIBRARY_PATH` and `CUDA_VISIBLE_DEVICES`; it needs none on a CPU.
    pub environment: Vec<(OsString, OsString)>,
    /// The model's file.
    pub model: PathBuf,
    /// Its name, for people; what the model calls itself, or the file's name, if it is empty.
    pub name: String,
    /// Where evaluated prefixes are kept; nowhere if there is none.
    pub cache: Option<PathBuf>,
    /// Bytes of kept prefixes at most; the worker's own limit if there is none.
    pub cache_limit: Option<u64>,
    /// Digest, context, threads, places.
    pub open: Open,
}

/// What a connection knows about an answer: a line of the worker, or that there will be none.
type Line = Result<FromWorker, EngineError>;

/// A model that a worker runs.
#[derive(Debug)]
pub struct Worker {
    options: Options,
    hello: Hello,
    caps: Caps,
    fingerprint: Fingerprint,
    ids: AtomicU64,
    state: AsyncMutex<State>,
    /// Counters of the group that ended last.
    last: Mutex<Counters>,
}

#[derive(Debug)]
struct State {
    connection: Option<Arc<Connection>>,
    /// Starts since the last answer.
    restarts: u32,
    /// What the processes took that are dead.
    before: Counters,
}

impl Worker {
    /// Starts the program and loads the model.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if program or model are not what they must be, [`EngineError::Infra`] if the worker dies or takes
    /// too long.
    pub async fn start(options: Options) -> Result<Self, EngineError> {
        let (connection, hello, opened) = connect(&options).await?;
        let caps = Caps {
            prefix_sharing: Sharing::Explicit,
            constraints: true,
            seed: true,
            exact: true,
            max_parallel: opened.parallel as usize,
            context: opened.context as usize,
            device: opened.device.clone(),
        };
        let fingerprint = fingerprint(&options, &opened);
        let state = State { connection: Some(Arc::new(connection)), restarts: 0, before: Counters::default() };
        Ok(Self {
            options,
            hello,
            caps,
            fingerprint,
            ids: AtomicU64::new(1),
            state: AsyncMutex::new(state),
            last: Mutex::new(Counters::default()),
        })
    }

    /// What the worker said about itself when it was first started.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// What the group took that ended last.
    pub fn last_group(&self) -> Counters {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process's number while it lives.
    pub async fn process_id(&self) -> Option<u32> {
        let state = self.state.lock().await;
        state.connection.as_ref().filter(|connection| connection.is_alive()).map(|connection| connection.process_id())
    }

    /// Answers a group, going on to `max_tokens` even where the model ends an answer: for measuring.
    pub fn run_to_the_end(&self, request: GroupRequest) -> GroupStream<'_> {
        self.group(request, true)
    }

    fn id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// The connection; a dead one is made again as often as it may be.
    async fn connection(&self) -> Result<Arc<Connection>, EngineError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = state.connection.as_ref().filter(|connection| connection.is_alive()) {
            return Ok(connection.clone());
        }
        if state.restarts >= RESTARTS {
            return Err(EngineError::infra("the worker died twice without an answer in between"));
        }
        state.restarts += 1;
        if let Some(dead) = state.connection.take() {
            state.before.add(&dead.taken());
        }
        let (connection, _, opened) = connect(&self.options).await?;
        if fingerprint(&self.options, &opened) != self.fingerprint {
            return Err(EngineError::Refused("the worker that was started again is another one".to_owned()));
        }
        let connection = Arc::new(connection);
        state.connection = Some(connection.clone());
        Ok(connection)
    }

    /// What all processes took together. A living one is asked, since what it says comes after all that it has said of its groups;
    /// of a dead one counts what it had said, in which a call that groups shared was in each of them.
    async fn taken(&self) -> Counters {
        let (mut sum, connection) = {
            let state = self.state.lock().await;
            (state.before, state.connection.clone())
        };
        let Some(connection) = connection else { return sum };
        let id = self.id();
        match ask(&connection, ToWorker::Stats { id }, id).await {
            Ok(FromWorker::Stats { counters, .. }) => sum.add(&counters),
            _ => sum.add(&connection.taken()),
        }
        sum
    }

    fn group(&self, request: GroupRequest, ignore_end: bool) -> GroupStream<'_> {
        let cases = request.cases.len();
        let id = self.id();
        let begin = async move {
            let begun = async {
                let connection = self.connection().await?;
                let answers = connection.listen(id);
                connection.say(&ToWorker::Group { id, request, ignore_end }).await?;
                Ok(Running { id, connection, answers, open: vec![true; cases] })
            };
            match begun.await {
                Ok(running) => stream::unfold(running, |running| self.next(running)).boxed(),
                Err(error) => {
                    stream::iter((0..cases).map(move |index| (index, Err(EngineError::clone(&error))))).boxed()
                }
            }
        };
        begin.flatten_stream().boxed()
    }

    /// The next answer of a group.
    async fn next(&self, mut running: Running) -> Option<((usize, Result<CaseOutput, EngineError>), Running)> {
        loop {
            let error = match running.answers.recv().await {
                Some(Ok(FromWorker::Answer { index, outcome, .. })) if running.open.get(index) == Some(&true) => {
                    running.open[index] = false;
                    if let Outcome::Ok(_) = outcome {
                        self.state.lock().await.restarts = 0;
                    }
                    let answer = match outcome {
                        Outcome::Ok(output) => Ok(output),
                        Outcome::Failed(fault) => Err(fault.into()),
                    };
                    return Some(((index, answer), running));
                }
                Some(Ok(FromWorker::Done { counters, .. })) => {
                    *self.last.lock().unwrap_or_else(PoisonError::into_inner) = counters;
                    if !running.open.contains(&true) {
                        return None;
                    }
                    EngineError::infra("the worker did not answer this case")
                }
                Some(Ok(FromWorker::Failed { error, .. })) => error.into(),
                Some(Ok(_)) => continue,
                Some(Err(error)) => error,
                None => EngineError::infra("the worker is gone"),
            };
            // One by one, the cases that will have no answer.
            let index = running.open.iter().position(|open| *open)?;
            running.open[index] = false;
            running.answers = failing(&error, running.open.iter().filter(|open| **open).count());
            return Some(((index, Err(error)), running));
        }
    }
}

/// Asks one question and hears its answer.
async fn ask(connection: &Connection, line: ToWorker, id: u64) -> Result<FromWorker, EngineError> {
    let mut answers = connection.listen(id);
    let said = connection.say(&line).await;
    let answer = match said {
        Ok(()) => answers.recv().await,
        Err(error) => Some(Err(error)),
    };
    connection.forget(id);
    match answer {
        Some(Ok(FromWorker::Failed { error, .. })) => Err(error.into()),
        Some(line) => line,
        None => Err(EngineError::infra("the worker is gone")),
    }
}

/// A channel that gives an error this many times.
fn failing(error: &EngineError, count: usize) -> mpsc::UnboundedReceiver<Line> {
    let (sender, receiver) = mpsc::unbounded_channel();
    for _ in 0..count {
        drop(sender.send(Err(error.clone())));
    }
    receiver
}

/// A group that is being answered. Dropping it takes the group back.
#[derive(Debug)]
struct Running {
    id: u64,
    connection: Arc<Connection>,
    answers: mpsc::UnboundedReceiver<Line>,
    open: Vec<bool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.connection.forget(self.id);
        if self.open.contains(&true) {
            self.connection.say_later(&ToWorker::Cancel { id: self.id });
        }
    }
}

/// Starts a worker and opens its model.
async fn connect(options: &Options) -> Result<(Connection, Hello, Opened), EngineError> {
    let starting = async {
        let (connection, hello) = Connection::start(options).await?;
        let mut answers = connection.listen(0);
        connection.say(&ToWorker::Open(options.open.clone())).await?;
        match answers.recv().await {
            Some(Ok(FromWorker::Opened(opened))) => Ok((connection, hello, opened)),
            Some(Ok(FromWorker::Failed { error, .. })) => Err(error.into()),
            Some(Err(error)) => Err(error),
            _ => Err(EngineError::infra("the worker does not open the model")),
        }
    };
    let late =
        |_| EngineError::infra(format!("the worker has not loaded the model after {} minutes", LOAD.as_secs() / 60));
    tokio::time::timeout(LOAD, starting).await.map_err(late)?
}

fn fingerprint(options: &Options, opened: &Opened) -> Fingerprint {
    let file = || options.model.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let names = [options.name.clone(), opened.name.clone(), file()];
    Fingerprint {
        model: names.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
        weights: opened.sha256.clone(),
        quantisation: opened.quantisation.clone(),
        engine: "llama.cpp".to_owned(),
        build: opened.build.clone(),
        device: opened.device.clone(),
    }
}

impl Engine for Worker {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn count_tokens<'a>(&'a self, messages: &'a [Message]) -> BoxFuture<'a, Result<usize, EngineError>> {
        async move {
            let (id, connection) = (self.id(), self.connection().await?);
            match ask(&connection, ToWorker::Count { id, messages: messages.to_vec() }, id).await? {
                FromWorker::Counted { tokens, .. } => Ok(usize::try_from(tokens).unwrap_or(usize::MAX)),
                _ => Err(EngineError::infra("the worker gives an answer to another question")),
            }
        }
        .boxed()
    }

    fn run_group(&self, request: GroupRequest) -> GroupStream<'_> {
        self.group(request, false)
    }

    fn counters(&self) -> BoxFuture<'_, Option<Counters>> {
        self.taken().map(Some).boxed()
    }
}

/// Who waits for which lines.
type Routes = Arc<Mutex<HashMap<u64, mpsc::UnboundedSender<Line>>>>;

#[cfg(test)]
mod tests;

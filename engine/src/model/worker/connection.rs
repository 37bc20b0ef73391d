//! One worker process: lines to it, and lines from it to whoever waits for them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWriteExt, BufReader},
    process::ChildStdin,
    sync::{Mutex as AsyncMutex, mpsc},
};

use super::{
    Line, Options, Routes,
    process::{Process, read_line},
};
use crate::model::{
    EngineError,
    protocol::{self, Counters, FromWorker, Hello, ToWorker},
};

/// How long a worker may take to say hello: it loads the drivers of GPUs.
const HELLO: Duration = Duration::from_mins(1);

/// A running worker. Dropping it ends the process.
#[derive(Debug)]
pub(super) struct Connection {
    process_id: u32,
    input: Arc<AsyncMutex<ChildStdin>>,
    routes: Routes,
    alive: Arc<AtomicBool>,
    taken: Arc<Mutex<Counters>>,
    /// Dropped with the connection, upon which the task that holds the process ends it.
    _end: mpsc::Sender<()>,
}

impl Connection {
    /// Starts the program and hears its hello.
    pub async fn start(options: &Options) -> Result<(Self, Hello), EngineError> {
        let mut process = Process::start(options)?;
        let mut output = BufReader::new(process.take_output()?);
        let hello = tokio::time::timeout(HELLO, read_line(&mut output)).await;
        let line = match hello {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => return Err(EngineError::infra(process.last_words("the worker ends at once").await)),
            Ok(Err(error)) => return Err(EngineError::infra(format!("the worker: {error}"))),
            Err(_) => return Err(EngineError::infra("the worker says nothing")),
        };
        let Ok(FromWorker::Hello(hello)) = serde_json::from_slice(&line) else {
            return Err(EngineError::Refused(format!("{} is no worker", options.program.display())));
        };
        if hello.protocol != protocol::VERSION {
            let versions = format!("{}; this program speaks {}", hello.protocol, protocol::VERSION);
            return Err(EngineError::Refused(format!("the worker speaks version {versions}")));
        }
        let input = Arc::new(AsyncMutex::new(process.take_input()?));
        let routes = Routes::new(Mutex::new(HashMap::new()));
        let alive = Arc::new(AtomicBool::new(true));
        let taken = Arc::<Mutex<Counters>>::default();
        let (end, ended) = mpsc::channel(1);
        let process_id = process.id();
        let connection =
            Self { process_id, input, routes: routes.clone(), alive: alive.clone(), taken: taken.clone(), _end: end };
        tokio::spawn(watch(process, output, Watched { routes, alive, taken }, ended));
        Ok((connection, hello))
    }

    /// The process's number.
    pub fn process_id(&self) -> u32 {
        self.process_id
    }

    /// Whether the worker still answers.
    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::SeqCst)
    }

    /// What the groups took of which the worker has said so far that they have ended.
    pub fn taken(&self) -> Counters {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines with this id come to the receiver from now on. A dead worker's last word is an error.
    pub fn listen(&self, id: u64) -> mpsc::UnboundedReceiver<Line> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_alive() {
            routes.insert(id, sender);
        } else {
            drop(sender.send(Err(EngineError::infra("the worker is gone"))));
        }
        receiver
    }

    /// Nobody waits for lines with this id any longer.
    pub fn forget(&self, id: u64) {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Says something to the worker.
    pub async fn say(&self, line: &ToWorker) -> Result<(), EngineError> {
        let bytes = encode(line)?;
        write(&self.input, &bytes).await
    }

    /// Says something soon, where nobody can wait. What a dead worker does not hear does not matter.
    pub fn say_later(&self, line: &ToWorker) {
        let input = self.input.clone();
        if let (Ok(runtime), Ok(bytes)) = (tokio::runtime::Handle::try_current(), encode(line)) {
            runtime.spawn(async move { drop(write(&input, &bytes).await) });
        }
    }
}

fn encode(line: &ToWorker) -> Result<Vec<u8>, EngineError> {
    let mut bytes = serde_json::to_vec(line).map_err(|e| EngineError::Refused(format!("the request: {e}")))?;
    bytes.push(b'\n');
    if bytes.len() > protocol::MAX_LINE {
        return Err(EngineError::Refused(format!("a group of {} bytes; at most {}", bytes.len(), protocol::MAX_LINE)));
    }
    Ok(bytes)
}

async fn write(input: &AsyncMutex<ChildStdin>, bytes: &[u8]) -> Result<(), EngineError> {
    let mut input = input.lock().await;
    let written = async {
        input.write_all(bytes).await?;
        input.flush().await
    };
    written.await.map_err(|e| EngineError::infra(format!("the worker does not listen: {e}")))
}

/// What a connection shares with the task that hears its worker.
struct Watched {
    routes: Routes,
    alive: Arc<AtomicBool>,
    taken: Arc<Mutex<Counters>>,
}

/// Brings the worker's lines to those who wait, until there are no more; then everybody hears why.
async fn watch(
    mut process: Process,
    mut output: BufReader<impl AsyncRead + Unpin>,
    watched: Watched,
    mut ended: mpsc::Receiver<()>,
) {
    let Watched { routes, alive, taken } = watched;
    let why = loop {
        let line = tokio::select! {
            line = read_line(&mut output) => line,
            _ = ended.recv() => break None,
        };
        match line.map(|line| line.map(|line| serde_json::from_slice::<FromWorker>(&line))) {
            Ok(Some(Ok(line))) => {
                if let FromWorker::Done { counters, .. } = &line {
                    taken.lock().unwrap_or_else(PoisonError::into_inner).add(counters);
                }
                deliver(&routes, line);
            }
            Ok(Some(Err(error))) => break Some(format!("the worker says something else than agreed: {error}")),
            Ok(None) => break Some("the worker ended".to_owned()),
            Err(error) => break Some(format!("the worker: {error}")),
        }
    };
    let why = match why {
        Some(why) => process.last_words(&why).await,
        None => "the engine was closed".to_owned(),
    };
    let mut routes = routes.lock().unwrap_or_else(PoisonError::into_inner);
    alive.store(false, Ordering::SeqCst);
    for (_, route) in routes.drain() {
        drop(route.send(Err(EngineError::infra(why.clone()))));
    }
}

fn deliver(routes: &Routes, line: FromWorker) {
    let id = match &line {
        FromWorker::Hello(_) | FromWorker::Opened(_) => 0,
        FromWorker::Counted { id, .. }
        | FromWorker::Answer { id, .. }
        | FromWorker::Done { id, .. }
        | FromWorker::Stats { id, .. }
        | FromWorker::Failed { id, .. } => *id,
    };
    let routes = routes.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(route) = routes.get(&id) {
        drop(route.send(Ok(line)));
    }
}

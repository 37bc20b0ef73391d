//! Talking to the client: one thread reads lines, this one computes and answers.

use std::{
    io::{self, BufRead, Read, Write},
    rc::Rc,
    sync::mpsc::{Receiver, TryRecvError, channel},
    thread,
};

use skill_engine::model::{
    GroupRequest, Message, Mode,
    protocol::{self, Counters, Fault, FromWorker, Hello, MAX_LINE, Open, Opened, Outcome, ToWorker},
};

use crate::{
    Arguments,
    cache::{self, Cache},
    chat::Chat,
    llama::{self, Model},
    prepare::prepare,
    sandbox,
    schedule::Scheduler,
    setup::Plan,
};

/// Serves one client until it closes our stdin.
pub fn serve(arguments: &Arguments) -> Result<(), String> {
    if let Some(folder) = &arguments.cache {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    llama::start();
    let gpus = llama::gpus();
    let sandbox = sandbox::enter(&arguments.model, arguments.cache.as_deref(), !gpus.is_empty());
    let hello = Hello {
        protocol: protocol::VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: llama::build(),
        devices: gpus.clone(),
        sandbox,
    };
    say(&FromWorker::Hello(hello))?;
    let lines = listen();
    loop {
        match lines.recv() {
            Ok(Ok(ToWorker::Open(open))) => match Worker::open(arguments, &open, &gpus) {
                Ok(worker) => return worker.run(&lines),
                Err(fault) => say(&FromWorker::Failed { id: 0, error: fault })?,
            },
            Ok(Ok(ToWorker::Quit)) | Err(_) => return Ok(()),
            Ok(Ok(_)) => say(&FromWorker::Failed { id: 0, error: Fault::refused("no model is open") })?,
            Ok(Err(message)) => return Err(message),
        }
    }
}

/// A thread that reads stdin. What cannot be read ends the worker: nobody would know what it was about.
fn listen() -> Receiver<Result<ToWorker, String>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let limit = MAX_LINE as u64 + 1;
            match input.by_ref().take(limit).read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) if line.len() > MAX_LINE => drop(sender.send(Err("a line that is too long".to_owned()))),
                Ok(_) => drop(sender.send(serde_json::from_slice(&line).map_err(|e| format!("a line: {e}")))),
                Err(e) => drop(sender.send(Err(e.to_string()))),
            }
        }
    });
    receiver
}

fn say(line: &FromWorker) -> Result<(), String> {
    let mut bytes = serde_json::to_vec(line).map_err(|e| e.to_string())?;
    bytes.push(b'\n');
    let mut output = io::stdout().lock();
    output.write_all(&bytes).and_then(|()| output.flush()).map_err(|e| e.to_string())
}

/// A worker with its model.
struct Worker {
    arguments: Arguments,
    model: Rc<Model>,
    chat: Chat,
    plan: Plan,
    opened: Opened,
    /// For each mode, made when it is first used.
    throughput: Option<Scheduler>,
    exact: Option<Scheduler>,
}

impl Worker {
    fn open(arguments: &Arguments, open: &Open, gpus: &[String]) -> Result<Self, Fault> {
        let digest =
            cache::hash(&arguments.model).map_err(|e| Fault::refused(format!("{}: {e}", arguments.model.display())))?;
        if !open.sha256.is_empty() && open.sha256 != digest {
            let message = format!("the model's SHA-256 is {digest}; {} was asked for", open.sha256);
            return Err(Fault::refused(message));
        }
        let gpu = !open.cpu_only && !gpus.is_empty();
        let model = Model::load(&arguments.model, gpu).map_err(Fault::refused)?;
        let chat = Chat::new(&model).map_err(Fault::refused)?;
        let plan = Plan::new(open, &model, gpu);
        let build = format!("skill-engine-worker {}, {}, {}", env!("CARGO_PKG_VERSION"), llama::build(), plan.words());
        let opened = Opened {
            sha256: digest,
            name: model.meta("general.name").unwrap_or_default(),
            quantisation: model.quantisation(),
            build,
            device: gpus.first().filter(|_| gpu).cloned().unwrap_or_else(|| "cpu".to_owned()),
            context: plan.context,
            parallel: plan.parallel,
        };
        let arguments = Arguments { model: arguments.model.clone(), cache: arguments.cache.clone(), ..*arguments };
        Ok(Self { arguments, model, chat, plan, opened, throughput: None, exact: None })
    }

    fn run(mut self, lines: &Receiver<Result<ToWorker, String>>) -> Result<(), String> {
        say(&FromWorker::Opened(self.opened.clone()))?;
        let mut out = Vec::new();
        loop {
            let line =
                if self.is_idle() { lines.recv().map_err(|_| TryRecvError::Disconnected) } else { lines.try_recv() };
            match line {
                Ok(Ok(ToWorker::Quit)) | Err(TryRecvError::Disconnected) => return Ok(()),
                Ok(line) => self.hear(line?, &mut out),
                Err(TryRecvError::Empty) => {
                    for scheduler in [&mut self.throughput, &mut self.exact].into_iter().flatten() {
                        scheduler.step(&mut out);
                    }
                }
            }
            for line in out.drain(..) {
                say(&line)?;
            }
        }
    }

    fn is_idle(&self) -> bool {
        [&self.throughput, &self.exact].into_iter().flatten().all(Scheduler::is_idle)
    }

    fn hear(&mut self, line: ToWorker, out: &mut Vec<FromWorker>) {
        match line {
            ToWorker::Open(_) => {
                out.push(FromWorker::Failed { id: 0, error: Fault::refused("a model is open already") });
            }
            ToWorker::Count { id, messages } => out.push(self.tokens(id, &messages)),
            ToWorker::Group { id, request, ignore_end } => {
                if let Err(error) = self.group(id, &request, ignore_end, out) {
                    out.push(FromWorker::Failed { id, error });
                }
            }
            ToWorker::Cancel { id } => {
                for scheduler in [&mut self.throughput, &mut self.exact].into_iter().flatten() {
                    scheduler.cancel(id, out);
                }
            }
            ToWorker::Stats { id } => {
                let mut counters = Counters::default();
                for scheduler in [&self.throughput, &self.exact].into_iter().flatten() {
                    counters.add(&scheduler.total());
                }
                out.push(FromWorker::Stats { id, counters });
            }
            ToWorker::Quit => {}
        }
    }

    fn tokens(&self, id: u64, messages: &[Message]) -> FromWorker {
        match self.chat.tokens(&self.model, messages) {
            Ok(tokens) => FromWorker::Counted { id, tokens: tokens.len() as u64 },
            Err(message) => FromWorker::Failed { id, error: Fault::refused(message) },
        }
    }

    fn group(
        &mut self,
        id: u64,
        request: &GroupRequest,
        ignore_end: bool,
        out: &mut Vec<FromWorker>,
    ) -> Result<(), Fault> {
        let context = self.plan.context as usize;
        let (ready, refused) = prepare(&self.model, &self.chat, context, request, ignore_end);
        for (index, fault) in refused {
            out.push(FromWorker::Answer { id, index, outcome: Outcome::Failed(fault) });
        }
        self.scheduler(request.mode)?.submit(id, ready, out);
        Ok(())
    }

    fn scheduler(&mut self, mode: Mode) -> Result<&mut Scheduler, Fault> {
        let place = match mode {
            Mode::Throughput => &mut self.throughput,
            Mode::Exact => &mut self.exact,
        };
        match place {
            Some(scheduler) => Ok(scheduler),
            none => {
                let layout = format!("{mode:?}");
                let scope = [self.opened.sha256.as_str(), &self.opened.build, &self.opened.device, &layout];
                let folder = self.arguments.cache.clone();
                let cache = folder.map(|folder| Cache::new(folder, self.arguments.cache_limit, &scope));
                let scheduler = Scheduler::new(&self.model, self.plan.setup(mode), cache).map_err(Fault::infra)?;
                Ok(none.insert(scheduler))
            }
        }
    }
}

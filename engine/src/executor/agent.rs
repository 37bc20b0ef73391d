//! The executor `agent`: our own small tool loop. The model sees which skills there are, takes one up with the tool `skill`, reads its
//! references when it wants them, and works in a folder with `read`, `write`, `list` and `run`, as in real clients.
//!
//! Each turn is one JSON action. Where the back end can, the answer is constrained to the schema; an answer that is no action gets one
//! message that says what is wrong, and a second one in a row ends the run as a crash.

mod action;
mod text;
mod tools;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};

use self::{action::Action, tools::Tools};
use super::{
    Ended, Execution, Executor, Job, Skill, Workplace, add, blocking, input, metric,
    prompt::{one, timed_out},
    sandbox::Shell,
    status_of,
    trigger::{self, Listed},
};
use crate::{
    model::{CaseRequest, Constraint, Counters, Engine, Message, Mode, Role},
    run::{Status, Transcript, TranscriptEvent, Usage},
    suite::Task,
};

/// The tool loop around a model.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The model.
    pub engine: Arc<dyn Engine>,
    /// Whether answers may depend on what is asked beside them.
    pub mode: Mode,
    /// Runs the tool `run` and the commands of metric cases.
    pub shell: Arc<dyn Shell>,
    /// The skills among which trigger cases hide the tested one.
    pub distractors: Vec<Listed>,
}

/// What all prompt cases of an arm begin with.
pub fn prefix(skill: Option<&Skill>) -> Vec<Message> {
    let listed = skill.map(|skill| Listed { name: skill.name.clone(), description: skill.description.clone() });
    vec![Message::new(Role::System, text::system(listed.as_slice()))]
}

/// One run in progress.
struct Session<'a> {
    agent: &'a Agent,
    job: &'a Job,
    prefix: Vec<Message>,
    conversation: Vec<Message>,
    events: Vec<TranscriptEvent>,
    usage: Usage,
    begun: Instant,
    /// Whether the last answer was no action.
    repairing: bool,
}

impl Session<'_> {
    /// The time that is left; `None` if there is none.
    fn left(&self) -> Option<Duration> {
        Duration::from_secs(self.job.limits.seconds).checked_sub(self.begun.elapsed()).filter(|left| !left.is_zero())
    }

    /// Asks until the model ends, or a limit or a failure does.
    async fn turns(&mut self, tools: &Arc<Tools>) -> Status {
        loop {
            if self.usage.turns >= self.job.limits.turns {
                return self.stop(Status::Limit, "the turns were used up");
            }
            let Some(left) = self.left() else { return self.stop(Status::Timeout, "the time was over") };
            let request = self.request();
            let engine = self.agent.engine.as_ref();
            let Some(answer) = one(engine, self.agent.mode, self.prefix.clone(), request, left).await else {
                return self.stop(Status::Timeout, "the time was over");
            };
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => return self.stop(status_of(&error), &error.to_string()),
            };
            add(&mut self.usage, &answer);
            if self.usage.prompt_tokens + self.usage.output_tokens > self.job.limits.tokens {
                self.events.push(TranscriptEvent::Answer { text: answer.text });
                return self.stop(Status::Limit, "the tokens were used up");
            }
            if let Some(status) = self.take(answer.text, tools).await {
                return status;
            }
        }
    }

    fn request(&self) -> CaseRequest {
        let constraint = if self.agent.engine.caps().constraints {
            Constraint::JsonSchema(action::schema())
        } else {
            Constraint::None
        };
        CaseRequest {
            messages: self.conversation.clone(),
            sampling: self.job.sampling,
            // The turns of one run differ in their seed, and are the same when the run is made again.
            seed: self.job.seed.wrapping_add(u64::from(self.usage.turns)),
            stop: Vec::new(),
            constraint,
        }
    }

    /// Carries out what the model said; how the run ended, if it did.
    async fn take(&mut self, answer: String, tools: &Arc<Tools>) -> Option<Status> {
        let action = match action::parse(&answer) {
            Ok(action) => action,
            Err(wrong) if self.repairing => {
                self.events.push(TranscriptEvent::Answer { text: answer });
                return Some(self.stop(Status::Crash, &format!("twice in a row no action: {wrong}")));
            }
            Err(wrong) => {
                self.repairing = true;
                self.events.push(TranscriptEvent::Note { text: format!("not an action: {wrong}") });
                self.say(answer, text::repair(&wrong));
                return None;
            }
        };
        self.repairing = false;
        if let Action::Final { answer } = action {
            self.events.push(TranscriptEvent::Answer { text: answer });
            return Some(Status::Ok);
        }
        let Some(left) = self.left() else { return Some(self.stop(Status::Timeout, "the time was over")) };
        let (name, arguments) = (action.name().to_owned(), action.arguments());
        self.events.push(TranscriptEvent::ToolCall { name: name.clone(), arguments });
        let at = Arc::clone(tools);
        let result = match blocking(move || at.carry_out(&action, left)).await {
            Ok(result) => result,
            Err(why) => return Some(self.stop(Status::Infra, &why)),
        };
        if let Some(skill) = result.activated {
            self.events.push(TranscriptEvent::SkillActivated { name: skill });
        }
        self.say(answer, text::result(&name, &result.output, result.failed));
        self.events.push(TranscriptEvent::ToolResult { name, output: result.output, failed: result.failed });
        None
    }

    fn say(&mut self, answer: String, reply: String) {
        self.conversation.push(Message::new(Role::Assistant, answer));
        self.conversation.push(Message::new(Role::User, reply));
    }

    fn stop(&mut self, status: Status, why: &str) -> Status {
        self.events.push(TranscriptEvent::Note { text: why.to_owned() });
        status
    }
}

impl Agent {
    async fn work(&self, job: &Job, prompt: &str, files: &[String]) -> Execution {
        let begun = Instant::now();
        let (again, given) = (job.clone(), files.to_vec());
        let place = match blocking(move || Workplace::of(&again, &given)).await {
            Ok(place) => place,
            Err(why) => return Execution::infra(&why),
        };
        let tools = Arc::new(Tools::new(place, job.skill.clone(), Arc::clone(&self.shell), job.network));
        let mut session = Session {
            agent: self,
            job,
            prefix: prefix(job.skill.as_deref()),
            conversation: vec![Message::new(Role::User, input::with_names(prompt, files))],
            events: vec![TranscriptEvent::Prompt { text: prompt.to_owned() }],
            usage: Usage::default(),
            begun,
            repairing: false,
        };
        let status = session.turns(&tools).await;
        let (events, mut usage) = (session.events, session.usage);
        usage.ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A call that was broken off may still hold the folders; it ends by its own time limit, and nothing of it is looked at.
        let place = Arc::into_inner(tools).map(Tools::into_place);
        Execution::close(job, Transcript { events }, place, Ended::new(status, usage))
    }

    async fn make(&self, job: &Job) -> Execution {
        match &job.case.task {
            Task::Prompt { prompt, files, .. } => self.work(job, prompt, files).await,
            Task::Trigger { query, .. } => {
                let prefix = trigger::prefix(job.skill.as_deref(), &self.distractors);
                let request = trigger::request(job, &self.distractors);
                let within = Duration::from_secs(job.limits.seconds);
                match one(self.engine.as_ref(), self.mode, prefix, request, within).await {
                    Some(answer) => trigger::finish(job, &self.distractors, answer),
                    None => timed_out(job, query),
                }
            }
            Task::Metric { .. } => metric::run(&self.shell, job).await,
        }
    }
}

impl Executor for Agent {
    fn kind(&self) -> &'static str {
        "agent"
    }

    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Execution> {
        self.make(job).boxed()
    }

    fn counters(&self) -> BoxFuture<'_, Option<Counters>> {
        self.engine.counters()
    }
}

#[cfg(test)]
mod tests;

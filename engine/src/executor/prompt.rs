//! The executor `prompt`: one model call with the skill in context. Right for skills that are instructions alone.
//!
//! All cases of an arm share their [`prefix`], so a scheduler asks for many at once: [`request`] makes a case of a group and
//! [`finish`] makes a run of its answer. The trait's `run` does the same for one.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture};
use skill_schema::Fault;

use super::{
    Ended, Execution, Executor, Job, Skill, Workplace, add, input, metric, sandbox::Shell, status_of, trigger,
};
use crate::{
    model::{
        CaseOutput, CaseRequest, Constraint, Counters, Engine, EngineError, Finish, GroupRequest, Message, Mode, Role,
    },
    run::{Status, Transcript, TranscriptEvent, Usage},
    suite::Task,
};

/// What a model is told in either arm.
const BASE: &str = "You are a capable assistant. Do what the user asks, completely, and answer with the result alone.";

/// One model call a run. Trigger cases are asked as [`trigger`] says, and metric cases run as [`metric`] says.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The model.
    pub engine: Arc<dyn Engine>,
    /// Whether answers may depend on what is asked beside them.
    pub mode: Mode,
    /// The skills among which trigger cases hide the tested one.
    pub distractors: Vec<trigger::Listed>,
    /// Runs the commands of metric cases.
    pub shell: Arc<dyn Shell>,
}

/// What all prompt cases of an arm begin with: the standing instructions, and the skill if there is one. Its other files are listed.
pub fn prefix(skill: Option<&Skill>) -> Vec<Message> {
    let mut text = BASE.to_owned();
    if let Some(skill) = skill {
        text.push_str("\n\nYou have this skill. Follow it where it applies.\n\n");
        text.push_str(&shown(skill));
    }
    vec![Message::new(Role::System, text)]
}

/// The skill as a model sees it once it is taken up.
pub(super) fn shown(skill: &Skill) -> String {
    let others: Vec<&str> =
        skill.files.iter().map(String::as_str).filter(|file| *file != skill_schema::skill_md::FILE).collect();
    let mut text = format!("<skill name=\"{}\">\n{}\n", skill.name, skill.body.trim());
    if !others.is_empty() {
        text.push_str("\nOther files of the skill:\n");
        text.extend(others.iter().map(|file| format!("- {file}\n")));
    }
    text.push_str("</skill>");
    text
}

/// One case of a group with that prefix. `E_CASE_INPUT` if an input file cannot be used, `E_IO` if the machine fails.
pub fn request(job: &Job) -> Result<(CaseRequest, Option<Workplace>), Fault> {
    let Task::Prompt { prompt, files, .. } = &job.case.task else {
        return Ok((ask(job, String::new(), Constraint::None), None));
    };
    let place = if files.is_empty() { None } else { Some(Workplace::of(job, files)?) };
    let text = place.as_ref().map_or_else(|| prompt.clone(), |place| input::with_files(prompt, place.inputs(), files));
    Ok((ask(job, text, Constraint::None), place))
}

/// A request of one message.
pub(super) fn ask(job: &Job, text: String, constraint: Constraint) -> CaseRequest {
    let messages = vec![Message::new(Role::User, text)];
    CaseRequest { messages, sampling: job.sampling, seed: job.seed, stop: Vec::new(), constraint }
}

/// The run that an answer makes. One that used more tokens than the case allows is over its limit. One that was cut at `max_tokens` is
/// graded as far as it goes: how long an answer may be is sampling, the same in both arms, and no limit of the run.
pub fn finish(job: &Job, place: Option<Workplace>, answer: Result<CaseOutput, EngineError>) -> Execution {
    let Task::Prompt { prompt, .. } = &job.case.task else {
        return Execution::infra("not a prompt case");
    };
    let mut events = vec![TranscriptEvent::Prompt { text: prompt.clone() }];
    let mut usage = Usage::default();
    let status = match answer {
        Ok(output) => {
            add(&mut usage, &output);
            events.push(TranscriptEvent::Answer { text: output.text });
            if output.finish == Finish::Length {
                events.push(TranscriptEvent::Note { text: "the answer was cut at max_tokens".to_owned() });
            }
            let over = usage.prompt_tokens + usage.output_tokens > job.limits.tokens;
            if over { Status::Limit } else { Status::Ok }
        }
        Err(error) => {
            events.push(TranscriptEvent::Note { text: error.to_string() });
            status_of(&error)
        }
    };
    // The files were shown and nothing was left: what lies there now is what was given, not an answer.
    let place = place.and_then(|place| place.without_work().ok());
    Execution::close(job, Transcript { events }, place, Ended::new(status, usage))
}

/// Asks for one answer.
pub(super) async fn one(
    engine: &dyn Engine,
    mode: Mode,
    prefix: Vec<Message>,
    request: CaseRequest,
    within: Duration,
) -> Option<Result<CaseOutput, EngineError>> {
    let group = GroupRequest { prefix, cases: vec![request], mode };
    let mut answers = engine.run_group(group);
    let none = || EngineError::Infra { message: "the model gave no answer".to_owned(), retry_after_ms: None };
    match tokio::time::timeout(within, answers.next()).await {
        Ok(answer) => Some(answer.map_or_else(|| Err(none()), |(_, answer)| answer)),
        Err(_) => None,
    }
}

/// A run whose time was over before the model answered.
pub(super) fn timed_out(job: &Job, prompt: &str) -> Execution {
    let events = vec![
        TranscriptEvent::Prompt { text: prompt.to_owned() },
        TranscriptEvent::Note { text: "the time was over".to_owned() },
    ];
    let usage = Usage { ms: job.limits.seconds.saturating_mul(1000), turns: 1, ..Usage::default() };
    Execution::close(job, Transcript { events }, None, Ended::new(Status::Timeout, usage))
}

impl Prompt {
    async fn make(&self, job: &Job) -> Execution {
        let within = Duration::from_secs(job.limits.seconds);
        match &job.case.task {
            Task::Prompt { prompt, .. } => {
                let (request, place) = match request(job) {
                    Ok(made) => made,
                    Err(fault) => return Execution::infra(&fault.sentence()),
                };
                let prefix = prefix(job.skill.as_deref());
                match one(self.engine.as_ref(), self.mode, prefix, request, within).await {
                    Some(answer) => finish(job, place, answer),
                    None => timed_out(job, prompt),
                }
            }
            Task::Trigger { query, .. } => {
                let prefix = trigger::prefix(job.skill.as_deref(), &self.distractors);
                let request = trigger::request(job, &self.distractors);
                match one(self.engine.as_ref(), self.mode, prefix, request, within).await {
                    Some(answer) => trigger::finish(job, &self.distractors, answer),
                    None => timed_out(job, query),
                }
            }
            Task::Metric { .. } => metric::run(&self.shell, job).await,
        }
    }
}

impl Executor for Prompt {
    fn kind(&self) -> &'static str {
        "prompt"
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

//! Metric cases: a command's own number is the score. The command works on a copy of the skill's folder.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use regex::{Regex, RegexBuilder};

use super::{
    Ended, Execution, Executor, Job, Workplace, blocking,
    sandbox::{Limits, Outcome, Shell},
};
use crate::{
    run::{Status, Transcript, TranscriptEvent, Usage},
    suite::Task,
};

/// Bytes of the compiled pattern.
const MAX_PATTERN: usize = 1 << 20;

/// Answers metric cases alone, and needs no model.
#[derive(Debug, Clone)]
pub struct Metric {
    /// Runs the commands.
    pub shell: Arc<dyn Shell>,
}

impl Executor for Metric {
    fn kind(&self) -> &'static str {
        "metric"
    }

    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Execution> {
        run(&self.shell, job).boxed()
    }
}

/// Runs the command of a metric case and keeps the last number that its pattern finds, as printed. No number is a crash.
pub async fn run(shell: &Arc<dyn Shell>, job: &Job) -> Execution {
    let Task::Metric { run, pattern, budget_s, .. } = &job.case.task else {
        return Execution::infra("not a metric case");
    };
    let Ok(pattern) = RegexBuilder::new(pattern).multi_line(true).size_limit(MAX_PATTERN).build() else {
        return Execution::infra("the pattern of the metric is not a regular expression");
    };
    let (shell, again, command) = (Arc::clone(shell), job.clone(), run.clone());
    let limits = Limits { time: Duration::from_secs(*budget_s), ..Limits::default() };
    let made = blocking(move || {
        let place = Workplace::of(&again, &[])?;
        if let Some(skill) = &again.skill {
            place.put(skill)?;
        }
        let argv = ["sh", "-c", &command].map(str::to_owned).to_vec();
        let outcome = shell.run(&place.spec(argv, Vec::new(), again.network, limits))?;
        Ok((place, outcome))
    });
    match made.await {
        Ok((place, outcome)) => finish(job, place, &outcome, &pattern),
        Err(why) => Execution::infra(&why),
    }
}

fn finish(job: &Job, place: Workplace, outcome: &Outcome, pattern: &Regex) -> Execution {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let output = format!("{}{}", text(&outcome.stdout), text(&outcome.stderr));
    let metric = number(&output, pattern);
    let mut status = outcome.status();
    if status == Status::Ok && metric.is_none() {
        status = Status::Crash;
    }
    let call = TranscriptEvent::ToolCall { name: "metric".to_owned(), arguments: "{}".to_owned() };
    let result = TranscriptEvent::ToolResult { name: "metric".to_owned(), output, failed: status != Status::Ok };
    let metric = metric.filter(|_| status == Status::Ok);
    let usage = Usage { ms: outcome.ms, ..Usage::default() };
    let end = Ended { status, exit: outcome.code(), usage, metric };
    Execution::close(job, Transcript { events: vec![call, result] }, Some(place), end)
}

/// The first group of the last match, or the whole of it; `None` unless it is a finite number.
pub fn number(output: &str, pattern: &Regex) -> Option<String> {
    let found = pattern.captures_iter(output).last()?;
    let text = found.get(1).or_else(|| found.get(0))?.as_str().trim();
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FakeShell, job, outcome, skill};
    use super::*;
    use crate::executor::sandbox::End;

    fn task() -> Task {
        let (run, pattern) = ("train".to_owned(), r"^val_bpb:\s+(\S+)".to_owned());
        Task::Metric { run, pattern, minimize: true, budget_s: 300 }
    }

    async fn made(end: End, stdout: &'static str) -> Execution {
        let shell: Arc<dyn Shell> = FakeShell::new(move |spec| {
            assert_eq!(spec.limits.time, Duration::from_mins(5));
            assert!(spec.dir.join("SKILL.md").exists(), "the command works on the skill");
            assert_eq!(spec.argv, ["sh", "-c", "train"]);
            Ok(outcome(end.clone(), stdout))
        });
        run(&shell, &job(Some(skill("train", "Trains.", "x")), task())).await
    }

    #[tokio::test]
    async fn the_last_match_counts() {
        let run = made(End::Exit(0), "val_bpb: 1.25\nstep\nval_bpb:   0.9910\nend\n").await;
        assert_eq!((run.status, run.metric.as_deref(), run.exit), (Status::Ok, Some("0.9910"), 0));
    }

    #[tokio::test]
    async fn no_number_a_failure_and_a_time_out_have_none() {
        for (end, stdout, status, exit) in [
            (End::Exit(0), "nothing", Status::Crash, 0),
            (End::Exit(0), "val_bpb: NaN", Status::Crash, 0),
            (End::Exit(0), "val_bpb: inf", Status::Crash, 0),
            (End::Exit(2), "val_bpb: 1.0", Status::Crash, 2),
            (End::Timeout, "val_bpb: 1.0", Status::Timeout, 124),
        ] {
            let run = made(end, stdout).await;
            assert_eq!((run.status, run.metric, run.exit), (status, None, exit), "{stdout}");
        }
    }
}

use super::super::testing::{FakeShell, Scripted, job, outcome, prompt, skill};
use super::*;
use crate::{executor::sandbox::End, model::EngineError};

fn agent(engine: Arc<Scripted>) -> Agent {
    let shell = FakeShell::new(|spec| {
        std::fs::write(spec.dir.join("made.txt"), "made").unwrap();
        Ok(outcome(End::Exit(0), "ran"))
    });
    Agent { engine, mode: Mode::Throughput, shell, distractors: trigger::distractors() }
}

fn kinds(run: &Execution) -> Vec<&'static str> {
    let kind = |event: &TranscriptEvent| match event {
        TranscriptEvent::Prompt { .. } => "prompt",
        TranscriptEvent::Answer { .. } => "answer",
        TranscriptEvent::SkillActivated { .. } => "skill",
        TranscriptEvent::ToolCall { .. } => "call",
        TranscriptEvent::ToolResult { failed: false, .. } => "result",
        TranscriptEvent::ToolResult { .. } => "failure",
        TranscriptEvent::Note { .. } => "note",
    };
    run.transcript.events.iter().map(kind).collect()
}

#[tokio::test]
async fn a_whole_run_discloses_the_skill_step_by_step() {
    let engine = Scripted::list(&[
        r#"{"tool":"skill","name":"notes"}"#,
        r#"{"tool":"run","command":"make"}"#,
        r#"{"tool":"read","path":"nothing.txt"}"#,
        r#"{"tool":"final","answer":"all done"}"#,
    ]);
    let run = agent(engine.clone()).run(&job(Some(skill("notes", "Writes notes.", "BODY")), prompt("Go.", &[]))).await;
    assert_eq!((run.status, run.transcript.final_text(), run.usage.turns), (Status::Ok, "all done", 4));
    assert_eq!(kinds(&run), ["prompt", "call", "skill", "result", "call", "result", "call", "failure", "answer"]);
    assert_eq!(std::fs::read_to_string(run.place.as_ref().unwrap().work().join("made.txt")).unwrap(), "made");
    assert!(!run.place.as_ref().unwrap().work().join("skills").exists());
    let groups = engine.groups.lock().unwrap();
    assert!(groups.iter().all(|group| group.prefix == groups[0].prefix), "all turns share the prefix");
    let system = &groups[0].prefix[0].content;
    assert!(system.contains("<description>Writes notes.</description>") && !system.contains("BODY"));
    let last = &groups[3].cases[0].messages;
    assert_eq!(last.len(), 7);
    assert!(last[2].content.contains("BODY"), "the body comes with the activation");
    let seeds: Vec<u64> = groups.iter().map(|group| group.cases[0].seed).collect();
    assert_eq!(seeds, [7, 8, 9, 10]);
}

#[tokio::test]
async fn the_baseline_knows_of_no_skill() {
    let engine = Scripted::list(&[r#"{"tool":"list","path":"."}"#, r#"{"tool":"final","answer":"x"}"#]);
    let run = agent(engine.clone()).run(&job(None, prompt("Go.", &[]))).await;
    assert_eq!(kinds(&run), ["prompt", "call", "result", "answer"]);
    let groups = engine.groups.lock().unwrap();
    assert!(!groups[0].prefix[0].content.contains("skill"));
    assert!(groups[1].cases[0].messages[2].content.contains("the folder is empty"));
}

#[tokio::test]
async fn one_answer_that_is_no_action_is_forgiven_and_two_in_a_row_are_not() {
    let fine = r#"{"tool":"final","answer":"x"}"#;
    let engine = Scripted::list(&["hm", r#"{"tool":"list"}"#, "hm", fine]);
    let run = agent(engine).run(&job(None, prompt("Go.", &[]))).await;
    assert_eq!((run.status, run.transcript.final_text()), (Status::Ok, "x"));
    let run = agent(Scripted::list(&["hm", "hm", fine])).run(&job(None, prompt("Go.", &[]))).await;
    assert_eq!(run.status, Status::Crash);
    assert_eq!(run.usage.turns, 2);
}

#[tokio::test]
async fn turns_tokens_and_time_end_a_run() {
    let endless = || Scripted::new(|_, _| Ok(r#"{"tool":"list"}"#.to_owned()));
    let mut job = job(None, prompt("Go.", &[]));
    job.limits.turns = 3;
    let run = agent(endless()).run(&job).await;
    assert_eq!((run.status, run.usage.turns), (Status::Limit, 3));
    (job.limits.turns, job.limits.tokens) = (30, 29);
    let run = agent(endless()).run(&job).await;
    // Each turn is ten tokens of prompt and four of answer.
    assert_eq!((run.status, run.usage.turns), (Status::Limit, 3));
    (job.limits.tokens, job.limits.seconds) = (1_000, 0);
    let run = agent(endless()).run(&job).await;
    assert_eq!((run.status, run.usage.turns), (Status::Timeout, 0));
}

#[tokio::test]
async fn a_model_or_a_sandbox_that_fails_is_nobodys_fault() {
    let engine = Scripted::new(|_, _| Err(EngineError::Infra { message: "503".to_owned(), retry_after_ms: None }));
    assert_eq!(agent(engine).run(&job(None, prompt("Go.", &[]))).await.status, Status::Infra);
    let mut broken = agent(Scripted::list(&[r#"{"tool":"run","command":"x"}"#]));
    broken.shell = FakeShell::new(|_| Err(skill_schema::Fault::new(skill_schema::codes::SANDBOX)));
    assert_eq!(broken.run(&job(None, prompt("Go.", &[]))).await.status, Status::Infra);
}

#[tokio::test]
async fn a_tool_result_with_the_canary_taints_the_run() {
    let mut agent = agent(Scripted::list(&[r#"{"tool":"run","command":"x"}"#, r#"{"tool":"final","answer":"x"}"#]));
    agent.shell = FakeShell::new(|_| Ok(outcome(End::Exit(0), "KANARI-0123456789")));
    let mut job = job(None, prompt("Go.", &[]));
    job.marks = Arc::new(crate::executor::Marks::new(vec![], vec!["KANARI-0123456789".to_owned()], vec![]));
    assert_eq!(agent.run(&job).await.status, Status::Tainted);
}

#[tokio::test]
async fn constraints_are_asked_for_where_they_are_honoured() {
    let engine = Scripted::list(&[r#"{"tool":"final","answer":"x"}"#]);
    agent(engine.clone()).run(&job(None, prompt("Go.", &[]))).await;
    let constraint = engine.groups.lock().unwrap()[0].cases[0].constraint.clone();
    assert_eq!(constraint, Constraint::None, "this model says that it has none");
    let able = Scripted::able(&[r#"{"tool":"final","answer":"x"}"#]);
    agent(able.clone()).run(&job(None, prompt("Go.", &[]))).await;
    let constraint = able.groups.lock().unwrap()[0].cases[0].constraint.clone();
    assert_eq!(constraint, Constraint::JsonSchema(action::schema()));
}

#[tokio::test]
async fn trigger_and_metric_cases_are_made_as_everywhere() {
    let engine = Scripted::list(&[r#"{"skill":"notes"}"#]);
    let query = Task::Trigger { query: "note this".to_owned(), should_trigger: true };
    let run = agent(engine).run(&job(Some(skill("notes", "Writes notes.", "x")), query)).await;
    assert_eq!(kinds(&run), ["prompt", "skill", "answer"]);
    let (command, pattern) = ("x".to_owned(), "(ran)|([0-9]+)".to_owned());
    let metric = Task::Metric { run: command, pattern, minimize: false, budget_s: 5 };
    let run = agent(Scripted::list(&[])).run(&job(None, metric)).await;
    assert_eq!((run.status, run.metric), (Status::Crash, None), "`ran` is no number");
}

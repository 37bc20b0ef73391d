use super::super::testing::{FakeShell, Scripted, job, outcome, prompt, skill};
use super::*;
use crate::executor::sandbox::End;

fn executor(engine: Arc<Scripted>) -> Prompt {
    let shell = FakeShell::new(|_| Ok(outcome(End::Exit(0), "")));
    Prompt { engine, mode: Mode::Throughput, distractors: Vec::new(), shell }
}

#[tokio::test]
async fn the_skill_is_in_context_on_its_arm_and_nowhere_on_the_other() {
    let engine = Scripted::new(|messages, _| Ok(format!("{} messages", messages.len())));
    let executor = executor(engine.clone());
    let skill = skill("notes", "Writes notes.", "# How\nUse bullets.");
    for skill in [Some(skill), None] {
        let run = executor.run(&job(skill, prompt("Write a note.", &[]))).await;
        assert_eq!((run.status, run.transcript.final_text()), (Status::Ok, "2 messages"));
        assert_eq!((run.usage.turns, run.usage.prompt_tokens, run.taint), (1, 10, crate::executor::Taint::Clean));
    }
    let groups = engine.groups.lock().unwrap();
    let system: Vec<&str> = groups.iter().map(|group| group.prefix[0].content.as_str()).collect();
    assert!(system[0].contains("Use bullets.") && system[0].starts_with(BASE));
    assert_eq!(system[1], BASE);
    let all = format!("{groups:?}");
    assert!(!all.contains("EXPECTED") && !all.contains("EXPECTATION"), "what is expected is never shown");
}

#[test]
fn other_files_of_the_skill_are_listed_and_not_shown() {
    let folder = super::super::testing::skill_folder("notes", "Writes notes.", "Body.");
    std::fs::create_dir(folder.path().join("references")).unwrap();
    std::fs::write(folder.path().join("references/more.md"), "HIDDEN").unwrap();
    let skill = Skill::load(folder.path()).unwrap();
    let expected = "<skill name=\"notes\">\nBody.\n\nOther files of the skill:\n- references/more.md\n</skill>";
    assert!(prefix(Some(&skill))[0].content.ends_with(expected));
}

#[test]
fn too_many_tokens_are_a_limit_a_cut_answer_is_graded_and_a_lost_connection_is_nobodys_fault() {
    let output = |finish, output_tokens| CaseOutput {
        text: "x".to_owned(),
        finish,
        prompt_tokens: 10,
        cached_tokens: 0,
        output_tokens,
        ms: 1,
        cost_micros: 0,
    };
    let mut job = job(None, prompt("p", &[]));
    job.limits.tokens = 20;
    let status = |answer| finish(&job, None, answer).status;
    assert_eq!(status(Ok(output(Finish::Stop, 10))), Status::Ok);
    assert_eq!(status(Ok(output(Finish::Stop, 11))), Status::Limit);
    assert_eq!(status(Ok(output(Finish::Length, 1))), Status::Ok);
    assert_eq!(status(Err(EngineError::Infra { message: "503".to_owned(), retry_after_ms: None })), Status::Infra);
    assert_eq!(status(Err(EngineError::Refused("the key is wrong".to_owned()))), Status::Infra);
    assert_eq!(status(Err(EngineError::Refused("it does not fit the context".to_owned()))), Status::Limit);
}

#[tokio::test]
async fn text_files_are_shown_and_leave_no_outputs() {
    let suite = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(suite.path().join("evals/files")).unwrap();
    std::fs::write(suite.path().join("evals/files/a.txt"), "CONTENT").unwrap();
    let engine = Scripted::new(|messages, _| Ok(messages[1].content.clone()));
    let mut job = job(None, prompt("Read it.", &["evals/files/a.txt"]));
    job.suite = suite.path().to_owned();
    let run = executor(engine).run(&job).await;
    assert_eq!(run.transcript.final_text(), "Read it.\n\nFile a.txt:\n```\nCONTENT\n```");
    let place = run.place.as_ref().unwrap();
    assert!(place.inputs().join("a.txt").exists() && !place.work().join("a.txt").exists());
    job.suite = "/nonexistent".into();
    let engine = Scripted::new(|_, _| Ok(String::new()));
    assert_eq!(executor(engine).run(&job).await.status, Status::Infra);
}

#[tokio::test]
async fn an_answer_with_the_canary_is_tainted_and_void() {
    let engine = Scripted::new(|_, _| Ok("the secret is KANARI-0123456789".to_owned()));
    let mut job = job(None, prompt("p", &[]));
    job.marks = Arc::new(crate::executor::Marks::new(vec![], vec!["KANARI-0123456789".to_owned()], vec![]));
    let run = executor(engine).run(&job).await;
    assert_eq!((run.status, run.taint), (Status::Tainted, crate::executor::Taint::Tainted));
}

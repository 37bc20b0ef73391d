//! What the model is told: the tools, the skills, results and repairs.

use crate::executor::trigger::{Listed, available};

/// The tools and the rules of a turn.
const TOOLS: &str = r#"You are an agent that works in a folder with tools. Answer each turn with exactly one JSON object and nothing else:

{"tool": "list", "path": "."} lists a folder
{"tool": "read", "path": "notes.txt"} reads a text file
{"tool": "write", "path": "report.md", "content": "..."} writes a text file
{"tool": "run", "command": "python3 script.py"} runs a shell command in the working folder, without a network
{"tool": "final", "answer": "..."} ends the work with your answer to the user

Paths are relative to the working folder. Files that you make for the user belong there. Work step by step, look at the results, and end
with "final" when everything that the user asked for is done."#;

/// What is added where there are skills.
const SKILLS: &str = r#"These skills give instructions for special tasks. If one of them fits what the user asks, take it up before you begin:

{"tool": "skill", "name": "NAME"} shows the skill's instructions

Its other files can then be read, and its scripts run, under skills/NAME/."#;

/// The standing instructions.
pub(super) fn system(skills: &[Listed]) -> String {
    if skills.is_empty() {
        return TOOLS.to_owned();
    }
    format!("{TOOLS}\n\n{SKILLS}\n\n{}", available(skills))
}

/// What follows an answer that is no action.
pub(super) fn repair(wrong: &str) -> String {
    format!(
        "That was not one of the actions ({wrong}). Answer with exactly one JSON object, for example {{\"tool\": \"final\", \"answer\": \"...\"}}."
    )
}

/// What follows an action.
pub(super) fn result(tool: &str, output: &str, failed: bool) -> String {
    let how = if failed { "failed" } else { "result" };
    format!("{tool} {how}:\n{output}")
}

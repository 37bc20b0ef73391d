//! Checks of what the agent did.

use serde_json::json;

use super::{Bed, refused};
use crate::run::TranscriptEvent;

fn busy() -> Bed {
    let mut bed = Bed::new("done");
    let call = |name: &str, arguments: &str| TranscriptEvent::ToolCall {
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    };
    let more = [
        call("read", "{\"path\":\"a.txt\"}"),
        call("read", "{\"path\":\"b.txt\"}"),
        TranscriptEvent::ToolResult { name: "read".to_owned(), output: "inside b".to_owned(), failed: false },
        TranscriptEvent::SkillActivated { name: "pdf-forms".to_owned() },
    ];
    bed.transcript.events.splice(1..1, more);
    bed
}

#[test]
fn tools_are_counted_over_the_whole_run() {
    busy().table(&[
        (json!({"kind": "tool_used", "tool": "read"}), 1),
        (json!({"kind": "tool_used", "tool": "read", "min": 2, "max": 2}), 1),
        (json!({"kind": "tool_used", "tool": "read", "max": 1}), 0),
        (json!({"kind": "tool_used", "tool": "read", "pattern": "b\\.txt", "max": 1}), 1),
        (json!({"kind": "tool_used", "tool": "write"}), 0),
        (json!({"kind": "tool_not_used", "tool": "write"}), 1),
        (json!({"kind": "tool_not_used", "tool": "read"}), 0),
        (json!({"kind": "tool_not_used", "tool": "read", "pattern": "secret"}), 1),
        (json!({"kind": "contains", "value": "inside b", "target": "transcript"}), 1),
        (json!({"kind": "contains", "value": "inside b"}), 0),
    ]);
    refused(&[(json!({"kind": "tool_used", "tool": ""}), "E_CHECK_PARAM")]);
    refused(&[(json!({"kind": "tool_used", "tool": "x", "pattern": "("}), "E_CHECK_REGEX")]);
}

#[test]
fn a_skill_is_taken_up_at_any_time() {
    busy().table(&[
        (json!({"kind": "skill_activated"}), 1),
        (json!({"kind": "skill_activated", "skill": "acme/pdf-forms"}), 1),
        (json!({"kind": "skill_activated", "skill": "xlsx"}), 0),
        (json!({"kind": "trigger", "skill": "pdf-forms", "should_trigger": true}), 1),
        (json!({"kind": "trigger", "skill": "pdf-forms", "should_trigger": false}), 0),
        (json!({"kind": "trigger", "skill": "xlsx", "should_trigger": false}), 1),
    ]);
    Bed::new("x").table(&[
        (json!({"kind": "trigger", "should_trigger": false}), 1),
        (json!({"kind": "trigger", "should_trigger": true}), 0),
    ]);
}

//! What the model may answer in one turn: one action as a JSON object.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tool", rename_all = "lowercase")]
pub(super) enum Action {
    /// Read a file.
    Read { path: String },
    /// Write a file.
    Write { path: String, content: String },
    /// List a folder.
    List {
        #[serde(default)]
        path: String,
    },
    /// Run a command.
    Run { command: String },
    /// Take up a skill.
    Skill { name: String },
    /// The answer; the run ends.
    Final { answer: String },
}

impl Action {
    /// The tool's name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Write { .. } => "write",
            Self::List { .. } => "list",
            Self::Run { .. } => "run",
            Self::Skill { .. } => "skill",
            Self::Final { .. } => "final",
        }
    }

    /// Everything but the tool's name, as JSON text.
    pub(super) fn arguments(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(members) = &mut value {
            members.remove("tool");
        }
        value.to_string()
    }
}

/// The schema that constrains an answer.
pub(super) fn schema() -> Value {
    let tool = |name: &str, members: &[&str]| {
        let mut properties = serde_json::Map::from_iter([("tool".to_owned(), json!({"const": name}))]);
        properties.extend(members.iter().map(|&member| (member.to_owned(), json!({"type": "string"}))));
        let required: Vec<&str> = ["tool"].iter().chain(members).copied().collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    };
    json!({"anyOf": [
        tool("read", &["path"]),
        tool("write", &["path", "content"]),
        tool("list", &["path"]),
        tool("run", &["command"]),
        tool("skill", &["name"]),
        tool("final", &["answer"]),
    ]})
}

/// Reads an action from what a model said: the first JSON object in it that is one. The error says what is wrong, for the model.
pub(super) fn parse(answer: &str) -> Result<Action, String> {
    let mut wrong = None;
    let mut from = 0;
    while let Some(at) = answer[from..].find('{').map(|at| from + at) {
        let mut values = serde_json::Deserializer::from_str(&answer[at..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                // What is inside a whole object is not tried by itself.
                from = at + values.byte_offset();
                match serde_json::from_value(value) {
                    Ok(action) => return Ok(action),
                    Err(error) => wrong = wrong.or(Some(error.to_string())),
                }
            }
            Some(Err(error)) => {
                from = at + 1;
                wrong = wrong.or(Some(error.to_string()));
            }
            None => break,
        }
    }
    Err(wrong.unwrap_or_else(|| "there is no JSON object".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_found_among_words() {
        let read = Action::Read { path: "a.txt".to_owned() };
        for text in [
            r#"{"tool":"read","path":"a.txt"}"#,
            "Let me look.\n```json\n{\"tool\": \"read\", \"path\": \"a.txt\"}\n```",
            r#"{"thought": {"tool": 1}} {"tool":"read","path":"a.txt","extra":1} {"tool":"final","answer":"x"}"#,
            r#"{not json} {"tool":"read","path":"a.txt"}"#,
        ] {
            assert_eq!(parse(text).as_ref(), Ok(&read), "{text}");
        }
        assert_eq!(parse(r#"{"tool":"list"}"#), Ok(Action::List { path: String::new() }));
    }

    #[test]
    fn what_is_no_action_is_said_to_be_none() {
        for text in
            ["", "hello", "{", "{}", r#"{"tool":"fly"}"#, r#"{"tool":"read"}"#, r#"{"tool":"read","path":1}"#, "{{{{"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"{".repeat(20_000)).is_err());
    }

    #[test]
    fn the_schema_accepts_exactly_the_actions() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let text = |text: &str| text.to_owned();
        for action in [
            Action::Read { path: text("a") },
            Action::Write { path: text("a"), content: text("b") },
            Action::List { path: text("") },
            Action::Run { command: text("ls") },
            Action::Skill { name: text("n") },
            Action::Final { answer: text("x") },
        ] {
            let value = serde_json::to_value(&action).unwrap();
            assert!(validator.is_valid(&value), "{value}");
            assert_eq!(parse(&value.to_string()), Ok(action));
        }
        for bad in [json!({}), json!({"tool": "read"}), json!({"tool": "fly", "path": "a"})] {
            assert!(!validator.is_valid(&bad));
        }
    }
}

//! The name of a request in a cassette: a digest of everything that the answer may depend on.

use serde_json::{Value, json};
use skill_bundle::{hash::sha256, jcs};
use skill_schema::Digest;

use super::{CaseRequest, GroupRequest};

/// The digest of one case of a group. Where the prefix ends does not count, nor what else is in the group.
pub(super) fn request_key(group: &GroupRequest, case: &CaseRequest) -> Digest {
    let request = json!({
        "messages": group.messages(case),
        "temperature": case.sampling.temperature,
        "top_p": case.sampling.top_p,
        "max_tokens": case.sampling.max_tokens,
        // As text: canonical JSON holds no integer beyond 2^53.
        "seed": case.seed.to_string(),
        "stop": case.stop,
        "constraint": case.constraint,
    });
    let bytes = jcs::to_vec(&numbers_as_text(request)).expect("text, lists and objects are canonical");
    sha256(&bytes)
}

/// The same value with each number as the text that serde_json prints, since canonical JSON holds no fractions.
fn numbers_as_text(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => items.into_iter().map(numbers_as_text).collect(),
        Value::Object(members) => members.into_iter().map(|(key, value)| (key, numbers_as_text(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Constraint, Message, Mode, Role, Sampling};

    fn request() -> (GroupRequest, CaseRequest) {
        let case = CaseRequest {
            messages: vec![Message::new(Role::User, "hello")],
            sampling: Sampling::default(),
            seed: u64::MAX,
            stop: vec![],
            constraint: Constraint::JsonSchema(json!({"maximum": 0.5})),
        };
        let prefix = vec![Message::new(Role::System, "be brief")];
        (GroupRequest { prefix, cases: vec![case.clone()], mode: Mode::Throughput }, case)
    }

    #[test]
    fn the_border_of_the_prefix_does_not_matter() {
        let (group, case) = request();
        let whole = CaseRequest { messages: group.messages(&case), ..case.clone() };
        let bare = GroupRequest { prefix: vec![], cases: vec![], mode: Mode::Exact };
        assert_eq!(request_key(&group, &case), request_key(&bare, &whole));
    }

    #[test]
    fn everything_that_changes_an_answer_changes_the_key() {
        let (group, case) = request();
        let key = request_key(&group, &case);
        let others = [
            CaseRequest { seed: 1, ..case.clone() },
            CaseRequest { stop: vec!["end".to_owned()], ..case.clone() },
            CaseRequest { constraint: Constraint::None, ..case.clone() },
            CaseRequest { messages: vec![], ..case.clone() },
            CaseRequest { sampling: Sampling { temperature: 0.0, ..case.sampling }, ..case.clone() },
            CaseRequest { sampling: Sampling { top_p: 0.5, ..case.sampling }, ..case.clone() },
            CaseRequest { sampling: Sampling { max_tokens: 1, ..case.sampling }, ..case.clone() },
        ];
        for other in others {
            assert_ne!(request_key(&group, &other), key, "{other:?}");
        }
    }
}

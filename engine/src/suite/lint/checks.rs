//! Rules about checks: each is read as it will be when a run is graded, so that a mistake shows here and not in the middle.

use std::collections::HashSet;

use serde_json::{Map, Value};
use skill_schema::{
    Code, Fault, codes,
    lint::{Rule, closest},
};

use super::{Linter, Step, rules};
use crate::{
    check::{self, KINDS},
    suite::{Check, Task},
};

pub(super) fn check(linter: &mut Linter<'_>) {
    for (n, case) in linter.suite().cases.iter().enumerate() {
        let Task::Prompt { checks, .. } = &case.task else { continue };
        let mut ids = HashSet::new();
        for (at, check) in checks.iter().enumerate() {
            let steps = [Step::Key("checks"), Step::Item(at)];
            if !ids.insert(&check.id) {
                let message = format!("two checks of the case `{}` are called `{}`", case.id, check.id);
                linter.report_case(
                    rules::DUPLICATE_CHECK,
                    n,
                    &steps,
                    message,
                    "leave the ids out, or make them differ",
                );
            }
            if let Err(fault) = check::parse(check) {
                refused(linter, n, at, check, &fault);
            }
        }
    }
}

/// Reports why a check cannot be used, at the member that it is about.
fn refused(linter: &mut Linter<'_>, n: usize, at: usize, check: &Check, fault: &Fault) {
    let member = fault.place.as_deref().and_then(|place| place.rsplit_once('.')).map_or("", |(_, member)| member);
    let rule = rule(fault.code, member, check);
    let detail = fault.detail.as_deref().unwrap_or(fault.code.title);
    let inner = fault.place.as_deref().and_then(|place| place.strip_prefix(check.id.as_str()));
    let deep = inner.is_some_and(|inner| inner.matches('.').count() > 1);
    let subject = if deep { fault.place.clone().unwrap_or_default() } else { format!("{}.{member}", check.id) };
    let message = format!("`{}` of kind `{}`: {detail}", subject.trim_end_matches('.'), check.kind);
    let guess = (rule == rules::UNKNOWN_CHECK).then(|| closest(&check.kind, &KINDS)).flatten();
    let help = guess.map_or_else(|| fault.code.help.to_owned(), |kind| format!("did you mean `{kind}`?"));
    let steps = [Step::Key("checks"), Step::Item(at), Step::Key(member)];
    // Of a check inside of another one the whole outer check is shown.
    let steps = if deep || !check.params.contains_key(member) { &steps[..2] } else { &steps[..] };
    linter.report_case(rule, n, steps, message, &help);
}

fn rule(code: &Code, member: &str, check: &Check) -> &'static Rule {
    if code == codes::CHECK_KIND {
        rules::UNKNOWN_CHECK
    } else if code == codes::CHECK_REGEX {
        if any_text(&check.params, &|key, text| key == "pattern" && has_lookaround(text)) {
            rules::LOOKAROUND
        } else {
            rules::REGEX
        }
    } else if code == codes::CHECK_SCHEMA {
        let remote = |key: &str, text: &str| key == "$ref" && !text.starts_with('#');
        if any_text(&check.params, &remote) { rules::REMOTE_REF } else { rules::SCHEMA }
    } else if code == codes::CHECK_PATH {
        rules::JSON_PATH
    } else if code == codes::CHECK_GLOB {
        rules::PATH
    } else if member == "target" {
        rules::UNKNOWN_TARGET
    } else {
        rules::PARAMETER
    }
}

/// Whether any text member, at any depth, is such a one.
fn any_text(map: &Map<String, Value>, is: &dyn Fn(&str, &str) -> bool) -> bool {
    fn any(key: &str, value: &Value, is: &dyn Fn(&str, &str) -> bool) -> bool {
        match value {
            Value::String(text) => is(key, text),
            Value::Array(items) => items.iter().any(|item| any(key, item, is)),
            Value::Object(map) => map.iter().any(|(key, value)| any(key, value, is)),
            _ => false,
        }
    }
    map.iter().any(|(key, value)| any(key, value, is))
}

/// Whether an expression needs what cannot be matched in linear time: look-around, or a reference back to a group.
pub(super) fn has_lookaround(pattern: &str) -> bool {
    let mut chars = pattern.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            match chars.next() {
                Some((_, '1'..='9' | 'k')) => return true,
                _ => continue,
            }
        }
        let rest = &pattern[at..];
        if ["(?=", "(?!", "(?<=", "(?<!", "(?>", "(?P="].iter().any(|sign| rest.starts_with(sign)) {
            return true;
        }
    }
    false
}

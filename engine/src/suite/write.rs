//! Writing a suite: what did not change stays as it stood, byte by byte; what is new is written as a person would.

use serde_json::{Map, Value};

use super::{
    Suite,
    source::{Kind, Node, Source},
};

/// An object or list up to this many characters stands in one line.
const LINE: usize = 100;

/// The order of members that the source does not order: who, what, then how it is checked. Others follow by name.
const ORDER: &[&str] = &[
    "skill_name",
    "suite",
    "evals",
    "format",
    "id",
    "version",
    "name",
    "kind",
    "note",
    "draft",
    "category",
    "group",
    "critical",
    "prompt",
    "query",
    "should_trigger",
    "files",
    "expected_output",
    "expectations",
    "assertions",
    "checks",
    "salt",
    "canary",
    "holdout",
    "runs",
    "train",
    "gate",
    "sampling",
    "limits",
    "sandbox",
    "grader",
    "run",
    "pattern",
    "goal",
    "budget_s",
    "target",
    "value",
    "values",
    "glob",
    "path",
    "min",
    "max",
    "required",
    "weight",
];

impl Suite {
    /// The document as it is now: the one that was read, with the cases' `raw` as its list. The file's shape (an object or a bare
    /// list) is kept. Other members, `suite` among them, are those of [`Suite::document`].
    pub fn to_value(&self) -> Value {
        let cases = Value::Array(self.cases.iter().map(|case| Value::Object(case.raw.clone())).collect());
        match &self.document {
            Value::Object(head) => {
                let mut head = head.clone();
                head.insert("evals".to_owned(), cases);
                Value::Object(head)
            }
            _ => cases,
        }
    }

    /// The text of the suite. With the source that it was read from, everything that did not change keeps its bytes, and members
    /// keep their order; without one, members have a fixed order and unknown ones follow by name.
    pub fn to_text(&self, source: Option<&Source>) -> String {
        let value = self.to_value();
        let mut out = String::new();
        if let Some(source) = source {
            let root = &source.root;
            out.push_str(&source.text[..root.span.start]);
            let old = Some(Old { node: root, value: &source.value, text: &source.text });
            emit(&mut out, &value, old, 0);
            out.push_str(&source.text[root.span.end..]);
        } else {
            emit(&mut out, &value, None, 0);
            out.push('\n');
        }
        out
    }
}

/// What stood at a place before.
#[derive(Clone, Copy)]
struct Old<'a> {
    node: &'a Node,
    value: &'a Value,
    text: &'a str,
}

impl<'a> Old<'a> {
    fn member(self, key: &str) -> Option<Self> {
        Some(Old { node: self.node.member(key)?, value: self.value.get(key)?, ..self })
    }

    /// What an item of a list was before: the one with the same `id`, else the one at the same place.
    fn item(self, n: usize, item: &Value) -> Option<Self> {
        let items = self.value.as_array()?;
        let n = match item.get("id") {
            Some(id) => items.iter().position(|old| old.get("id") == Some(id))?,
            None => n,
        };
        Some(Old { node: self.node.items().get(n)?, value: items.get(n)?, ..self })
    }

    fn slice(self) -> &'a str {
        &self.text[self.node.span.clone()]
    }

    fn keys(self) -> impl Iterator<Item = &'a str> {
        let members = match &self.node.kind {
            Kind::Map(members) => members.as_slice(),
            Kind::Scalar | Kind::List(_) => &[],
        };
        members.iter().map(|(key, _)| key.as_str())
    }
}

fn emit(out: &mut String, value: &Value, old: Option<Old<'_>>, indent: usize) {
    if let Some(old) = old.filter(|old| old.value == value) {
        return out.push_str(old.slice());
    }
    let one_line = old.is_none_or(|old| !old.slice().contains('\n')) && !lists_objects(value) && indent > 0;
    let flat = flat(value, old);
    if one_line && flat.chars().count() <= LINE {
        return out.push_str(&flat);
    }
    match value {
        Value::Object(map) if !map.is_empty() => {
            let lines = keys(map, old).into_iter().map(|key| {
                let mut line = format!("{}: ", quoted(key));
                emit(&mut line, &map[key], old.and_then(|old| old.member(key)), indent + 1);
                line
            });
            block(out, ['{', '}'], lines, indent);
        }
        Value::Array(items) if !items.is_empty() => {
            let lines = items.iter().enumerate().map(|(n, item)| {
                let mut line = String::new();
                emit(&mut line, item, old.and_then(|old| old.item(n, item)), indent + 1);
                line
            });
            block(out, ['[', ']'], lines, indent);
        }
        _ => out.push_str(&flat),
    }
}

fn block(out: &mut String, [open, close]: [char; 2], lines: impl Iterator<Item = String>, indent: usize) {
    out.push(open);
    for (n, line) in lines.enumerate() {
        out.push_str(if n == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(indent + 1));
        out.push_str(&line);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(indent));
    out.push(close);
}

/// Whether there is a list of objects in a value: each of them has lines of its own.
fn lists_objects(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| item.is_object() || lists_objects(item)),
        Value::Object(map) => map.values().any(lists_objects),
        _ => false,
    }
}

/// A value in one line, with a space after each colon and comma.
fn flat(value: &Value, old: Option<Old<'_>>) -> String {
    if let Some(same) = old.filter(|old| old.value == value && !old.slice().contains('\n')) {
        return same.slice().to_owned();
    }
    match value {
        Value::Object(map) => {
            let members = keys(map, old).into_iter().map(|key| {
                let member = flat(&map[key], old.and_then(|old| old.member(key)));
                format!("{}: {member}", quoted(key))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items = items.iter().enumerate().map(|(n, item)| flat(item, old.and_then(|old| old.item(n, item))));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The keys of an object: first those that stood there, in their order, then new ones.
fn keys<'m>(map: &'m Map<String, Value>, old: Option<Old<'_>>) -> Vec<&'m str> {
    let before: Vec<&str> = old.into_iter().flat_map(Old::keys).collect();
    let rank = |key: &str| {
        let place = before.iter().position(|old| *old == key);
        let known = ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
        (place.unwrap_or(before.len()), known)
    };
    let mut keys: Vec<&str> = map.keys().map(String::as_str).collect();
    keys.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    keys
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const TEXT: &str = "{\n  \"zeta\": 1.50, \"skill_name\": \"s\",\n  \"evals\": [\n    {\"z\": 1, \"id\": 2, \"prompt\": \"b\"},\n    {\"prompt\": \"a\",   \"id\": \"1\", \"weird\": [1e3]}\n  ],\n\"alpha\": null }\n\n";

    fn read(text: &str) -> (Suite, Source) {
        Suite::parse_source(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_unchanged_suite_keeps_every_byte() {
        for text in [TEXT, "[]", " [ {\"query\":\"x\",\"should_trigger\":true} ]", "{\"evals\":[]}\r\n"] {
            let (suite, source) = read(text);
            assert_eq!(suite.to_text(Some(&source)), text);
        }
    }

    #[test]
    fn a_change_touches_only_what_changed() {
        let (mut suite, source) = read(TEXT);
        suite.cases[0].raw.insert("category".to_owned(), json!("c"));
        suite.cases.swap(0, 1);
        let expected = "{\n  \"zeta\": 1.50,\n  \"skill_name\": \"s\",\n  \"evals\": [\n    {\"prompt\": \"a\",   \"id\": \"1\", \"weird\": [1e3]},\n    {\"z\": 1, \"id\": 2, \"prompt\": \"b\", \"category\": \"c\"}\n  ],\n  \"alpha\": null\n}\n\n";
        assert_eq!(suite.to_text(Some(&source)), expected);
        suite.cases.clear();
        assert!(suite.to_text(Some(&source)).contains("\"evals\": []"));
    }

    #[test]
    fn without_a_source_members_have_a_fixed_order() {
        let (suite, _) = read(TEXT);
        let text = suite.to_text(None);
        assert!(
            text.starts_with(
                "{\n  \"skill_name\": \"s\",\n  \"evals\": [\n    {\"id\": 2, \"prompt\": \"b\", \"z\": 1},"
            ),
            "{text}"
        );
        assert!(text.ends_with("\"alpha\": null,\n  \"zeta\": 1.5\n}\n"), "{text}");
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            ".{0,60}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"\\\\é]{0,6}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn suite() -> impl Strategy<Value = Value> {
        let case = (prop::collection::btree_map("x[a-z]{0,4}", value(), 0..4), any::<u32>(), ".{0,30}");
        let case = case.prop_map(|(extra, id, prompt)| {
            let mut map: Map<String, Value> = extra.into_iter().collect();
            map.insert("id".to_owned(), json!(id));
            map.insert("prompt".to_owned(), json!(prompt));
            Value::Object(map)
        });
        let list = prop::collection::vec(case, 0..5).prop_map(Value::from);
        (list, prop::option::of(value())).prop_map(|(list, extra)| match extra {
            None => list,
            Some(extra) => json!({"evals": list, "xtra": extra}),
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(document in suite()) {
            let first = Suite::from_value(document.clone()).unwrap();
            let text = first.to_text(None);
            let (second, source) = read(&text);
            prop_assert_eq!(&first, &second);
            prop_assert_eq!(second.to_text(Some(&source)), text);
            let pretty = serde_json::to_string_pretty(&document).unwrap();
            let (third, source) = read(&pretty);
            prop_assert_eq!(&third, &first);
            prop_assert_eq!(third.to_text(Some(&source)), pretty);
        }

        #[test]
        fn a_changed_case_is_read_again_as_it_was_changed(document in suite(), more in value(), at in any::<prop::sample::Index>()) {
            let pretty = serde_json::to_string_pretty(&document).unwrap();
            let (mut suite, source) = read(&pretty);
            prop_assume!(!suite.cases.is_empty());
            let n = at.index(suite.cases.len());
            suite.cases[n].raw.insert("xmore".to_owned(), more);
            let (again, _) = read(&suite.to_text(Some(&source)));
            prop_assert_eq!(again.to_value(), suite.to_value());
        }
    }
}

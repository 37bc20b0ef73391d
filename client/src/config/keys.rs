//! The keys that a configuration file may have.

use skill_schema::{Fault, codes};

use super::Value;

/// What kind of value a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Number,
    /// A list of texts.
    List,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Bool => "true or false",
            Self::Number => "whole number",
            Self::List => "list",
        })
    }
}

/// A key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its dotted name; `*` stands for a name of the user's choice.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it does, for people.
    pub help: &'static str,
}

const fn key(name: &'static str, kind: Kind, help: &'static str) -> Key {
    Key { name, kind, help }
}

/// Every key.
pub const KEYS: &[Key] = &[
    key("registries.*.url", Kind::Text, "address of a registry"),
    key("registries.*.key", Kind::Text, "verifier key of the registry's log, from its operator"),
    key("registries.*.witnesses", Kind::List, "verifier keys of witnesses that cosign the registry's log"),
    key("registries.*.quorum", Kind::Number, "how many of these witnesses must have cosigned a checkpoint (0)"),
    key("scopes.*", Kind::Text, "name of the registry that answers for a scope; `*` for all others"),
    key("agents.*.project", Kind::Text, "folder of an agent's skills, relative to the project"),
    key("agents.*.global", Kind::Text, "folder of an agent's skills for all projects; `~/` is the home folder"),
    key("agents.*.detect", Kind::List, "files or folders that show that the agent is there; `~/` is the home folder"),
    key("install.agents", Kind::List, "agents to install for where neither flag nor project names any"),
    key("install.copy", Kind::Bool, "copy skills into the agents' folders instead of linking them"),
    key("network.timeout", Kind::Number, "seconds without a byte after which a connection is given up (30)"),
    key("network.retries", Kind::Number, "how often a request that is safe to repeat is repeated (3)"),
    key(
        "network.max-age-hours",
        Kind::Number,
        "how old a registry's log may be, instead of what the registry promises",
    ),
    key("network.ca-file", Kind::Text, "PEM file of further certificate authorities to trust"),
    key("eval.model", Kind::Text, "the model that answers, where none is named"),
    key("eval.context", Kind::Number, "tokens of a conversation with an embedded model at most (8192)"),
    key("eval.price-prompt", Kind::Text, "dollars for a million tokens of prompts, for --max-cost"),
    key("eval.price-cached", Kind::Text, "dollars for a million tokens of prompts that were cached (as price-prompt)"),
    key("eval.price-output", Kind::Text, "dollars for a million generated tokens, for --max-cost"),
    key("eval.threads", Kind::Number, "threads of an embedded model (one less than there are cores)"),
    key("jobs", Kind::Number, "downloads at the same time (8)"),
];

/// The key of a dotted name.
pub fn find_key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| matches(key.name, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|middle| !middle.is_empty() && !middle.contains('.')),
    }
}

/// Whether some key lies below this dotted name.
pub(super) fn is_table(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    KEYS.iter().any(|key| {
        let pattern: Vec<&str> = key.name.split('.').collect();
        pattern.len() > parts.len() && pattern.iter().zip(&parts).all(|(p, n)| *p == "*" || p == n)
    })
}

/// The sentence for a key that does not exist.
pub fn unknown(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    // Put the user's own names where the pattern has a star, so that the suggestion can be typed as it stands.
    let candidates = KEYS.iter().flat_map(|key| {
        let pattern: Vec<&str> = key.name.split('.').collect();
        (1..=pattern.len()).map(move |n| pattern[..n].to_vec())
    });
    let best = candidates
        .map(|pattern| {
            let filled: Vec<&str> = pattern
                .iter()
                .enumerate()
                .map(|(i, p)| if *p == "*" { parts.get(i).copied().unwrap_or("NAME") } else { *p })
                .collect();
            filled.join(".")
        })
        .map(|candidate| (strsim::damerau_levenshtein(&candidate, name), candidate))
        .min();
    match best {
        Some((distance, candidate)) if distance <= 3 => format!("unknown key `{name}`, did you mean `{candidate}`?"),
        _ => format!("unknown key `{name}`"),
    }
}

/// Reads the value of `--config KEY=VALUE`, and of `skill config set KEY VALUE`.
pub(super) fn parse_flag(name: &str, text: &str) -> Result<Value, Fault> {
    let fault = |detail: String| Fault::new(codes::CONFIG).at(name).detail(detail);
    let key = find_key(name).ok_or_else(|| fault(unknown(name)))?;
    match key.kind {
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Bool => text.parse().map(Value::Bool).map_err(|_| fault("true or false is expected".into())),
        Kind::Number => text.parse().map(Value::Number).map_err(|_| fault("a whole number is expected".into())),
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
            Ok(Value::List(items.collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_one_name() {
        assert_eq!(find_key("registries.main.url").map(|k| k.name), Some("registries.*.url"));
        assert_eq!(find_key("scopes.*").map(|k| k.name), Some("scopes.*"));
        assert!(find_key("registries.url").is_none() && find_key("registries.a.b.url").is_none());
        assert!(is_table("registries") && is_table("registries.main") && !is_table("jobs"));
    }

    #[test]
    fn a_suggestion_can_be_typed_as_it_stands() {
        assert!(unknown("registries.main.uri").ends_with("did you mean `registries.main.url`?"));
        assert!(unknown("job").ends_with("did you mean `jobs`?"));
        assert_eq!(unknown("telemetry"), "unknown key `telemetry`");
    }
}

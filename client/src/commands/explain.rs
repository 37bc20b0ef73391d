//! `skill explain`: what an error code or a rule means, as long as it takes.

mod rules;

use serde::Serialize;
use skill_schema::{
    Code, Fault, codes,
    lint::{self, Severity},
};

use crate::{
    context::Context,
    output::{DIM, HEAD, Output},
    render::wrap,
    suggest::nearest,
};

/// Columns of the text.
const WIDTH: usize = 90;

/// Say what an error code or a rule means.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill explain E_DIGEST
  skill explain frontmatter.unknown-key
  skill explain --list")]
pub struct Args {
    /// An error code (E_DIGEST) or a rule of skill check (name.format).
    #[arg(value_name = "CODE|RULE", required_unless_present = "list")]
    what: Option<String>,
    /// List all codes and rules.
    #[arg(long, conflicts_with = "what")]
    list: bool,
}

/// A code or a rule, as JSON.
#[derive(Serialize)]
struct Entry {
    id: &'static str,
    kind: &'static str,
    title: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    help: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    explain: &'static str,
    /// Of a code: the exit code of the client.
    exit: Option<u8>,
    /// Of a code: the HTTP status.
    status: Option<u16>,
    /// Of a rule: its weight at publish.
    strict: Option<&'static str>,
    /// Of a rule: its weight at install.
    lenient: Option<&'static str>,
    /// Of a rule: the code of its errors.
    code: Option<&'static str>,
}

#[derive(Serialize)]
struct List {
    items: Vec<Entry>,
}

/// Runs `skill explain`.
///
/// # Errors
/// [`codes::CODE_UNKNOWN`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let output = &context.output;
    if let Some(what) = args.what {
        let entry = find(&what)?;
        output.result_or("skill.explain/1", &entry, |out| entry.say(out));
        return Ok(());
    }
    let list = List { items: all() };
    output.result_or("skill.explain.list/1", &list, |out| {
        let rows = list.items.iter().map(|e| vec![e.id.to_owned(), e.title.to_owned()]);
        out.table(&["what", "meaning"], &rows.collect::<Vec<_>>());
    });
    Ok(())
}

/// Codes, then rules.
fn all() -> Vec<Entry> {
    let codes = codes::all().into_iter().map(of_code);
    let catalogue = lint::rules::ALL
        .iter()
        .map(|rule| of_rule((rule.id, rule.title), (rule.strict, rule.lenient), Some(rule.code)));
    let others = rules::OTHERS.iter().map(|(id, weight, code, title)| of_rule((id, title), (*weight, *weight), *code));
    let suites = skill_engine::suite::lint::rules::ALL
        .iter()
        .map(|rule| of_rule((rule.id, rule.title), (rule.strict, rule.lenient), Some(rule.code)));
    codes.chain(catalogue).chain(others).chain(suites).collect()
}

/// The ids of all codes and rules.
pub(super) fn ids() -> Vec<String> {
    all().into_iter().map(|entry| entry.id.to_owned()).collect()
}

fn find(what: &str) -> Result<Entry, Fault> {
    let entries = all();
    let near = nearest(what, entries.iter().map(|entry| entry.id));
    let found = entries.into_iter().find(|entry| entry.id.eq_ignore_ascii_case(what));
    found.ok_or_else(|| {
        let fault = Fault::new(codes::CODE_UNKNOWN).at(what);
        match near {
            Some(near) => fault.detail(format!("did you mean {near}?")),
            None => fault,
        }
    })
}

fn of_code(code: &'static Code) -> Entry {
    Entry {
        id: code.id,
        kind: "code",
        title: code.title,
        help: code.help,
        explain: code.explain,
        exit: Some(code.exit as u8),
        status: Some(code.status),
        strict: None,
        lenient: None,
        code: None,
    }
}

/// A rule; where its errors have a code of their own, what that code says about it.
fn of_rule(
    (id, title): (&'static str, &'static str),
    (strict, lenient): (Severity, Severity),
    code: Option<&'static Code>,
) -> Entry {
    let own = code.filter(|code| *code != codes::LINT);
    Entry {
        id,
        kind: "rule",
        title,
        help: own.map_or("", |code| code.help),
        explain: own.map_or("", |code| code.explain),
        exit: None,
        status: None,
        strict: Some(strict.as_str()),
        lenient: Some(lenient.as_str()),
        code: code.filter(|_| strict == Severity::Error).map(|code| code.id),
    }
}

impl Entry {
    fn say(&self, out: &Output) {
        out.data(format!("{HEAD}{}{HEAD:#}: {}", self.id, self.title));
        if let (Some(exit), Some(status)) = (self.exit, self.status) {
            out.data(format!("{DIM}skill ends with exit code {exit}; a registry answers with HTTP {status}{DIM:#}"));
        }
        if let (Some(strict), Some(lenient)) = (self.strict, self.lenient) {
            let of_suite = self.id.starts_with("suite.");
            let (command, [first, second]) = if of_suite {
                ("skill suite check", ["at the strict level", "at the lenient one"])
            } else {
                ("skill check", ["at publish", "at install"])
            };
            let at = if strict == lenient {
                article(strict)
            } else {
                format!("{} {first}, {} {second}", article(strict), article(lenient))
            };
            let code = self.code.map(|code| format!("; errors are reported as {code}")).unwrap_or_default();
            out.data(format!("{DIM}a rule of {command}: breaking it is {at}{code}{DIM:#}"));
        }
        if !self.explain.is_empty() {
            out.data(format!("\n{}", wrap(self.explain, WIDTH)));
        }
        if !self.help.is_empty() {
            out.data(format!("\n{}", wrap(&format!("What to do: {}.", self.help), WIDTH)));
        }
    }
}

fn article(severity: &str) -> String {
    format!("{} {severity}", if severity == "error" { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_rules_are_found_in_any_case() {
        assert_eq!(find("e_digest").expect("a code").id, "E_DIGEST");
        assert_eq!(find("Name.Format").expect("a rule").kind, "rule");
        let rule = find("content.hidden-char").expect("a rule");
        assert_eq!((rule.code, rule.explain), (Some("E_HIDDEN_CHAR"), codes::HIDDEN_CHAR.explain));
        assert_eq!(find("content.pipe-to-shell").expect("a rule").code, None);
    }

    #[test]
    fn a_misspelt_code_names_its_neighbour() {
        let suggestion = |what: &str| find(what).err().and_then(|fault| fault.detail);
        assert_eq!(suggestion("E_DIGETS").as_deref(), Some("did you mean E_DIGEST?"));
        assert_eq!(suggestion("name.fromat").as_deref(), Some("did you mean name.format?"));
        assert_eq!(suggestion("moon"), None);
    }

    #[test]
    fn no_id_stands_twice() {
        let mut ids: Vec<_> = all().iter().map(|entry| entry.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}

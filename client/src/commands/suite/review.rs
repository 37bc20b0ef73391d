//! `skill suite review`: a person looks at the cases that a model drafted, and keeps, edits or drops each.

use std::{collections::BTreeSet, path::PathBuf};

use serde::Serialize;
use serde_json::Value;
use skill_engine::suite::{Case, DRAFT, Opened, Suite};
use skill_schema::{
    Fault,
    codes::{self, escape},
};

use crate::{
    context::Context,
    files::{self, Durable, Mode},
    output::{DIM, HEAD, Output, count},
    source::Local,
};

/// Keep, edit or drop the cases that a model drafted, one by one.
///
/// A draft is a case with "draft": true. Nothing is measured with a suite that has drafts, because a score is worth what its cases are
/// worth. Keeping a case removes that member; nothing else of the file changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite review                     asks about each draft
  skill suite review --keep fill-w9,fill-i9 --drop too-easy
  skill suite review --json              lists the drafts, without a terminal")]
pub struct Args {
    /// The skill's folder.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Keep these cases as they are: their ids.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    keep: Vec<String>,
    /// Drop these cases: their ids.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    drop: Vec<String>,
}

/// What became of the drafts, as JSON.
#[derive(Serialize)]
struct Reviewed {
    file: String,
    kept: Vec<String>,
    edited: Vec<String>,
    dropped: Vec<String>,
    /// Cases that are drafts still, as written.
    drafts: Vec<Value>,
}

/// What a person decided about a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Keep,
    Edit,
    Drop,
    Later,
}

/// Reviews the drafts of a suite.
///
/// # Errors
/// [`codes::NO_SUITE`], [`codes::SUITE`]; [`codes::USAGE`] for an id that no draft has; [`codes::IO`].
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let Local::Folder(folder) = Local::find(&args.path)? else {
        return Err(Fault::new(codes::USAGE).at(args.path.display().to_string()).detail("a folder is expected").into());
    };
    let mut opened = Suite::read(&folder)?;
    let named: BTreeSet<&String> = args.keep.iter().chain(&args.drop).collect();
    let known: BTreeSet<&String> =
        opened.suite.cases.iter().filter(|case| case.is_draft()).map(|case| &case.id).collect();
    if let Some(other) = named.difference(&known).next() {
        return Err(Fault::new(codes::USAGE).at((*other).clone()).detail("no draft has this id").into());
    }
    let asks = named.is_empty() && context.interactive() && !context.output.json();
    let reviewed = review(&mut opened, context, |case, out| {
        if args.drop.contains(&case.id) {
            return Ok(Decision::Drop);
        }
        if args.keep.contains(&case.id) {
            return Ok(Decision::Keep);
        }
        if asks { ask(case, context, out) } else { Ok(Decision::Later) }
    })?;
    context.output.result_or("skill.suite.review/1", &reviewed, |out| say(&reviewed, asks, out));
    Ok(())
}

/// Asks about every draft of the suite in a folder, at a terminal. For whoever has just made one.
///
/// # Errors
/// As [`run`].
pub fn at_terminal(folder: &std::path::Path, context: &Context) -> anyhow::Result<()> {
    let mut opened = Suite::read(folder)?;
    let reviewed = review(&mut opened, context, |case, out| ask(case, context, out))?;
    say(&reviewed, true, &context.output);
    Ok(())
}

/// Decides about each draft, and writes the suite after each decision, so that nothing is lost if it is left in the middle.
fn review(
    opened: &mut Opened,
    context: &Context,
    decide: impl Fn(&Case, &Output) -> Result<Decision, Fault>,
) -> anyhow::Result<Reviewed> {
    let file = opened.folder.path_of(&opened.file);
    let shown = super::shown(opened, &opened.file);
    let mut reviewed =
        Reviewed { file: shown, kept: Vec::new(), edited: Vec::new(), dropped: Vec::new(), drafts: Vec::new() };
    let mut at = 0;
    while let Some(case) = opened.suite.cases.get_mut(at) {
        if !case.is_draft() {
            at += 1;
            continue;
        }
        let id = case.id.clone();
        match decide(case, &context.output)? {
            Decision::Later => {
                reviewed.drafts.push(Value::Object(case.raw.clone()));
                at += 1;
                continue;
            }
            Decision::Drop => {
                opened.suite.cases.remove(at);
                reviewed.dropped.push(id);
            }
            Decision::Keep => {
                case.raw.remove(DRAFT);
                reviewed.kept.push(id);
            }
            Decision::Edit => {
                edit(case, context)?;
                case.raw.remove(DRAFT);
                reviewed.edited.push(id);
            }
        }
        let text = opened.suite.to_text(Some(&opened.source));
        // What was typed must be a suite still.
        Suite::parse(text.as_bytes())?;
        files::replace(&file, text.as_bytes(), Mode::Normal, Durable::Yes)?;
    }
    Ok(reviewed)
}

/// Shows a case and asks what to do with it.
fn ask(case: &Case, context: &Context, out: &Output) -> Result<Decision, Fault> {
    let member =
        |name: &str| case.raw.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    out.talk(format!("\n{HEAD}{}{HEAD:#}  {}", escape(&case.id), escape(&case.category)));
    for name in ["prompt", "query", "should_trigger", "expected_output", "expectations", "checks"] {
        if let Some(text) = member(name) {
            out.talk(format!("{DIM}{name:>15}{DIM:#}  {}", escape(&text)));
        }
    }
    loop {
        let answer = context.ask("Keep, edit, drop, or later? [k/e/d/l]", None, "--keep ID")?;
        match answer.trim().to_lowercase().as_str() {
            "k" | "keep" | "y" | "yes" => return Ok(Decision::Keep),
            "e" | "edit" => return Ok(Decision::Edit),
            "d" | "drop" | "n" | "no" => return Ok(Decision::Drop),
            "l" | "later" => return Ok(Decision::Later),
            _ => out.talk("type k, e, d or l"),
        }
    }
}

/// Asks for the prompt and the checks again; the checks as JSON, since they can be anything.
fn edit(case: &mut Case, context: &Context) -> Result<(), Fault> {
    for name in ["prompt", "query"] {
        if let Some(before) = case.raw.get(name).and_then(Value::as_str) {
            let after = context.ask(name, Some(before), "--keep ID")?;
            case.raw.insert(name.to_owned(), after.into());
        }
    }
    let Some(before) = case.raw.get("checks").map(ToString::to_string) else { return Ok(()) };
    loop {
        let after = context.ask("checks, as JSON", Some(&before), "--keep ID")?;
        match serde_json::from_str::<Value>(&after) {
            Ok(checks) if checks.is_array() => {
                case.raw.insert("checks".to_owned(), checks);
                return Ok(());
            }
            Ok(_) => context.output.talk("a list is expected"),
            Err(error) => context.output.talk(format!("that is no JSON: {error}")),
        }
    }
}

fn say(reviewed: &Reviewed, asked: bool, out: &Output) {
    let row = |case: &Value| {
        let text = |name: &str| case[name].as_str().map(escape).unwrap_or_default();
        let asks = if case["prompt"].is_string() { text("prompt") } else { text("query") };
        let id = case["id"].as_str().map_or_else(|| case["id"].to_string(), escape);
        let checks = if case["checks"].is_array() { escape(&case["checks"].to_string()) } else { String::new() };
        vec![id, asks, checks]
    };
    let rows: Vec<Vec<String>> = reviewed.drafts.iter().map(row).collect();
    if !rows.is_empty() && !asked {
        out.table(&["draft", "asks", "checks"], &rows);
    }
    let decided = reviewed.kept.len() + reviewed.edited.len() + reviewed.dropped.len();
    if decided > 0 {
        out.status("Reviewed", format!("{}, {} dropped", count(decided, "case"), reviewed.dropped.len()));
    }
    if reviewed.drafts.is_empty() {
        out.status("Reviewed", format!("{} has no drafts", reviewed.file));
        out.hint("skill suite check, then: skill eval");
    } else {
        out.note(format!("{} left", count(reviewed.drafts.len(), "draft")));
        out.hint("skill suite review in a terminal asks about each; --keep and --drop name them");
    }
}

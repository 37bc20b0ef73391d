//! `skill tried`: what was tried on a skill already, so that nobody tries it again: in the runs of this machine, or as a registry has it.

mod ledger;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde::Serialize;
use skill_engine::improve::{results::HEADER, shop::RESULTS};
use skill_schema::{Fault, codes, codes::escape, skill_md::SkillMd, spec::Spec};

use super::improve::{MAX_TRIED, TRIED, runs_of};
use crate::{context::Context, files, output::count};

/// Show what was tried to improve a skill, and what came of it.
///
/// Of a published skill, attempts are what the log has: each was logged before it was measured. Experiments are the log of skill improve, if
/// one was published with a version: its publisher sent it, and nothing signs it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill tried                     the skill in this folder
  skill tried pdf-forms           by name, in the runs of this machine
  skill tried acme/pdf-forms      published: every attempt, and the experiments that were sent along
  skill tried --status discard    what did not help
  skill tried --json")]
pub struct Args {
    /// A skill's folder or name, the name of a run, or a published skill: [registry:]scope/name.
    #[arg(value_name = "NAME|PATH", default_value = ".")]
    skill: String,
    /// Only what ended so.
    #[arg(long, value_name = "STATUS", value_parser = ["keep", "discard", "crash", "leak", "invalid", "budget"])]
    status: Option<String>,
}

/// What was tried, as JSON.
#[derive(Serialize)]
struct Tried {
    items: Vec<Item>,
}

/// One experiment. Text is what the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    run: String,
    experiment: String,
    parent: String,
    operator: String,
    status: String,
    delta: Option<String>,
    train_score: Option<String>,
    commit: Option<String>,
    description: String,
}

/// Shows it.
///
/// # Errors
/// [`codes::NO_PATH`] if nothing was tried on this skill; [`codes::NOT_FOUND`] if no registry has it, and what the network refuses.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    if !Path::new(&args.skill).exists()
        && let Ok(spec) = args.skill.parse::<Spec>()
    {
        return ledger::run(&spec, args.status.as_deref(), context).await;
    }
    let mut items = Vec::new();
    for (run, text) in logs(context, &args.skill)? {
        items.extend(rows(&text, &run));
    }
    // A log that travelled with the skill and a run of this machine can tell of the same experiment.
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert((item.run.clone(), item.experiment.clone())));
    items.retain(|item| args.status.as_ref().is_none_or(|status| *status == item.status));
    let tried = Tried { items };
    context.output.result_or("skill.tried/1", &tried, |out| {
        let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let row = |item: &Item| {
            vec![
                item.run.clone(),
                item.experiment.clone(),
                item.operator.clone(),
                item.status.clone(),
                cell(&item.delta),
                escape(&item.description),
            ]
        };
        let rows: Vec<Vec<String>> = tried.items.iter().map(row).collect();
        out.table(&["Run", "No.", "Kind", "Ended", "Δ", "Idea"], &rows);
        let kept = tried.items.iter().filter(|item| item.status == "keep").count();
        out.note(format!("{}, {kept} kept", count(tried.items.len(), "experiment")));
    });
    Ok(())
}

/// The logs that tell of a skill: beside its suite, and of this machine's runs. Each with the run's name where the log has no column for it.
fn logs(context: &Context, named: &str) -> Result<Vec<(String, String)>, Fault> {
    let mut found = Vec::new();
    let path = Path::new(named);
    let (mut name, mut source) = (named.to_owned(), None);
    if path.is_dir() {
        if let Some(text) = files::read_text(&path.join("evals").join(TRIED), MAX_TRIED)? {
            found.push((String::new(), text));
        }
        let content = files::read(&path.join(skill_schema::skill_md::FILE), MAX_TRIED)?.unwrap_or_default();
        name = SkillMd::read(&content).ok().and_then(|text| text.name).unwrap_or_default();
        source = path.canonicalize().ok();
    }
    let bare = name.rsplit('/').next().unwrap_or_default().to_owned();
    for run in runs_of(context)? {
        let here = source.as_ref().is_some_and(|source: &PathBuf| *source == run.source);
        if here || run.tag == named || (!bare.is_empty() && run.name == bare) {
            let text = files::read_text(&run.folder.join(RESULTS), MAX_TRIED)?;
            found.extend(text.map(|text| (run.tag, text)));
        }
    }
    if found.is_empty() {
        return Err(Fault::new(codes::NO_PATH).at(named).detail("nothing was tried on a skill of this name"));
    }
    Ok(found)
}

/// The experiments of a log; the start and lines of another form are left out.
fn rows(text: &str, run: &str) -> Vec<Item> {
    let mut lines = text.lines();
    if !lines.next().is_some_and(|line| line.starts_with(HEADER)) {
        return Vec::new();
    }
    lines.filter_map(|line| item(line, run)).collect()
}

fn item(line: &str, run: &str) -> Option<Item> {
    let cells: Vec<&str> = line.split('\t').collect();
    let cell = |at: usize| cells.get(at).map(|cell| (*cell).to_owned());
    let known = |at: usize| cell(at).filter(|cell| cell != "-");
    let item = Item {
        run: cell(16).unwrap_or_else(|| run.to_owned()),
        experiment: cell(5)?,
        parent: cell(6)?,
        operator: cell(7)?,
        status: cell(3)?,
        delta: known(8),
        train_score: cell(1).filter(|score| score.parse::<f64>().is_ok_and(|score| score > 0.0)),
        commit: known(0),
        description: cell(4)?,
    };
    (item.operator != "start").then_some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_log_are_read_and_anything_else_is_not() {
        let line = "abc1234\t0.500000\t0.0\tkeep\tshorter\t3\t0\tsimplify\t0.1000\t0.0\t0.1\t6\t7\t0\t0.000000\t90";
        let start = "abc1234\t0.400000\t0.0\tkeep\tthe start\t0\t-\tstart\t-\t-\t-\t6\t7\t0\t0.000000\t90";
        let found = rows(&format!("{HEADER}\n{start}\n{line}\nshort\n"), "night");
        assert_eq!((found.len(), found[0].run.as_str(), found[0].delta.as_deref()), (1, "night", Some("0.1000")));
        let travelled = rows(&format!("{HEADER}\trun\n{line}\tother\n"), "");
        assert_eq!(travelled[0].run, "other");
        assert_eq!(rows(&format!("x\n{line}\n"), "night"), []);
    }
}

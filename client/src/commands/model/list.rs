//! `skill model list`: the models of this machine.

use serde::Serialize;
use skill_engine::model::store::Info;

use crate::{context::Context, evals::models, output::bytes};

/// List the models of this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill model list
  skill model list --json")]
pub struct Args {}

#[derive(Serialize)]
struct List {
    items: Vec<Info>,
}

/// Lists.
///
/// # Errors
/// [`skill_schema::codes::MODEL`] if the store cannot be read.
pub(super) fn run(_args: &Args, context: &Context) -> anyhow::Result<()> {
    let list = List { items: models::store(context)?.list().map_err(models::fault)? };
    context.output.result_or("skill.model.list/1", &list, |out| {
        let row = |info: &Info| {
            vec![info.name.clone(), bytes(info.bytes), info.sha256.to_string()[..12].to_owned(), info.source.clone()]
        };
        let rows: Vec<Vec<String>> = list.items.iter().map(row).collect();
        if rows.is_empty() {
            out.note("no models; skill model pull adds one");
        } else {
            out.table(&["Model", "Size", "SHA-256", "From"], &rows);
        }
    });
    Ok(())
}

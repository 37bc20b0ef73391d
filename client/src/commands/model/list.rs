//! `skill model list`: the models of this machine.

use crate::{context::Context, evals::models, output::bytes};

/// List the models of this machine.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Lists.
///
/// # Errors
/// [`skill_schema::codes::MODEL`] if the store cannot be read.
pub(super) fn run(_args: &Args, context: &Context) -> anyhow::Result<()> {
    let all = models::store(context)?.list().map_err(models::fault)?;
    context.output.result_or("skill.model.list/1", &all, |out| {
        let row = |info: &skill_engine::model::store::Info| {
            vec![info.name.clone(), bytes(info.bytes), info.sha256.to_string()[..12].to_owned(), info.source.clone()]
        };
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        if rows.is_empty() {
            out.note("no models; skill model pull adds one");
        } else {
            out.table(&["Model", "Size", "SHA-256", "From"], &rows);
        }
    });
    Ok(())
}

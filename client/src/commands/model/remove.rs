//! `skill model remove`: a model that is not needed any more.

use crate::{context::Context, evals::models, output::bytes};

/// Remove a model from this machine.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its name, or the first digits of its SHA-256.
    #[arg(value_name = "MODEL")]
    model: String,
}

/// Removes.
///
/// # Errors
/// [`skill_schema::codes::MODEL`] if there is no such model or several.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let store = models::store(context)?;
    let info = store.find(&args.model).map_err(models::fault)?;
    store.remove(&info.sha256).map_err(models::fault)?;
    context.output.result_or("skill.model/1", &info, |out| {
        out.status("Removed", format!("{} ({})", info.name, bytes(info.bytes)));
    });
    Ok(())
}

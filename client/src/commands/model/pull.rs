//! `skill model pull`: a model into the store, by its digest.

use std::path::Path;

use skill_schema::{Digest, Fault, codes};

use crate::{context::Context, evals::models, output::bytes, progress::Progress};

/// Add a model to this machine: from an address with its SHA-256, or from a file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill model pull ./Qwen3-4B.gguf                          a file
  skill model pull https://…/model.gguf --sha256 b179c9…    an address")]
pub struct Args {
    /// An address or a file, in GGUF.
    #[arg(value_name = "URL|FILE")]
    from: String,
    /// SHA-256 of the file; needed for an address.
    #[arg(long, value_name = "HEX")]
    sha256: Option<Digest>,
    /// The name by which it is asked for [default: that of the file].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Pulls.
///
/// # Errors
/// [`codes::MODEL`], [`codes::MODEL_UNAVAILABLE`]; [`codes::USAGE`] for an address without a digest.
pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let store = models::store(context)?;
    let is_url = args.from.starts_with("https://") || args.from.starts_with("http://");
    let file = args.from.rsplit(['/', std::path::MAIN_SEPARATOR]).next().unwrap_or(&args.from);
    let name = args.name.as_deref().unwrap_or(file.strip_suffix(".gguf").unwrap_or(file));
    let info = if is_url {
        let digest = args.sha256.ok_or_else(|| {
            Fault::new(codes::USAGE).detail("--sha256 is needed for an address: models are pinned by their digest")
        })?;
        let bar = std::sync::Mutex::new((None::<Progress>, 0));
        let progress = |done: u64, total: Option<u64>| {
            let mut state = bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let before = state.1;
            state.1 = done;
            let shown = state.0.get_or_insert_with(|| Progress::bytes(&context.output, "Fetching", total.unwrap_or(0)));
            shown.advance(done.saturating_sub(before));
        };
        store.pull(&args.from, &digest, name, progress).await.map_err(models::fault)?
    } else {
        let added = store.add_file(Path::new(&args.from), name, args.sha256.as_ref());
        added.map_err(|error| models::fault(error).at(args.from.clone()))?
    };
    context.output.result_or("skill.model/1", &info, |out| {
        out.status("Added", format!("{} ({}, sha256 {})", info.name, bytes(info.bytes), info.sha256));
        out.hint(format!("skill eval --model embedded:{}", info.name));
    });
    Ok(())
}

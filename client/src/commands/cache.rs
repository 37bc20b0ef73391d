//! `skill cache`: what is kept on this machine and can be fetched again.

mod gc;
mod verify;

use std::collections::BTreeSet;

use serde::Serialize;
use skill_schema::{Digest, Fault, lock::Lock};

use crate::{
    context::Context,
    files,
    output::{bytes, count},
    store::Store,
    workspace::Inventory,
};

/// Look at and tidy up what is kept on this machine.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show where downloads and skills are kept.
    #[command(after_help = "Example:\n  skill cache dir")]
    Dir,
    /// List the skills in the store, with their size and whether a project uses them.
    #[command(after_help = "Examples:\n  skill cache ls\n  skill cache ls --json")]
    Ls,
    /// Remove what no project uses and nobody touched for a while.
    #[command(
        after_help = "Examples:\n  skill cache gc\n  skill cache gc --keep 0d --dry-run\n  skill cache gc --max-size 500MB"
    )]
    Gc(gc::Args),
    /// Remove all downloads and indexes. Installed skills stay.
    #[command(after_help = "Examples:\n  skill cache clean\n  skill cache clean --dry-run")]
    Clean {
        /// Say what would be removed, and remove nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Hash everything again and compare it with its name.
    #[command(after_help = "Example:\n  skill cache verify")]
    Verify,
}

/// Runs `skill cache`.
///
/// # Errors
/// [`skill_schema::codes::IO`]; [`skill_schema::codes::VERIFY_FAILED`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::Dir => dir(context),
        Command::Ls => ls(context)?,
        Command::Gc(args) => gc::run(&args, context)?,
        Command::Clean { dry_run } => clean(context, dry_run)?,
        Command::Verify => verify::run(context)?,
    }
    Ok(())
}

#[derive(Serialize)]
struct Dir {
    cache: String,
    store: String,
}

fn dir(context: &Context) {
    let result = Dir {
        cache: context.env.cache_dir.display().to_string(),
        store: context.env.data_dir.join("store").display().to_string(),
    };
    context.output.result_or("skill.cache.dir/1", &result, |out| out.data(&result.cache));
}

#[derive(Serialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    tree: String,
    name: Option<String>,
    bytes: u64,
    used: bool,
}

fn ls(context: &Context) -> Result<(), Fault> {
    let store = Store::new(&context.env);
    let used = used(context)?;
    let trees = store.trees()?;
    let items = trees.iter().map(|tree| {
        Ok(Item {
            tree: tree.to_string(),
            name: title(&store, tree)?,
            bytes: files::size(&store.path(tree))?,
            used: used.contains(tree),
        })
    });
    let list = List { items: items.collect::<Result<_, Fault>>()? };
    context.output.result_or("skill.cache.ls/1", &list, |out| {
        let rows = list.items.iter().map(|item| {
            let name = item.name.clone().unwrap_or_else(|| "?".to_owned());
            let used = if item.used { "used" } else { "unused" };
            vec![name, bytes(item.bytes), used.to_owned(), item.tree.clone()]
        });
        out.table(&["skill", "size", "state", "tree"], &rows.collect::<Vec<_>>());
    });
    Ok(())
}

/// Name and version of a stored skill, from its own `skill.toml`.
fn title(store: &Store, tree: &Digest) -> Result<Option<String>, Fault> {
    let path = store.path(tree).join(skill_schema::manifest::FILE);
    let text = files::read_text(&path, skill_schema::manifest::MAX_BYTES)?;
    let manifest = text.and_then(|text| skill_schema::manifest::Manifest::parse(&text).ok());
    Ok(manifest.map(|manifest| format!("{} {}", manifest.id, manifest.version)))
}

/// The trees that some project (or the global installs) uses: what its lock names, and what we placed for it. A lock that cannot be
/// read is an error: guessing could delete what it names.
///
/// # Errors
/// [`skill_schema::codes::LOCK_FILE`], [`skill_schema::codes::IO`].
pub fn used(context: &Context) -> Result<BTreeSet<Digest>, Fault> {
    let mut used = BTreeSet::new();
    let folder = context.env.data_dir.join("installs");
    for name in crate::store::names(&folder)? {
        let inventory = Inventory::read(&folder.join(name), std::path::Path::new(""))?;
        used.extend(inventory.entries().iter().filter(|p| p.path.symlink_metadata().is_ok()).map(|p| p.tree));
        let path = inventory.root().join(skill_schema::lock::FILE);
        if let Some(text) = files::read_text(&path, skill_schema::lock::MAX_BYTES)? {
            let lock = Lock::parse(&text).map_err(|finding| {
                Fault::new(skill_schema::codes::LOCK_FILE).at(path.display().to_string()).detail(finding.message)
            })?;
            used.extend(lock.skills.iter().map(|locked| locked.tree));
        }
    }
    Ok(used)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cleaned {
    dry_run: bool,
    bytes: u64,
    files: usize,
}

fn clean(context: &Context, dry_run: bool) -> Result<(), Fault> {
    let mut cleaned = Cleaned { dry_run, bytes: 0, files: 0 };
    for folder in ["archives", "index", "log"].map(|name| context.env.cache_dir.join(name)) {
        if !folder.is_dir() {
            continue;
        }
        cleaned.bytes += files::size(&folder)?;
        cleaned.files += files::count(&folder)?;
        if !dry_run {
            std::fs::remove_dir_all(&folder).map_err(|e| files::fault(&folder, &e))?;
        }
    }
    let end = if dry_run { "   (dry run: nothing was changed)" } else { "" };
    context.output.result_or("skill.cache.clean/1", &cleaned, |out| {
        out.status("Removed", format!("{}, {}{end}", count(cleaned.files, "file"), bytes(cleaned.bytes)));
    });
    Ok(())
}

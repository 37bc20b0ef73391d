//! `skill suite import`: cases from elsewhere.

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_engine::suite::{
    Suite,
    folder::{EVALS, FILE},
    import, pack,
};
use skill_schema::{Fault, Limits, codes, lint};

use crate::{
    context::Context,
    files::{self, Durable, Mode},
    output::{Output, count},
    source::{self, Local},
};

/// Take cases from another skill, an evals.json, a list of queries, a workspace of skill-creator, or a packed suite.
///
/// Cases that are there already are not added again, and nothing is overwritten: a case whose id is taken gets a new one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite import ../other-skill
  skill suite import ~/pdf-forms-workspace     of skill-creator; the newest iteration counts
  skill suite import queries.json --into pdf-forms
  skill suite import pdf-forms-suite.tar.gz    into a skill without a suite")]
pub struct Args {
    /// Where the cases are.
    #[arg(value_name = "FROM")]
    from: PathBuf,
    /// The skill's folder that they go to.
    #[arg(long, value_name = "PATH", default_value = ".")]
    into: PathBuf,
    /// Write nothing; say what would be added.
    #[arg(long)]
    dry_run: bool,
}

/// What was added, as JSON.
#[derive(Serialize)]
struct Imported {
    from: String,
    file: String,
    added: Vec<String>,
    cases: usize,
    files: Vec<String>,
    notes: Vec<String>,
    written: bool,
}

/// Imports a suite.
///
/// # Errors
/// [`codes::NO_SUITE`], [`codes::SUITE`], [`codes::EXISTS`] if a file would be overwritten, [`codes::IO`].
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let Local::Folder(folder) = Local::find(&args.into)? else {
        return Err(Fault::new(codes::USAGE).at(args.into.display().to_string()).detail("a folder is expected").into());
    };
    let added = if is_packed(&args.from) { unpack(args, &folder)? } else { merge(args, &folder)? };
    context.output.result_or("skill.suite.import/1", &added, |out| say(&added, out));
    if added.written && !added.added.is_empty() {
        let opened = Suite::read(&folder)?;
        super::warn_of_errors(&opened.lint(lint::Level::Strict), context);
    }
    Ok(())
}

fn is_packed(from: &Path) -> bool {
    from.is_file() && from.to_string_lossy().ends_with(".tar.gz")
}

/// A packed suite becomes the suite of a skill that has none, with its lock.
fn unpack(args: &Args, folder: &Path) -> Result<Imported, Fault> {
    let sealed = pack::open(&source::read_archive(&args.from)?)?;
    // Whatever it is, its digests can be computed: nothing is missing in it.
    sealed.digests()?;
    let target = folder.join(EVALS);
    if target.symlink_metadata().is_ok() {
        let detail = "a packed suite goes to a skill that has none";
        return Err(Fault::new(codes::EXISTS).at(target.display().to_string()).detail(detail));
    }
    if !args.dry_run {
        sealed.unpack(folder)?;
    }
    Ok(Imported {
        from: args.from.display().to_string(),
        file: target.join(FILE).display().to_string(),
        added: sealed.suite.cases.iter().map(|case| case.id.clone()).collect(),
        cases: sealed.suite.cases.len(),
        files: sealed.package.files().map(|file| file.path.to_owned()).collect(),
        notes: Vec::new(),
        written: !args.dry_run,
    })
}

/// Adds cases to the suite of a skill, which is made if there is none.
fn merge(args: &Args, folder: &Path) -> Result<Imported, Fault> {
    let found = import::import(&args.from)?;
    let evals = folder.join(EVALS);
    let file = evals.join(FILE);
    let (mut suite, source) = if file.symlink_metadata().is_ok() {
        let opened = Suite::read(folder)?;
        (opened.suite, Some(opened.source))
    } else {
        let mut document = found.suite.document.clone();
        document["skill_name"] = super::skill_name(folder).into();
        document["evals"] = serde_json::json!([]);
        (Suite::from_value(document)?, None)
    };
    let added = suite.absorb(&found.suite)?;
    let mut fresh = Vec::new();
    for owned in &found.files {
        let target = evals.join(&owned.path);
        match files::read(&target, Limits::V1.file)? {
            Some(there) if there == owned.content => {}
            Some(_) => {
                let detail = "it differs from the file of the same name that comes along";
                return Err(Fault::new(codes::EXISTS).at(target.display().to_string()).detail(detail));
            }
            None => fresh.push(owned),
        }
    }
    let anything = !added.is_empty() || !fresh.is_empty();
    if anything && !args.dry_run {
        for owned in &fresh {
            let target = evals.join(&owned.path);
            files::replace(&target, &owned.content, Mode::Normal, Durable::Yes)?;
            if owned.executable {
                make_executable(&target)?;
            }
        }
        // The suite comes last: it never names a file that is not there yet.
        files::replace(&file, suite.to_text(source.as_ref()).as_bytes(), Mode::Normal, Durable::Yes)?;
    }
    Ok(Imported {
        from: args.from.display().to_string(),
        file: file.strip_prefix(".").unwrap_or(&file).display().to_string(),
        added,
        cases: suite.cases.len(),
        files: fresh.iter().map(|owned| owned.path.clone()).collect(),
        notes: found.notes,
        written: !args.dry_run,
    })
}

/// Adds the execute bits where there are read bits, as the umask left them.
fn make_executable(path: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::PermissionsExt;
    let io = |e: std::io::Error| files::fault(path, &e);
    let mode = std::fs::metadata(path).map_err(io)?.permissions().mode();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2)).map_err(io)
}

fn say(added: &Imported, out: &Output) {
    added.notes.iter().for_each(|note| out.warn(skill_schema::codes::escape(note)));
    let files =
        if added.files.is_empty() { String::new() } else { format!(" and {}", count(added.files.len(), "file")) };
    let what = format!("{}{files}", count(added.added.len(), "case"));
    let now = format!("{}, {} now", added.file, count(added.cases, "case"));
    match (added.written, added.added.len()) {
        (_, 0) if added.files.is_empty() => out.status("Unchanged", format!("{now}: everything is there already")),
        (true, _) => {
            out.status("Added", format!("{what} to {now}"));
            out.hint("skill suite check, then: skill suite split");
        }
        (false, _) => out.status("Would add", format!("{what} to {now}")),
    }
}

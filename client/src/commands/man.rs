//! `skill man`: manual pages.

use std::path::PathBuf;

use clap_mangen::Man;
use serde::Serialize;
use skill_schema::Fault;

use super::help;
use crate::{
    cli,
    context::Context,
    files::{self, Durable, Mode},
    output::count,
};

/// Write the manual pages, or print one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill man | man -l -                          read the page of skill
  skill man publish | man -l -                  read the page of skill publish
  skill man --dir ~/.local/share/man/man1       install all pages")]
pub struct Args {
    /// The command to print the page of; that of skill itself if none is named.
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write all pages into this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
    /// Say what would be written.
    #[arg(long, requires = "dir")]
    dry_run: bool,
}

#[derive(Serialize)]
struct Pages {
    dir: String,
    files: Vec<String>,
    written: bool,
}

/// Runs `skill man`.
///
/// # Errors
/// [`skill_schema::codes::USAGE`] for an unknown command, [`skill_schema::codes::IO`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let mut root = cli::command();
    root.build();
    match args.dir {
        None => context.output.bytes(&page(help::find(&root, &args.command)?)?.1),
        Some(folder) => {
            let mut pages = Vec::new();
            all(&root, &mut pages)?;
            for (name, page) in pages.iter().filter(|_| !args.dry_run) {
                files::replace(&folder.join(name), page, Mode::Normal, Durable::No)?;
            }
            let dir = folder.display().to_string();
            let files: Vec<String> = pages.into_iter().map(|(name, _)| name).collect();
            let result = Pages { dir, files, written: !args.dry_run };
            context.output.result_or("skill.man/1", &result, |out| {
                let verb = if result.written { "Wrote" } else { "Would write" };
                out.status(verb, format!("{} to {}", count(result.files.len(), "page"), result.dir));
            });
        }
    }
    Ok(())
}

/// The pages of a command and of all below it.
fn all(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
    pages.push(page(command)?);
    command.get_subcommands().try_for_each(|inner| all(inner, pages))
}

/// A page: the file's name and its text.
fn page(command: &clap::Command) -> Result<(String, Vec<u8>), Fault> {
    // A page has room for what `-h` leaves out.
    let command = command.clone().mut_args(|arg| arg.hide_short_help(false));
    let man = Man::new(command).manual("skill");
    let name = man.get_filename();
    let mut text = Vec::new();
    man.render(&mut text).map_err(|e| files::fault(std::path::Path::new(&name), &e))?;
    // What stands behind the options are our examples.
    let text = String::from_utf8_lossy(&text).replace("\n.SH EXTRA\n", "\n.SH EXAMPLES\n");
    Ok((name, text.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_examples() {
        let mut root = cli::command();
        root.build();
        let mut pages = Vec::new();
        all(&root, &mut pages).expect("pages");
        for (name, text) in &pages {
            let text = String::from_utf8(text.clone()).expect("text");
            assert!(name.starts_with("skill") && name.ends_with(".1"), "{name}");
            assert!(text.contains(".SH SYNOPSIS") && text.contains("Draw no progress bar"), "{name}");
        }
        assert!(pages.iter().any(|(name, text)| {
            name == "skill-explain.1" && String::from_utf8_lossy(text).contains(".SH EXAMPLES")
        }));
    }
}

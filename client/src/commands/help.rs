//! `skill help`: the help of a command, a topic, or the whole command tree for programs and for docs/cli.md.

mod groups;
mod markdown;
mod topics;
mod tree;

use serde::Serialize;
use skill_schema::{Fault, codes};

use crate::{cli, context::Context, output::HEAD, suggest::nearest};

pub use groups::grouped;
pub use markdown::markdown;

/// Show the help of a command or a topic.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill help install
  skill help exit-codes
  skill help --json                    the command tree, for programs
  skill help --markdown > docs/cli.md

Topics:
  exit-codes    what the exit codes mean
  environment   the variables that are read
  specifiers    how to name skills and versions
  files         which files are read and written")]
pub struct Args {
    /// A command (key new) or a topic (exit-codes).
    #[arg(value_name = "COMMAND|TOPIC")]
    what: Vec<String>,
    /// Print the reference of all commands as Markdown.
    #[arg(long, conflicts_with = "what")]
    markdown: bool,
}

#[derive(Serialize)]
struct Topic {
    name: &'static str,
    title: &'static str,
    text: String,
}

/// Runs `skill help`.
///
/// # Errors
/// [`codes::USAGE`] for what is neither a command nor a topic.
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let output = &context.output;
    if args.markdown {
        output.bytes(markdown().as_bytes());
        return Ok(());
    }
    let topic = args.what.first().filter(|_| args.what.len() == 1).and_then(|name| topics::find(name));
    if let Some(topic) = topic {
        let topic = Topic { name: topic.name, title: topic.title, text: (topic.text)() };
        output.result_or("skill.help.topic/1", &topic, |out| {
            out.data(format!("{HEAD}{}{HEAD:#}\n\n{}", topic.title, topic.text.trim_end()));
        });
        return Ok(());
    }
    let mut root = cli::command();
    root.build();
    let command = find(&root, &args.what)?;
    output.result_or("skill.help/1", &tree::node(command, &args.what), |out| {
        out.data(command.clone().render_long_help().ansi().to_string().trim_end());
    });
    Ok(())
}

/// The commands and topics.
pub(super) fn words() -> Vec<String> {
    let root = cli::command();
    let commands = root.get_subcommands().filter(|c| !c.is_hide_set()).map(clap::Command::get_name);
    commands.chain(topics::ALL.iter().map(|topic| topic.name)).map(str::to_owned).collect()
}

/// The command of this path below the root: `["key", "new"]`.
///
/// # Errors
/// [`codes::USAGE`] with a suggestion.
pub(super) fn find<'c>(root: &'c clap::Command, path: &[String]) -> Result<&'c clap::Command, Fault> {
    let mut command = root;
    for name in path {
        command = command.find_subcommand(name).ok_or_else(|| {
            let known = command.get_subcommands().filter(|c| !c.is_hide_set()).map(clap::Command::get_name);
            let topics = topics::ALL.iter().map(|topic| topic.name).filter(|_| path.len() == 1);
            let fault = Fault::new(codes::TOPIC_UNKNOWN).at(path.join(" "));
            match nearest(name, known.chain(topics)) {
                Some(near) => fault.detail(format!("did you mean {near}?")),
                None => fault,
            }
        })?;
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn commands_are_found_by_path_and_misspelt_ones_suggested() {
        let root = cli::command();
        assert_eq!(find(&root, &path("cache dir")).map(clap::Command::get_name), Ok("dir"));
        let detail = |text: &str| find(&root, &path(text)).err().and_then(|fault| fault.detail);
        assert_eq!(detail("explian").as_deref(), Some("did you mean explain?"));
        assert_eq!(detail("exit-code").as_deref(), Some("did you mean exit-codes?"));
        assert_eq!(detail("frobnicate"), None);
    }

    #[test]
    fn no_topic_has_the_name_of_a_command() {
        let root = cli::command();
        for topic in topics::ALL {
            assert!(root.find_subcommand(topic.name).is_none(), "{}", topic.name);
        }
    }

    #[test]
    fn the_help_names_every_topic() {
        let root = cli::command();
        let help = root.find_subcommand("help").and_then(clap::Command::get_after_help).map(ToString::to_string);
        for topic in topics::ALL {
            assert!(help.as_deref().is_some_and(|text| text.contains(topic.name)), "{}", topic.name);
        }
    }
}

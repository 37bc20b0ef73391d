//! The command tree as data: what programs read with `skill help --json`, and what docs/cli.md is written from.

use clap::{Arg, ArgAction, Command};
use serde::Serialize;

/// A command.
#[derive(Debug, Serialize)]
pub(super) struct Node {
    /// Its name: `new`.
    pub name: String,
    /// All words that call it: `skill key new`.
    pub command: String,
    /// Other names that call it.
    pub aliases: Vec<String>,
    /// What it does, in a line.
    pub about: String,
    /// What more there is to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// Its usage line.
    pub usage: String,
    /// Examples, as help shows them.
    pub examples: String,
    /// What it takes by position.
    pub arguments: Vec<Item>,
    /// What it takes by flag; those of every command only at the root.
    pub options: Vec<Item>,
    /// The commands below it.
    pub commands: Vec<Node>,
}

/// An argument or an option.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    /// How it is written: `--limit <N>`, `<SPEC>...`.
    pub usage: String,
    /// `--limit`.
    pub long: Option<String>,
    /// `-l`.
    pub short: Option<String>,
    /// What its value is called, if it takes one.
    pub value: Option<String>,
    /// What it does.
    pub help: String,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it may be given several times.
    pub repeatable: bool,
    /// The only values it takes.
    pub values: Vec<String>,
    /// The value without it.
    pub default: Vec<String>,
    /// Whether every command has it.
    pub global: bool,
}

/// The tree below a command that was built ([`Command::build`]); `path` are the words that call it, without `skill`.
pub(super) fn node(command: &Command, path: &[String]) -> Node {
    let text = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string).unwrap_or_default();
    let about = text(command.get_about());
    let long = text(command.get_long_about());
    let usage = command.clone().render_usage().to_string();
    let own = |arg: &&Arg| !arg.is_hide_set() && (path.is_empty() || !arg.is_global_set());
    Node {
        name: command.get_name().to_owned(),
        command: [&["skill".to_owned()], path].concat().join(" "),
        aliases: command.get_visible_aliases().map(str::to_owned).collect(),
        details: long.strip_prefix(&about).unwrap_or(&long).trim().to_owned(),
        about,
        usage: usage.strip_prefix("Usage: ").unwrap_or(&usage).trim().to_owned(),
        examples: text(command.get_after_help()),
        arguments: command.get_positionals().filter(own).map(item).collect(),
        options: command.get_opts_and_flags().filter(own).map(item).collect(),
        commands: command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set())
            .map(|inner| node(inner, &[path, &[inner.get_name().to_owned()]].concat()))
            .collect(),
    }
}

/// Options and flags, without those that clap adds to every command.
trait OptsAndFlags {
    fn get_opts_and_flags(&self) -> impl Iterator<Item = &Arg>;
}

impl OptsAndFlags for Command {
    fn get_opts_and_flags(&self) -> impl Iterator<Item = &Arg> {
        self.get_arguments().filter(|arg| !arg.is_positional() && !matches!(arg.get_id().as_str(), "help" | "version"))
    }
}

fn item(arg: &Arg) -> Item {
    let takes_value = arg.get_action().takes_values();
    let names = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>();
    let values = if takes_value { arg.get_possible_values() } else { Vec::new() };
    let many = arg.get_num_args().is_some_and(|n| n.max_values() > 1);
    Item {
        usage: arg.to_string(),
        long: arg.get_long().map(|long| format!("--{long}")),
        short: arg.get_short().map(|short| format!("-{short}")),
        value: takes_value.then(|| names.join(" ")),
        help: arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default(),
        required: arg.is_required_set(),
        repeatable: many || matches!(arg.get_action(), ArgAction::Append | ArgAction::Count),
        values: values.iter().filter(|v| !v.is_hide_set()).map(|v| v.get_name().to_owned()).collect(),
        default: if takes_value {
            arg.get_default_values().iter().map(|v| v.to_string_lossy().into_owned()).collect()
        } else {
            Vec::new()
        },
        global: arg.is_global_set(),
    }
}

//! The list of commands in the help of `skill` itself: by what one wants to do, since forty names in a row help nobody.

use std::fmt::Write;

use clap::Command;

use crate::output::HEAD;

/// The commands, by what one wants to do.
pub(super) const ALL: &[(&str, &[&str])] = &[
    ("Find skills", &["search", "leaderboard", "info", "diff", "lineage", "use", "run"]),
    ("Install skills", &["add", "install", "remove", "update", "outdated", "sync", "lock"]),
    ("See what is installed", &["list", "status", "tree", "why", "verify", "bundle"]),
    (
        "Write and publish skills",
        &["create", "new", "init", "check", "version", "pack", "publish", "yank", "deprecate"],
    ),
    ("Change other people's skills", &["fork", "pull-upstream", "propose", "proposal"]),
    (
        "Measure skills",
        &["eval", "improve", "tried", "benchmark", "compare", "report", "reproduce", "suite", "worker", "model"],
    ),
    (
        "Accounts, keys and registries",
        &["login", "logout", "whoami", "key", "owner", "token", "registry", "quarantine"],
    ),
    ("This program", &["config", "cache", "doctor", "explain", "help", "schema", "completions", "man"]),
];
/// Columns of a name.
const NAME: usize = 13;
/// Columns of what it does.
const ABOUT: usize = 84;

/// The root command, whose help lists the commands in groups.
pub fn grouped(root: Command) -> Command {
    let listing = listing(&root);
    let template = format!(
        "{{about}}{{after-help}}\n\n{{usage-heading}} {{usage}}\n\n{listing}{HEAD}Options{HEAD:#}\n{{options}}\n"
    );
    root.help_template(template).subcommand_help_heading("Commands")
}

fn listing(root: &Command) -> String {
    let mut text = String::new();
    for (title, names) in ALL {
        let _ = writeln!(text, "{HEAD}{title}{HEAD:#}");
        for command in names.iter().filter_map(|name| root.find_subcommand(name)) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {:NAME$} {}", command.get_name(), first_sentence(&about));
        }
        text.push('\n');
    }
    text
}

/// The first sentence of a text, or its part before a colon where that is too long for a list.
pub(super) fn first_sentence(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    let first = line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.');
    if first.chars().count() <= ABOUT { first } else { first.split_once(": ").map_or(first, |(head, _)| head) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cli;

    #[test]
    fn every_command_stands_in_one_group() {
        let root = cli::command();
        let real: BTreeSet<&str> = root.get_subcommands().filter(|c| !c.is_hide_set()).map(Command::get_name).collect();
        let listed: Vec<&str> = ALL.iter().flat_map(|(_, names)| *names).copied().collect();
        let unique: BTreeSet<&str> = listed.iter().copied().collect();
        assert_eq!(listed.len(), unique.len(), "no command stands twice");
        assert_eq!(real, unique);
    }

    #[test]
    fn the_list_fits_a_terminal() {
        for line in listing(&cli::command()).lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

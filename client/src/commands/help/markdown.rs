//! docs/cli.md: the reference of all commands, written from the commands themselves.

use std::fmt::Write;

use super::{
    groups, topics,
    tree::{Item, Node, node},
};
use crate::cli;

/// The text of docs/cli.md.
pub fn markdown() -> String {
    let mut command = cli::command();
    command.build();
    let root = node(&command, &[]);
    let mut text =
        String::from("# The command line\n\nWritten by `skill help --markdown > docs/cli.md`; do not edit.\n");
    let _ = writeln!(text, "\n{}\n\n```text\n{}\n```\n", root.about, root.examples.trim());
    let sorted: Vec<(&str, Vec<&Node>)> = groups::ALL
        .iter()
        .map(|(title, names)| {
            (*title, names.iter().filter_map(|name| root.commands.iter().find(|c| c.name == *name)).collect())
        })
        .collect();
    for (title, commands) in &sorted {
        let _ = writeln!(text, "| {title} | |\n| --- | --- |");
        for inner in commands {
            let anchor = inner.command.replace(' ', "-");
            let _ =
                writeln!(text, "| [`{}`](#{anchor}) | {} |", inner.name, cell(groups::first_sentence(&inner.about)));
        }
        text.push('\n');
    }
    text.push_str("## Options of every command\n\n");
    items(&mut text, &root.options);
    for inner in sorted.iter().flat_map(|(_, commands)| commands) {
        section(&mut text, inner, 2);
    }
    for topic in topics::ALL {
        let body = (topic.text)();
        let _ = write!(text, "\n## {}\n\n```text\n{}\n```\n", topic.title, body.trim_end());
    }
    text
}

fn section(text: &mut String, node: &Node, level: usize) {
    let _ = writeln!(text, "\n{} {}\n\n{}.", "#".repeat(level), node.command, node.about.trim_end_matches('.'));
    if !node.details.is_empty() {
        let _ = writeln!(text, "\n{}", node.details);
    }
    if !node.aliases.is_empty() {
        let _ = writeln!(text, "\nAlso called `{}`.", node.aliases.join("`, `"));
    }
    let examples = if node.examples.is_empty() { String::new() } else { format!("\n\n{}", node.examples.trim()) };
    let _ = writeln!(text, "\n```text\n{}{examples}\n```", node.usage);
    if node.arguments.len() + node.options.len() > 0 {
        text.push('\n');
        let all: Vec<&Item> = node.arguments.iter().chain(&node.options).collect();
        items(text, all);
    }
    for inner in &node.commands {
        section(text, inner, level + 1);
    }
}

fn items<'i>(text: &mut String, items: impl IntoIterator<Item = &'i Item>) {
    text.push_str("| option | does |\n| --- | --- |\n");
    for item in items {
        let short = item.short.as_deref().map(|short| format!("`{short}`, ")).unwrap_or_default();
        let usage = match (&item.long, &item.value) {
            (Some(long), Some(value)) => format!("{long} {value}"),
            (Some(long), None) => long.clone(),
            (None, _) => item.usage.clone(),
        };
        let mut help = item.help.trim_end_matches('.').to_owned();
        if !item.values.is_empty() {
            let _ = write!(help, " ({})", item.values.join(", "));
        }
        if !item.default.is_empty() {
            let _ = write!(help, "; default {}", item.default.join(", "));
        }
        let _ = writeln!(text, "| {short}`{}` | {} |", cell(&usage), cell(&help));
    }
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_a_section_for_every_command() {
        let text = markdown();
        for section in ["\n## skill explain\n", "\n### skill cache dir\n", "\n## Exit codes\n", "| `--json` |"] {
            assert!(text.contains(section), "{section}");
        }
        assert!(!text.contains('\u{1b}'), "no style codes");
    }
}

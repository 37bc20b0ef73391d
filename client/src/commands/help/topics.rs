//! Help that belongs to no single command.

use std::fmt::Write;

use skill_schema::codes::Exit;

/// A topic of `skill help`.
pub(super) struct Topic {
    /// What is typed.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its text.
    pub text: fn() -> String,
}

/// All topics.
pub(super) const ALL: &[Topic] = &[
    Topic { name: "exit-codes", title: "Exit codes", text: exit_codes },
    Topic { name: "environment", title: "Environment", text: || ENVIRONMENT.to_owned() },
    Topic { name: "specifiers", title: "Specifiers", text: || SPECIFIERS.to_owned() },
    Topic { name: "files", title: "Files", text: || FILES.to_owned() },
];

/// The topic of this name.
pub(super) fn find(name: &str) -> Option<&'static Topic> {
    ALL.iter().find(|topic| topic.name.eq_ignore_ascii_case(name))
}

/// What each exit code means. The numbers come from the catalogue; a new one must be worded here to compile.
fn meaning(exit: Exit) -> &'static str {
    match exit {
        Exit::Failed => "failed; the message says how",
        Exit::Usage => "the command line is not understood, or an answer is needed and nobody can be asked",
        Exit::NotFound => "what was named does not exist",
        Exit::Auth => "sign-in or a permission is needed",
        Exit::Conflict => "something is in the way: it exists, differs, or skills.lock is out of date",
        Exit::Integrity => "a digest or a signature does not hold",
        Exit::Unavailable => "the network or the registry is not available; trying again may help",
        Exit::Gate => "measured and not better; warnings with --deny warnings; outdated --exit-code",
        Exit::Policy => "a policy refuses it: yanked, quarantined, blocked",
        Exit::Invalid => "not measured: the run is invalid",
        Exit::Budget => "the budget ran out",
        Exit::Interrupted => "interrupted (Ctrl-C)",
    }
}

fn exit_codes() -> String {
    let all = [
        Exit::Failed,
        Exit::Usage,
        Exit::NotFound,
        Exit::Auth,
        Exit::Conflict,
        Exit::Integrity,
        Exit::Unavailable,
        Exit::Gate,
        Exit::Policy,
        Exit::Invalid,
        Exit::Budget,
        Exit::Interrupted,
    ];
    let mut text = String::from("    0  done\n");
    for exit in all {
        let _ = writeln!(text, "  {:>3}  {}", exit as u8, meaning(exit));
    }
    text.push_str("\nEvery error has a code of its own as well: skill explain --list\n");
    text
}

const ENVIRONMENT: &str = "\
A flag wins over a variable, a variable over the project's and the user's configuration.

  SKILL_REGISTRY       name or address of the registry to use (--registry)
  SKILL_TOKEN          API token
  SKILL_TOKEN_FILE     file that holds the API token (--token-file)
  SKILL_OFFLINE        1: use only what is in the store and the cache (--offline)
  SKILL_LOCKED         1: fail if skills.lock would change (--locked)
  SKILL_AGENT          agents to install for, separated by commas (--agent)
  SKILL_COLOR          auto, always or never (--color)
  SKILL_JSON           1: results as JSON (--json)
  SKILL_NO_INPUT       1: ask nothing (--no-input)
  SKILL_JOBS           downloads at the same time (--jobs)
  SKILL_LOG            info or debug (-v, -vv)
  SKILL_HTTP_TIMEOUT   seconds without a byte after which a connection is given up
  SKILL_CONFIG         the user's configuration file
  SKILL_CACHE_DIR      the cache
  SKILL_HOME           one folder for configuration, cache and data

  NO_COLOR, CLICOLOR_FORCE, TERM       colours
  CI                                   no animation, no questions, a line for each item
  PAGER, VISUAL, EDITOR                programs that are started for you
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY    proxies
  SSL_CERT_FILE                        certificate authorities to trust
  SOURCE_DATE_EPOCH                    the time to write into files and statements
  XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_DATA_HOME, HOME

There is no telemetry; DO_NOT_TRACK has nothing to switch off.
";

const SPECIFIERS: &str = "\
[registry:]scope/name[@which]

  cisco/codeguard              the highest release that is not yanked
  cisco/codeguard@latest       the same
  cisco/codeguard@1.4.0        exactly this version
  cisco/codeguard@^1.2         the highest in a range; also ~1.2.3, >=1.2, <2, 1.* (1.2 means ^1.2)
  cisco/codeguard@best         the best-scored version, once there are scores
  cisco/codeguard@sha256:…     the version with this tree digest
  work:cisco/codeguard         from the configured registry `work`

  ./notes, ../notes.tar.gz     a skill on this machine, by its folder or package
  path:notes                   the same, where the path could be taken for a name

A scope has up to 39, a name up to 64 characters: a-z, 0-9 and single inner hyphens.
";

const FILES: &str = "\
In a skill's folder
  SKILL.md                     what agents read: frontmatter and instructions
  skill.toml                   what the registry needs: name, version, licence, dependencies
  .skillignore                 what is not packed, as in .gitignore

In a project
  skills.toml                  the skills it wants, with version ranges
  skills.lock                  exactly what was installed; commit it
  .skill/config.toml           its configuration
  .agents/skills/, .claude/skills/, …
                               the agents' folders, where skills are linked or copied

Of the user
  $XDG_CONFIG_HOME/skill/config.toml         configuration
  $XDG_CONFIG_HOME/skill/credentials.toml    API tokens (mode 0600)
  $XDG_CONFIG_HOME/skill/keys/               signing keys
  $XDG_DATA_HOME/skill/store/                skills by content, read-only
  $XDG_CACHE_HOME/skill/                     downloads; can be removed at any time

Of the machine
  /etc/skill/config.toml                     configuration

A flag wins over the environment, then the project's configuration, the user's, the machine's.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_have_their_numbers() {
        let text = exit_codes();
        assert!(text.contains("\n    6  a digest or a signature") && text.contains("\n  130  interrupted"), "{text}");
    }
}

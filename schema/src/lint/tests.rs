//! The validator's table: each rule, both sides of each limit, at both levels.

mod reports;

use super::*;

const NAME: &str = "notes";

/// The rules with their weight that a SKILL.md breaks at a level, in a folder called `notes` with nothing else in it.
fn broken(level: Level, text: &[u8]) -> Vec<String> {
    let files = [File { path: "SKILL.md", content: text, executable: false }];
    let findings = check(Some(NAME), &files, Options { level, profile: Profile::AgentSkills });
    findings.iter().map(|f| format!("{} {}", f.severity.as_str(), f.rule)).collect()
}

fn strict(text: &str) -> Vec<String> {
    broken(Level::Strict, text.as_bytes())
}

fn lenient(text: &str) -> Vec<String> {
    broken(Level::Lenient, text.as_bytes())
}

/// A SKILL.md with this frontmatter.
fn front(yaml: &str) -> String {
    format!("---\n{yaml}\n---\nbody\n")
}

/// A SKILL.md with name and description, and these lines besides.
fn with(extra: &str) -> String {
    front(&format!("name: notes\ndescription: Takes notes.\n{extra}"))
}

/// Checks that a text breaks exactly one rule, with these weights.
fn one(text: &str, rule: &str, strict_weight: &str, lenient_weight: &str) {
    assert_eq!(strict(text), [format!("{strict_weight} {rule}")], "strict: {text:?}");
    assert_eq!(lenient(text), [format!("{lenient_weight} {rule}")], "lenient: {text:?}");
}

fn clean(text: &str) {
    assert_eq!(strict(text), [] as [&str; 0], "{text:?}");
}

#[test]
fn a_plain_skill_has_no_findings() {
    clean(&with(
        "license: MIT\ncompatibility: any\nmetadata:\n  author: me\n  version: \"1.0\"\nallowed-tools: Bash(git:*) Read",
    ));
    clean("---\r\nname: notes\r\ndescription: Takes notes.\r\n---\r\nbody\r\n");
    clean("---\nname: notes\ndescription: Takes notes.\n---");
    clean("---\nname: \"notes\"\ndescription: 'It''s for notes --- all of them.'\n---\n---\n");
    clean("---\nname: notes\ndescription: |\n  One\n  ---\n  two: three\n---\n");
    clean(&with("# a comment\nmetadata: {author: me}"));
    clean(&with("license: \"a\tb\" #\tc\nmetadata: {\n  author: me,\n  }"));
    clean("---\nname: notes\ndescription: |\n  a\tb\n...\n---\n");
}

#[test]
fn what_no_agent_can_load_is_an_error_at_both_levels() {
    for (text, rule) in [
        (&b"---\nname: notes\ndescription: na\xefve\n---\n"[..], "skill.encoding"),
        (b"---\nname: notes\ndescription: a\0b\n---\n", "skill.nul"),
        (b"", "frontmatter.missing"),
        (b"# Notes\n", "frontmatter.missing"),
        (b"\n---\nname: notes\ndescription: x\n---\n", "frontmatter.missing"),
        (b"---\nname: notes\ndescription: x\n", "frontmatter.unclosed"),
        (b"---\n---\n", "frontmatter.not-a-mapping"),
        (b"---\njust text\n---\n", "frontmatter.not-a-mapping"),
        (b"---\n- name\n---\n", "frontmatter.not-a-mapping"),
        (b"---\nname: \"notes\n---\n", "frontmatter.invalid"),
        (b"---\nname: notes\n\tdescription: x\n---\n", "frontmatter.invalid"),
        (b"---\nname: notes\n  description: x\n---\n", "frontmatter.invalid"),
        (b"---\n%YAML 1.2\n---\nname: notes\n", "frontmatter.invalid"),
        (b"---\nname: notes\ndescription: x\n...\nmore: y\n---\n", "frontmatter.invalid"),
        (b"---\n...\nname: notes\ndescription: x\n---\n", "frontmatter.invalid"),
        (b"---\nname: notes\ndescription: x\nname: notes\n---\n", "frontmatter.duplicate-key"),
        (b"---\nname: notes\ndescription: x\n\"name\": notes\n---\n", "frontmatter.duplicate-key"),
        (b"---\nname: notes\ndescription: &a x\n---\n", "frontmatter.anchor"),
        (b"---\nname: notes\ndescription: !!str x\n---\n", "frontmatter.tag"),
        (b"---\nname: notes\ndescription: x\nmetadata:\n  <<: z\n---\n", "frontmatter.merge-key"),
        (b"---\nname: notes\ndescription: x\nmetadata:\n  [a]: b\n---\n", "frontmatter.key"),
        (b"---\nname: notes\n---\n", "description.missing"),
        (b"---\nname: notes\ndescription:\n---\n", "description.empty"),
        (b"---\nname: notes\ndescription: [x]\n---\n", "description.empty"),
        (b"---\nname: notes\ndescription: *x\n---\n", "frontmatter.alias"),
        (b"---\nname: notes\ndescription: x\ncompatibility: *.md\n---\n", "frontmatter.alias"),
        (b"---\nname: notes\ndescription: \"  \"\n---\n", "description.empty"),
    ] {
        for level in [Level::Strict, Level::Lenient] {
            assert_eq!(broken(level, text), [format!("error {rule}")], "{level:?} {:?}", String::from_utf8_lossy(text));
        }
    }
}

#[test]
fn aliases_are_refused_where_they_stand_and_never_expanded() {
    let text = with("metadata:\n  a: &x z\n  b: *x\n  c: *nowhere");
    assert_eq!(strict(&text), ["error frontmatter.anchor", "error frontmatter.alias", "error frontmatter.alias"]);
    let bomb = "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]";
    assert!(
        strict(&with(&format!("metadata:\n  {}", bomb.replace('\n', "\n  "))))
            .contains(&"error frontmatter.alias".into())
    );
    let glob = with("paths: *.md");
    assert!(strict(&glob).contains(&"error frontmatter.alias".into()), "{:?}", strict(&glob));
}

#[test]
fn what_agents_load_all_the_same_is_a_warning_when_lenient() {
    for (text, rule) in [
        (front("description: x"), "name.missing"),
        (front("name:\ndescription: x"), "name.empty"),
        (front("name: [notes]\ndescription: x"), "name.type"),
        (with("license: [MIT]"), "license.type"),
        (with("license: 2"), "license.type"),
        (with("license:"), "license.type"),
        (with("compatibility: [a]"), "compatibility.type"),
        (with("compatibility: true"), "compatibility.type"),
        (with("compatibility: \"\""), "compatibility.empty"),
        (with("compatibility:"), "compatibility.empty"),
        (with("metadata: text"), "metadata.type"),
        (with("metadata: [a]"), "metadata.type"),
        (with("metadata:"), "metadata.type"),
        (with("allowed-tools: {a: b}"), "allowed-tools.type"),
        (with("allowed-tools: [[a]]"), "allowed-tools.type"),
        (with("allowed-tools: 7"), "allowed-tools.type"),
        (with("allowed-tools: \"\""), "allowed-tools.type"),
        (front("name: notes\ndescription: 42"), "description.type"),
        (front("name: notes\ndescription: true"), "description.type"),
        (with("metadata:\n  a: 'b\n  c'"), "frontmatter.indentation"),
        (with("metadata: {a:\nb}"), "frontmatter.indentation"),
        (front("name: notes\ndescription: Use when: asked"), "frontmatter.unquoted-colon"),
        (front("name: notes\ndescription: Steps:"), "frontmatter.unquoted-colon"),
        (front("name: notes\ndescription: Takes\n  notes: all of them"), "frontmatter.unquoted-colon"),
    ] {
        one(&text, rule, "error", "warning");
    }
}

#[test]
fn what_only_reads_badly_is_a_warning_at_both_levels() {
    for (text, rule) in [
        ("\u{feff}---\nname: notes\ndescription: x\n---\n".to_owned(), "skill.bom"),
        (with("purpose: x"), "frontmatter.unknown-key"),
        (with("model: opus"), "frontmatter.unknown-key"),
        (with("1: x"), "frontmatter.unknown-key"),
        (with("license: on"), "frontmatter.ambiguous"),
        (with("compatibility: 2026-01-01"), "frontmatter.ambiguous"),
        (with("license: ="), "frontmatter.ambiguous"),
        (with("metadata:\n  a: <<"), "frontmatter.ambiguous"),
        (front("name:\tnotes\ndescription: x"), "frontmatter.ambiguous"),
        (front("name: notes\ndescription: a\tb"), "frontmatter.ambiguous"),
        (front("name: notes\ndescription: a\u{2028}b"), "frontmatter.ambiguous"),
        (with("allowed-tools: [Read, Write]"), "allowed-tools.list"),
        (with("allowed-tools:\n  - Read"), "allowed-tools.list"),
        (with("metadata:\n  version: 1.0"), "metadata.value"),
        (with("metadata:\n  on: yes"), "metadata.value"),
        (with("metadata:\n  openclaw:\n    emoji: x"), "metadata.nested"),
        (with("metadata:\n  tags: [a]"), "metadata.nested"),
        (front("name: notes\ndescription: Takes <notes"), "description.angle-brackets"),
        (front("name: notes\ndescription: A -> B"), "description.angle-brackets"),
        (format!("{}{}", with(""), "x\n".repeat(500)), "body.lines"),
        (format!("{}[a](b.md)\n", with("")), "link.broken"),
        (format!("{}[a](../b.md)\n", with("")), "link.outside"),
    ] {
        one(&text, rule, "warning", "warning");
    }
}

#[test]
fn names_follow_the_rule() {
    let named = |name: &str| broken_in(name, &front(&format!("name: {name}\ndescription: x")));
    for good in ["a", "notes", "pdf-forms", "3d", "\"42\"", &"a".repeat(64)] {
        assert_eq!(named(good), [] as [&str; 0], "{good}");
    }
    for (bad, rule) in [
        ("Notes", "name.format"),
        ("my_notes", "name.format"),
        ("my notes", "name.format"),
        ("-notes", "name.format"),
        ("notes-", "name.format"),
        ("my--notes", "name.format"),
        ("café", "name.format"),
        ("笔记", "name.format"),
        ("\" notes\"", "name.format"),
        (&"a".repeat(65), "name.length"),
        ("con", "name.reserved"),
        ("lpt1", "name.reserved"),
        ("42", "name.type"),
        ("true", "name.type"),
    ] {
        assert_eq!(named(bad), [format!("error {rule}")], "{bad}");
    }
    one(&front("name: other\ndescription: x"), "name.folder", "error", "warning");
}

/// The rules broken at the strict level in a folder that is called as the YAML scalar says.
fn broken_in(name: &str, text: &str) -> Vec<String> {
    let files = [File { path: "SKILL.md", content: text.as_bytes(), executable: false }];
    let findings = check(Some(name.trim_matches('"')), &files, Options::default());
    findings.iter().map(|f| format!("{} {}", f.severity.as_str(), f.rule)).collect()
}

#[test]
fn lengths_count_characters_not_bytes() {
    let described = |text: &str| front(&format!("name: notes\ndescription: {text}"));
    let no_note =
        |found: Vec<String>| -> Vec<String> { found.into_iter().filter(|f| !f.starts_with("note")).collect() };
    assert_eq!(no_note(strict(&described(&"é".repeat(1024)))), [] as [&str; 0]);
    assert_eq!(no_note(strict(&described(&"é".repeat(1025)))), ["error description.length"]);
    assert_eq!(no_note(lenient(&described(&"é".repeat(1025)))), ["warning description.length"]);
    clean(&with(&format!("compatibility: {}", "é".repeat(500))));
    one(&with(&format!("compatibility: {}", "é".repeat(501))), "compatibility.length", "error", "warning");
}

#[test]
fn a_long_description_is_named_with_its_count_and_the_limit() {
    let text = front(&format!("name: notes\ndescription: {}", "a".repeat(1068)));
    let files = [File { path: "SKILL.md", content: text.as_bytes(), executable: false }];
    let findings = check(Some(NAME), &files, Options::default());
    let finding = findings.iter().find(|f| f.rule == "description.length").unwrap();
    assert_eq!(finding.message, "`description` has 1068 characters, more than the limit of 1024");
    assert_eq!((finding.line, finding.column, finding.len), (Some(3), Some(14), Some(1068)));
    assert_eq!(finding.code, Some(crate::codes::LINT));
}

#[test]
fn both_sides_of_the_budgets_of_the_frontmatter() {
    let sized = |bytes: usize| {
        let head = "name: notes\ndescription: x\n# ";
        format!("---\n{head}{}\n---\n", "x".repeat(bytes - head.len() - 1))
    };
    clean(&sized(16 * 1024));
    one(&sized(16 * 1024 + 1), "frontmatter.too-large", "error", "error");

    let nested = |depth: usize| with(&format!("metadata: {}{}", "[".repeat(depth), "]".repeat(depth)));
    assert_eq!(strict(&nested(31)), ["error metadata.type"], "31 lists in the mapping of the file: 32 levels");
    assert_eq!(strict(&nested(32)), ["error frontmatter.too-large"]);
    assert_eq!(strict(&nested(8_000)), ["error frontmatter.too-large"]);

    let many = |items: usize| with(&format!("metadata: [{}]", vec!["x"; items].join(",")));
    assert_eq!(strict(&many(4_993)), ["error metadata.type"], "with the seven other nodes 5,000");
    assert_eq!(strict(&many(4_994)), ["error frontmatter.too-large"]);
}

#[test]
fn profiles_know_the_extensions_of_their_agent() {
    let found = |profile, yaml: &str| {
        let text = with(yaml);
        let files = [File { path: "SKILL.md", content: text.as_bytes(), executable: false }];
        check(Some(NAME), &files, Options { level: Level::Strict, profile }).len()
    };
    let claude = "context: fork\nmodel: opus\nallowed-tools: [Read]";
    assert_eq!(found(Profile::Claude, claude), 0);
    assert_eq!(found(Profile::AgentSkills, claude), 3);
    assert_eq!(found(Profile::Codex, claude), 3);
    let openclaw = "homepage: https://example.com\nmetadata:\n  openclaw: {emoji: x}";
    assert_eq!(found(Profile::OpenClaw, openclaw), 0);
    assert_eq!(found(Profile::AgentSkills, openclaw), 2);
    for profile in Profile::ALL {
        assert_eq!(Profile::find(profile.as_str()), Some(profile));
    }
}

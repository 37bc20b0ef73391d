//! What findings say: places, offered fixes, bounds, JSON; and that no input makes the validator panic.

use super::*;

#[test]
fn findings_name_the_place_in_characters() {
    let text = "---\nname: notes\ndescripton: Füllt Formulare\ndescription: Füllt <b>\nmetadata:\n  größe: 10\n---\n";
    let files = [File { path: "SKILL.md", content: text.as_bytes(), executable: false }];
    let findings = check(Some(NAME), &files, Options::default());
    let places: Vec<_> =
        findings.iter().map(|f| (f.rule, f.line.unwrap(), f.column.unwrap(), f.len.unwrap())).collect();
    assert_eq!(
        places,
        [("frontmatter.unknown-key", 3, 1, 10), ("description.angle-brackets", 4, 20, 1), ("metadata.value", 6, 10, 2),]
    );
    assert_eq!(findings[0].message, "unknown field `descripton`, did you mean `description`?");
    let missing =
        check(Some(NAME), &[File { content: front("Name: notes").as_bytes(), ..files[0] }], Options::default());
    assert!(missing.iter().any(|f| f.help.as_deref() == Some("rename the field `Name` to `name`")));
}

#[test]
fn the_offered_fix_for_an_unquoted_colon_is_the_line_as_it_should_be() {
    let text = "---\nname: notes\ndescription: Say \"hi\". Use when: asked\nlicense: MIT\n---\nbody\n";
    let files = [File { path: "SKILL.md", content: text.as_bytes(), executable: false }];
    let findings = check(Some(NAME), &files, Options { level: Level::Lenient, ..Options::default() });
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].help.as_deref(), Some("write description: \"Say \\\"hi\\\". Use when: asked\""));
    assert_eq!((findings[0].line, findings[0].column), (Some(3), Some(32)), "at the colon");
    let read = crate::skill_md::SkillMd::read(text.as_bytes()).unwrap();
    assert_eq!(read.description, "Say \"hi\". Use when: asked");
    assert_eq!((read.license.as_deref(), read.body.as_str()), (Some("MIT"), "body\n"));
}

#[test]
fn places_after_a_repaired_value_stay_on_their_lines() {
    let text = "---\nname: notes\ndescription: Use when: asked\n  and: not\n  else\npurpose: x\n---\n[a](b.md)\n";
    let files = [File { path: "SKILL.md", content: text.as_bytes(), executable: false }];
    let findings = check(Some(NAME), &files, Options { level: Level::Lenient, ..Options::default() });
    let lines: Vec<_> = findings.iter().map(|f| (f.rule, f.line.unwrap())).collect();
    assert_eq!(lines, [("frontmatter.unquoted-colon", 3), ("frontmatter.unknown-key", 6), ("link.broken", 8)]);

    let text = "---\nname: notes\ndescription: Use\n  when: <asked>\n---\n";
    let files = [File { path: "SKILL.md", content: text.as_bytes(), executable: false }];
    let findings = check(Some(NAME), &files, Options::default());
    let finding = findings.iter().find(|f| f.rule == "description.angle-brackets").unwrap();
    assert_eq!((finding.line, finding.column, finding.len), (Some(3), Some(1), Some(16)), "the whole line");
}

#[test]
fn a_package_needs_skill_md_in_exactly_this_case() {
    let file = |path| File { path, content: b"", executable: false };
    let found = |files: &[File<'_>]| check(None, files, Options::default()).remove(0);
    assert_eq!(found(&[]).code, Some(crate::codes::NO_SKILL_MD));
    assert_eq!(found(&[file("docs/SKILL.md")]).message, "there is no SKILL.md");
    assert_eq!(found(&[file("skill.md")]).message, "the file is called `skill.md`, not SKILL.md");
}

#[test]
fn executables_belong_into_scripts() {
    let text = with("");
    let skill = File { path: "SKILL.md", content: text.as_bytes(), executable: false };
    let script = |path| File { path, content: b"#!/bin/sh\n", executable: true };
    let found = |path| check(Some(NAME), &[skill, script(path)], Options::default());
    assert_eq!(found("scripts/run.sh"), []);
    assert_eq!(found("run.sh")[0].rule, "file.executable");
    assert_eq!(found("run.sh")[0].file.as_deref(), Some("run.sh"));
}

#[test]
fn skill_toml_is_checked_too_and_must_agree_on_the_name() {
    let text = with("");
    let found = |manifest: &str| -> Vec<_> {
        let files = [
            File { path: "SKILL.md", content: text.as_bytes(), executable: false },
            File { path: "skill.toml", content: manifest.as_bytes(), executable: false },
        ];
        check(None, &files, Options::default()).iter().map(|f| (f.rule, f.code)).collect()
    };
    assert_eq!(found("[skill]\nname = \"acme/notes\"\nversion = \"1.0.0\"\n"), []);
    assert_eq!(
        found("[skill]\nname = \"acme/other\"\nversion = \"1.0.0\"\n"),
        [("manifest.name", Some(crate::codes::MISMATCH))]
    );
    assert_eq!(found("[skill]\n").iter().map(|f| f.0).collect::<Vec<_>>(), ["manifest.missing-key"; 2]);
}

#[test]
fn findings_are_json_with_stable_members() {
    let finding = Finding::warning("frontmatter.unknown-key", "unknown field `x`").file("SKILL.md");
    let finding = finding.place(Place { line: 4, column: 1, len: 1 });
    assert_eq!(
        serde_json::to_value(&finding).unwrap(),
        serde_json::json!({
            "rule": "frontmatter.unknown-key", "code": null, "level": "warning", "message": "unknown field `x`",
            "help": null, "file": "SKILL.md", "line": 4, "column": 1, "length": 1
        })
    );
    assert_eq!(finding.to_fault().sentence().split(": ").next(), Some("SKILL.md:4:1"));
}

#[test]
fn a_quoted_text_is_cut() {
    let text = front(&format!("name: {}\ndescription: x", "N".repeat(5_000)));
    let files = [File { path: "SKILL.md", content: text.as_bytes(), executable: false }];
    for finding in check(Some(NAME), &files, Options::default()) {
        assert!(finding.message.chars().count() <= 501, "{}", finding.rule);
    }
}

#[test]
fn of_very_many_findings_the_heaviest_are_kept() {
    let keys = |n: usize| (0..n).map(|i| format!("k{i}: x")).collect::<Vec<_>>().join("\n");
    let text = front(&format!("{}\ndescription: x\nname: Notes", keys(500)));
    let found = strict(&text);
    assert_eq!(found.len(), 200);
    assert_eq!(found.iter().filter(|f| f.starts_with("error")).count(), 2, "name.format and name.folder");
    assert_eq!(strict(&with(&keys(199))).len(), 199);

    let manifest = format!("[skill]\nname = \"acme/notes\"\nversion = \"1.0.0\"\n{}", keys(500).replace(": x", " = 1"));
    assert_eq!(crate::manifest::check(&manifest).1.len(), 200);
}

proptest::proptest! {
    #[test]
    fn no_file_makes_the_validator_panic(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        yaml in "(name|description|license|metadata|allowed-tools|x): ?[ -~é\\n\\t]{0,80}",
        body in "[-a-z()\\[\\]`~#./ %é\\n]{0,120}",
    ) {
        broken(Level::Strict, &bytes);
        let text = format!("---\nname: notes\n{yaml}\n---\n{body}");
        for level in [Level::Strict, Level::Lenient] {
            broken(level, text.as_bytes());
        }
        let _ = crate::skill_md::SkillMd::read(text.as_bytes());
    }

    #[test]
    fn what_passes_strict_can_be_read(name in "[a-z]{1,9}", description in "[ -~é]{1,60}", key in "[a-z]{3,9}", value in "\\PC{0,20}") {
        let text = format!("---\nname: {name}\ndescription: {description}\n{key}: {value}\n---\n");
        let files = [File { path: "SKILL.md", content: text.as_bytes(), executable: false }];
        let findings = check(Some(&name), &files, Options::default());
        if !findings.iter().any(Finding::is_error) {
            let read = crate::skill_md::SkillMd::read(text.as_bytes()).expect("what passes can be read");
            proptest::prop_assert_eq!(read.name, Some(name));
            proptest::prop_assert!(!read.description.is_empty());
        }
    }
}

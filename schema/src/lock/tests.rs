//! The lock file's exact text, its round trip, and everything that makes it fail closed.

use proptest::prelude::*;

use super::*;

fn digest(byte: u8) -> Digest {
    Digest([byte; 32])
}

fn locked(name: &str) -> Locked {
    Locked {
        name: name.parse().unwrap(),
        version: Version::new(1, 4, 0),
        origin: "skills.example/log".to_owned(),
        tree: digest(0x11),
        archive: digest(0x22),
        signed: Some(Signed { statement: digest(0x33), log: 87_990 }),
        dependencies: Vec::new(),
        requirement: None,
        agents: None,
        copy: false,
    }
}

#[test]
fn the_text_is_exactly_this() {
    let one_off = Locked {
        dependencies: vec!["acme/base".parse().unwrap()],
        requirement: Some("^1.4".parse().unwrap()),
        agents: Some(vec!["codex".to_owned()]),
        copy: true,
        ..locked("acme/notes")
    };
    let lock = Lock { skills: vec![locked("cisco/codeguard"), one_off] };
    insta::assert_snapshot!(lock.to_string(), @r#"
    # Written by skill. Keep it under version control; do not edit it by hand.
    version = 1

    [[skill]]
    name = "acme/notes"
    version = "1.4.0"
    origin = "skills.example/log"
    tree = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
    archive = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
    statement = "sha256:3333333333333333333333333333333333333333333333333333333333333333"
    log = 87990
    dependencies = ["acme/base"]
    requirement = "^1.4"
    agents = ["codex"]
    copy = true

    [[skill]]
    name = "cisco/codeguard"
    version = "1.4.0"
    origin = "skills.example/log"
    tree = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
    archive = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
    statement = "sha256:3333333333333333333333333333333333333333333333333333333333333333"
    log = 87990
    "#);
    assert_eq!(Lock::parse("version = 1\n"), Ok(Lock::default()));
    assert!(Lock::parse(&Lock::default().to_string()).unwrap().get(&"a1/b1".parse().unwrap()).is_none());
}

/// The rule and line of the first error.
fn error(text: &str) -> (&'static str, usize) {
    let finding = Lock::parse(text).expect_err(text);
    assert_eq!(finding.code, Some(codes::LOCK_FILE));
    assert_eq!(finding.file.as_deref(), Some("skills.lock"));
    (finding.rule, finding.line.unwrap())
}

#[test]
fn anything_unexpected_fails_closed_with_its_line() {
    let good = Lock { skills: vec![locked("acme/notes")] }.to_string();
    assert!(Lock::parse(&good).is_ok());
    let change = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        text
    };
    for (text, expected) in [
        (String::new(), ("lock.missing-key", 1)),
        ("version = 1\nskill = 1\n".to_owned(), ("lock.value", 2)),
        (change("version = 1\n", "version = 2\n"), ("lock.value", 2)),
        (change("version = 1\n", "version = \"1\"\n"), ("lock.value", 2)),
        (change("origin =", "source ="), ("lock.missing-key", 4)),
        (change("log = 87990", "log = -1"), ("lock.value", 11)),
        (change("log = 87990", "log = 87990\nnote = \"x\""), ("lock.unknown-key", 12)),
        (change("sha256:1111", "sha512:1111"), ("lock.value", 8)),
        (change("sha256:1111", "sha256:A111"), ("lock.value", 8)),
        (change("\"1.4.0\"", "\"1.4\""), ("lock.value", 6)),
        (change("acme/notes", "acme/Notes"), ("lock.value", 5)),
        (change("log = 87990", "log = 87990\ncopy = \"yes\""), ("lock.value", 12)),
        (change("log = 87990", "log = 87990\ndependencies = [\"x\"]"), ("lock.value", 12)),
        (change("log = 87990", "log = 87990\nlog = 1"), ("lock.syntax", 12)),
        (format!("{good}{}", locked("acme/notes")), ("lock.duplicate", 12)),
        (format!("{good}\n[metadata]\n"), ("lock.unknown-key", 13)),
        (change("log = 87990\n", "<<<<<<< HEAD\nlog = 1\n=======\nlog = 2\n>>>>>>> main\n"), ("lock.conflict", 11)),
        (format!("#{}", " ".repeat(MAX_BYTES)), ("lock.limit", 1)),
    ] {
        assert_eq!(error(&text), expected, "{text:.200}");
    }
}

#[test]
fn a_skill_from_a_path_has_no_statement_and_any_other_has_one() {
    let from_path = Locked { origin: "path:../notes".to_owned(), signed: None, ..locked("local/notes") };
    assert_eq!((from_path.path(), locked("acme/notes").path()), (Some("../notes"), None));
    let text = Lock { skills: vec![from_path.clone()] }.to_string();
    assert!(!text.contains("statement") && !text.contains("log ="), "{text}");
    assert_eq!(Lock::parse(&text), Ok(Lock { skills: vec![from_path] }));
    let signed = Lock { skills: vec![locked("acme/notes")] }.to_string();
    let unsigned =
        |key: &str| signed.lines().filter(|line| !line.starts_with(key)).fold(String::new(), |t, l| t + l + "\n");
    for (text, expected) in [
        (unsigned("statement"), ("lock.missing-key", 4)),
        (unsigned("log"), ("lock.missing-key", 4)),
        (signed.replace("skills.example/log", "path:/srv/notes"), ("lock.value", 10)),
        (format!("{text}log = 1\n"), ("lock.value", 10)),
    ] {
        assert_eq!(error(&text), expected, "{text}");
    }
}

prop_compose! {
    fn any_locked()(
        name in "[b-z]{2,9}/[b-z0-9]{2,9}".prop_filter_map("a name", |n| n.parse::<SkillId>().ok()),
        numbers in (0_u64..99, 0_u64..99, 0_u64..99),
        origin in "[!-~é]{1,40}",
        bytes in any::<[u8; 32]>(),
        log in proptest::option::of(0..u64::try_from(i64::MAX).unwrap()),
        dependencies in proptest::collection::btree_set("[b-z]{2,5}/[b-z]{2,5}", 0..3),
        requirement in proptest::option::of("\\^[0-9]\\.[0-9]"),
        agents in proptest::option::of(proptest::collection::btree_set("[a-z-]{1,9}", 0..3)),
        copy in any::<bool>(),
    ) -> Locked {
        Locked {
            name, version: Version::new(numbers.0, numbers.1, numbers.2),
            origin: if log.is_some() { format!("x{origin}") } else { format!("{PATH}{origin}") },
            tree: Digest(bytes), archive: Digest(bytes),
            signed: log.map(|log| Signed { statement: Digest(bytes), log }),
            dependencies: dependencies.iter().filter_map(|name| name.parse().ok()).collect(),
            requirement: requirement.map(|text| text.parse().unwrap()),
            agents: agents.map(|agents| agents.into_iter().collect()), copy,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(
        skills in proptest::collection::vec(any_locked(), 0..6)
    ) {
        let mut skills = skills;
        skills.sort_by(|a, b| a.name.cmp(&b.name));
        skills.dedup_by(|a, b| a.name == b.name);
        let lock = Lock { skills };
        let text = lock.to_string();
        let read = Lock::parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&lock));
        prop_assert_eq!(read.map(|lock| lock.to_string()), Ok(text));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*", tail in "\\PC{0,40}") {
        let _ = Lock::parse(&text);
        let _ = Lock::parse(&format!("version = 1\n[[skill]]\nname = \"{tail}\"\n"));
    }

    #[test]
    fn a_changed_byte_is_refused_or_read_as_what_it_says(at in 0_usize..500, byte in 32_u8..127) {
        let text = Lock { skills: vec![locked("acme/notes")] }.to_string();
        let mut bytes = text.into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let text = String::from_utf8(bytes).unwrap();
        if let Ok(lock) = Lock::parse(&text) {
            prop_assert_eq!(Lock::parse(&lock.to_string()), Ok(lock));
        }
    }
}

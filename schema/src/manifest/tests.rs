//! The table of `skill.toml`: every key, both sides of each limit.

use super::*;

const HEAD: &str = "[skill]\nname = \"acme/notes\"\nversion = \"1.0.0\"\n";

/// The rules that a manifest breaks, with line, column and length.
fn broken(text: &str) -> Vec<(&'static str, usize, usize, usize)> {
    let (_, findings) = check(text);
    findings.iter().map(|f| (f.rule, f.line.unwrap(), f.column.unwrap(), f.len.unwrap())).collect()
}

/// The rules that a manifest with these lines after its head breaks.
fn rules(more: &str) -> Vec<&'static str> {
    broken(&format!("{HEAD}{more}")).into_iter().map(|(rule, ..)| rule).collect()
}

#[test]
fn every_key_is_read() {
    let text = "[skill]\nname = \"cisco/codeguard\"\nversion = \"1.4.0\"\nlicense = \"CC-BY-4.0\"\nkeywords = [\"security\"]\n\
                repository = \"https://example.com/x\"\n[dependencies]\n\"acme/base\" = \"^2\"\n[fork]\nof = \"cisco/codeguard@1.3.2\"\n\
                [eval]\nsuite = \"evals\"\nthresholds = { uplift = 5, cost = 0.5 }\n";
    let manifest = Manifest::parse(text).unwrap();
    assert_eq!(
        manifest,
        Manifest {
            id: "cisco/codeguard".parse().unwrap(),
            version: Version::new(1, 4, 0),
            license: Some("CC-BY-4.0".to_owned()),
            keywords: vec!["security".to_owned()],
            repository: Some("https://example.com/x".to_owned()),
            dependencies: [("acme/base".parse().unwrap(), "^2".parse().unwrap())].into(),
            fork_of: Some("cisco/codeguard@1.3.2".parse().unwrap()),
            fork_tree: None,
            eval_suite: Some("evals".to_owned()),
            eval_thresholds: [("cost".to_owned(), 0.5), ("uplift".to_owned(), 5.0)].into(),
        }
    );
    assert_eq!(manifest.fork_of.unwrap().to_string(), "cisco/codeguard@1.3.2");
    assert_eq!(Manifest::parse(HEAD).unwrap().dependencies.len(), 0);
}

#[test]
fn the_origin_of_a_fork_may_have_its_tree_and_nothing_else_beside_it() {
    let tree = Digest([7; 32]).prefixed();
    let fork = |lines: &str| format!("[fork]\nof = \"cisco/codeguard@1.3.2\"\n{lines}");
    let manifest = Manifest::parse(&format!("{HEAD}{}", fork(&format!("tree = \"{tree}\"\n")))).unwrap();
    assert_eq!(manifest.fork_tree, Some(Digest([7; 32])));
    for bad in [&tree[7..], &tree[..70], &format!("{tree}0"), &tree.to_uppercase()] {
        assert!(!rules(&fork(&format!("tree = \"{bad}\"\n"))).is_empty(), "{bad}");
    }
    assert_eq!(rules("[fork]\ntree = \"sha256:00\"\n").len(), 2, "without `of`, and too short");
}

#[test]
fn unknown_keys_are_refused_with_their_place_and_a_guess() {
    let text = format!("{HEAD}licence = \"MIT\"\n[dependency]\n");
    let findings = Manifest::parse(&text).unwrap_err();
    let shown: Vec<_> =
        findings.iter().map(|f| (f.line.unwrap(), f.column.unwrap(), f.len.unwrap(), f.message.as_str())).collect();
    assert_eq!(
        shown,
        [
            (4, 1, 7, "unknown key `licence` in [skill], did you mean `license`?"),
            (5, 2, 10, "unknown key `dependency`, did you mean `dependencies`?"),
        ]
    );
    assert!(findings.iter().all(|f| f.code == Some(codes::MANIFEST) && f.file.as_deref() == Some("skill.toml")));
    assert_eq!(findings[0].help.as_deref(), Some("known keys: name, version, license, keywords, repository"));
    assert_eq!(rules("[fork]\nof = \"acme/b@1.0.0\"\nx = 1\n[eval]\ny = 2\n"), ["manifest.unknown-key"; 2]);
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(broken(""), [("manifest.missing-key", 1, 1, 1)]);
    assert_eq!(broken("[skill]\n"), [("manifest.missing-key", 1, 1, 7); 2]);
    assert_eq!(rules("[fork]\n"), ["manifest.missing-key"]);
}

#[test]
fn what_is_not_toml_is_an_error_of_syntax() {
    for text in ["skill", "[skill\n", "[skill]\nname = \"a/b\"\nname = \"a/b\"\n", "a = \u{1}", "[skill]\nname = a/b\n"]
    {
        assert!(broken(text).iter().all(|(rule, ..)| *rule == "manifest.syntax"), "{text:?}: {:?}", broken(text));
        assert!(Manifest::parse(text).is_err());
    }
    let deep = format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(Manifest::parse(&deep).is_err());
}

#[test]
fn values_are_checked() {
    for (lines, rule) in [
        ("license = 7", "manifest.value"),
        ("license = \"\"", "manifest.value"),
        ("license = \"\"\"a\nb\"\"\"", "manifest.value"),
        ("keywords = \"security\"", "manifest.value"),
        ("keywords = [\"Security\"]", "manifest.value"),
        ("keywords = [\"a\", \"a\"]", "manifest.value"),
        ("keywords = [1]", "manifest.value"),
        ("repository = \"git@github.com:a/b\"", "manifest.value"),
        ("repository = \"javascript:alert(1)\"", "manifest.value"),
        ("repository = \"https://\"", "manifest.value"),
        ("repository = \"https://a b\"", "manifest.value"),
        ("[dependencies]\n\"base\" = \"^2\"", "manifest.value"),
        ("[dependencies]\n\"Acme/base\" = \"^2\"", "manifest.value"),
        ("[dependencies]\n\"acme/base\" = \"two\"", "manifest.value"),
        ("[dependencies]\n\"acme/base\" = { version = \"2\" }", "manifest.value"),
        ("[fork]\nof = \"acme/base\"", "manifest.value"),
        ("[fork]\nof = \"acme/base@^2\"", "manifest.value"),
        ("[eval]\nsuite = \"../evals\"", "manifest.value"),
        ("[eval]\nsuite = \"/evals\"", "manifest.value"),
        ("[eval]\nthresholds = { uplift = \"5\" }", "manifest.value"),
        ("[eval]\nthresholds = { uplift = inf }", "manifest.value"),
        ("[eval]\nthresholds = { Uplift = 5 }", "manifest.value"),
        ("license = \"My own\"", "manifest.license"),
        ("license = \"Apache 2\"", "manifest.license"),
    ] {
        assert_eq!(rules(&format!("{lines}\n")), [rule], "{lines}");
    }
    for name in ["notes", "acme/", "acme/Notes", "api/notes", "acme/con", "../x"] {
        assert_eq!(rules_of_name(name, "1.0.0"), ["manifest.value"], "{name}");
    }
    for version in ["1", "1.0", "v1.0.0", "1.0.0+build", ""] {
        assert_eq!(rules_of_name("acme/notes", version), ["manifest.value"], "{version}");
    }
}

fn rules_of_name(name: &str, version: &str) -> Vec<&'static str> {
    let text = format!("[skill]\nname = \"{name}\"\nversion = \"{version}\"\n");
    broken(&text).into_iter().map(|(rule, ..)| rule).collect()
}

#[test]
fn an_unknown_licence_is_a_warning_and_a_known_one_is_not() {
    for license in ["CC-BY-4.0", "MIT OR Apache-2.0", "Apache-2.0 WITH LLVM-exception", "LicenseRef-ours"] {
        assert_eq!(rules(&format!("license = \"{license}\"\n")), [] as [&str; 0], "{license}");
    }
    let text = format!("{HEAD}license = \"Our terms\"\n");
    assert_eq!(Manifest::parse(&text).unwrap().license.as_deref(), Some("Our terms"));
}

#[test]
fn both_sides_of_each_limit() {
    let words = |n: usize| (0..n).map(|i| format!("\"k{i}\"")).collect::<Vec<_>>().join(", ");
    let needs = |n: usize| (0..n).map(|i| format!("\"acme/s{i}\" = \"1\"")).collect::<Vec<_>>().join("\n");
    let limits = |n: usize| (0..n).map(|i| format!("t{i} = 1")).collect::<Vec<_>>().join("\n");
    for (good, bad) in [
        (format!("keywords = [{}]\n", words(MAX_KEYWORDS)), format!("keywords = [{}]\n", words(MAX_KEYWORDS + 1))),
        (format!("keywords = [\"{}\"]\n", "k".repeat(32)), format!("keywords = [\"{}\"]\n", "k".repeat(33))),
        (
            format!("[dependencies]\n{}", needs(MAX_DEPENDENCIES)),
            format!("[dependencies]\n{}", needs(MAX_DEPENDENCIES + 1)),
        ),
        (
            format!("[eval.thresholds]\n{}\n", limits(MAX_THRESHOLDS)),
            format!("[eval.thresholds]\n{}\n", limits(MAX_THRESHOLDS + 1)),
        ),
        (
            format!("repository = \"https://a/{}\"\n", "x".repeat(MAX_REPOSITORY - 10)),
            format!("repository = \"https://a/{}\"\n", "x".repeat(MAX_REPOSITORY - 9)),
        ),
        (format!("[eval]\nsuite = \"{}\"\n", "é".repeat(240)), format!("[eval]\nsuite = \"{}\"\n", "é".repeat(241))),
        (
            format!("license = \"LicenseRef-{}\"\n", "x".repeat(MAX_LICENSE - 11)),
            format!("license = \"LicenseRef-{}\"\n", "x".repeat(MAX_LICENSE - 10)),
        ),
        (
            format!("# {}\n", "x".repeat(MAX_BYTES - HEAD.len() - 3)),
            format!("# {}\n", "x".repeat(MAX_BYTES - HEAD.len() - 2)),
        ),
    ] {
        assert_eq!(rules(&good), [] as [&str; 0], "{good:.60}");
        assert_eq!(rules(&bad), ["manifest.limit"], "{bad:.60}");
    }
}

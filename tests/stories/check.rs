//! Checking a folder or a package.

use skill_tests::Person;

#[test]
fn a_finding_shows_its_place() {
    let nina = Person::alone("nina");
    let project = nina.project("skills");
    project.write("notes/SKILL.md", "---\nname: notes\ndescripton: Takes notes.\n---\n\n# Notes\n");
    let checked = project.skill(&["check", "notes"]);
    assert_eq!(checked.status, 1, "{checked}");
    insta::assert_snapshot!(checked.redacted(&nina.redactions()));
}

#[test]
fn json_has_the_schema_the_verdict_and_the_findings() {
    let nina = Person::alone("nina");
    let project = nina.project("skills");
    project.write(
        "notes/SKILL.md",
        "---\nname: notes\ndescription: Takes notes. Use it for notes.\nflavour: mild\n---\n\n# Notes\n",
    );
    let answer = project.skill(&["check", "notes", "--json"]).ok().json();
    assert_eq!(answer["schema"], "skill.check/1");
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["findings"][0]["rule"], "frontmatter.unknown-key");
    project.skill(&["check", "notes", "--deny", "warnings"]).refused(8, "E_DENIED_WARNINGS");
}

#[test]
fn a_damaged_package_is_refused_with_its_code() {
    let nina = Person::alone("nina");
    let project = nina.project("skills");
    project.write("x.tar.gz", "this is no package");
    let outcome = project.skill(&["check", "x.tar.gz", "--json"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert_eq!(outcome.json()["code"], "E_NOT_GZIP");
    assert_eq!(outcome.json()["ok"], false);
}

#[test]
fn the_examples_pass_without_a_warning() {
    let nina = Person::alone("nina");
    let edited = ["improved/ferry-desk", "reworded/ferry-desk"];
    for name in
        ["changelog-writer", "ferry-desk", "house-style", "sql-review", "tide-forecast"].into_iter().chain(edited)
    {
        let folder = skill_tests::programs::root().join("examples").join(name).to_string_lossy().into_owned();
        nina.skill(&["check", "--deny", "warnings", &folder]).ok();
    }
}

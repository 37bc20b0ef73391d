//! Completions for shells.

use std::process::Command;

use skill_tests::Person;

#[test]
fn bash_accepts_its_completions() {
    let nina = Person::alone("nina");
    let script = nina.skill(&["completions", "bash"]).ok().stdout;
    assert!(script.contains("skill"));
    let status = Command::new("bash").args(["-n", "-c", &script]).status().expect("bash runs");
    assert!(status.success());
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        nina.skill(&["completions", shell]).ok().says("skill");
    }
}

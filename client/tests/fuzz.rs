//! A short deterministic run of the fuzz target that needs the client: known configuration files, and mutations of them.

#[path = "../../fuzz/src/config.rs"]
mod config;

#[path = "../../fuzz/src/mutate.rs"]
mod mutate;

const FULL: &str = "jobs = 2\n\n[registries.main]\nurl = \"https://skills.example\"\nkey = \"skills.example/log+240433c1+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\"\n\n[registries.acme]\nurl = \"http://127.0.0.1:8080/\"\n\n[scopes]\n\"acme\" = \"acme\"\n\"*\" = \"main\"\n\n[install]\ncopy = true\nagents = [\"codex\", \"amp\"]\n\n[network]\nretries = 0\n";

#[test]
fn a_configuration_is_read_or_refused_with_its_place() {
    let inputs = ["", FULL, "[scopes]\n\"*\" = 1\n", "registries.a.url = \"x\"\n"].map(|text| text.as_bytes().to_vec());
    let known = skill_client::config::Config::of_text(FULL, std::path::Path::new("config.toml")).expect("valid");
    assert_eq!(known.registries().expect("valid").len(), 2);
    mutate::run("config", config::config, &inputs, 5_000);
}

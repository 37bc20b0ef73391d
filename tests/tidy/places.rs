//! What may be done only in its one place.

use crate::sources::{self, Source, none};

/// The crates of the product.
const PRODUCT: &[&str] = &["schema", "bundle", "engine", "engine/worker", "client", "registry"];

/// Fails if one of the words occurs in the product's code outside of the allowed files (a folder ends with `/`).
#[track_caller]
fn only_in(words: &[&str], allowed: &[&str], what: &str) {
    let allows = |path: &str| allowed.iter().any(|a| path == *a || (a.ends_with('/') && path.starts_with(a)));
    let found: Vec<String> =
        code().iter().filter(|source| !allows(&source.path)).flat_map(|source| source.places(words)).collect();
    none(&found, what);
}

/// The sources that are built into the programs.
fn code() -> Vec<Source> {
    let mut all = sources::product();
    all.retain(|source| PRODUCT.iter().any(|krate| source.path.starts_with(&format!("{krate}/src/"))));
    all
}

#[test]
fn only_the_store_speaks_sql() {
    // What the database says when it fails is one of the registry's errors.
    only_in(
        &["sqlx"],
        &["registry/src/store.rs", "registry/src/store/", "registry/src/error.rs"],
        "the database is used elsewhere",
    );
    // How a statement begins, and what must follow on the same line for it to be one.
    let statements = [
        ("\"select ", " from "),
        ("\"insert into ", ""),
        ("\"delete from ", ""),
        ("\"create table ", ""),
        ("\"update ", " set "),
    ];
    let found: Vec<String> = code()
        .iter()
        .filter(|source| !source.path.starts_with("registry/src/store"))
        .flat_map(|source| {
            let lines = source.code().map(|(n, line)| (n, line.to_ascii_lowercase()));
            let is_sql =
                |line: &str| statements.iter().any(|(begin, then)| line.contains(begin) && line.contains(then));
            lines
                .filter(|(_, line)| is_sql(line))
                .map(|(n, line)| format!("{}:{n}: {}", source.path, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    none(&found, "a SQL statement outside of the store");
}

#[test]
fn only_output_and_progress_print() {
    let printing = [
        "println!",
        "print!",
        "eprintln!",
        "eprint!",
        "stdout().lock",
        "stderr().lock",
        "stdout().write",
        "stdout().write_all",
        "stderr().write",
        "stderr().write_all",
        "dbg!",
    ];
    let allowed = [
        "client/src/output.rs",
        "client/src/progress.rs",
        // The worker is a program of its own: it talks to the client over stdin and stdout.
        "engine/worker/src/main.rs",
        "engine/worker/src/serve.rs",
        // `skill-registry admin` answers an operator, beside any log.
        "registry/src/cli.rs",
        "registry/src/admin.rs",
        "registry/src/admin/",
    ];
    only_in(&printing, &allowed, "printing outside of its place");
}

#[test]
fn only_two_files_read_the_environment() {
    let reading = ["env::var", "env::vars", "env::var_os", "env::vars_os", "env::home_dir"];
    only_in(&reading, &["client/src/env.rs", "registry/src/config.rs"], "the environment is read elsewhere");
}

#[test]
fn only_the_api_sends_http() {
    only_in(
        &["reqwest"],
        // An eval asks models, and fetches them; neither is a registry. The registry sends checkpoints to the witnesses that its operator configured, and nothing else.
        &[
            "client/src/api.rs",
            "client/src/api/",
            "engine/src/model/",
            "registry/src/upstream.rs",
            "registry/src/log/witnesses.rs",
        ],
        "HTTP is sent elsewhere",
    );
}

#[test]
fn time_and_ids_enter_as_arguments() {
    let reading = ["SystemTime::now", "Timestamp::now", "Zoned::now", "Uuid::now_v7", "Uuid::new_v4"];
    let allowed = ["client/src/clock.rs", "registry/src/clock.rs", "registry/src/ids.rs"];
    only_in(&reading, &allowed, "the clock is read elsewhere");
}

#[test]
fn nothing_is_unpacked_by_the_tar_library() {
    only_in(&["unpack_in", "Archive::unpack", "tar::Archive"], &[], "the tar library unpacks");
}

#[test]
fn both_databases_are_made_from_one_list_of_migrations() {
    let uses: Vec<String> = code().iter().flat_map(|source| source.places(&["migrate!"])).collect();
    assert!(uses.len() == 1 && uses[0].contains("../migrations"), "{uses:?}");
    // Words that one of the two databases does not know, or reads in its own way.
    let foreign = [
        "boolean",
        "serial",
        "bigserial",
        "timestamptz",
        "timestamp",
        "jsonb",
        "autoincrement",
        "bytea",
        "blob",
        "uuid",
        "real",
    ];
    let mut found = Vec::new();
    for file in sources::files(".sql") {
        for (n, line) in file.text.lines().enumerate() {
            let statement = line.split("--").next().unwrap_or_default().to_ascii_lowercase();
            if foreign.iter().any(|word| sources::has_word(&statement, word)) {
                found.push(format!("{}:{}: {}", file.path, n + 1, line.trim()));
            }
        }
    }
    none(&found, "a column is text, bigint or double precision");
}

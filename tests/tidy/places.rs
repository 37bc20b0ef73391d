//! What may be done only in its one place.

use crate::sources::{self, none};

/// Looks for words in one crate's code outside of the allowed files (a folder ends with `/`).
fn only_in(krates: &[&str], words: &[&str], allowed: &[&str], what: &str) {
    let allows =
        |path: &str| allowed.iter().any(|place| path == *place || (place.ends_with('/') && path.starts_with(place)));
    let found: Vec<String> = sources::product()
        .iter()
        .filter(|source| krates.iter().any(|krate| source.path.starts_with(&format!("{krate}/src/"))))
        .filter(|source| !allows(&source.path))
        .flat_map(|source| source.places(words))
        .collect();
    none(&found, what);
}

#[test]
fn only_the_store_speaks_sql() {
    only_in(
        &["registry", "client"],
        &["sqlx"],
        &["registry/src/store.rs", "registry/src/store/"],
        "SQL outside of the store",
    );
    let statements = ["\"select ", "\"insert into ", "\"update ", "\"delete from ", "\"create table ", "\"with "];
    let found: Vec<String> = sources::product()
        .iter()
        .filter(|source| !source.path.starts_with("registry/src/store"))
        .flat_map(|source| {
            let lower = source.text.to_ascii_lowercase();
            statements
                .iter()
                .filter(move |s| lower.contains(*s))
                .map(|s| format!("{}: {s}…", source.path))
                .collect::<Vec<_>>()
        })
        .collect();
    none(&found, "a SQL statement outside of the store");
}

#[test]
fn only_output_and_progress_print() {
    let printing = ["println!", "print!", "eprintln!", "eprint!", "stdout()", "stderr()", "dbg!"];
    let allowed = [
        "client/src/output.rs",
        "client/src/progress.rs",
        // Two programs say where they listen, or what an operator asked for, before and beside any log.
        "registry/src/main.rs",
        "registry/src/admin/",
        "registry/src/admin.rs",
    ];
    only_in(
        &["schema", "bundle", "engine", "client", "registry"],
        &printing,
        &allowed,
        "printing outside of its place",
    );
}

#[test]
fn only_two_files_read_the_environment() {
    let reading =
        ["env::var", "env::vars", "env::var_os", "env::vars_os", "env::current_dir", "env::home_dir", "env::temp_dir"];
    let allowed = ["client/src/env.rs", "registry/src/config.rs"];
    only_in(
        &["schema", "bundle", "engine", "client", "registry"],
        &reading,
        &allowed,
        "the environment is read elsewhere",
    );
}

#[test]
fn only_the_api_sends_http() {
    let allowed = ["client/src/api.rs", "client/src/api/", "client/src/http.rs", "registry/src/upstream.rs"];
    only_in(&["schema", "bundle", "engine", "client", "registry"], &["reqwest"], &allowed, "HTTP is sent elsewhere");
}

#[test]
fn time_and_ids_enter_as_arguments() {
    let reading = [
        "SystemTime::now",
        "Timestamp::now",
        "Zoned::now",
        "OffsetDateTime::now_utc",
        "Utc::now",
        "Uuid::now_v7",
        "Uuid::new_v4",
    ];
    let allowed = ["client/src/clock.rs", "registry/src/clock.rs", "registry/src/ids.rs"];
    only_in(&["schema", "bundle", "engine", "client", "registry"], &reading, &allowed, "the clock is read elsewhere");
}

#[test]
fn nothing_is_unpacked_by_the_tar_library() {
    only_in(&["bundle", "client", "registry"], &["unpack_in", "Archive::unpack", "tar::Archive"], &[], "tar unpacks");
}

#[test]
fn both_databases_are_made_from_one_list_of_migrations() {
    let uses: Vec<String> = sources::product().iter().flat_map(|source| source.places(&["migrate!"])).collect();
    assert_eq!(uses.len(), 1, "{uses:?}");
    assert!(uses[0].contains("../migrations"), "{uses:?}");
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
    let found: Vec<String> = sources::files(".sql")
        .iter()
        .flat_map(|file| {
            let lines = file.text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("--"));
            lines
                .filter(|(_, line)| foreign.iter().any(|word| sources::has_word(&line.to_ascii_lowercase(), word)))
                .map(|(n, line)| format!("{}:{}: {}", file.path, n + 1, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    none(&found, "a column is text, bigint or double precision");
}

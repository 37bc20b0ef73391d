//! What `skill-registry fsck` finds: nothing in a sound registry, and each kind of damage under its name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use skill_registry::{
    Config, Error,
    clock::HOUR,
    fsck::{self, Passed, Report},
};
use skill_schema::{index::Index, statement::State};
use sqlx::Connection;

use crate::{postgres::Postgres, world::World};

/// A registry in which everything has happened that leaves a trace.
fn eventful(url: Option<String>) -> World {
    let world = World::with(|config| config.database.url = url);
    let acme = world.publisher("acme");
    for version in ["1.0.0", "1.1.0", "1.2.0", "1.3.0"] {
        assert_eq!(acme.publish("acme/notes", version, version).status, 201);
    }
    assert_eq!(acme.publish("acme/other", "1.0.0", "other").status, 201);
    assert_eq!(acme.set_status("acme/notes", "1.1.0", State::Yanked).status, 200);
    let operator = world.user("operator");
    for (version, action) in [("1.2.0", "quarantine"), ("1.3.0", "remove"), ("1.0.0", "quarantine"), ("1.0.0", "lift")]
    {
        let body = format!("{{\"action\":\"{action}\",\"reason\":\"malicious\",\"note\":\"reads keys\"}}");
        let path = format!("/api/skill/v1/skills/acme/notes/{version}/quarantine");
        assert_eq!(world.call(&operator, "PUT", &path, body.as_bytes()).status, 200, "{action}");
    }
    assert_eq!(acme.set_status("acme/notes", "1.2.0", State::Yanked).status, 200);
    let body = br#"{"deprecated":true,"message":"old","replacedBy":null}"#;
    let reply = world.call(&acme.token, "PUT", "/api/skill/v1/skills/acme/other/deprecation", body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    world.clock.advance(21 * HOUR);
    let beta = world.publisher("beta");
    assert_eq!(beta.publish("beta/notes", "0.1.0", "text").status, 201);
    world
}

fn report(world: &World, config: &Config) -> Report {
    world.block_on(fsck::check(config)).expect("it can be read")
}

/// A copy of a data folder, to be damaged.
struct Copy {
    _dir: tempfile::TempDir,
    config: Config,
}

impl Copy {
    fn of(world: &World) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut config = world.config.clone();
        copy(&config.data, dir.path());
        dir.path().clone_into(&mut config.data);
        Self { _dir: dir, config }
    }

    fn sql(&self, world: &World, sql: &str) {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}?mode=rw", self.config.data.join("registry.db").display());
        world.block_on(async {
            let mut connection = sqlx::AnyConnection::connect(&url).await.expect("a connection");
            sqlx::query("pragma foreign_keys = off").execute(&mut connection).await.expect("a pragma");
            let done = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await;
            assert!(done.expect("a statement").rows_affected() > 0, "{sql}");
            connection.close().await.expect("closed");
        });
    }

    /// What is found, in short: the code and the place.
    fn found(&self, world: &World) -> (String, String) {
        let wrong = report(world, &self.config).wrong.expect("something is wrong");
        (wrong.code.id.to_owned(), wrong.at)
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            fs::create_dir(&target).expect("a folder");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("copied");
        }
    }
}

/// Every file below a folder, with its bytes.
fn all_files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            found.extend(all_files(&entry.path()));
        } else {
            found.push((entry.path(), fs::read(entry.path()).expect("read")));
        }
    }
    found.sort();
    found
}

#[test]
fn a_sound_registry_passes_while_it_runs_and_after_and_is_not_touched() {
    let mut world = eventful(None);
    let running = report(&world, &world.config);
    assert_eq!(running.wrong, None, "{running}");
    let count = |name| running.passed.iter().find(|passed| passed.check == name).map(|Passed { count, .. }| *count);
    assert_eq!(running.size, 16);
    assert_eq!((count("statements"), count("chains"), count("versions")), (Some(16), Some(3), Some(6)));
    assert_eq!((count("indexes"), count("archives"), count("snapshots")), (Some(3), Some(5), Some(1)));
    assert!(count("heads") > Some(10) && count("files") == Some(2));
    world.stop().expect("stopped");
    let before = all_files(&world.config.data);
    let stopped = report(&world, &world.config);
    assert_eq!(stopped.passed, running.passed);
    assert_eq!(all_files(&world.config.data), before);
    let json: serde_json::Value = serde_json::from_str(&stopped.to_json()).expect("JSON");
    assert_eq!((json["size"].as_u64(), json["wrong"].is_null()), (Some(16), true));
    assert_eq!(json["passed"][1]["check"], "statements");
}

#[test]
#[allow(clippy::print_stdout)] // So that nobody believes that it was tested.
fn a_sound_registry_passes_on_postgresql() {
    let url = match Postgres::shared() {
        Ok(server) => server.fresh_database(),
        Err(reason) => return println!("not tested on PostgreSQL: {reason}"),
    };
    let mut world = eventful(Some(url));
    assert_eq!(report(&world, &world.config).wrong, None);
    world.stop().expect("stopped");
    fs::write(world.config.data.join("log/tile/0/000.p/16"), b"x").expect("written");
    let found = report(&world, &world.config).wrong.expect("wrong");
    assert_eq!((found.code.id, found.at.as_str()), ("E_DAMAGED", "log/tile/0/000.p/16"));
}

#[test]
fn a_log_of_more_than_one_tile_passes() {
    let world = World::new();
    let acme = world.publisher("acme");
    for n in 0..262 {
        assert_eq!(acme.publish("acme/notes", &format!("1.0.{n}"), "text").status, 201);
    }
    let found = report(&world, &world.config);
    assert_eq!((found.wrong, found.size), (None, 265));
}

#[test]
fn each_kind_of_damaged_row_is_named() {
    let mut world = eventful(None);
    world.stop().expect("stopped");
    for (sql, code, place) in [
        (
            "update events set envelope = replace(envelope, 'payload', 'Payload') where leaf = 3",
            "E_DAMAGED",
            "events, leaf 3",
        ),
        (
            "update events set stmt = replace(stmt, substr(stmt, 1, 1), 'x') where leaf = 4",
            "E_DAMAGED",
            "events, leaf 4",
        ),
        ("update events set leaf_hash = 'x' where leaf = 5", "E_DAMAGED", "events, leaf 5"),
        ("update events set seq = 77 where leaf = 6", "E_DAMAGED", "events, statement 6 of acme"),
        ("update events set scope = 'beta', seq = 9 where leaf = 6", "E_DAMAGED", "events, statement 6 of acme"),
        ("update events set kind = 'status' where leaf = 2", "E_DAMAGED", "events, leaf 2 (statement 2 of acme)"),
        ("update events set subject = 'x' where leaf = 2", "E_DAMAGED", "events, leaf 2 (statement 2 of acme)"),
        ("delete from events where leaf = 7", "E_DAMAGED", "events, leaf 7"),
        ("delete from events where leaf = 15", "E_DAMAGED", "log_heads, size 16"),
        ("update log_heads set root = 'x' where size = 4", "E_DAMAGED", "log_heads, size 4"),
        ("update log_heads set size = 99 where size = 4", "E_DAMAGED", "log_heads, size 99"),
        ("delete from log_heads where size = 16", "E_DAMAGED", "log_heads, size 16"),
        ("update log_head set root = 'x'", "E_DAMAGED", "log_head"),
        ("update log_head set size = 17", "E_DAMAGED", "log_head"),
        ("update log_head set size = 15", "E_LOG_ROLLBACK", "log/checkpoint"),
        ("update scopes set head_seq = 2 where name = 'acme'", "E_DAMAGED", "scopes, acme"),
        ("update scopes set head_stmt = 'x' where name = '_operator'", "E_DAMAGED", "scopes, _operator"),
        ("delete from scopes where name = 'beta'", "E_DAMAGED", "scopes, beta"),
        ("delete from versions where skill = 'beta/notes'", "E_DAMAGED", "versions, beta/notes@0.1.0"),
        ("update versions set version = '0.2.0' where skill = 'beta/notes'", "E_DAMAGED", "versions, beta/notes@0.1.0"),
        ("update versions set leaf = 99 where skill = 'beta/notes'", "E_DAMAGED", "versions, beta/notes@0.1.0"),
        ("update versions set skill = 'x/y' where skill = 'beta/notes'", "E_DAMAGED", "versions, beta/notes@0.1.0"),
        ("delete from skills where id = 'beta/notes'", "E_DAMAGED", "versions, beta/notes@0.1.0"),
        ("update snapshots set sha256 = 'x'", "E_DAMAGED", "snapshots, size 14"),
        ("update snapshots set size = 13", "E_DAMAGED", "snapshots, size 14"),
        ("insert into snapshots (size, sha256) values (3, 'x')", "E_DAMAGED", "snapshots, size 3"),
        ("update meta set value = 'ed25519:x' where name = 'operator'", "E_DAMAGED", "meta, operator"),
        ("update skills set index_sha256 = 'x' where id = 'acme/notes'", "E_DAMAGED", "skills, acme/notes"),
        ("update skills set latest = '9.0.0' where id = 'acme/notes'", "E_DAMAGED", "skills, acme/notes"),
        ("update skills set status = 'active' where id = 'acme/other'", "E_DAMAGED", "skills, acme/other"),
        ("update skills set log = 1 where id = 'acme/other'", "E_DAMAGED", "skills, acme/other"),
        ("update skills set number = 99 where id = 'acme/other'", "E_DAMAGED", "skills, acme/other"),
        (
            "update skills set index_text = replace(index_text, '\"quarantined\"', '\"ok\"') where id = 'acme/notes'",
            "E_INDEX_MISMATCH",
            "acme/notes",
        ),
        ("update skills set index_text = 'x' where id = 'acme/notes'", "E_INDEX_INVALID", "/index/acme/notes"),
    ] {
        let copy = Copy::of(&world);
        copy.sql(&world, sql);
        assert_eq!(copy.found(&world), (code.to_owned(), place.to_owned()), "{sql}");
    }
}

#[test]
fn each_column_of_a_version_that_differs_is_named() {
    let mut world = eventful(None);
    world.stop().expect("stopped");
    for column in fsck_columns() {
        let copy = Copy::of(&world);
        let value = if ["size", "unpacked_size", "files"].contains(&column) { "7" } else { "'x'" };
        copy.sql(
            &world,
            &format!("update versions set {column} = {value} where skill = 'acme/notes' and version = '1.0.0'"),
        );
        let wrong = report(&world, &copy.config).wrong.expect("something is wrong");
        assert!(wrong.found.starts_with(&format!("{column} is not")), "{column}: {wrong}");
        assert_eq!(wrong.at, "versions, acme/notes@1.0.0");
    }
    let copy = Copy::of(&world);
    copy.sql(&world, "update versions set dependencies = '[[\"a/b\",\"*\"]]' where skill = 'acme/notes'");
    let wrong = report(&world, &copy.config).wrong.expect("something is wrong");
    assert!(wrong.found.starts_with("versions.dependencies"), "{wrong}");
}

fn fsck_columns() -> [&'static str; 12] {
    skill_registry::store::fsck::VERSION_COLUMNS
}

#[test]
fn each_damaged_or_missing_file_is_named() {
    let mut world = eventful(None);
    let index = Index::parse(&world.get("/index/acme/notes").body).expect("an index");
    let snapshot = skill_bundle::hash::sha256(&world.get("/snapshot/14").body).to_string();
    world.stop().expect("stopped");
    let archive = index.lines[0].sha256.to_string();
    let blob = |hex: &str| format!("blobs/sha256/{}/{hex}", &hex[..2]);
    for (path, flipped) in [
        ("log/tile/0/000.p/16".to_owned(), "E_DAMAGED"),
        ("log/tile/entries/000.p/16".to_owned(), "E_DAMAGED"),
        (blob(&archive), "E_DIGEST"),
        (blob(&snapshot), "E_DIGEST"),
    ] {
        let copy = Copy::of(&world);
        let file = copy.config.data.join(&path);
        let mut bytes = fs::read(&file).expect("a file");
        bytes[20] ^= 1;
        fs::write(&file, &bytes).expect("written");
        assert_eq!(copy.found(&world), (flipped.to_owned(), path.clone()), "flipped");
        bytes.truncate(15);
        fs::write(&file, &bytes).expect("written");
        assert_eq!(copy.found(&world), (flipped.to_owned(), path.clone()), "cut");
        fs::remove_file(&file).expect("removed");
        assert_eq!(copy.found(&world), ("E_DAMAGED".to_owned(), path), "missing");
    }
    let removed = blob(&index.lines[3].sha256.to_string());
    assert!(!world.config.data.join(removed).exists(), "what was removed is no damage");
}

#[test]
fn a_damaged_or_missing_checkpoint_is_named() {
    let mut world = eventful(None);
    world.stop().expect("stopped");
    let checkpoint = fs::read(world.config.data.join("log/checkpoint")).expect("a checkpoint");
    let text = String::from_utf8(checkpoint).expect("text");
    let other_size = text.replacen("\n16\n", "\n15\n", 1);
    for (bytes, code) in [
        (&text[..text.len() - 5], "E_NOTE"),
        ("", "E_NOTE"),
        (other_size.as_str(), "E_CHECKPOINT"),
        ("nonsense", "E_NOTE"),
    ] {
        let copy = Copy::of(&world);
        fs::write(copy.config.data.join("log/checkpoint"), bytes).expect("written");
        assert_eq!(copy.found(&world), (code.to_owned(), "log/checkpoint".to_owned()), "{bytes}");
    }
    let copy = Copy::of(&world);
    fs::remove_file(copy.config.data.join("log/checkpoint")).expect("removed");
    assert_eq!(copy.found(&world), ("E_CHECKPOINT".to_owned(), "log/checkpoint".to_owned()));
}

#[test]
fn a_database_of_yesterday_and_a_log_of_another_history_are_rollbacks() {
    let mut world = eventful(None);
    world.stop().expect("stopped");
    let yesterday = Copy::of(&world);
    let (first, second) = (Copy::of(&world), Copy::of(&world));
    let mut grow = |to: &Copy, version: &str| {
        world.config.data.clone_from(&to.config.data);
        world.start();
        let token = world.token("beta", &skill_schema::api::token::Permission::ALL, "*", 1);
        let beta = crate::world::Publisher::new(&world, "beta", &token);
        assert_eq!(beta.publish("beta/notes", version, "text").status, 201);
        world.stop().expect("stopped");
    };
    grow(&first, "0.2.0");
    grow(&second, "0.3.0");
    for (to, from) in [(&first, &yesterday), (&first, &second)] {
        let copy = Copy::of(&world);
        for file in fs::read_dir(&to.config.data).expect("a folder").flatten().filter(|entry| entry.path().is_dir()) {
            let _ = fs::remove_dir_all(copy.config.data.join(file.file_name()));
            fs::create_dir(copy.config.data.join(file.file_name())).expect("a folder");
            self::copy(&file.path(), &copy.config.data.join(file.file_name()));
        }
        fs::copy(from.config.data.join("registry.db"), copy.config.data.join("registry.db")).expect("copied");
        assert_eq!(copy.found(&world), ("E_LOG_ROLLBACK".to_owned(), "log/checkpoint".to_owned()));
    }
}

#[test]
fn a_folder_without_a_database_is_not_made_into_a_registry() {
    let world = World::new();
    let dir = tempfile::tempdir().expect("a folder");
    for data in [dir.path().to_owned(), dir.path().join("none")] {
        let config = Config::for_testing(&data);
        assert!(matches!(world.block_on(fsck::check(&config)), Err(Error::Start(_))));
    }
    assert_eq!(all_files(dir.path()), []);
    assert!(!dir.path().join("none").exists());
}

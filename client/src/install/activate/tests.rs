//! Entries of agents' folders: what is ours is swapped, what is not stays.

use std::os::unix::fs::symlink;

use skill_bundle::{
    Package,
    archive::{self, File},
};
use skill_schema::{Limits, lock::Locked};

use super::*;
use crate::{
    env::Env,
    global::Global,
    workspace::{Access, Placed},
};

/// A home, a project and a store with two versions of one skill.
struct World {
    _folder: tempfile::TempDir,
    context: Context,
    store: Store,
    workspace: Workspace,
    trees: [Digest; 2],
    entry: PathBuf,
}

fn package(text: &str) -> Package {
    let files = [
        File { path: "SKILL.md", content: text.as_bytes(), executable: false },
        File { path: "a/run.sh", content: b"#!/bin/sh\n", executable: true },
    ];
    let bytes = archive::gzip(&archive::encode(files).expect("a tar")).expect("a gzip");
    Package::open(bytes, &Limits::V1).expect("a package")
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let root = folder.path().canonicalize().expect("real");
        let env = Env {
            home: root.join("home"),
            config_dir: root.join("home/config"),
            data_dir: root.join("home/data"),
            cache_dir: root.join("home/cache"),
            ..Env::default()
        };
        let mut context = Context::new(env, Global::default()).expect("a context");
        (context.cwd, context.project) = (root.join("project"), None);
        fs::create_dir(&context.cwd).expect("folder");
        let store = Store::new(&context.env);
        let trees = ["one", "two"].map(|text| {
            let package = package(text);
            store.add(&package).expect("added");
            package.tree()
        });
        let workspace = Workspace::open(&context, false, Access::Write).expect("opened");
        let entry = context.cwd.join(".claude/skills/notes");
        Self { _folder: folder, context, store, workspace, trees, entry }
    }

    fn desired(&self, version: usize, copy: bool) -> Desired {
        let locked = Locked {
            name: "acme/notes".parse().expect("name"),
            version: format!("{version}.0.0").parse().expect("version"),
            origin: "skills.example/log".into(),
            tree: self.trees[version],
            archive: Digest::ZERO,
            signed: None,
            dependencies: Vec::new(),
            requirement: None,
            agents: None,
            copy: false,
        };
        Desired { entry: self.entry.clone(), locked, copy }
    }

    /// Plans and applies, and remembers what was placed, as a whole run does.
    fn install(&mut self, desired: &[Desired], force: bool) -> Result<Vec<Step>, Fault> {
        let mut steps = plan(&self.store, &self.workspace, desired, force)?;
        apply(&self.context, &self.store, &mut steps)?;
        let placed = desired.iter().map(|d| Placed { path: d.entry.clone(), tree: d.locked.tree });
        self.workspace.inventory.save(placed.collect())?;
        Ok(steps)
    }

    fn found(&self, ours: bool) -> Found {
        look(&self.store, &BTreeSet::new(), &self.entry, ours).expect("readable")
    }

    /// The names beside the agent's folder.
    fn beside(&self) -> Vec<String> {
        crate::store::names(&self.context.cwd.join(".claude")).expect("readable")
    }
}

#[test]
fn links_and_copies_replace_each_other_and_other_versions() {
    let mut world = World::new();
    for (version, copy) in [(0, false), (1, false), (1, true), (0, true), (0, true), (1, false)] {
        let desired = [world.desired(version, copy)];
        world.install(&desired, false).expect("installed");
        let tree = world.trees[version];
        assert_eq!(world.found(true), if copy { Found::Copy(tree) } else { Found::Link(tree) });
        assert_eq!(world.beside(), ["skills"], "nothing is left beside the folder");
    }
    world.install(&[], false).expect("removed");
    assert_eq!(world.found(true), Found::Absent);
}

#[test]
fn what_somebody_else_made_stays_unless_forced_and_is_kept_then() {
    let mut world = World::new();
    let desired = [world.desired(0, false)];
    fs::create_dir_all(&world.entry).expect("folder");
    fs::write(world.entry.join("mine"), "mine").expect("written");
    let fault = plan(&world.store, &world.workspace, &desired, false).expect_err("foreign");
    assert_eq!(fault.code, codes::FOREIGN_FOLDER);
    let steps = world.install(&desired, true).expect("forced");
    let kept = steps[0].kept.clone().expect("kept");
    assert_eq!(fs::read(kept.join("mine")).expect("kept"), b"mine");
    assert_eq!(world.found(true), Found::Link(world.trees[0]));
    fs::remove_file(&world.entry).expect("removed");
    symlink("/etc", &world.entry).expect("link");
    let fault = plan(&world.store, &world.workspace, &desired, false).expect_err("a link that is not ours");
    assert_eq!(fault.code, codes::FOREIGN_FOLDER);
}

#[test]
fn a_link_into_somebody_else_s_store_is_replaced() {
    let mut world = World::new();
    let desired = [world.desired(0, false)];
    fs::create_dir_all(world.entry.parent().expect("a folder")).expect("folder");
    symlink(format!("/home/ann/.local/share/skill/store/{}", world.trees[0]), &world.entry).expect("link");
    assert_eq!(world.found(false), Found::Elsewhere);
    world.install(&desired, false).expect("installed");
    assert_eq!(world.found(true), Found::Link(world.trees[0]));
    assert_eq!(world.beside(), ["skills"]);
}

#[test]
fn a_changed_copy_stays_unless_forced_also_when_it_is_no_longer_wanted() {
    let mut world = World::new();
    let desired = [world.desired(0, true)];
    world.install(&desired, false).expect("installed");
    fs::write(world.entry.join("SKILL.md"), "edited").expect("written");
    assert_eq!(world.found(true), Found::Changed);
    assert_eq!(plan(&world.store, &world.workspace, &desired, false).err().map(|f| f.code), Some(codes::MODIFIED));
    let mut steps = plan(&world.store, &world.workspace, &[], false).expect("a removal is no conflict");
    apply(&world.context, &world.store, &mut steps).expect("applied");
    assert_eq!(fs::read(world.entry.join("SKILL.md")).expect("still there"), b"edited");
    let steps = world.install(&desired, true).expect("forced");
    let kept = steps[0].kept.clone().expect("kept");
    assert_eq!(fs::read(kept.join("SKILL.md")).expect("kept"), b"edited");
    assert_eq!(world.found(true), Found::Copy(world.trees[0]));
}

#[test]
fn what_a_killed_run_left_is_removed_and_somebody_s_work_is_kept() {
    let mut world = World::new();
    let beside = world.context.cwd.join(".claude");
    fs::create_dir_all(beside.join(format!("{MAKING}notes/half"))).expect("folder");
    symlink(world.store.path(&world.trees[0]), beside.join(format!("{SWAPPING}notes"))).expect("link");
    let desired = [world.desired(1, false)];
    world.install(&desired, false).expect("installed");
    assert_eq!(world.beside(), ["skills"]);
    fs::create_dir_all(beside.join(format!("{SWAPPING}notes"))).expect("folder");
    fs::write(beside.join(format!("{SWAPPING}notes/mine")), "mine").expect("written");
    world.install(&desired, false).expect("nothing to do but tidy");
    assert_eq!(world.beside(), ["skills", "skills.backup"]);
    assert_eq!(fs::read(beside.join("skills.backup/notes-1/mine")).expect("kept"), b"mine");
}

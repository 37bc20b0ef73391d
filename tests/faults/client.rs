//! The client is killed at every system call of an install, and downloads are cut.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use skill_tests::{Person, Project, World, programs};

use crate::{row, tries};

/// Runs `skill install` and kills it at its nth system call; true if it was killed.
fn killed_at(person: &Person, project: &Project<'_>, version: &str, call: usize) -> bool {
    let inject = format!("inject=all:signal=KILL:when={call}");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=all", "-e", &inject])
        .arg(programs::skill())
        .args(["install", &format!("ada/notes@{version}")])
        .current_dir(&project.folder)
        .env_clear()
        .envs(person.environment().iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("strace starts");
    !status.success()
}

#[test]
fn killed_at_every_system_call_of_an_install_it_leaves_the_old_or_the_new_skill() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let mut skill = ada.writes("notes", "2.0.0");
    skill.version("2.0.0").body("The second one.");
    ada.publish(&skill).ok();
    let reference = rob.project("reference");
    reference.skill(&["install", "ada/notes@1.0.0"]).ok();
    let old = reference.installed(".agents/skills", "notes");
    reference.skill(&["install", "ada/notes@2.0.0"]).ok();
    let new = reference.installed(".agents/skills", "notes");
    let (wanted, mut hit, mut call) = (tries(12, 400), 0, 0);
    let stride = tries(61, 4);
    for n in 0..wanted {
        call += stride;
        // A machine of one's own each time, so that the store is cold and everything is part of what is cut off.
        let kim = world.reader(&format!("kim{n}"));
        let project = kim.project("site");
        project.skill(&["install", "ada/notes@1.0.0"]).ok();
        if killed_at(&kim, &project, "2.0.0", call) {
            hit += 1;
        } else {
            call = n % stride;
        }
        for folder in [".agents/skills", ".claude/skills"] {
            let found = project.installed(folder, "notes");
            assert!(found == old || found == new, "call {call}: {folder}/notes is neither the old nor the new skill");
        }
        project.skill(&["install", "ada/notes@2.0.0"]).ok();
        assert_eq!(project.installed(".agents/skills", "notes"), new, "call {call}: a retry succeeds");
        project.skill(&["verify", "--strict"]).ok();
    }
    assert!(hit * 2 > wanted, "most tries hit the client: {hit} of {wanted}");
    row("client killed at system calls of an install", wanted, hit);
}

#[test]
fn a_download_that_is_cut_at_any_kilobyte_is_finished_or_refused() {
    let (world, proxy) = World::behind_proxy();
    let ada = world.owner("ada");
    let skill = ada.writes("notes", "1.0.0");
    for n in 0..24 {
        // Text that does not compress well, so that the archive has some size.
        let noise: String =
            (0..40).map(|k| skill_bundle::hash::sha256(format!("{n}.{k}").as_bytes()).to_string() + " ").collect();
        skill.file(&format!("references/part-{n}.md"), &format!("# Part {n}\n\n{noise}\n"));
    }
    ada.publish(&skill).ok();
    let index = world.registry.get("/index/ada/notes").text();
    let line: serde_json::Value = serde_json::from_str(index.lines().nth(1).expect("a version")).expect("JSON");
    let size = usize::try_from(line["size"].as_u64().expect("a size")).expect("small");
    let blob = format!("/blob/sha256/{}", line["sha256"].as_str().expect("a digest"));
    let steps: Vec<usize> = (0..size).step_by(1024).collect();
    let stride = tries(steps.len().div_ceil(6), 1);
    let mut done = 0;
    for cut in steps.iter().step_by(stride) {
        let (cut, blob, left) = (*cut, blob.clone(), Arc::new(AtomicUsize::new(2)));
        // The first two answers are cut; a client that goes on where it was needs a third.
        proxy.edit(move |path, answer| {
            let once = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
            if path == blob && answer.body.len() > cut && once() {
                answer.headers.push(("x-lying-length".to_owned(), answer.body.len().to_string()));
                answer.body.truncate(cut);
            }
        });
        let kim = world.reader(&format!("kim{cut}"));
        let project = kim.project("site");
        let outcome = project.skill(&["install", "ada/notes"]);
        if outcome.status != 0 {
            assert_eq!(outcome.status, 7, "cut at {cut}: {outcome}");
            assert!(project.contents().is_empty(), "cut at {cut}");
            proxy.be_honest();
            project.skill(&["install", "ada/notes"]).ok();
        }
        project.skill(&["verify", "--strict"]).ok();
        done += 1;
    }
    row("downloads cut at every KiB, twice each", done, done);
}

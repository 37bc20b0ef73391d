//! What a lock says about a set of wishes: whether it fits them, and who gets what.

use std::collections::{BTreeMap, BTreeSet};

use skill_schema::{
    SkillId,
    lock::{Lock, Locked},
    project,
};

use super::Root;
use crate::{
    config::{Config, Registry},
    resolve::satisfies,
};

/// The agents of each locked skill: a root's own (or `instead`, or the usual ones), and for what it needs those of everything that
/// needs it.
pub fn agents_of(
    lock: &Lock,
    roots: &BTreeMap<SkillId, Root>,
    instead: Option<&Vec<String>>,
    usual: &Vec<String>,
) -> BTreeMap<SkillId, Vec<String>> {
    let mut found: BTreeMap<SkillId, Vec<String>> = BTreeMap::new();
    for (id, root) in roots {
        for reached in reachable(lock, id) {
            let agents = found.entry(reached.clone()).or_default();
            for name in instead.or(root.agents.as_ref()).unwrap_or(usual) {
                if !agents.contains(name) {
                    agents.push(name.clone());
                }
            }
        }
    }
    found
}

/// A locked skill and everything that it needs.
pub fn reachable<'a>(lock: &'a Lock, id: &SkillId) -> BTreeSet<&'a SkillId> {
    let by_name: BTreeMap<&SkillId, &'a Locked> = lock.skills.iter().map(|locked| (&locked.name, locked)).collect();
    let mut seen = BTreeSet::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        if let Some(locked) = by_name.get(id)
            && seen.insert(&locked.name)
        {
            open.extend(&locked.dependencies);
        }
    }
    seen
}

/// The configured registry that a locked skill comes from, if its scope does not lead there anyway.
pub fn registry_of(config: &Config, locked: &Locked) -> Option<String> {
    let is_it = |registry: &Registry| registry.origin().is_ok_and(|origin| origin == locked.origin);
    if config.registry_for(&locked.name.scope).is_ok_and(|registry| is_it(&registry)) {
        return None;
    }
    config.registries().ok()?.into_iter().find(is_it)?.name
}

/// What is out of date in a lock, as a clause; `None` if it fits the wishes exactly.
pub fn lock_problem(roots: &BTreeMap<SkillId, Root>, lock: &Lock) -> Option<String> {
    for (id, root) in roots {
        match lock.get(id) {
            None => return Some(format!("{id} is wanted and not locked")),
            Some(locked) if !satisfies(&root.req, &locked.version) => {
                return Some(format!("{id} {} is locked, and {} is wanted", locked.version, root.req));
            }
            Some(locked) if !root.one_off && locked.path().is_some() => {
                return Some(format!("{id} is locked from a path, and {} wants it from a registry", project::FILE));
            }
            Some(_) => {}
        }
    }
    let from_paths: BTreeSet<_> = lock.skills.iter().filter(|l| l.path().is_some()).map(|l| &l.name).collect();
    for locked in &lock.skills {
        if let Some(id) = locked.dependencies.iter().find(|id| from_paths.contains(id)) {
            return Some(format!("{id} is locked from a path, and {} needs it from a registry", locked.name));
        }
    }
    let mut needed: BTreeSet<&SkillId> = BTreeSet::new();
    let mut open: Vec<&SkillId> = roots.keys().collect();
    while let Some(id) = open.pop() {
        let Some(locked) = lock.get(id) else { return Some(format!("{id} is needed and not locked")) };
        if needed.insert(id) {
            open.extend(&locked.dependencies);
        }
    }
    let extra = lock.skills.iter().find(|locked| !needed.contains(&locked.name))?;
    Some(format!("{} is locked and nothing needs it", extra.name))
}

#[cfg(test)]
mod tests {
    use skill_schema::{Digest, lock::Signed};

    use super::*;

    fn locked(name: &str, version: &str, dependencies: &[&str]) -> Locked {
        Locked {
            name: name.parse().expect("name"),
            version: version.parse().expect("version"),
            origin: "skills.example/log".into(),
            tree: Digest::ZERO,
            archive: Digest::ZERO,
            signed: Some(Signed { statement: Digest::ZERO, log: 1 }),
            dependencies: dependencies.iter().map(|d| d.parse().expect("name")).collect(),
            requirement: None,
            agents: None,
            copy: false,
        }
    }

    fn problem(roots: &[(&str, &str)], skills: Vec<Locked>) -> Option<String> {
        let root = |req: &str| Root {
            req: req.parse().expect("requirement"),
            registry: None,
            agents: None,
            copy: false,
            one_off: false,
        };
        let roots = roots.iter().map(|(id, req)| (id.parse().expect("name"), root(req))).collect();
        lock_problem(&roots, &Lock { skills })
    }

    #[test]
    fn a_lock_fits_or_says_why_not() {
        let both = || vec![locked("acme/app", "1.4.0", &["acme/base"]), locked("acme/base", "2.0.0", &[])];
        assert_eq!(problem(&[("acme/app", "^1")], both()), None);
        let says = |roots: &[(&str, &str)], skills, part: &str| {
            let text = problem(roots, skills).expect("a problem");
            assert!(text.contains(part), "{text}");
        };
        says(&[("acme/app", "^2")], both(), "1.4.0 is locked, and ^2 is wanted");
        says(&[("acme/other", "*")], both(), "acme/other is wanted and not locked");
        says(&[("acme/app", "^1")], vec![locked("acme/app", "1.4.0", &["acme/base"])], "acme/base is needed");
        says(&[("acme/base", "^2")], both(), "nothing needs it");
    }
}

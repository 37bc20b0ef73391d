//! The split of a suite into training and holdout: stable, stratified, grouped.
//!
//! The unit is the group. New groups are ordered by a hash; in each category a counter decides, so that two of five cases are held out
//! and no category is further from that than one group. What was decided stands in the append-only `evals/split.lock`, so that adding
//! cases moves nothing. Without a lock everybody computes the same split.

mod file;
mod lock;

use std::collections::{BTreeMap, HashMap};

use skill_bundle::hash::sha256;
use skill_schema::{Fault, codes};

pub use lock::{Entry, Lock};

use super::{Case, Split, Suite};

/// The first eight bytes, big-endian, of the SHA-256 of the parts joined by a zero byte.
pub fn h64(parts: &[&str]) -> u64 {
    let digest = sha256(parts.join("\0").as_bytes());
    digest.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// How many cases of a category were decided on, and how many of them are held out.
#[derive(Debug, Clone, Copy)]
struct Counter {
    held: u64,
    all: u64,
}

impl Counter {
    /// Starts at the category's phase: up to four virtual cases go before, so that categories of one case are not all for training.
    fn new(salt: &str, category: &str) -> Self {
        let mut counter = Self { held: 0, all: 0 };
        for _ in 0..h64(&[salt, "phase", category]) % 5 {
            let split = counter.decide(1);
            counter.add(1, split);
        }
        counter
    }

    /// Where a group of `size` new cases goes: to the holdout if that brings the share nearer to two of five.
    fn decide(self, size: u64) -> Split {
        if 5 * (2 * self.held + size) <= 4 * (self.all + size) { Split::Holdout } else { Split::Train }
    }

    fn add(&mut self, size: u64, split: Split) {
        self.all += size;
        if split == Split::Holdout {
            self.held += size;
        }
    }
}

/// The counters of all categories.
#[derive(Debug)]
struct Counters<'a> {
    salt: &'a str,
    by_category: BTreeMap<String, Counter>,
}

impl<'a> Counters<'a> {
    fn new(salt: &'a str) -> Self {
        Self { salt, by_category: BTreeMap::new() }
    }

    fn of(&mut self, category: &str) -> &mut Counter {
        let salt = self.salt;
        self.by_category.entry(category.to_owned()).or_insert_with(|| Counter::new(salt, category))
    }
}

/// Adds the cases that the lock does not know yet, and says which lines were added. Nothing in it changes.
///
/// A case that joins a group that is known goes where the group is. Then new groups are decided, ordered by
/// (`h64(salt, "order", group)`, group); the cases of a group keep the order of the suite.
///
/// # Errors
/// [`codes::SPLIT_LOCK`] if an id stands twice or a group has cases of several categories.
pub fn extend<'l>(lock: &'l mut Lock, salt: &str, cases: &[Case]) -> Result<&'l [Entry], Fault> {
    let before = lock.entries().len();
    let mut counters = Counters::new(salt);
    let mut known: HashMap<String, Split> = HashMap::new();
    for entry in lock.entries() {
        counters.of(&entry.category).add(1, entry.split);
        known.insert(entry.group.clone(), entry.split);
    }
    let mut groups: BTreeMap<(u64, &str), Vec<&Case>> = BTreeMap::new();
    let mut joined = Vec::new();
    for case in cases.iter().filter(|case| lock.get(&case.id).is_none()) {
        match known.get(&case.group) {
            Some(split) => joined.push((case, *split)),
            None => groups.entry((h64(&[salt, "order", &case.group]), &case.group)).or_default().push(case),
        }
    }
    for (case, split) in joined {
        counters.of(&case.category).add(1, split);
        lock.push(Entry::of(case, split))?;
    }
    for ((_, group), members) in groups {
        let category = &members[0].category;
        if let Some(other) = members.iter().find(|case| case.category != *category) {
            let detail = format!("the group has cases of the categories {category} and {}", other.category);
            return Err(Fault::new(codes::SPLIT_LOCK).at(group).detail(detail));
        }
        let counter = counters.of(category);
        let split = counter.decide(members.len() as u64);
        counter.add(members.len() as u64, split);
        for case in members {
            lock.push(Entry::of(case, split))?;
        }
    }
    Ok(&lock.entries()[before..])
}

impl Suite {
    /// The lock with every case of the suite in it: what is locked stays, the rest is decided as [`extend`] says.
    ///
    /// # Errors
    /// As [`extend`].
    pub fn split(&self, lock: &Lock) -> Result<Lock, Fault> {
        let mut lock = lock.clone();
        extend(&mut lock, &self.settings.salt, &self.cases)?;
        Ok(lock)
    }

    /// The cases of one part, in the order of the file. Cases that the lock does not know are in neither.
    pub fn part<'s>(&'s self, lock: &'s Lock, split: Split) -> impl Iterator<Item = &'s Case> {
        self.cases.iter().filter(move |case| lock.get(&case.id) == Some(split))
    }
}

#[cfg(test)]
mod tests;

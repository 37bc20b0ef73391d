//! The lock of a split: one line of JSON a case, never changed, only added to.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use skill_schema::{Fault, codes};

use super::{Counters, Split};
use crate::suite::Case;

/// One line of the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The case.
    pub id: String,
    /// Its category when it was locked.
    pub category: String,
    /// Its group when it was locked.
    pub group: String,
    /// Where it is.
    pub split: Split,
}

impl Entry {
    pub(super) fn of(case: &Case, split: Split) -> Self {
        Self { id: case.id.clone(), category: case.category.clone(), group: case.group.clone(), split }
    }

    /// The line, with its line feed.
    ///
    /// # Panics
    /// Never: four texts are always JSON.
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("texts are JSON");
        line.push('\n');
        line
    }
}

/// The lock: its lines in their order. Lines of deleted cases stay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    entries: Vec<Entry>,
    places: HashMap<String, usize>,
}

impl Lock {
    /// Reads a lock and computes it again: every line must be what the rule gives after the lines before it.
    ///
    /// # Errors
    /// [`codes::SPLIT_LOCK`] with the line: conflict markers, another spelling, an id that stands twice, a line that was changed,
    /// moved or removed, another salt.
    pub fn parse(bytes: &[u8], salt: &str) -> Result<Self, Fault> {
        let lock = Self::read(bytes)?;
        lock.verify(salt)?;
        Ok(lock)
    }

    /// Reads a lock without computing it again.
    fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|_| Fault::new(codes::SPLIT_LOCK).detail("not UTF-8"))?;
        let mut lock = Self::default();
        for (n, line) in text.split_inclusive('\n').enumerate() {
            let wrong = |detail: &str| fault(n, detail);
            if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|marker| line.starts_with(marker)) {
                return Err(wrong("a conflict marker of a merge"));
            }
            let entry: Entry = serde_json::from_str(line).map_err(|e| wrong(&format!("not a line of a lock: {e}")))?;
            if entry.line() != line {
                return Err(wrong(
                    "a line is written {\"id\":…,\"category\":…,\"group\":…,\"split\":…} and ends with a line feed",
                ));
            }
            lock.push(entry).map_err(|fault| wrong(&fault.detail.unwrap_or_default()))?;
        }
        Ok(lock)
    }

    /// Computes the lock again. Where cases of one group follow each other, some of them may have come later: it is enough that the
    /// first few of them explain the decision.
    fn verify(&self, salt: &str) -> Result<(), Fault> {
        let mut counters = Counters::new(salt);
        let mut groups: HashMap<&str, &Entry> = HashMap::new();
        let mut rest = self.entries.as_slice();
        while let Some(first) = rest.first() {
            let n = self.entries.len() - rest.len();
            let run = rest.iter().take_while(|entry| entry.group == first.group).count();
            let counter = counters.of(&first.category);
            let known = groups.get(first.group.as_str()).copied();
            let explained = known.is_some() || (1..=run).any(|size| counter.decide(size as u64) == first.split);
            if !explained {
                let detail = format!("the rule puts `{}` elsewhere than into {:?}", first.id, first.split);
                return Err(fault(n, &detail.replace("Holdout", "the holdout").replace("Train", "training")));
            }
            let model = known.unwrap_or(first);
            if let Some(bad) = rest[..run].iter().position(|entry| entry.split != model.split) {
                return Err(fault(n + bad, &format!("the group `{}` is on both sides", first.group)));
            }
            for entry in &rest[..run] {
                counters.of(&entry.category).add(1, entry.split);
            }
            groups.insert(&first.group, model);
            rest = &rest[run..];
        }
        Ok(())
    }

    /// The lines, in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where a case is; `None` if it is not locked.
    pub fn get(&self, id: &str) -> Option<Split> {
        self.entry(id).map(|entry| entry.split)
    }

    /// The line of a case.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.places.get(id).map(|n| &self.entries[*n])
    }

    /// Where a case is.
    ///
    /// # Errors
    /// [`codes::SPLIT_LOCK`] if it is not locked.
    pub fn need(&self, id: &str) -> Result<Split, Fault> {
        let missing = || Fault::new(codes::SPLIT_LOCK).at(id).detail("not in evals/split.lock; run skill suite split");
        self.get(id).ok_or_else(missing)
    }

    /// The whole text.
    pub fn text(&self) -> String {
        self.entries.iter().map(Entry::line).collect()
    }

    /// The lock without the names of what is held out: ids and groups of these lines are replaced by hashes. It holds as before,
    /// since the rule depends on nothing else of them.
    #[must_use]
    pub fn without_names(&self, salt: &str) -> Self {
        let hidden = |kind: &str, text: &str| {
            format!("held-{}", skill_bundle::hash::sha256([salt, kind, text].join("\0").as_bytes()).short())
        };
        let mut lock = Self::default();
        for entry in &self.entries {
            let mut entry = entry.clone();
            if entry.split == Split::Holdout {
                entry.id = hidden("id", &entry.id);
                entry.group = hidden("group", &entry.group);
            }
            // Two ids with the same twelve hex digits do not occur.
            let _ = lock.push(entry);
        }
        lock
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<(), Fault> {
        if self.places.insert(entry.id.clone(), self.entries.len()).is_some() {
            return Err(Fault::new(codes::SPLIT_LOCK).at(&entry.id).detail("the id stands twice"));
        }
        self.entries.push(entry);
        Ok(())
    }
}

fn fault(n: usize, detail: &str) -> Fault {
    Fault::new(codes::SPLIT_LOCK).detail(format!("line {}: {detail}", n + 1))
}

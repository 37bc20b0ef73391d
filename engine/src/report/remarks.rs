//! The analyzer's remarks as reports show them: what is alike together, and not more than somebody reads.

use skill_schema::codes::escape;

use super::words;
use crate::{
    grade::analyze::{Kind, Remark, analyze},
    record::Record,
};

/// Cases or checks that are named of those that have the same remark.
const NAMED: usize = 3;

/// The remarks on a record, all of them. Sorted by kind, then by what they are about.
pub fn remarks(record: &Record) -> Vec<Remark> {
    let category = |id: &str| record.cases.iter().find(|case| case.id == id).map(|case| case.category.clone());
    analyze(&record.runs, |id| category(id).unwrap_or_default())
}

/// The remarks in sentences, at most so many: those with the same words are one. Missing runs are left out, since what is missing
/// stands among what makes a result doubtful.
pub fn sentences(remarks: &[Remark], most: usize) -> Vec<String> {
    let mut groups: Vec<(&Remark, Vec<&str>)> = Vec::new();
    for remark in remarks.iter().filter(|remark| remark.kind != Kind::Missing) {
        match groups.iter_mut().find(|(first, _)| first.kind == remark.kind && first.text == remark.text) {
            Some((_, about)) => about.push(&remark.about),
            None => groups.push((remark, vec![&remark.about])),
        }
    }
    let left = groups.len().saturating_sub(most);
    let mut said: Vec<String> = groups.iter().take(most).map(|(first, about)| sentence(first, about)).collect();
    if left > 0 {
        let n = words::count(u32::try_from(left).unwrap_or(u32::MAX), "remark", "remarks");
        said.push(format!("{n} more."));
    }
    said
}

/// `case-1/c1, case-2/c1, case-3/c1 and 4 more: the check …`.
fn sentence(first: &Remark, about: &[&str]) -> String {
    let named: Vec<String> = about.iter().take(NAMED).map(|name| escape(name)).collect();
    let more = match about.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    match first.kind {
        // It says itself what it is about.
        Kind::Cost => format!("{}.", first.text),
        _ => format!("{}{more}: {}.", named.join(", "), first.text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::record;

    fn remark(kind: Kind, about: &str, text: &str) -> Remark {
        Remark { kind, about: about.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn what_is_alike_is_said_once_and_the_rest_is_counted() {
        let mut all: Vec<Remark> =
            (1..=5).map(|n| remark(Kind::NonDiscriminating, &format!("c{n}/a"), "the check says nothing")).collect();
        all.push(remark(Kind::Flaky, "c1", "it wavers"));
        all.push(remark(Kind::Cost, "tokens", "+50 % tokens"));
        all.push(remark(Kind::Missing, "c2", "1 of its runs has no score"));
        assert_eq!(
            sentences(&all, 2),
            ["c1/a, c2/a, c3/a and 2 more: the check says nothing.", "c1: it wavers.", "1 remark more.",]
        );
        assert_eq!(sentences(&all, 3).len(), 3);
        assert_eq!(sentences(&[], 3), [] as [String; 0]);
    }

    #[test]
    fn the_sample_wavers_and_costs() {
        let kinds: Vec<Kind> = remarks(&record()).iter().map(|remark| remark.kind).collect();
        assert!(kinds.contains(&Kind::Flaky) && kinds.contains(&Kind::Cost), "{kinds:?}");
        let said = sentences(&remarks(&record()), 100);
        assert!(said.iter().any(|line| line.contains("% tokens for +18.0 points")), "{said:?}");
    }
}

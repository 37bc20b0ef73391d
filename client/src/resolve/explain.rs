//! Explains in sentences why there is no solution.

use std::{collections::BTreeMap, ops::Bound};

use pubgrub::{Derived, External, Map, ReportFormatter, Term};
use skill_schema::{SkillId, Version, VersionReq};

use super::{
    Package,
    range::{Set, set_of},
};

/// Words for the nodes of pubgrub's derivation tree.
pub(super) struct Sentences<'a> {
    /// All versions of each skill, ascending: sets are described by what they hold, not by where they end.
    pub versions: &'a BTreeMap<&'a SkillId, Vec<&'a Version>>,
}

type Terms = Map<Package, Term<Set>>;

impl Sentences<'_> {
    /// A skill with a set of its versions, as the subject of a sentence.
    fn subject(&self, package: &Package, set: &Set) -> String {
        let Package::Skill(id) = package else { return package.to_string() };
        let versions = self.versions.get(id).map_or(&[][..], Vec::as_slice);
        let inside: Vec<&&Version> = versions.iter().filter(|v| set.contains(v)).collect();
        match inside.as_slice() {
            [only] => format!("{id} {only}"),
            all if all.len() == versions.len() => format!("every version of {id}"),
            _ => format!("{id} {}", describe(&set.simplify(versions.iter().copied()))),
        }
    }

    /// A skill with a set of its versions, as what is needed: the requirement as it was written.
    fn object(package: &Package, set: &Set) -> String {
        match describe(set).as_str() {
            "any version" => package.to_string(),
            text => format!("{package} {text}"),
        }
    }

    fn needs(&self, package: &Package, set: &Set, needed: &Package, needed_set: &Set) -> String {
        format!("{} needs {}", self.subject(package, set), Self::object(needed, needed_set))
    }

    fn external(&self, external: &External<Package, Set, String>) -> String {
        match external {
            External::NotRoot(..) => "this is what the project wants".to_owned(),
            External::NoVersions(package, set) => self.none(package, set),
            External::FromDependencyOf(package, set, needed, needed_set) => {
                self.needs(package, set, needed, needed_set)
            }
            External::Custom(package, set, why) => format!("{} cannot be used: {why}", self.subject(package, set)),
        }
    }

    fn none(&self, package: &Package, set: &Set) -> String {
        match package {
            Package::Skill(id) if !self.versions.contains_key(id) => format!("there is no skill {id}"),
            _ if *set == Set::full() => format!("{package} has no version that can be installed"),
            _ => format!("there is no {package} {} to install", describe(set)),
        }
    }

    fn terms(&self, terms: &Terms) -> String {
        let mut terms: Vec<_> = terms.iter().collect();
        terms.sort_by_key(|(package, _)| *package);
        match terms.as_slice() {
            [] | [(Package::Root, _)] => "the project's wishes contradict each other".to_owned(),
            [(package, Term::Positive(set))] => format!("{} cannot be installed", self.subject(package, set)),
            [(package, Term::Negative(set))] => format!("{} is needed", Self::object(package, set)),
            [(p, Term::Positive(s)), (needed, Term::Negative(n))]
            | [(needed, Term::Negative(n)), (p, Term::Positive(s))] => self.needs(p, s, needed, n),
            [(a, Term::Positive(s)), (b, Term::Positive(t))] => match (a, b) {
                (Package::Root, other) => format!("the project cannot have {}", self.subject(other, t)),
                _ => format!("{} and {} exclude each other", self.subject(a, s), self.subject(b, t)),
            },
            many => {
                let all = many.iter().map(|(package, term)| match term {
                    Term::Positive(set) => self.subject(package, set),
                    Term::Negative(set) => format!("anything but {}", Self::object(package, set)),
                });
                format!("{} exclude each other", all.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl ReportFormatter<Package, Set, String> for Sentences<'_> {
    type Output = String;

    fn format_external(&self, external: &External<Package, Set, String>) -> String {
        self.external(external)
    }

    fn format_terms(&self, terms: &Terms) -> String {
        self.terms(terms)
    }

    fn explain_both_external(
        &self,
        a: &External<Package, Set, String>,
        b: &External<Package, Set, String>,
        terms: &Terms,
    ) -> String {
        format!("Because {} and {}, {}.", self.external(a), self.external(b), self.terms(terms))
    }

    fn explain_both_ref(
        &self,
        id1: usize,
        a: &Derived<Package, Set, String>,
        id2: usize,
        b: &Derived<Package, Set, String>,
        terms: &Terms,
    ) -> String {
        let (a, b) = (self.terms(&a.terms), self.terms(&b.terms));
        format!("Because {a} ({id1}) and {b} ({id2}), {}.", self.terms(terms))
    }

    fn explain_ref_and_external(
        &self,
        id: usize,
        derived: &Derived<Package, Set, String>,
        external: &External<Package, Set, String>,
        terms: &Terms,
    ) -> String {
        let derived = self.terms(&derived.terms);
        format!("Because {derived} ({id}) and {}, {}.", self.external(external), self.terms(terms))
    }

    fn and_explain_external(&self, external: &External<Package, Set, String>, terms: &Terms) -> String {
        format!("And because {}, {}.", self.external(external), self.terms(terms))
    }

    fn and_explain_ref(&self, id: usize, derived: &Derived<Package, Set, String>, terms: &Terms) -> String {
        format!("And because {} ({id}), {}.", self.terms(&derived.terms), self.terms(terms))
    }

    fn and_explain_prior_and_external(
        &self,
        prior: &External<Package, Set, String>,
        external: &External<Package, Set, String>,
        terms: &Terms,
    ) -> String {
        format!("And because {} and {}, {}.", self.external(prior), self.external(external), self.terms(terms))
    }
}

/// A set in the syntax of requirements, parts joined by `or`.
fn describe(set: &Set) -> String {
    let parts: Vec<String> = set.iter().map(|(low, high)| part(low, high)).collect();
    if parts.is_empty() { "no version".to_owned() } else { parts.join(" or ") }
}

fn part(low: &Bound<Version>, high: &Bound<Version>) -> String {
    if let (Bound::Included(a), Bound::Included(b)) = (low, high)
        && a == b
    {
        return format!("={a}");
    }
    if let Bound::Included(a) = low
        && let Ok(caret) = VersionReq::parse(&format!("^{a}"))
        && set_of(&caret).iter().next() == Some((low, high))
    {
        return caret.to_string();
    }
    let low = match low {
        Bound::Included(version) => Some(format!(">={version}")),
        Bound::Excluded(version) => Some(format!(">{version}")),
        Bound::Unbounded => None,
    };
    let high = match high {
        Bound::Included(version) => Some(format!("<={version}")),
        // Our upper bounds end before the pre-releases of the bound; people write that without the `-0`.
        Bound::Excluded(version) if version.pre.as_str() == "0" => {
            Some(format!("<{}.{}.{}", version.major, version.minor, version.patch))
        }
        Bound::Excluded(version) => Some(format!("<{version}")),
        Bound::Unbounded => None,
    };
    match (low, high) {
        (None, None) => "any version".to_owned(),
        (low, high) => low.into_iter().chain(high).collect::<Vec<_>>().join(", "),
    }
}

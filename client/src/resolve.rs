//! Chooses one version of every needed skill. Pure: the indexes are fetched and verified before.
//!
//! Locked versions stay where they can; otherwise the highest release wins. A pre-release is considered only where a requirement
//! names one or the skill has nothing else. A yanked version is considered only where the lock names it.

mod explain;
mod range;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    fmt,
};

use pubgrub::{
    DefaultStringReporter, Dependencies, DependencyProvider, PackageResolutionStatistics, PubGrubError, Reporter,
};
use skill_schema::{Fault, SkillId, Version, VersionReq, codes, index::LineStatus};

pub use range::satisfies;
use range::{Set, set_of};

/// A version that the resolver may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The version.
    pub version: Version,
    /// Its state in the index.
    pub status: LineStatus,
    /// What it needs.
    pub dependencies: Vec<(SkillId, VersionReq)>,
}

/// What to resolve.
#[derive(Debug, Clone, Default)]
pub struct Problem {
    /// What is wanted directly.
    pub roots: BTreeMap<SkillId, VersionReq>,
    /// Every version of every skill that can be reached. A skill that is missing here does not exist.
    pub catalogue: BTreeMap<SkillId, Vec<Candidate>>,
    /// Versions to keep where possible.
    pub locked: BTreeMap<SkillId, Version>,
}

/// Why there is no solution: the fault, and sentences that explain it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsolved {
    /// [`codes::NO_SOLUTION`], or a narrower code where a single requirement cannot be met.
    pub fault: Fault,
    /// One sentence a line; empty where the fault says it all.
    pub explanation: String,
}

/// A node of pubgrub's graph.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Package {
    /// The project, or the command line.
    Root,
    /// A skill.
    Skill(SkillId),
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the project"),
            Self::Skill(id) => write!(f, "{id}"),
        }
    }
}

const ROOT_VERSION: Version = Version::new(0, 0, 0);

/// Finds the versions.
///
/// # Errors
/// [`Unsolved`] if a requirement cannot be met, or if they contradict each other.
pub fn resolve(problem: &Problem) -> Result<BTreeMap<SkillId, Version>, Box<Unsolved>> {
    let universe = Universe::new(problem);
    for (id, req) in &problem.roots {
        if let Some(fault) = universe.hopeless(id, req) {
            return Err(Box::new(Unsolved { fault, explanation: String::new() }));
        }
    }
    match pubgrub::resolve(&universe, Package::Root, ROOT_VERSION) {
        Ok(solution) => Ok(solution
            .into_iter()
            .filter_map(|(package, version)| match package {
                Package::Skill(id) => Some((id, version)),
                Package::Root => None,
            })
            .collect()),
        Err(PubGrubError::NoSolution(mut tree)) => {
            tree.collapse_no_versions();
            let sentences = explain::Sentences { versions: &universe.versions };
            let explanation = DefaultStringReporter::report_with_formatter(&tree, &sentences);
            Err(Box::new(Unsolved { fault: Fault::new(codes::NO_SOLUTION), explanation }))
        }
        // The other kinds wrap errors of the provider, and this one has none.
        Err(other) => {
            let fault = Fault::new(codes::NO_SOLUTION).detail(other.to_string());
            Err(Box::new(Unsolved { fault, explanation: String::new() }))
        }
    }
}

/// The problem as pubgrub asks for it.
struct Universe<'a> {
    problem: &'a Problem,
    /// The versions that may be chosen, ascending.
    choices: BTreeMap<&'a SkillId, Vec<&'a Candidate>>,
    /// All versions, ascending: for explanations.
    versions: BTreeMap<&'a SkillId, Vec<&'a Version>>,
}

impl<'a> Universe<'a> {
    fn new(problem: &'a Problem) -> Self {
        let asked = asked_prereleases(problem);
        let mut choices = BTreeMap::new();
        let mut versions = BTreeMap::new();
        for (id, candidates) in &problem.catalogue {
            let locked = problem.locked.get(id);
            let mut installable: Vec<&Candidate> = candidates
                .iter()
                .filter(|c| match c.status {
                    LineStatus::Ok => true,
                    LineStatus::Yanked => Some(&c.version) == locked,
                    LineStatus::Quarantined | LineStatus::Gone => false,
                })
                .collect();
            let only_prereleases = installable.iter().all(|c| !c.version.pre.is_empty());
            installable.retain(|c| {
                let version = &c.version;
                version.pre.is_empty() || only_prereleases || Some(version) == locked || asked.contains(&(id, version))
            });
            installable.sort_by(|a, b| a.version.cmp(&b.version));
            choices.insert(id, installable);
            let mut all: Vec<&Version> = candidates.iter().map(|c| &c.version).collect();
            all.sort();
            versions.insert(id, all);
        }
        Self { problem, choices, versions }
    }

    /// Why no version can meet this one requirement, if that is so.
    fn hopeless(&self, id: &SkillId, req: &VersionReq) -> Option<Fault> {
        let Some(candidates) = self.problem.catalogue.get(id) else {
            return Some(Fault::new(codes::NOT_FOUND).at(id.to_string()));
        };
        if self.choices.get(id).is_some_and(|all| all.iter().any(|c| satisfies(req, &c.version))) {
            return None;
        }
        let place = match req.to_string().as_str() {
            "*" => id.to_string(),
            text => format!("{id}@{}", text.strip_prefix('=').unwrap_or(text)),
        };
        let matching: Vec<&Candidate> = candidates.iter().filter(|c| satisfies(req, &c.version)).collect();
        let withdrawn = matching.iter().rev().find(|c| c.status != LineStatus::Ok);
        let code = match withdrawn.map(|c| c.status) {
            Some(LineStatus::Yanked) => codes::YANKED,
            Some(_) => codes::QUARANTINED,
            None => codes::NO_VERSION,
        };
        let fault = Fault::new(code).at(place);
        Some(match (withdrawn, candidates.iter().map(|c| &c.version).max()) {
            (Some(candidate), _) if matching.len() > 1 => fault.detail(candidate.version.to_string()),
            (Some(_), _) => fault,
            (None, Some(highest)) => fault.detail(format!("the highest version is {highest}")),
            (None, None) => fault.detail("it has no versions"),
        })
    }
}

/// The pre-releases that some requirement names: one of its comparators has the same three numbers and a pre-release part.
fn asked_prereleases(problem: &Problem) -> BTreeSet<(&SkillId, &Version)> {
    let dependencies = problem.catalogue.values().flatten().flat_map(|c| c.dependencies.iter().map(|(id, r)| (id, r)));
    let mut asked = BTreeSet::new();
    for (id, req) in problem.roots.iter().chain(dependencies) {
        if req.comparators.iter().all(|c| c.pre.is_empty()) {
            continue;
        }
        for candidate in problem.catalogue.get(id).into_iter().flatten() {
            if !candidate.version.pre.is_empty() && req.matches(&candidate.version) {
                asked.insert((id, &candidate.version));
            }
        }
    }
    asked
}

impl DependencyProvider for Universe<'_> {
    type P = Package;
    type V = Version;
    type VS = Set;
    type Priority = (u32, Reverse<usize>);
    type M = String;
    type Err = Infallible;

    /// Those that caused conflicts first, then those with the fewest choices: both end hopeless searches early.
    fn prioritize(&self, package: &Package, set: &Set, conflicts: &PackageResolutionStatistics) -> Self::Priority {
        let choices = match package {
            Package::Root => 1,
            Package::Skill(id) => {
                self.choices.get(id).map_or(0, |all| all.iter().filter(|c| set.contains(&c.version)).count())
            }
        };
        (conflicts.conflict_count(), Reverse(choices))
    }

    fn choose_version(&self, package: &Package, set: &Set) -> Result<Option<Version>, Infallible> {
        let Package::Skill(id) = package else { return Ok(Some(ROOT_VERSION)) };
        let all = self.choices.get(id).into_iter().flatten().map(|c| &c.version).filter(|v| set.contains(v));
        let all: Vec<&Version> = all.collect();
        let locked = self.problem.locked.get(id).and_then(|locked| all.iter().find(|v| **v == locked));
        let release = || all.iter().rev().find(|v| v.pre.is_empty());
        Ok(locked.or_else(release).or(all.last()).map(|v| (*v).clone()))
    }

    fn get_dependencies(
        &self,
        package: &Package,
        version: &Version,
    ) -> Result<Dependencies<Package, Set, String>, Infallible> {
        let edge = |id: &SkillId, req: &VersionReq| (Package::Skill(id.clone()), set_of(req));
        let Package::Skill(id) = package else {
            return Ok(Dependencies::Available(self.problem.roots.iter().map(|(id, req)| edge(id, req)).collect()));
        };
        let chosen = self.choices.get(id).into_iter().flatten().find(|c| c.version == *version);
        let needed = chosen.map_or(&[][..], |c| &c.dependencies);
        Ok(match needed.iter().find(|(id, _)| !self.problem.catalogue.contains_key(id)) {
            Some((missing, req)) => {
                Dependencies::Unavailable(format!("it needs {missing} {req}, and there is no such skill"))
            }
            None => Dependencies::Available(needed.iter().map(|(id, req)| edge(id, req)).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SkillId {
        text.parse().expect("a name")
    }

    fn version(text: &str) -> Version {
        text.parse().expect("a version")
    }

    /// `1.0.0`, `1.0.0 yanked`, `1.0.0 -> acme/base ^1`.
    fn candidate(text: &str) -> Candidate {
        let (head, dependencies) = text.split_once(" -> ").unwrap_or((text, ""));
        let (number, status) = head.split_once(' ').unwrap_or((head, "ok"));
        let dependencies = dependencies.split("; ").filter(|d| !d.is_empty()).map(|d| {
            let (name, req) = d.split_once(' ').expect("name and requirement");
            (id(name), req.parse().expect("a requirement"))
        });
        let status = match status {
            "yanked" => LineStatus::Yanked,
            "quarantined" => LineStatus::Quarantined,
            _ => LineStatus::Ok,
        };
        Candidate { version: version(number), status, dependencies: dependencies.collect() }
    }

    fn problem(roots: &[(&str, &str)], catalogue: &[(&str, &[&str])]) -> Problem {
        Problem {
            roots: roots.iter().map(|(name, req)| (id(name), req.parse().expect("a requirement"))).collect(),
            catalogue: catalogue
                .iter()
                .map(|(name, versions)| (id(name), versions.iter().map(|v| candidate(v)).collect()))
                .collect(),
            locked: BTreeMap::new(),
        }
    }

    fn solve(problem: &Problem) -> Vec<String> {
        let solution = resolve(problem).expect("a solution");
        solution.iter().map(|(id, version)| format!("{id} {version}")).collect()
    }

    fn code(problem: &Problem) -> &'static str {
        resolve(problem).expect_err("no solution").fault.code.id
    }

    #[test]
    fn the_highest_release_in_range_is_chosen_with_what_it_needs() {
        let versions: &[&str] = &["1.0.0", "1.4.0 -> acme/base ^2", "2.0.0", "1.10.0-rc.1"];
        let all: &[(&str, &[&str])] =
            &[("acme/app", versions), ("acme/base", &["2.0.0", "2.1.0", "3.0.0"]), ("acme/other", &[])];
        assert_eq!(solve(&problem(&[("acme/app", "^1")], all)), ["acme/app 1.4.0", "acme/base 2.1.0"]);
        assert_eq!(solve(&problem(&[("acme/app", "*")], all)), ["acme/app 2.0.0"]);
    }

    #[test]
    fn a_prerelease_is_chosen_only_when_asked_for_or_alone() {
        let all: &[(&str, &[&str])] = &[("acme/app", &["1.0.0", "1.1.0-rc.1"]), ("acme/new", &["0.1.0-a", "0.1.0-b"])];
        assert_eq!(solve(&problem(&[("acme/app", "*")], all)), ["acme/app 1.0.0"]);
        assert_eq!(solve(&problem(&[("acme/app", "^1.1.0-rc.0")], all)), ["acme/app 1.1.0-rc.1"]);
        assert_eq!(solve(&problem(&[("acme/new", "*")], all)), ["acme/new 0.1.0-b"]);
        assert_eq!(code(&problem(&[("acme/app", "^1.1")], all)), "E_NO_VERSION");
    }

    #[test]
    fn a_yanked_version_is_not_resolved_unless_locked() {
        let all: &[(&str, &[&str])] = &[("acme/app", &["1.0.0", "1.1.0 yanked", "1.2.0 quarantined"])];
        assert_eq!(solve(&problem(&[("acme/app", "*")], all)), ["acme/app 1.0.0"]);
        assert_eq!(code(&problem(&[("acme/app", "=1.1.0")], all)), "E_YANKED");
        let mut locked = problem(&[("acme/app", "*")], all);
        locked.locked.insert(id("acme/app"), version("1.1.0"));
        assert_eq!(solve(&locked), ["acme/app 1.1.0"]);
        locked.locked.insert(id("acme/app"), version("1.2.0"));
        assert_eq!(solve(&locked), ["acme/app 1.0.0"]);
        assert_eq!(code(&problem(&[("acme/app", "=1.2.0")], all)), "E_QUARANTINED");
    }

    #[test]
    fn a_locked_version_stays_while_it_fits() {
        let mut p = problem(&[("acme/app", "^1")], &[("acme/app", &["1.0.0", "1.1.0", "2.0.0"])]);
        p.locked.insert(id("acme/app"), version("1.0.0"));
        assert_eq!(solve(&p), ["acme/app 1.0.0"]);
        p.roots.insert(id("acme/app"), "^1.1".parse().expect("a requirement"));
        assert_eq!(solve(&p), ["acme/app 1.1.0"]);
    }

    #[test]
    fn the_resolver_steps_back_from_a_version_whose_needs_conflict() {
        let all: &[(&str, &[&str])] = &[
            ("acme/app", &["1.0.0 -> acme/base ^1", "1.1.0 -> acme/base ^2"]),
            ("acme/tool", &["1.0.0 -> acme/base ^1"]),
            ("acme/base", &["1.0.0", "2.0.0"]),
        ];
        let solution = solve(&problem(&[("acme/app", "*"), ("acme/tool", "*")], all));
        assert_eq!(solution, ["acme/app 1.0.0", "acme/base 1.0.0", "acme/tool 1.0.0"]);
    }

    #[test]
    fn a_conflict_is_explained_in_sentences() {
        let all: &[(&str, &[&str])] = &[
            ("acme/app", &["1.0.0 -> acme/base ^1", "1.1.0 -> acme/base ^1"]),
            ("acme/tool", &["1.0.0 -> acme/base ^2"]),
            ("acme/base", &["1.0.0", "2.0.0"]),
        ];
        let unsolved = resolve(&problem(&[("acme/app", "^1"), ("acme/tool", "*")], all)).expect_err("a conflict");
        assert_eq!(unsolved.fault.code, codes::NO_SOLUTION);
        insta::assert_snapshot!(unsolved.explanation);
        let missing = problem(&[("acme/app", "*")], &[("acme/app", &["1.0.0 -> beta/gone ^1"])]);
        insta::assert_snapshot!(resolve(&missing).expect_err("a missing skill").explanation);
        assert_eq!(code(&problem(&[("beta/gone", "*")], &[])), "E_NOT_FOUND");
    }
}

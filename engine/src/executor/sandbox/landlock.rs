//! Landlock: this thread, and all that it starts, may touch only the named files, and no TCP.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};

use super::{Spec, mounts};

/// The rules that we know; an older kernel enforces those that it knows.
const RULES: ABI = ABI::V7;

/// Restricts this thread. `alone`: nothing else closes the network, so that a kernel that cannot is an error.
/// Gives back whether the kernel enforces anything.
pub(super) fn restrict(spec: &Spec, alone: bool) -> Result<bool, RulesetError> {
    let mut rules =
        Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(AccessFs::from_all(RULES))?;
    if !spec.network {
        let level = if alone { CompatLevel::HardRequirement } else { CompatLevel::BestEffort };
        rules = rules.set_compatibility(level).handle_access(AccessNet::from_all(ABI::V4))?;
    }
    let rules = rules.set_compatibility(CompatLevel::BestEffort).scope(Scope::from_all(RULES))?.create()?;
    let (read, all) = (AccessFs::from_read(RULES), AccessFs::from_all(RULES));
    let status = rules
        .add_rules(path_beneath_rules(readable(spec, alone), read))?
        .add_rules(path_beneath_rules(writable(spec, alone), all))?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Where a private root is, it is private all over; else `/proc` and `/tmp` are those of the machine and stay closed.
fn readable(spec: &Spec, alone: bool) -> Vec<PathBuf> {
    let etc = mounts::ETC.iter().chain(if spec.network { mounts::ETC_NETWORK } else { &[] });
    let fixed = mounts::SYSTEM.iter().chain(etc).chain(if alone { &[][..] } else { &["/proc"][..] });
    fixed.map(PathBuf::from).chain(spec.read.iter().cloned()).filter(|path| path.exists()).collect()
}

fn writable(spec: &Spec, alone: bool) -> Vec<PathBuf> {
    let fixed = mounts::DEVICES.iter().chain(if alone { &[][..] } else { &["/tmp", "/dev/shm"][..] });
    let paths = fixed.map(Path::new).map(Path::to_owned).chain(spec.write.iter().cloned());
    paths.filter(|path| path.exists()).collect()
}

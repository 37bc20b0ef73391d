//! What can be seen without the network.

use std::path::Path;

use skill_schema::{lock::Lock, project::Project};

use super::Check;
use crate::{
    agents::Agents,
    config::{Origin, credentials},
    context::{Context, PROJECT_FILE},
    files, pins,
    signing::{self, Stored},
};

/// Bytes of a project's file that are read.
const MAX_FILE: usize = 16 * 1024 * 1024;

/// All of it.
pub(super) fn checks(context: &Context) -> Vec<Check> {
    let mut checks = vec![Check::ok("version", format!("skill {}", env!("CARGO_PKG_VERSION")))];
    checks.extend(program(context));
    checks.extend(configuration(context));
    for (what, folder) in
        [("configuration", &context.env.config_dir), ("data", &context.env.data_dir), ("cache", &context.env.cache_dir)]
    {
        checks.push(folder_check(what, folder));
    }
    checks.extend(credentials_check(context));
    checks.extend(keys(context));
    checks.push(agents(context));
    checks.extend(certificates(context));
    checks.extend(project(context));
    checks
}

/// Whether typing `skill` starts this program: many systems have another one of that name, which sends signals to processes.
fn program(context: &Context) -> Option<Check> {
    let (path, this) = (context.env.path.as_ref()?, context.env.program.as_ref()?);
    let this = this.canonicalize().ok()?;
    let first = std::env::split_paths(path).map(|folder| folder.join("skill")).find(|file| file.is_file());
    match first {
        None => Some(Check::warning("program", "skill is not on the PATH", format!("add {} to it", parent(&this)))),
        Some(first) if first.canonicalize().is_ok_and(|first| first == this) => None,
        Some(first) => {
            let message = format!("typing skill starts {}, not this program", first.display());
            Some(Check::warning("program", message, format!("put {} first in the PATH", parent(&this))))
        }
    }
}

fn parent(file: &Path) -> String {
    file.parent().unwrap_or(file).display().to_string()
}

fn configuration(context: &Context) -> Vec<Check> {
    let files = context.config.files().iter().filter_map(|origin| match origin {
        Origin::System(path) | Origin::User(path) | Origin::Project(path) | Origin::File(path) => Some(path),
        Origin::Flag => None,
    });
    let read: Vec<String> = files.filter(|path| path.exists()).map(|path| path.display().to_string()).collect();
    if let Some(fault) = &context.damaged {
        return vec![Check::problem("config", fault.sentence(), "skill config edit opens it")];
    }
    let read = if read.is_empty() { "defaults only".to_owned() } else { read.join(", ") };
    vec![Check::ok("config", read)]
}

/// A folder must be writable, or else be one that can be made.
fn folder_check(what: &str, folder: &Path) -> Check {
    let place = folder.display();
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(folder);
    let probe = tempfile::Builder::new().prefix(files::TEMPORARY).tempfile_in(existing);
    match probe {
        Err(e) => {
            Check::problem("folders", format!("{what}: {place} cannot be written ({e})"), "check its owner and mode")
        }
        Ok(_) if existing == folder => Check::ok("folders", format!("{what}: {place}")),
        Ok(_) => Check::ok("folders", format!("{what}: {place} (is made when it is needed)")),
    }
}

fn credentials_check(context: &Context) -> Option<Check> {
    let path = credentials::path(&context.env);
    let mode = mode(&path)?;
    let place = path.display();
    if mode & 0o077 != 0 {
        let message = format!("{place} can be read by others: its mode is {mode:04o}");
        return Some(Check::problem(
            "tokens",
            message,
            format!("chmod 600 {place}; if others use this machine, make new tokens"),
        ));
    }
    Some(Check::ok("tokens", format!("{place} is private")))
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(path: &Path) -> Option<u32> {
    path.exists().then_some(0o600)
}

fn keys(context: &Context) -> Vec<Check> {
    let mut checks = Vec::new();
    match signing::list(&context.env) {
        Err(fault) => checks.push(Check::of_fault("keys", &fault)),
        Ok(keys) if keys.is_empty() => checks.push(Check::ok("keys", "none; only publishing needs one")),
        Ok(keys) => checks.extend(keys.iter().map(key_check)),
    }
    if let Err(fault) = pins::all(&context.env) {
        checks.push(Check::of_fault("keys", &fault));
    }
    checks
}

fn key_check(key: &Stored) -> Check {
    if let Some(fault) = &key.problem {
        return Check::of_fault("keys", fault);
    }
    let id = key.keyid().map_or_else(|| "unknown id".to_owned(), |id| id.short());
    Check::ok("keys", format!("{} ({id}{})", key.name, if key.encrypted { ", encrypted" } else { "" }))
}

fn agents(context: &Context) -> Check {
    match Agents::load(&context.config) {
        Err(fault) => Check::of_fault("agents", &fault),
        Ok(agents) => match agents.detected(&context.env.home).as_slice() {
            [] => Check::ok("agents", "none found; skills go where most agents look"),
            found => Check::ok("agents", found.join(", ")),
        },
    }
}

fn certificates(context: &Context) -> Vec<Check> {
    let configured = context.config.text("network.ca-file").map(Path::new);
    let named = [("SSL_CERT_FILE", context.env.ssl_cert_file.as_deref()), ("network.ca-file", configured)];
    let mut checks: Vec<Check> = named
        .into_iter()
        .filter_map(|(name, path)| Some((name, path?)))
        .map(|(name, path)| match std::fs::read_to_string(path) {
            Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => {
                Check::ok("network", format!("{name}: {}", path.display()))
            }
            Ok(_) => Check::problem(
                "network",
                format!("{name}: {} holds no PEM certificate", path.display()),
                "name a PEM file",
            ),
            Err(e) => {
                Check::problem("network", format!("{name}: {} cannot be read ({e})", path.display()), "name a PEM file")
            }
        })
        .collect();
    if !context.env.proxies.is_empty() {
        checks.push(Check::ok("network", format!("proxy settings: {}", context.env.proxies.join(", "))));
    }
    checks
}

fn project(context: &Context) -> Vec<Check> {
    let Some(root) = &context.project else { return Vec::new() };
    let manifest = root.join(PROJECT_FILE);
    let mut checks = Vec::new();
    let help = "fix the named line";
    match files::read_text(&manifest, MAX_FILE) {
        Err(fault) => checks.push(Check::of_fault("project", &fault)),
        Ok(text) => checks.push(match Project::parse(&text.unwrap_or_default()) {
            Ok(project) => Check::ok("project", format!("{}: {} wanted", manifest.display(), project.skills.len())),
            Err(finding) => {
                let line = finding.line.unwrap_or(1);
                Check::problem("project", format!("{}:{line}: {}", manifest.display(), finding.message), help)
            }
        }),
    }
    let lock = root.join("skills.lock");
    if let Ok(Some(text)) = files::read_text(&lock, MAX_FILE) {
        checks.push(match Lock::parse(&text) {
            Ok(locked) => Check::ok("project", format!("{}: {} locked", lock.display(), locked.skills.len())),
            Err(finding) => {
                let line = finding.line.unwrap_or(1);
                Check::problem("project", format!("{}:{line}: {}", lock.display(), finding.message), help)
            }
        });
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::{super::State, *};

    #[test]
    fn a_folder_that_can_be_made_is_in_order_and_a_closed_one_is_not() {
        let dir = tempfile::tempdir().expect("temporary folder");
        assert_eq!(folder_check("data", &dir.path().join("a/b")).state, State::Ok);
        let file = dir.path().join("file");
        std::fs::write(&file, "").expect("written");
        assert_eq!(folder_check("data", &file.join("b")).state, State::Problem);
    }
}

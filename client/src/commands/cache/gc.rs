//! `skill cache gc`: what no project uses and nobody touched for a while.

use std::{
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use serde::Serialize;
use skill_schema::{Fault, codes};

use super::used;
use crate::{
    context::Context,
    files,
    output::{bytes, count},
    store::{self, Store},
};

/// What to keep.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep what was fetched in this time: 30d, 12h.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_time)]
    keep: Duration,
    /// Then remove further downloads, oldest first, until they take at most this much: 500MB, 1GB.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_size: Option<u64>,
    /// Say what would be removed, and remove nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Collected {
    dry_run: bool,
    skills: usize,
    downloads: usize,
    bytes: u64,
}

/// A thing that could go.
struct Old {
    path: PathBuf,
    /// Seconds since 1970 of its last change.
    changed: u64,
    bytes: u64,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Fault> {
    let store = Store::new(&context.env);
    let limit = context.clock.now().unix().saturating_sub(args.keep.as_secs());
    let used = used(context)?;
    let mut result = Collected { dry_run: args.dry_run, skills: 0, downloads: 0, bytes: 0 };
    for tree in store.trees()?.iter().filter(|tree| !used.contains(tree)) {
        let old = old(store.path(tree))?;
        if old.changed > limit {
            continue;
        }
        (result.skills, result.bytes) = (result.skills + 1, result.bytes + old.bytes);
        if !args.dry_run {
            store.remove(tree)?;
        }
    }
    tidy(&store, context.clock.now().unix(), args.dry_run)?;
    let mut downloads: Vec<Old> = store::names(store.archives())?
        .into_iter()
        .map(|name| old(store.archives().join(name)))
        .collect::<Result<_, _>>()?;
    downloads.sort_by_key(|old| old.changed);
    let mut total: u64 = downloads.iter().map(|old| old.bytes).sum();
    for old in downloads {
        let too_much = args.max_size.is_some_and(|max| total > max);
        if old.changed > limit && !too_much {
            continue;
        }
        total -= old.bytes;
        (result.downloads, result.bytes) = (result.downloads + 1, result.bytes + old.bytes);
        if !args.dry_run {
            std::fs::remove_file(&old.path).map_err(|e| files::fault(&old.path, &e))?;
        }
    }
    let end = if args.dry_run { "   (dry run: nothing was changed)" } else { "" };
    context.output.result_or("skill.cache.gc/1", &result, |out| {
        let (skills, downloads) = (count(result.skills, "unused skill"), count(result.downloads, "download"));
        out.status("Removed", format!("{skills} and {downloads}, {}{end}", bytes(result.bytes)));
    });
    Ok(())
}

/// Removes what killed runs left half unpacked. A day is longer than any run that is still alive.
fn tidy(store: &Store, now: u64, dry_run: bool) -> Result<(), Fault> {
    for name in store::names(store.folder())?.iter().filter(|name| name.starts_with(files::TEMPORARY)) {
        let old = old(store.folder().join(name))?;
        if old.changed + 86_400 < now && !dry_run {
            std::fs::remove_dir_all(&old.path).map_err(|e| files::fault(&old.path, &e))?;
        }
    }
    Ok(())
}

fn old(path: PathBuf) -> Result<Old, Fault> {
    let metadata = std::fs::symlink_metadata(&path).map_err(|e| files::fault(&path, &e))?;
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let bytes = files::size(&path)?;
    Ok(Old { path, changed: changed.map_or(0, |since| since.as_secs()), bytes })
}

fn parse_time(text: &str) -> Result<Duration, Fault> {
    let fault = || Fault::new(codes::USAGE).at(text).detail("write a number and s, m, h or d: 30d");
    let unit = text.chars().last().ok_or_else(fault)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(fault()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| fault())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(fault)
}

fn parse_size(text: &str) -> Result<u64, Fault> {
    let fault = || Fault::new(codes::USAGE).at(text).detail("write a number and KB, MB or GB: 500MB");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        _ => return Err(fault()),
    };
    let number: u64 = text[..digits].parse().map_err(|_| fault())?;
    number.checked_mul(unit).ok_or_else(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(parse_time("30d"), Ok(Duration::from_hours(30 * 24)));
        assert_eq!(parse_time("0d"), Ok(Duration::ZERO));
        assert!(["", "d", "30", "1w", "-1d", "é"].iter().all(|bad| parse_time(bad).is_err()));
        assert_eq!((parse_size("500MB"), parse_size("12")), (Ok(500 << 20), Ok(12)));
        assert!(["", "MB", "1TBs", "99999999999GB"].iter().all(|bad| parse_size(bad).is_err()));
    }
}

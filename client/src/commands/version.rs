//! `skill version`: which build this is; with an argument, raises the version in skill.toml.

use std::{path::Path, str::FromStr};

use serde::Serialize;
use skill_schema::{
    Fault, Version, codes,
    manifest::{self, Manifest},
    version::parse_version,
};
use toml_edit::DocumentMut;

use crate::{
    context::Context,
    files::{self, Durable, Mode},
};

/// Show the version of this program, or raise the version in skill.toml.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill version                  which build this is
  skill version patch            1.4.2 becomes 1.4.3 in the skill.toml of this folder
  skill version 2.0.0-rc.1
  skill version minor --dry-run")]
pub struct Args {
    /// major, minor, patch, or a version.
    #[arg(value_name = "BUMP")]
    bump: Option<Bump>,
    /// Say what would be written.
    #[arg(long, requires = "bump")]
    dry_run: bool,
}

/// How to raise a version.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bump {
    Major,
    Minor,
    Patch,
    To(Version),
}

impl FromStr for Bump {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        match text {
            "major" => Ok(Self::Major),
            "minor" => Ok(Self::Minor),
            "patch" => Ok(Self::Patch),
            _ => parse_version(text).map(Self::To),
        }
    }
}

impl Bump {
    /// The next version. A pre-release becomes its own release where that is already the raise that was asked for.
    fn apply(&self, old: &Version) -> Version {
        let pre = !old.pre.is_empty();
        match self {
            Self::Major if pre && old.minor == 0 && old.patch == 0 => Version::new(old.major, 0, 0),
            Self::Major => Version::new(old.major.saturating_add(1), 0, 0),
            Self::Minor if pre && old.patch == 0 => Version::new(old.major, old.minor, 0),
            Self::Minor => Version::new(old.major, old.minor.saturating_add(1), 0),
            Self::Patch if pre => Version::new(old.major, old.minor, old.patch),
            Self::Patch => Version::new(old.major, old.minor, old.patch.saturating_add(1)),
            Self::To(version) => version.clone(),
        }
    }
}

#[derive(Serialize)]
struct Build {
    version: &'static str,
}

#[derive(Serialize)]
struct Raised {
    skill: String,
    from: Version,
    to: Version,
    file: String,
    written: bool,
}

/// Runs `skill version`.
///
/// # Errors
/// [`codes::NO_MANIFEST`] where there is no skill.toml, [`codes::MANIFEST`] where it is not valid, [`codes::IO`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let output = &context.output;
    let Some(bump) = args.bump else {
        let build = Build { version: env!("CARGO_PKG_VERSION") };
        output.result_or("skill.version/1", &build, |out| out.data(format!("skill {}", build.version)));
        return Ok(());
    };
    let raised = raise(&context.cwd, &bump, args.dry_run)?;
    output.result_or("skill.version.raised/1", &raised, |out| {
        if raised.from == raised.to {
            out.status("Unchanged", format!("{} is at {} already", raised.skill, raised.to));
            return;
        }
        let verb = if raised.written { "Raised" } else { "Would raise" };
        let verb = if raised.to > raised.from { verb } else { "Lowered" };
        out.status(verb, format!("{} {} -> {}", raised.skill, raised.from, raised.to));
        if raised.written {
            out.hint("skill publish");
        }
    });
    Ok(())
}

fn raise(folder: &Path, bump: &Bump, dry_run: bool) -> Result<Raised, Fault> {
    let path = folder.join(manifest::FILE);
    let text = files::read_text(&path, manifest::MAX_BYTES)?;
    let text = text.ok_or_else(|| Fault::new(codes::NO_MANIFEST).at(folder.display().to_string()))?;
    let manifest = Manifest::parse(&text).map_err(|findings| {
        findings.first().map_or_else(|| Fault::new(codes::MANIFEST), skill_schema::lint::Finding::to_fault)
    })?;
    let to = bump.apply(&manifest.version);
    let from = manifest.version;
    let written = !dry_run && from != to;
    if written {
        let changed = with_version(&text, &to)?;
        files::replace(&path, changed.as_bytes(), Mode::Normal, Durable::Yes)?;
    }
    Ok(Raised { skill: manifest.id.to_string(), from, to, file: path.display().to_string(), written })
}

/// The text with another version; everything else, comments too, stays as it is.
fn with_version(text: &str, version: &Version) -> Result<String, Fault> {
    let broken = |e: toml_edit::TomlError| Fault::new(codes::MANIFEST).detail(e.message().to_owned());
    let mut document: DocumentMut = text.parse().map_err(broken)?;
    if let Some(value) = document["skill"]["version"].as_value_mut() {
        let decor = value.decor().clone();
        *value = version.to_string().into();
        *value.decor_mut() = decor;
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_raised_as_semver_orders_them() {
        for (old, bump, new) in [
            ("1.4.2", "patch", "1.4.3"),
            ("1.4.2", "minor", "1.5.0"),
            ("1.4.2", "major", "2.0.0"),
            ("2.0.0-rc.1", "patch", "2.0.0"),
            ("2.0.0-rc.1", "minor", "2.0.0"),
            ("2.0.0-rc.1", "major", "2.0.0"),
            ("2.0.1-rc.1", "minor", "2.1.0"),
            ("2.1.0-rc.1", "major", "3.0.0"),
            ("1.0.0", "0.9.0", "0.9.0"),
        ] {
            let bump: Bump = bump.parse().expect("a bump");
            let old = parse_version(old).expect("a version");
            assert_eq!(bump.apply(&old).to_string(), new, "{old} {bump:?}");
        }
        assert!("v1.0.0".parse::<Bump>().is_err() && "1.0.0+b".parse::<Bump>().is_err());
    }

    #[test]
    fn only_the_version_changes_in_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "# mine\n[skill]\nname = 'acme/b'\nversion   =   \"0.1.0\"   # bump me\n\n[dependencies]\n";
        std::fs::write(folder.path().join("skill.toml"), text).expect("written");
        let raised = raise(folder.path(), &Bump::Minor, true).expect("a plan");
        assert_eq!((raised.to.to_string().as_str(), raised.written), ("0.2.0", false));
        assert!(raise(folder.path(), &Bump::Minor, false).expect("raised").written);
        let now = std::fs::read_to_string(folder.path().join("skill.toml")).expect("read");
        assert_eq!(now, text.replace("0.1.0", "0.2.0"));
        assert!(!raise(folder.path(), &Bump::To(Version::new(0, 2, 0)), false).expect("the same").written);
    }

    #[test]
    fn a_folder_without_a_valid_manifest_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(raise(folder.path(), &Bump::Patch, false).err().map(|f| f.code), Some(codes::NO_MANIFEST));
        std::fs::write(folder.path().join("skill.toml"), "[skill]\nname = 'acme/b'\n").expect("written");
        assert_eq!(raise(folder.path(), &Bump::Patch, false).err().map(|f| f.code), Some(codes::MANIFEST));
    }
}

//! What the fuzz targets do with their input. Used twice: by the libFuzzer targets in `fuzz_targets/` (`cargo +nightly fuzz run
//! archive`), and by a short deterministic run among the tests of `skill-bundle`, which needs neither.
//!
//! Every body must return: no panic, no memory or time out of proportion. Where a format can be written, what was accepted is
//! written and read again, and nothing may be lost.

mod chain;
mod log;

pub use chain::{folded_operator, folded_scope, operator_fold, scope_fold};
pub use log::{checkpoint, entry_bundle, fork, merkle, note, proof, tile_path};

use skill_bundle::{
    File, Package, archive, chain::Chain, content, envelope::Envelope, jcs, keys::SecretKey, note::VerifierKey, tree,
};
use skill_schema::{
    Digest, Limits, Scope, SkillId, SkillName,
    index::{self, Index},
    lint::{self, Level},
    lock::Lock,
    manifest,
    project::Project,
    skill_md::SkillMd,
    spec::Spec,
    statement::{Release, ScopeKeys, Status},
    time::Timestamp,
    token, version,
};

/// Limits small enough that they are met often.
const SMALL: Limits =
    Limits { archive: 1 << 20, unpacked: 1 << 20, file: 4096, files: 8, line: 200, blank_run: 5, ..Limits::V1 };

/// What is done with one input.
pub type Body = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Body)] = &[
    ("archive", archive),
    ("gunzip", gunzip),
    ("package", package),
    ("envelope", envelope),
    ("jcs", jcs),
    ("skill_md", skill_md),
    ("lint", lint),
    ("manifest", manifest),
    ("lock", lock),
    ("project", project),
    ("index", index),
    ("spec", spec),
    ("vkey", vkey),
    ("content", content),
    ("key_file", key_file),
    ("note", note),
    ("checkpoint", checkpoint),
    ("tile_path", tile_path),
    ("entry_bundle", entry_bundle),
    ("proof", proof),
    ("merkle", merkle),
    ("fork", fork),
    ("scope_fold", scope_fold),
    ("operator_fold", operator_fold),
];

/// A tar: what is accepted is the one encoding of its files. Tried as it is, and with the checksums of its headers set right, since a
/// mutation hardly ever hits them.
pub fn archive(data: &[u8]) {
    for tar in [data.to_vec(), with_checksums(data)] {
        for limits in [&Limits::V1, &SMALL] {
            let Ok(entries) = archive::decode(&tar, limits) else { continue };
            let files = entries.iter().map(|entry| File {
                path: &entry.path,
                content: &tar[entry.content.clone()],
                executable: entry.executable,
            });
            assert_eq!(archive::encode(files).expect("what was decoded can be encoded"), tar);
        }
    }
}

fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut tar = data.to_vec();
    for block in tar.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    tar
}

/// A gzip member: never more than the limit, and what comes out packs and inflates to itself.
pub fn gunzip(data: &[u8]) {
    if let Ok(inflated) = archive::gunzip(data, &SMALL) {
        assert!(inflated.len() <= SMALL.unpacked);
        let again = archive::gzip(&inflated).expect("what was inflated can be packed");
        assert_eq!(archive::gunzip(&again, &Limits::V1).expect("our own gzip is accepted"), inflated);
    }
}

/// A package, given as a tar so that mutations reach the files: everything that is done with a package before it is trusted.
pub fn package(data: &[u8]) {
    let Ok(bytes) = archive::gzip(&with_checksums(data)) else { return };
    if let Ok(package) = Package::open(&bytes, &Limits::V1) {
        assert_eq!(package.tree(), tree::digest_of(package.files().map(tree::Entry::of)));
    }
    let report = skill_bundle::check::check_bytes(bytes, &Limits::V1, Level::Strict);
    assert_eq!(report.ok, report.to_result().is_ok());
}

/// An envelope: one spelling only; its statements and the chain take whatever it carries.
pub fn envelope(data: &[u8]) {
    // As it is, and as the payload of an envelope, so that mutations reach the statement.
    let key = SecretKey::from_seed(&[1; 32]);
    let sealed = Envelope::seal(data, &[&key]).ok();
    for envelope in Envelope::parse(data).into_iter().chain(sealed) {
        let again = Envelope::parse(envelope.bytes()).expect("an accepted envelope is accepted again");
        assert_eq!(again, envelope);
        assert!(jcs::is_canonical(envelope.payload()));
        let _ = envelope.verify(&key.public());
        let _ = (envelope.statement::<Release>(), envelope.statement::<Status>(), envelope.statement::<ScopeKeys>());
        if let Ok(scope) = "acme".parse() {
            let mut chain = Chain::new(scope, "skills.example/log");
            let before = chain.clone();
            if chain.push(&envelope).is_err() {
                assert_eq!(chain, before);
            }
        }
    }
}

/// JSON: canonical exactly if writing what was read gives the same bytes.
pub fn jcs(data: &[u8]) {
    let parsed = jcs::parse(data);
    if let Ok(value) = &parsed {
        assert_eq!(jcs::to_vec(value).expect("canonical JSON can be written"), data);
    }
    // Any JSON that can be written canonically is canonical then, and of the same value.
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(data)
        && let Ok(bytes) = jcs::to_vec(&value)
    {
        assert_eq!(jcs::parse(&bytes).expect("what was written is canonical"), value);
    }
}

/// SKILL.md: fences and frontmatter.
pub fn skill_md(data: &[u8]) {
    let _ = SkillMd::read(data);
}

/// The validator, with the input as SKILL.md beside other files, at both levels.
pub fn lint(data: &[u8]) {
    let files = [
        lint::File { path: "SKILL.md", content: data, executable: false },
        lint::File { path: "references/a.md", content: b"text", executable: false },
    ];
    for level in [Level::Strict, Level::Lenient] {
        for finding in lint::check(Some("demo"), &files, level.into()) {
            assert!(finding.rule.contains('.') && finding.line != Some(0) && finding.column != Some(0));
            let _ = finding.to_fault().sentence();
        }
    }
}

/// `skill.toml`: a manifest, or findings that say why not.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (manifest, findings) = manifest::check(text);
    assert!(manifest.is_some() || findings.iter().any(lint::Finding::is_error));
}

/// `skills.lock`: what was read is written and read again.
pub fn lock(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(lock) = Lock::parse(text) {
        let written = lock.to_string();
        assert_eq!(Lock::parse(&written).expect("a written lock is read"), lock);
        assert_eq!(Lock::parse(&written).expect("a written lock is read").to_string(), written);
    }
}

/// `skills.toml`: what was read is written and read again.
pub fn project(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(project) = Project::parse(text) {
        assert_eq!(Project::parse(&project.to_string()).expect("a written project is read"), project);
    }
}

/// Index files: what was read is rendered and read again.
pub fn index(data: &[u8]) {
    if let Ok(index) = Index::parse(data) {
        let again = Index::parse(index.render().as_bytes()).expect("a rendered index is read");
        assert_eq!(again, index);
        let _ = index::latest(&index.lines);
    }
    if let Ok(lines) = index::parse_chain(data) {
        let again = index::parse_chain(index::render_chain(&lines).as_bytes()).expect("a rendered chain is read");
        assert_eq!(again, lines);
    }
}

/// What people type: specifiers, names, versions, times, digests, tokens.
pub fn spec(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(spec) = text.parse::<Spec>() {
        assert_eq!(spec.which.to_string().parse::<skill_schema::spec::Which>().expect("its text is read"), spec.which);
    }
    for echoed in [
        text.parse::<SkillId>().map(|id| id.to_string()).ok(),
        text.parse::<Scope>().map(|scope| scope.to_string()).ok(),
        text.parse::<SkillName>().map(|name| name.to_string()).ok(),
        text.parse::<Timestamp>().map(|time| time.to_string()).ok(),
        text.parse::<Digest>().map(|digest| digest.to_string()).ok(),
        version::parse_version(text).map(|version| version.to_string()).ok(),
    ]
    .into_iter()
    .flatten()
    {
        assert_eq!(echoed, text, "names and numbers have one spelling");
    }
    let _ = version::parse_requirement(text);
    let _ = token::check(text);
    let _ = skill_schema::codes::escape(text);
}

/// A verifier key: one spelling.
pub fn vkey(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
}

/// A file's content, under names that are treated differently.
pub fn content(data: &[u8]) {
    for path in ["SKILL.md", "a/SKILL.md", "notes.md", "run.sh", "report.docx", "slides.odp", "data.bin"] {
        for limits in [&Limits::V1, &SMALL] {
            let files = [File { path, content: data, executable: false }];
            let findings = content::check(files, limits);
            assert_eq!(lint::code_of(&findings).is_some(), findings.iter().any(lint::Finding::is_error));
            assert!(findings.iter().all(|finding| finding.line != Some(0) && finding.column != Some(0)));
        }
    }
}

/// A key file.
pub fn key_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(key) = SecretKey::from_pem(text, Some("x")) {
        let again = SecretKey::from_pem(&key.to_pem(None).expect("a key is written"), None).expect("and read");
        assert_eq!(again.public(), key.public());
    }
}

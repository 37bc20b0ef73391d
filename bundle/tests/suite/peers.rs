//! What other implementations make of our bytes: archives, canonical JSON, signatures, key files.
//!
//! Programs that are not installed are named on standard error and passed over.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use skill_bundle::{File, Package, archive, extract, jcs, keys::SecretKey, tree};
use skill_schema::{Limits, codes};

use crate::{hostile, properties};

/// Whether a program answers; if not, says what is left out.
pub fn has(program: &str, args: &[&str]) -> bool {
    let works = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let works = works.is_ok_and(|status| status.success());
    if !works {
        let note = format!("skipped: {program} {} does not work here\n", args.join(" "));
        std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
    works
}

const PYTHON_EXTRACT: &str = "
import sys, tarfile
with tarfile.open(sys.argv[1], 'r:gz') as archive:
    options = {'filter': 'fully_trusted'} if hasattr(tarfile, 'fully_trusted_filter') else {}
    archive.extractall(sys.argv[2], **options)
";

/// Each program that extracts archives, as the command before archive and folder.
fn extractors() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut found = Vec::new();
    if has("python3", &["-c", "import tarfile"]) {
        found.push(("python3", vec!["-c", PYTHON_EXTRACT]));
    }
    if has("tar", &["--version"]) {
        found.push(("tar", vec!["--no-same-owner", "-xpzf"]));
    }
    if has("bsdtar", &["--version"]) {
        found.push(("bsdtar", vec!["--no-same-owner", "-xpzf"]));
    }
    found
}

fn extract_with(program: &str, args: &[&str], archive: &Path, folder: &Path) {
    fs::create_dir(folder).unwrap();
    let mut command = Command::new(program);
    command.args(args).arg(archive);
    if program != "python3" {
        command.arg("-C");
    }
    let output = command.arg(folder).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{program} complains: {}", String::from_utf8_lossy(&output.stderr));
}

/// Every extractor makes the folder that we make: names, contents, and all mode bits.
fn compare(bytes: &[u8]) {
    let package = Package::open(bytes, &Limits::V1).unwrap();
    let home = tempfile::tempdir().unwrap();
    let archive = home.path().join("a.tar.gz");
    fs::write(&archive, bytes).unwrap();
    extract::extract(&package, home.path(), "ours").unwrap();
    let ours = listing(&home.path().join("ours"));
    assert_eq!(ours.len() as u64, package.file_count());
    for (program, args) in extractors() {
        let folder = home.path().join(format!("by-{program}"));
        extract_with(program, &args, &archive, &folder);
        assert_eq!(listing(&folder), ours, "{program}");
    }
}

fn listing(folder: &Path) -> Vec<(tree::Entry, u32)> {
    use std::os::unix::fs::PermissionsExt;
    let entries = tree::entries_of_dir(folder).unwrap();
    entries
        .into_iter()
        .map(|entry| {
            let mode = fs::metadata(folder.join(&entry.path)).unwrap().permissions().mode() & 0o7777;
            (entry, mode)
        })
        .collect()
}

#[test]
fn python_gnu_tar_and_bsdtar_extract_what_we_extract() {
    let long = format!("{}/{}/{}", "a".repeat(90), "b".repeat(60), "c".repeat(80));
    let split_at_100 = format!("{}/{}", "d".repeat(99), "e".repeat(100));
    let mut files = vec![
        File { path: "SKILL.md", content: b"text\n", executable: false },
        File { path: &long, content: &[0; 1025], executable: false },
        File { path: &split_at_100, content: b"", executable: true },
        File { path: "odd [names] {are} (fine)/$HOME & ^~!@=,#%.txt", content: b"\xff\0\xfe", executable: false },
        File { path: "scripts/run.sh", content: b"#!/bin/sh\nexit 0\n", executable: true },
        File { path: "exactly-512", content: &[7; 512], executable: false },
    ];
    files.sort_by_key(|file| file.path);
    compare(&archive::gzip(&archive::encode(files).unwrap()).unwrap());
    for case in ["00-ok", "69-uid-root-names"] {
        compare(&hostile::archive(case).unwrap());
    }
}

#[test]
fn made_up_packages_are_extracted_alike() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..12 {
        let files = properties::files().new_tree(&mut runner).unwrap().current();
        let files = files.iter().map(|(path, (content, executable))| File { path, content, executable: *executable });
        compare(&archive::gzip(&archive::encode(files).unwrap()).unwrap());
    }
}

#[test]
fn the_tar_crate_reads_the_same_entries() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..20 {
        let files = properties::files().new_tree(&mut runner).unwrap().current();
        let as_files =
            files.iter().map(|(path, (content, executable))| File { path, content, executable: *executable });
        let bytes = archive::encode(as_files).unwrap();
        let mut reader = tar::Archive::new(bytes.as_slice());
        let mut seen = 0;
        for (entry, (path, (content, executable))) in reader.entries().unwrap().zip(&files) {
            let mut entry = entry.unwrap();
            assert_eq!(entry.path_bytes().as_ref(), path.as_bytes());
            assert_eq!(entry.header().mode().unwrap(), if *executable { 0o755 } else { 0o644 });
            let mut read = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut read).unwrap();
            assert_eq!(&read, content);
            seen += 1;
        }
        assert_eq!(seen, files.len());
    }
}

#[test]
fn other_canonical_json_writers_write_the_same_bytes() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..500 {
        let value = properties::json().new_tree(&mut runner).unwrap().current();
        let ours = jcs::to_vec(&value).unwrap();
        assert_eq!(serde_jcs::to_vec(&value).unwrap(), ours, "serde_jcs");
        assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), ours, "serde_json_canonicalizer");
    }
}

#[test]
fn python_s_rfc8785_writes_the_same_bytes() {
    const SCRIPT: &str = "
import json, sys, rfc8785
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(rfc8785.dumps(json.loads(line)) + b'\\n')
";
    if !has("python3", &["-c", "import rfc8785"]) {
        return;
    }
    let mut runner = TestRunner::deterministic();
    let values: Vec<_> = (0..200).map(|_| properties::json().new_tree(&mut runner).unwrap().current()).collect();
    let input: Vec<u8> = values.iter().flat_map(|v| [serde_json::to_vec(v).unwrap(), vec![b'\n']].concat()).collect();
    let mut child =
        Command::new("python3").args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let expected: Vec<u8> = values.iter().flat_map(|v| [jcs::to_vec(v).unwrap(), vec![b'\n']].concat()).collect();
    assert_eq!(String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&expected));
}

#[test]
fn openssl_reads_our_key_files_and_agrees_about_their_ids() {
    if !has("openssl", &["genpkey", "-algorithm", "ed25519"]) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap();
    for (name, passphrase) in [("plain.pem", None), ("sealed.pem", Some("correct horse"))] {
        let path = home.path().join(name);
        fs::write(&path, key.to_pem(passphrase).unwrap()).unwrap();
        let mut command = Command::new("openssl");
        command.args(["pkey", "-in"]).arg(&path).args(["-pubout", "-outform", "DER", "-passin"]);
        let output = command.arg(format!("pass:{}", passphrase.unwrap_or_default())).output().unwrap();
        assert_eq!(output.stdout, key.public().to_der(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(skill_bundle::hash::sha256(&output.stdout), key.keyid());
    }
    for options in [&[][..], &["-aes-256-cbc", "-pass", "pass:other"]] {
        let path = home.path().join("theirs.pem");
        let mut command = Command::new("openssl");
        command.args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&path).args(options).output().unwrap();
        let pem = fs::read_to_string(&path).unwrap();
        let read = SecretKey::from_pem(&pem, Some("other"));
        // OpenSSL encrypts with PBKDF2 unless told otherwise, which we do not accept.
        if options.is_empty() {
            assert!(read.is_ok());
        } else {
            assert_eq!(read.unwrap_err().code, codes::KEY_FILE);
        }
    }
}

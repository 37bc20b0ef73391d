//! Every hostile archive gets exactly the code that the list names, quickly.

use std::time::{Duration, Instant};

use serde::Deserialize;
use skill_bundle::{Package, check};
use skill_schema::{Limits, lint::Level};

use crate::hostile;

#[derive(Deserialize)]
struct Case {
    case: String,
    expect: String,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../vectors/hostile-archives.json")).unwrap()
}

#[test]
fn every_hostile_archive_gets_its_code() {
    let mut wrong = Vec::new();
    let cases = cases();
    assert_eq!(cases.len(), 87);
    for Case { case, expect } in cases {
        let bytes = hostile::archive(&case).unwrap_or_else(|| panic!("no generator for {case}"));
        let started = Instant::now();
        let report = check::check_bytes(bytes, &Limits::V1, Level::Strict);
        assert!(started.elapsed() < Duration::from_secs(2), "{case} took {:?}", started.elapsed());
        let code = report.code.map_or("accept", |code| code.id);
        if code != expect {
            wrong.push(format!("{case}: {code}, expected {expect}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cutting_or_changing_any_byte_of_a_package_is_noticed() {
    let good = hostile::archive("69-uid-root-names").unwrap();
    let package = Package::open(&good, &Limits::V1).unwrap();
    for end in 0..good.len() {
        assert!(Package::open(&good[..end], &Limits::V1).is_err(), "cut at {end}");
    }
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            // Two bytes of the gzip header are free, and some bits of a deflate stream do not matter: the content must.
            if let Ok(other) = Package::open(&bad, &Limits::V1) {
                assert_eq!(other.tree(), package.tree(), "byte {at}, bit {bit}");
            }
        }
    }
}

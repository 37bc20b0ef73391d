//! The identity of cases and suites: `case_hash`, `split_hash`, and the three digests that a suite is published with.
//!
//! A case's hash is the SHA-256 of its canonical JSON (RFC 8785) as written: no defaults are added. Three things have one spelling
//! so that every program computes the same hash: ids are texts, files are `{path, sha256}`, and numbers that are no integers of at
//! most 2⁵³-1 are texts, written as the shortest decimal that reads back as the same double, with a digit after the point.

use serde_json::{Map, Number, Value, json};
use skill_bundle::{
    hash::{Hasher, sha256},
    jcs,
};
use skill_schema::{Digest, Fault};

use super::{Case, Folder, Lock, Split, Suite};

/// The largest integer that stays a number in canonical JSON.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The digests under which a suite is published, and how many cases are in each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Digests {
    /// Over all cases.
    pub suite: Digest,
    /// Over the cases for training.
    pub train: Digest,
    /// Over the cases that are held out.
    pub holdout: Digest,
    /// How many cases are for training.
    pub train_cases: usize,
    /// How many cases are held out.
    pub holdout_cases: usize,
}

/// The canonical bytes of a case. `digest` says the SHA-256 of an input file by its path.
///
/// # Errors
/// Those of `digest`.
pub fn canonical(case: &Case, mut digest: impl FnMut(&str) -> Result<Digest, Fault>) -> Result<Vec<u8>, Fault> {
    let mut members = Map::new();
    for (key, value) in &case.raw {
        let value = match (key.as_str(), value) {
            ("id", Value::Number(number)) => Value::from(number.to_string()),
            ("files", Value::Array(files)) => {
                files.iter().map(|file| with_digest(file, &mut digest)).collect::<Result<Value, Fault>>()?
            }
            ("checks", Value::Array(checks)) => checks.iter().map(check).collect(),
            _ => texts_for_decimals(value),
        };
        members.insert(key.clone(), value);
    }
    jcs::to_vec(&members)
}

/// A check whose id is a text.
fn check(value: &Value) -> Value {
    let mut value = texts_for_decimals(value);
    if let Some(id) = value.get_mut("id").filter(|id| id.is_number()) {
        *id = Value::from(id.to_string());
    }
    value
}

fn with_digest(file: &Value, digest: &mut impl FnMut(&str) -> Result<Digest, Fault>) -> Result<Value, Fault> {
    let Some(path) = file.as_str().or_else(|| file.get("path")?.as_str()) else { return Ok(texts_for_decimals(file)) };
    Ok(json!({"path": path, "sha256": digest(path)?}))
}

fn texts_for_decimals(value: &Value) -> Value {
    match value {
        Value::Number(number) if !is_integer(number) => Value::from(number.to_string()),
        Value::Array(items) => items.iter().map(texts_for_decimals).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), texts_for_decimals(value))).collect())
        }
        other => other.clone(),
    }
}

fn is_integer(number: &Number) -> bool {
    let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    magnitude.is_some_and(|n| n <= MAX_INTEGER)
}

/// The hash of a case. `digest` says the SHA-256 of an input file by its path.
///
/// # Errors
/// Those of `digest`.
pub fn case_hash(case: &Case, digest: impl FnMut(&str) -> Result<Digest, Fault>) -> Result<Digest, Fault> {
    Ok(sha256(&canonical(case, digest)?))
}

/// The hash of a set of cases: SHA-256 of lines `id TAB case_hash LF`, ids sorted by bytes.
pub fn split_hash<'a>(rows: impl IntoIterator<Item = (&'a str, Digest)>) -> Digest {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_unstable_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let mut hasher = Hasher::new();
    for (id, hash) in rows {
        hasher.update(format!("{id}\t{hash}\n").as_bytes());
    }
    hasher.finish()
}

impl Suite {
    /// The hash of each case, in the order of the file; input files are read from the suite's folder.
    ///
    /// # Errors
    /// A file that is missing, too large or a link.
    pub fn case_hashes(&self, folder: &Folder) -> Result<Vec<Digest>, Fault> {
        self.cases.iter().map(|case| case_hash(case, |path| folder.digest(path))).collect()
    }

    /// The digests of the suite and its two parts.
    ///
    /// # Errors
    /// As [`Suite::case_hashes`]; [`skill_schema::codes::SPLIT_LOCK`] if a case is not in the lock.
    pub fn digests(&self, lock: &Lock, folder: &Folder) -> Result<Digests, Fault> {
        self.digests_with(lock, |path| folder.digest(path))
    }

    /// The digests of the suite and its two parts; `digest` says the SHA-256 of an input file by its path.
    ///
    /// # Errors
    /// Those of `digest`; [`skill_schema::codes::SPLIT_LOCK`] if a case is not in the lock.
    pub fn digests_with(
        &self,
        lock: &Lock,
        mut digest: impl FnMut(&str) -> Result<Digest, Fault>,
    ) -> Result<Digests, Fault> {
        let hashes: Vec<Digest> =
            self.cases.iter().map(|case| case_hash(case, &mut digest)).collect::<Result<_, Fault>>()?;
        self.digests_of(lock, &hashes)
    }

    /// The digests from the hashes of all cases, in the order of the file.
    ///
    /// # Errors
    /// [`skill_schema::codes::SPLIT_LOCK`] if a case is not in the lock.
    pub fn digests_of(&self, lock: &Lock, hashes: &[Digest]) -> Result<Digests, Fault> {
        let mut rows = Vec::with_capacity(self.cases.len());
        for (case, hash) in self.cases.iter().zip(hashes) {
            rows.push((case.id.as_str(), *hash, lock.need(&case.id)?));
        }
        let of = |split: Split| rows.iter().filter(move |row| row.2 == split).map(|row| (row.0, row.1));
        Ok(Digests {
            suite: split_hash(rows.iter().map(|row| (row.0, row.1))),
            train: split_hash(of(Split::Train)),
            holdout: split_hash(of(Split::Holdout)),
            train_cases: of(Split::Train).count(),
            holdout_cases: of(Split::Holdout).count(),
        })
    }
}

#[cfg(test)]
mod tests {
    use skill_schema::codes;

    use super::*;

    fn known() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/evals.json")).unwrap()
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers read better")]
    fn case(value: Value) -> Case {
        Suite::from_value(json!([value])).unwrap().cases.remove(0)
    }

    #[expect(clippy::unnecessary_wraps, reason = "the type that a reader of files has")]
    fn zeros(_: &str) -> Result<Digest, Fault> {
        Ok(Digest::ZERO)
    }

    #[test]
    fn the_known_answer_for_a_case() {
        let known = &known()["hash"][0];
        let case = case(known["case"].clone());
        assert_eq!(String::from_utf8(canonical(&case, zeros).unwrap()).unwrap(), known["canonical"].as_str().unwrap());
        assert_eq!(case_hash(&case, zeros).unwrap().to_string(), known["case_hash"].as_str().unwrap());
    }

    #[test]
    fn the_known_answer_for_a_split() {
        let known = &known()["hash"][1];
        let rows: Vec<(String, Digest)> = serde_json::from_value(known["rows"].clone()).unwrap();
        let hash = split_hash(rows.iter().rev().map(|(id, hash)| (id.as_str(), *hash)));
        assert_eq!(hash.to_string(), known["split_hash"].as_str().unwrap());
    }

    #[test]
    fn spellings_of_one_case_have_one_hash() {
        let hash = |value: Value| case_hash(&case(value), zeros).unwrap();
        let long = json!({"id": "7", "prompt": "p", "files": [{"path": "evals/a", "sha256": "0".repeat(64)}],
            "checks": [{"id": "1", "kind": "numeric", "abs_tol": "0.5"}]});
        let short = json!({"prompt": "p", "id": 7, "files": ["evals/a"], "checks": [{"id": 1, "kind": "numeric", "abs_tol": 0.5}]});
        assert_eq!(hash(long), hash(short.clone()));
        for (key, value) in [("prompt", json!("q")), ("category", json!("default")), ("files", json!(["evals/b"]))] {
            let mut other = short.clone();
            other[key] = value;
            assert_ne!(hash(other), hash(short.clone()), "{key}: no defaults are added, and every member counts");
        }
        let other = |_: &str| Ok(Digest([1; 32]));
        assert_ne!(case_hash(&case(short.clone()), other).unwrap(), hash(short));
    }

    #[test]
    fn numbers_that_doubles_cannot_hold_are_texts() {
        let text = |value: Value| {
            String::from_utf8(canonical(&case(json!({"prompt": "", "x": value})), zeros).unwrap()).unwrap()
        };
        assert!(text(json!(9_007_199_254_740_991_i64)).contains(r#""x":9007199254740991"#));
        assert!(text(json!(9_007_199_254_740_992_i64)).contains(r#""x":"9007199254740992""#));
        assert!(text(json!([{"y": -0.25}])).contains(r#""x":[{"y":"-0.25"}]"#));
        assert!(text(json!(1.0)).contains(r#""x":"1.0""#));
    }

    #[test]
    fn a_missing_file_is_an_error_and_not_a_hash() {
        let missing = |path: &str| Err(Fault::new(codes::NO_PATH).at(path));
        assert_eq!(
            case_hash(&case(json!({"prompt": "", "files": ["evals/x"]})), missing).unwrap_err().code,
            codes::NO_PATH
        );
    }
}

//! Tests of every kind of check: what passes, what fails, what is refused.

mod agents;
mod files;
mod hostile;
mod json;
mod laws;
mod scripts;
mod tables;
mod text;

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{CheckResult, PlainRunner, evaluate, parse};
use crate::{
    run::{Finished, Transcript, TranscriptEvent, Usage},
    suite::Check,
};

/// A run with folders of its own.
pub(super) struct Bed {
    place: tempfile::TempDir,
    pub transcript: Transcript,
    pub usage: Usage,
    pub exit: i32,
}

impl Bed {
    /// A run that answered this.
    pub(super) fn new(answer: &str) -> Self {
        let place = tempfile::tempdir().expect("a temporary folder");
        for name in ["outputs", "inputs", "suite"] {
            fs::create_dir(place.path().join(name)).expect("a new folder");
        }
        let events = vec![
            TranscriptEvent::Prompt { text: "asked".to_owned() },
            TranscriptEvent::Answer { text: answer.to_owned() },
        ];
        Self { place, transcript: Transcript { events }, usage: Usage::default(), exit: 0 }
    }

    /// Writes `outputs/…`, `inputs/…` or `suite/…`.
    pub(super) fn file(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("inside the bed")).expect("folders");
        fs::write(path, bytes).expect("a file");
        self
    }

    pub(super) fn path(&self, path: &str) -> std::path::PathBuf {
        self.place.path().join(path)
    }

    pub(super) fn check(&self, check: &Value) -> CheckResult {
        let at = |name: &str| self.place.path().join(name);
        let (outputs, inputs, suite) = (at("outputs"), at("inputs"), at("suite"));
        let root: [&Path; 3] = [&outputs, &inputs, &suite];
        let run = Finished {
            transcript: &self.transcript,
            outputs: root[0],
            inputs: root[1],
            suite: root[2],
            exit: self.exit,
            usage: &self.usage,
        };
        evaluate(&of(check), &run, &PlainRunner)
    }

    /// `Some(true)` for 1, `Some(false)` for 0, `None` for missing.
    #[track_caller]
    pub(super) fn passes(&self, check: &Value) -> Option<bool> {
        if let Err(fault) = parse(&of(check)) {
            panic!("{check}: {}", fault.sentence());
        }
        let result = self.check(check);
        result.value.map(|[num, den]| {
            assert!(num == 0 || num == den, "{check}: {num}/{den}");
            num == den
        })
    }

    /// Each of the checks, and what is expected of it: 1 passes, 0 fails, -1 is missing.
    #[track_caller]
    pub(super) fn table(&self, rows: &[(Value, i8)]) {
        for (check, expected) in rows {
            let found = self.passes(check).map_or(-1, i8::from);
            assert_eq!(found, *expected, "{check}: {}", self.check(check).evidence);
        }
    }
}

/// A check as the suite's reader makes it.
pub(super) fn of(check: &Value) -> Check {
    let params = check.as_object().expect("an object").clone();
    let text = |name: &str, default: &str| params.get(name).and_then(Value::as_str).unwrap_or(default).to_owned();
    Check {
        id: text("id", "c1"),
        kind: text("kind", ""),
        weight: params.get("weight").and_then(Value::as_u64).map_or(1, |weight| u32::try_from(weight).unwrap()),
        required: params.get("required").and_then(Value::as_bool).unwrap_or(false),
        target: text("target", "final"),
        params,
    }
}

/// Each of the checks is refused with the code.
#[track_caller]
pub(super) fn refused(rows: &[(Value, &str)]) {
    for (check, code) in rows {
        match parse(&of(check)) {
            Ok(parsed) => panic!("{check} was accepted: {parsed:?}"),
            Err(fault) => assert_eq!(fault.code.id, *code, "{check}: {}", fault.sentence()),
        }
    }
}

#[test]
fn a_kind_that_does_not_exist_is_refused() {
    refused(&[(json!({"kind": "telepathy"}), "E_CHECK_KIND"), (json!({}), "E_CHECK_KIND")]);
    refused(&[(json!({"kind": "ijson_valid"}), "E_CHECK_KIND"), (json!({"kind": "i"}), "E_CHECK_KIND")]);
}

#[test]
fn every_kind_of_the_list_is_known_and_needs_its_parameters() {
    for kind in super::KINDS {
        let code = parse(&of(&json!({"kind": kind}))).err().map(|fault| fault.code.id);
        let needs_none = ["json_valid", "skill_activated"].contains(&kind);
        assert_eq!(code, (!needs_none).then_some("E_CHECK_PARAM"), "{kind}");
    }
}

#[test]
fn a_check_that_cannot_be_read_is_missing_and_not_failed() {
    let result = Bed::new("x").check(&json!({"kind": "telepathy", "required": true}));
    assert_eq!((result.value, result.judged), (None, false));
    assert!(result.evidence.contains("telepathy"), "{}", result.evidence);
}

#[test]
fn what_a_model_judges_has_no_value_yet() {
    let bed = Bed::new("x");
    for kind in ["expectation", "rubric"] {
        let result = bed.check(&json!({"kind": kind, "text": "it says x", "weight": 2}));
        assert_eq!((result.value, result.judged, result.weight), (None, true, 2));
    }
}

#[test]
fn similar_only_reports() {
    let result =
        Bed::new("one two three four").check(&json!({"kind": "similar", "value": "one two three four", "weight": 5}));
    assert_eq!((result.value, result.weight, result.judged), (Some([1000, 1000]), 0, false));
    let result = Bed::new("nothing alike").check(&json!({"kind": "similar", "value": "0"}));
    assert!(result.value.is_some_and(|[num, _]| num < 500), "{result:?}");
    refused(&[(json!({"kind": "similar", "value": "x", "required": true}), "E_CHECK_PARAM")]);
}

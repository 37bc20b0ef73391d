//! What a long run says while it works: events, which the caller draws, records or drops.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;

/// Something that happened in a run. In JSON an event is one line with its kind in `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// The run begins.
    Started {
        /// What is run, for people: a suite or a skill.
        title: String,
        /// How many steps it will have; a step is one run of one case.
        steps: u64,
    },
    /// One step ended.
    Step {
        /// Which case, and which of its repeats.
        name: String,
        /// Whether it passed.
        passed: bool,
        /// How long it took.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        elapsed: Duration,
    },
    /// Something that the user should know and that does not end the run.
    Warning {
        /// One sentence, lower case, without a full stop.
        message: String,
    },
    /// The run ended; nothing follows.
    Finished {
        /// Steps that passed.
        passed: u64,
        /// Steps that failed.
        failed: u64,
    },
}

/// Takes the events of a run, from any thread and in the order in which they happened. A reporter must be quick and must not
/// fail: what it cannot show it drops.
pub trait Reporter: Send + Sync {
    /// Takes one event.
    fn report(&self, event: Event);
}

/// Drops everything.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _event: Event) {}
}

/// Keeps everything, for tests and for summaries at the end.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Event>>);

impl Recorder {
    /// What was reported so far; the recorder starts again from nothing.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reporter for Recorder {
    fn report(&self, event: Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

/// Seconds with three digits after the point, as text would be too long and a float is exact enough here.
fn seconds<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((elapsed.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_arrive_in_order_and_are_lines_of_json() {
        let recorder = Recorder::default();
        let reporter: &dyn Reporter = &recorder;
        reporter.report(Event::Started { title: "acme/notes".to_owned(), steps: 1 });
        reporter.report(Event::Step {
            name: "greets#1".to_owned(),
            passed: true,
            elapsed: Duration::from_micros(1_234_567),
        });
        reporter.report(Event::Finished { passed: 1, failed: 0 });
        let lines: Vec<String> =
            recorder.take().iter().map(|event| serde_json::to_string(event).expect("plain data")).collect();
        assert_eq!(
            lines,
            [
                r#"{"type":"started","title":"acme/notes","steps":1}"#,
                r#"{"type":"step","name":"greets#1","passed":true,"seconds":1.235}"#,
                r#"{"type":"finished","passed":1,"failed":0}"#,
            ]
        );
        assert!(recorder.take().is_empty());
    }
}

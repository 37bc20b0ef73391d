//! Many publish at once, and the registry is killed at random moments.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use skill_tests::{
    http::Answer,
    publisher::{Publisher, Request},
};

use crate::{row, trial::Trial, tries};

/// Who publishes at once.
const CROWD: usize = 8;

/// What a publisher sent and heard, with its scope.
type Heard = (String, Request, Option<Answer>);

#[test]
fn killed_at_random_under_eight_publishers_it_loses_nothing() {
    let mut trial = Trial::new();
    let crowd: Vec<Publisher> =
        (0..CROWD).map(|n| Publisher::enrol(&trial.world.registry, &format!("crowd-{n}"))).collect();
    let wanted = tries(12, 500);
    for n in 0..wanted {
        let address = trial.world.registry.address();
        let (over, heard) = (AtomicBool::new(false), Mutex::new(Vec::<Heard>::new()));
        thread::scope(|scope| {
            for (who, publisher) in crowd.iter().enumerate() {
                let (over, heard) = (&over, &heard);
                scope.spawn(move || {
                    for count in 0.. {
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        let version = format!("{n}.{count}.{who}");
                        let Some(next) = publisher.next(address) else { return };
                        let request = publisher.request(next, &version);
                        let answer = request.send(address);
                        let gone = answer.is_none();
                        let entry = (publisher.scope().to_owned(), request, answer);
                        heard.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
                        if gone {
                            return;
                        }
                    }
                });
            }
            // Another moment each time, by a fixed sequence, so that a failure comes again.
            let scatter = u64::try_from(n).expect("small").wrapping_mul(2_654_435_761) >> 7;
            thread::sleep(Duration::from_micros(5_000 + scatter % 120_000));
            trial.world.registry.kill();
            over.store(true, Ordering::Relaxed);
        });
        trial.world.registry.start();
        let heard = heard.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (scope, request, answer) in &heard {
            trial.note(scope, request, answer.as_ref());
        }
        // Whoever heard nothing asks again, and gets the same answer or a success.
        for (scope, request, _) in heard.iter().filter(|(_, _, answer)| answer.is_none()) {
            let answer = request.send(trial.world.registry.address()).expect("an answer");
            assert!(trial.note(scope, request, Some(&answer)), "a retry succeeds: {} {}", answer.status, answer.text());
        }
        if n % tries(3, 10) == 0 || n + 1 == wanted {
            trial.check();
        }
    }
    assert!(trial.acknowledged() > wanted, "hardly anything was published: the test shows nothing");
    row("kill -9 at random under 8 publishers", wanted, wanted);
}

//! The connection to the database is lost, and nobody knows whether the commit arrived.

use std::{thread, time::Duration};

use skill_tests::World;

use crate::{row, trial::Trial, tries};

#[test]
fn a_lost_connection_to_the_database_loses_nothing() {
    let mut trial = Trial::of(World::on_postgres());
    let (wanted, mut hit) = (tries(8, 100), 0);
    for n in 0..wanted {
        let request = trial.request();
        let address = trial.world.registry.address();
        let answer = thread::scope(|scope| {
            let sent = scope.spawn(|| request.send(address));
            thread::sleep(Duration::from_micros(u64::try_from(n % 20).expect("small") * 700));
            trial.world.cut_database_connections();
            sent.join().expect("it ends")
        });
        let scope = trial.ada.scope().to_owned();
        hit += usize::from(!trial.note(&scope, &request, answer.as_ref()));
        assert!(!trial.world.registry.has_ended(), "it must live on");
        let again = (0..20).find_map(|_| {
            let answer = request.send(address).filter(|answer| matches!(answer.status, 200 | 201));
            if answer.is_none() {
                thread::sleep(Duration::from_millis(100));
            }
            answer
        });
        assert!(trial.note(&scope, &request, again.as_ref()), "try {n}: a retry succeeds");
        trial.check();
    }
    row("lost connection to the database (PostgreSQL)", wanted, hit);
}

//! A record's runs made again.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use skill_tests::{Person, measured, model::Model};

#[test]
fn a_record_comes_out_again_or_it_is_said_what_differs() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 8);
    let calls = AtomicUsize::new(0);
    let model = Model::start(Duration::ZERO, move |_| {
        // The third time that everything is asked, the answers are others.
        if calls.fetch_add(1, Ordering::SeqCst) < 32 { "LOUD".to_owned() } else { "LOUD, but different".to_owned() }
    });
    let spec = model.spec();
    let folder = measured::measure(&project, &model, &["-k", "1"]);
    let args = ["reproduce", &folder, "--skill", "shout", "--model", &spec];
    project.skill(&args).ok().says("all 16 runs came out the same to the bit");
    project.skill(&args).refused(8, "E_NOT_REPRODUCED").says("transcript");
    project.write("shout/SKILL.md", "---\nname: shout\ndescription: Shouts. Use it always.\n---\n\nOther.\n");
    project.skill(&args).refused(8, "E_NOT_REPRODUCED").says("the skill is another one");
}

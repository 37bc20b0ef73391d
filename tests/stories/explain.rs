//! Error codes, explained.

use skill_schema::codes;
use skill_tests::Person;

#[test]
fn every_code_is_explained() {
    let nina = Person::alone("nina");
    for code in codes::all().iter().step_by(7) {
        nina.skill(&["explain", code.id]).ok().says(code.id);
    }
    nina.skill(&["explain", "E_NONSENSE"]).refused(3, "E_CODE_UNKNOWN");
    let listed = nina.skill(&["explain", "--list"]).ok();
    assert!(codes::all().iter().all(|code| listed.stdout.contains(code.id)));
}

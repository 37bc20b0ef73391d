//! The manual page.

use skill_tests::Person;

#[test]
fn it_is_a_manual_page() {
    Person::alone("nina").skill(&["man"]).ok().says(".TH skill 1");
}

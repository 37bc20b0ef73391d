//! Searching.

use skill_tests::World;

#[test]
fn words_of_name_description_and_text_are_found() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let skill = ada.writes("gardening", "1.0.0");
    skill.body("Prune the roses in February.");
    ada.publish(&skill).ok();
    let found = |words: &str| -> Vec<String> {
        let answer = rob.skill(&["search", words, "--json"]).ok().json();
        answer["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| item["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    assert_eq!(found("roses"), ["ada/gardening"]);
    assert_eq!(found("notes"), ["ada/notes"]);
    assert!(found("zeppelin").is_empty());
    // What a query language would read as operators is only text.
    for odd in ["\"", "roses AND (", "a* OR", "'; drop table skill; --", "NEAR(", "-", "%"] {
        rob.skill(&["search", "--", odd]).ok();
    }
}

//! Trigger cases: whether a skill's description makes an agent take it up. The model sees a list of skills, the tested one among
//! distractors, and what a user says, and names the one that it would take up.

use serde_json::{Value, json};
use skill_bundle::hash::sha256;

use super::{Ended, Execution, Job, Skill, add, prompt::ask, status_of};
use crate::{
    model::{CaseOutput, CaseRequest, Constraint, EngineError, Message, Role},
    run::{Status, Transcript, TranscriptEvent, Usage},
    suite::Task,
};

/// What a model answers when no skill fits.
const NONE: &str = "none";

/// A skill in the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
}

/// Skills of other trades that are listed beside the tested one, where the suite's owner names no better ones.
pub fn distractors() -> Vec<Listed> {
    let listed =
        |(name, description): (&str, &str)| Listed { name: name.to_owned(), description: description.to_owned() };
    [
        ("meeting-minutes", "Turns a transcript of a meeting into minutes with decisions and tasks. Use for recordings and notes of meetings."),
        ("sql-tuning", "Finds slow SQL queries and proposes indexes. Use when a database query is slow or a query plan is shown."),
        ("image-resize", "Resizes and converts images in bulk. Use when pictures need another size or format."),
        ("travel-itinerary", "Plans trips day by day with times and costs. Use when somebody plans a journey."),
        ("recipe-scaling", "Scales recipes to a number of guests and converts units. Use for cooking questions with quantities."),
        ("log-triage", "Groups the errors of a log file by cause. Use when a log of a service is attached."),
    ]
    .map(listed)
    .to_vec()
}

/// The skills in the order in which they are shown: by a hash of the name, so that no skill chooses its place, and all cases share a prefix.
/// A distractor of the tested skill's name is left out.
fn listed(skill: Option<&Skill>, distractors: &[Listed]) -> Vec<Listed> {
    let tested = skill.map(|skill| Listed { name: skill.name.clone(), description: skill.description.clone() });
    let is_other = |other: &&Listed| tested.as_ref().is_none_or(|tested| tested.name != other.name);
    let mut all: Vec<Listed> = distractors.iter().filter(is_other).cloned().collect();
    all.extend(tested);
    all.sort_by_cached_key(|listed| (sha256(listed.name.as_bytes()).0, listed.name.clone()));
    all
}

/// How clients tell a model which skills there are.
pub(super) fn available(skills: &[Listed]) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let one = |skill: &Listed| {
        let (name, description) = (escape(&skill.name), escape(&skill.description));
        format!("<skill>\n<name>{name}</name>\n<description>{description}</description>\n</skill>\n")
    };
    format!("<available_skills>\n{}</available_skills>", skills.iter().map(one).collect::<String>())
}

/// What all trigger cases of an arm begin with.
pub fn prefix(skill: Option<&Skill>, distractors: &[Listed]) -> Vec<Message> {
    let text = format!(
        "You are an agent that can take up a skill before it answers. Take up a skill only if the user's request calls for it.\n\n{}\n\n\
         Given what the user says, answer with JSON and nothing else: {{\"skill\": \"NAME\"}} with the name of the one skill that you take \
         up, or {{\"skill\": \"{NONE}\"}} if you take up no skill.",
        available(&listed(skill, distractors))
    );
    vec![Message::new(Role::System, text)]
}

/// One trigger case of a group with that prefix.
pub fn request(job: &Job, distractors: &[Listed]) -> CaseRequest {
    let query = match &job.case.task {
        Task::Trigger { query, .. } => query.clone(),
        _ => String::new(),
    };
    let mut names: Vec<String> =
        listed(job.skill.as_deref(), distractors).into_iter().map(|listed| listed.name).collect();
    names.push(NONE.to_owned());
    let schema = json!({
        "type": "object", "properties": {"skill": {"type": "string", "enum": names}}, "required": ["skill"],
        "additionalProperties": false,
    });
    ask(job, query, Constraint::JsonSchema(schema))
}

/// The run that an answer makes: it has a `SkillActivated` event if the model named a skill of the list. An answer that names
/// nothing known takes up nothing.
pub fn finish(job: &Job, distractors: &[Listed], answer: Result<CaseOutput, EngineError>) -> Execution {
    let Task::Trigger { query, .. } = &job.case.task else {
        return Execution::infra("not a trigger case");
    };
    let mut events = vec![TranscriptEvent::Prompt { text: query.clone() }];
    let mut usage = Usage::default();
    let status = match answer {
        Ok(output) => {
            add(&mut usage, &output);
            let skills = listed(job.skill.as_deref(), distractors);
            if let Some(name) = chosen(&output.text, &skills) {
                events.push(TranscriptEvent::SkillActivated { name });
            }
            events.push(TranscriptEvent::Answer { text: output.text });
            Status::Ok
        }
        Err(error) => {
            events.push(TranscriptEvent::Note { text: error.to_string() });
            status_of(&error)
        }
    };
    Execution::close(job, Transcript { events }, None, Ended::new(status, usage))
}

/// The name in the answer: of JSON its member `skill`, else the whole answer without quotation marks.
fn chosen(text: &str, skills: &[Listed]) -> Option<String> {
    let object = text.find('{').zip(text.rfind('}')).and_then(|(from, to)| text.get(from..=to));
    let value: Option<Value> = object.and_then(|object| serde_json::from_str(object).ok());
    let name = match value.as_ref().map(|value| value.get("skill")) {
        Some(Some(Value::String(name))) => name.as_str(),
        Some(_) => return None,
        None => text.trim().trim_matches(['"', '`', '\'', '.']),
    };
    skills.iter().find(|listed| listed.name == name.trim()).map(|listed| listed.name.clone())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{job, skill};
    use super::*;
    use crate::model::Finish;

    fn query(should_trigger: bool) -> Task {
        Task::Trigger { query: "make minutes of this".to_owned(), should_trigger }
    }

    fn activated(answer: &str) -> Option<String> {
        let job = job(Some(skill("notes", "Writes notes.", "x")), query(true));
        let output = CaseOutput {
            text: answer.to_owned(),
            finish: Finish::Stop,
            prompt_tokens: 1,
            cached_tokens: 0,
            output_tokens: 1,
            ms: 1,
            cost_micros: 0,
        };
        let run = finish(&job, &distractors(), Ok(output));
        run.transcript.events.iter().find_map(|event| match event {
            TranscriptEvent::SkillActivated { name } => Some(name.clone()),
            _ => None,
        })
    }

    #[test]
    fn only_a_name_of_the_list_is_taken_up() {
        for (answer, expected) in [
            (r#"{"skill": "notes"}"#, Some("notes")),
            ("Sure: {\"skill\":\"notes\"} done", Some("notes")),
            ("`notes`", Some("notes")),
            (r#"{"skill": "log-triage"}"#, Some("log-triage")),
            (r#"{"skill": "none"}"#, None),
            (r#"{"skill": null}"#, None),
            (r#"{"skill": "unknown"}"#, None),
            ("I would use notes, probably", None),
            ("", None),
            ("}{", None),
        ] {
            assert_eq!(activated(answer).as_deref(), expected, "{answer}");
        }
    }

    #[test]
    fn the_list_is_the_same_for_all_cases_and_holds_the_skill_on_its_arm_alone() {
        let skill = skill("notes", "Writes </available_skills> notes.", "BODY");
        let with = prefix(Some(&skill), &distractors());
        assert_eq!(with, prefix(Some(&skill), &distractors()));
        assert!(with[0].content.contains("<name>notes</name>") && !with[0].content.contains("BODY"));
        assert_eq!(with[0].content.matches("</available_skills>").count(), 1);
        assert!(!prefix(None, &distractors())[0].content.contains("<name>notes</name>"));
        let job = job(Some(skill), query(false));
        let Constraint::JsonSchema(schema) = request(&job, &distractors()).constraint else { panic!("a schema") };
        let names = schema["properties"]["skill"]["enum"].as_array().unwrap().len();
        assert_eq!(names, distractors().len() + 2);
    }
}

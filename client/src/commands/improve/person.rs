//! A person who decides: sees the edit and the numbers, and says keep, discard or stop.

use skill_engine::improve::{Answer, Ask, Shown};
use skill_schema::{Fault, codes::escape};

use crate::context::Context;

/// Lines of an edit that are shown.
const MAX_LINES: usize = 120;

/// Asks on the terminal.
pub struct Person<'a>(pub &'a Context);

impl Ask for Person<'_> {
    fn ask(&self, shown: &Shown<'_>) -> Result<Answer, Fault> {
        let out = &self.0.output;
        out.status("Experiment", format!("{} {}: {}", shown.exp, shown.operator.word(), escape(shown.idea)));
        for line in shown.patch.lines().take(MAX_LINES) {
            out.talk(escape(line));
        }
        let found = shown.found;
        out.status(
            "Measured",
            format!(
                "{:+.1} points ± {:.1}, p = {:.3}, {} cases",
                found.delta * 100.0,
                found.se * 100.0,
                found.p_run,
                found.cases
            ),
        );
        let default = if shown.against.is_none() { "keep" } else { "discard" };
        out.note(
            shown
                .against
                .map_or_else(|| "the rules would keep it".to_owned(), |why| format!("the rules would not: {why}")),
        );
        loop {
            let said = self.0.ask("keep, discard or stop", Some(default), "leaving out --interactive")?;
            match said.trim() {
                "keep" | "k" => return Ok(Answer::Keep),
                "discard" | "d" => return Ok(Answer::Discard),
                "stop" | "s" => return Ok(Answer::Stop),
                _ => {}
            }
        }
    }
}

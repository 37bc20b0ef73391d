//! Questions. Without a terminal, with `--no-input` and in CI a question is an error that names the flag which answers it.

use std::io::IsTerminal;

use skill_schema::{
    Fault,
    codes::{self, Exit},
};

use crate::{context::Context, report::Done};

impl Context {
    /// Asks yes or no; `--yes` answers yes.
    ///
    /// # Errors
    /// [`codes::NEEDS_INPUT`] where nobody can answer.
    pub fn confirm(&self, question: &str) -> Result<bool, Fault> {
        if self.global.yes {
            return Ok(true);
        }
        self.may_ask(question, "--yes")?;
        dialoguer::Confirm::new().with_prompt(question).default(false).interact().map_err(|e| closed(&e))
    }

    /// Asks to type a name, for what cannot be undone; `--yes` skips the question.
    ///
    /// # Errors
    /// [`codes::NEEDS_INPUT`] where nobody can answer.
    pub fn confirm_name(&self, question: &str, name: &str) -> Result<bool, Fault> {
        if self.global.yes {
            return Ok(true);
        }
        self.may_ask(question, "--yes")?;
        let prompt = format!("{question} Type {name} to go on");
        let answer: String =
            dialoguer::Input::new().with_prompt(prompt).allow_empty(true).interact_text().map_err(|e| closed(&e))?;
        Ok(answer.trim() == name)
    }

    /// Asks for a line of text; `flag` is what answers it without a terminal.
    ///
    /// # Errors
    /// [`codes::NEEDS_INPUT`] where nobody can answer.
    pub fn ask(&self, question: &str, default: Option<&str>, flag: &str) -> Result<String, Fault> {
        self.may_ask(question, flag)?;
        let mut input = dialoguer::Input::<String>::new().with_prompt(question);
        if let Some(default) = default {
            input = input.default(default.to_owned());
        }
        input.interact_text().map_err(|e| closed(&e))
    }

    /// Asks for a secret without showing it, and a second time if `confirm`.
    ///
    /// # Errors
    /// [`codes::NEEDS_INPUT`] where nobody can answer.
    pub fn secret(&self, question: &str, flag: &str, confirm: bool) -> Result<String, Fault> {
        self.may_ask(question, flag)?;
        let mut input = dialoguer::Password::new().with_prompt(question).allow_empty_password(true);
        if confirm {
            input = input.with_confirmation(format!("{question} (again)"), "the two are not the same");
        }
        input.interact().map_err(|e| closed(&e))
    }

    /// Says that the answer was no, and ends the command with exit code 1.
    pub fn cancelled(&self) -> anyhow::Error {
        self.output.status_warn("Cancelled", "nothing was changed");
        Done(Exit::Failed).into()
    }

    /// Whether there is somebody to ask.
    pub fn interactive(&self) -> bool {
        !self.global.no_input && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    fn may_ask(&self, question: &str, flag: &str) -> Result<(), Fault> {
        if self.interactive() {
            return Ok(());
        }
        Err(Fault::new(codes::NEEDS_INPUT).detail(format!("“{question}” is answered by {flag}")))
    }
}

fn closed(error: &dialoguer::Error) -> Fault {
    Fault::new(codes::NEEDS_INPUT).detail(error.to_string())
}

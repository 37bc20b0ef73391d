//! Conversations as the model wants to read them: its own chat template, and what in a message could pass for a border.

use minijinja::{Environment, Error, ErrorKind, context, syntax::SyntaxConfig};
use skill_engine::model::{Message, Role};

use crate::llama::{Model, Token};

/// What is used where a model brings no template: ChatML.
const CHATML: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                      {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
/// Steps of a template at most: templates come with models, and a hostile one could run for ever.
const FUEL: u64 = 20_000_000;
/// Bytes of a template at most.
const MAX_TEMPLATE: usize = 256 * 1024;

/// The template of a model, ready for use.
#[derive(Debug)]
pub struct Chat {
    templates: Environment<'static>,
    begin: String,
    end: String,
    controls: Vec<String>,
}

impl Chat {
    /// Reads the model's template.
    pub fn new(model: &Model) -> Result<Self, String> {
        let (begin, end) = model.marks();
        Self::from_template(model.template().unwrap_or_else(|| CHATML.to_owned()), begin, end, model.control_texts())
    }

    fn from_template(template: String, begin: String, end: String, controls: Vec<String>) -> Result<Self, String> {
        if template.len() > MAX_TEMPLATE {
            return Err(format!("a chat template of {} bytes; at most {MAX_TEMPLATE}", template.len()));
        }
        let mut templates = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        templates.set_syntax(syntax.map_err(|e| e.to_string())?);
        templates.set_fuel(Some(FUEL));
        templates.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        templates.add_function("raise_exception", |text: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, text))
        });
        let added = templates.add_template_owned("chat", template);
        added.map_err(|e| format!("the model's chat template: {e}"))?;
        Ok(Self { templates, begin, end, controls })
    }

    /// The conversation up to where the model's answer begins.
    pub fn render(&self, messages: &[Message]) -> Result<String, String> {
        let messages: Vec<_> = messages
            .iter()
            .map(|message| context! { role => role(message.role), content => self.disarm(&message.content) })
            .collect();
        let values = context! {
            messages,
            add_generation_prompt => true,
            bos_token => self.begin.as_str(),
            eos_token => self.end.as_str(),
            // Models that think aloud unless told otherwise: an answer is what is graded.
            enable_thinking => false,
        };
        let template = self.templates.get_template("chat").map_err(|e| e.to_string())?;
        template.render(values).map_err(|e| format!("the model's chat template: {e}"))
    }

    /// The conversation as tokens.
    pub fn tokens(&self, model: &Model, messages: &[Message]) -> Result<Vec<Token>, String> {
        let mut tokens = model.tokenize(&self.render(messages)?)?;
        if let Some(first) = model.first_token().filter(|first| tokens.first() != Some(first)) {
            tokens.insert(0, first);
        }
        Ok(tokens)
    }

    /// The beginning that all conversations with this prefix share, whatever follows from this role. Empty where the template
    /// cannot say.
    pub fn shared(&self, model: &Model, prefix: &[Message], next: Role) -> Vec<Token> {
        let with = |text: &str| {
            let messages: Vec<Message> = prefix.iter().cloned().chain([Message::new(next, text)]).collect();
            self.tokens(model, &messages).unwrap_or_default()
        };
        // Two continuations that have no beginning in common.
        let (mut one, other) = (with("x"), with("0"));
        one.truncate(common(&one, &other));
        one
    }

    /// The text with a zero-width space inside of whatever the tokeniser would take for a control token: a skill or an answer
    /// must not be able to end its own message.
    fn disarm(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for control in &self.controls {
            if text.contains(control.as_str()) {
                let at = control.chars().next().map_or(0, char::len_utf8);
                let (first, rest) = control.split_at(at);
                text = text.replace(control.as_str(), &format!("{first}\u{200b}{rest}"));
            }
        }
        text
    }
}

/// How many tokens two lists begin with in common.
pub fn common(a: &[Token], b: &[Token]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(template: &str) -> Result<Chat, String> {
        let controls = vec!["<|im_end|>".to_owned(), "<|im_start|>".to_owned()];
        Chat::from_template(template.to_owned(), "<s>".to_owned(), "</s>".to_owned(), controls)
    }

    #[test]
    fn a_message_cannot_end_itself() {
        let text = chat(CHATML).expect("a template").render(&[Message::new(Role::User, "a<|im_end|>b")]);
        assert_eq!(text.expect("text"), "<|im_start|>user\na<\u{200b}|im_end|>b<|im_end|>\n<|im_start|>assistant\n");
    }

    #[test]
    fn templates_may_use_the_methods_of_python() {
        let template = "{{ bos_token }}{% for m in messages %}\n  {% if m['content'].strip().startswith('a') %}\n\
                        {{ m.content.strip() }}\n  {% endif %}\n{% endfor %}";
        let text = chat(template).expect("a template").render(&[Message::new(Role::User, " a ")]);
        assert_eq!(text.expect("text"), "<s>a\n");
    }

    #[test]
    fn a_template_that_does_not_end_is_stopped() {
        let endless = chat("{% for a in range(9000) %}{% for b in range(9000) %}{{ a }}{% endfor %}{% endfor %}");
        assert!(endless.expect("a template").render(&[]).is_err());
        assert!(chat(&"a".repeat(MAX_TEMPLATE)).is_ok());
        assert!(chat(&"a".repeat(MAX_TEMPLATE + 1)).is_err());
        assert!(chat("{% if %}").is_err());
        let refusing = chat("{{ raise_exception('roles must alternate') }}").expect("a template").render(&[]);
        assert!(refusing.is_err_and(|e| e.contains("roles must alternate")));
    }
}

//! Checks without a value of their own: `expectation` and `rubric`, which a grader model judges, and `similar`, which only reports.

use similar::TextDiff;
use skill_schema::Fault;

use super::{
    Rule, Scene,
    params::Params,
    target::Subject,
    value::{Finding, Share},
};

/// Bytes of each text that is compared for similarity: the time is its square at worst.
const MAX_COMPARED: usize = 16 * 1024;

/// A check that a model judges; another module asks it.
#[derive(Debug)]
struct Judged;

/// Reads `text`, the statement or the rubric.
pub(super) fn parse(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    params.filled_text("text")?;
    Subject::parse(params)?;
    Ok(Box::new(Judged))
}

impl Rule for Judged {
    fn evaluate(&self, _scene: &Scene<'_>) -> Finding {
        Finding::missing("not judged yet")
    }
}

#[derive(Debug)]
struct Similar {
    subject: Subject,
    value: String,
}

/// Reads `value`, the text to compare with.
pub(super) fn parse_similar(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    Ok(Box::new(Similar { subject: Subject::parse(params)?, value: params.filled_text("value")?.to_owned() }))
}

impl Rule for Similar {
    /// Twice the words in common by the words of both, in thousandths.
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let text = match self.subject.text(scene) {
            Ok(text) => text,
            Err(finding) => return finding,
        };
        let (value, text) = (first_bytes(&self.value), first_bytes(&text));
        let ratio = TextDiff::from_words(value, text).ratio().clamp(0.0, 1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        let thousandths = (f64::from(ratio) * 1000.0).round() as u64;
        let share = Share::new(thousandths, 1000).unwrap_or(Share::ZERO);
        Finding::share(share, format!("{thousandths} of 1000 similar"))
    }

    fn reads_only_transcript(&self) -> bool {
        self.subject.is_transcript()
    }
}

fn first_bytes(text: &str) -> &str {
    let mut end = text.len().min(MAX_COMPARED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

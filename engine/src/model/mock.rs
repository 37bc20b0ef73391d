//! A scripted model in this process, for tests: a closure from the conversation to the answer, with a latency.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};

use super::{
    Caps, CaseOutput, CaseRequest, Engine, EngineError, Fingerprint, Finish, GroupRequest, GroupStream, Message,
    Sharing, estimate_tokens,
};

/// Says what to answer: the whole conversation, and the request.
type Script = dyn Fn(&[Message], &CaseRequest) -> Result<String, EngineError> + Send + Sync;

/// A model whose answers are computed by a closure. Stop texts and `max_tokens` are obeyed, constraints are not.
pub struct Mock {
    script: Box<Script>,
    latency: Duration,
    caps: Caps,
    fingerprint: Fingerprint,
    calls: AtomicUsize,
}

impl Mock {
    /// Answers every conversation with what the closure says.
    pub fn answering(answer: impl Fn(&[Message]) -> String + Send + Sync + 'static) -> Self {
        Self::scripted(move |messages, _| Ok(answer(messages)))
    }

    /// Answers or fails as the closure says, which also sees seed, sampling and constraint.
    pub fn scripted(
        script: impl Fn(&[Message], &CaseRequest) -> Result<String, EngineError> + Send + Sync + 'static,
    ) -> Self {
        let caps = Caps {
            prefix_sharing: Sharing::Explicit,
            constraints: false,
            seed: true,
            exact: true,
            max_parallel: 16,
            context: 32_768,
            device: "none".to_owned(),
        };
        Self {
            script: Box::new(script),
            latency: Duration::ZERO,
            caps,
            fingerprint: fingerprint("mock"),
            calls: AtomicUsize::new(0),
        }
    }

    /// The same, with each answer taking this long.
    #[must_use]
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The same under another model name; its `weights` follow from the name.
    #[must_use]
    pub fn named(mut self, model: &str) -> Self {
        self.fingerprint = fingerprint(model);
        self
    }

    /// The same with other abilities.
    #[must_use]
    pub fn with_caps(mut self, change: impl FnOnce(&mut Caps)) -> Self {
        change(&mut self.caps);
        self
    }

    /// How many cases were asked so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn answer(&self, group: &GroupRequest, index: usize) -> (usize, Result<CaseOutput, EngineError>) {
        let begun = Instant::now();
        self.calls.fetch_add(1, Ordering::SeqCst);
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        let case = &group.cases[index];
        let messages = group.messages(case);
        let output = (self.script)(&messages, case).map(|text| {
            let (text, finish) = cut(&text, case);
            CaseOutput {
                output_tokens: text.len().div_ceil(4) as u64,
                text,
                finish,
                prompt_tokens: estimate_tokens(&messages) as u64,
                cached_tokens: if index == 0 { 0 } else { estimate_tokens(&group.prefix) as u64 },
                ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                cost_micros: 0,
            }
        });
        (index, output)
    }
}

/// The text up to the first stop text, and at most four bytes for each of `max_tokens`.
fn cut(text: &str, case: &CaseRequest) -> (String, Finish) {
    let end = case.stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str())).min();
    let text = &text[..end.unwrap_or(text.len())];
    let limit = (case.sampling.max_tokens as usize).saturating_mul(4);
    if text.len() <= limit {
        return (text.to_owned(), Finish::Stop);
    }
    let end = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    (text[..end].to_owned(), Finish::Length)
}

fn fingerprint(model: &str) -> Fingerprint {
    Fingerprint {
        model: model.to_owned(),
        weights: skill_bundle::hash::sha256(model.as_bytes()).to_string(),
        quantisation: "none".to_owned(),
        engine: "mock".to_owned(),
        build: "1".to_owned(),
        device: "none".to_owned(),
    }
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock").field("model", &self.fingerprint.model).finish_non_exhaustive()
    }
}

impl Engine for Mock {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn run_group(&self, request: GroupRequest) -> GroupStream<'_> {
        let request = std::sync::Arc::new(request);
        let parallel = self.caps.max_parallel.max(1);
        stream::iter(0..request.cases.len())
            .map(move |index| {
                let request = request.clone();
                async move { self.answer(&request, index).await }
            })
            .buffer_unordered(parallel)
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Constraint, Mode, Role, Sampling};

    fn case(text: &str) -> CaseRequest {
        CaseRequest {
            messages: vec![Message::new(Role::User, text)],
            sampling: Sampling::default(),
            seed: 0,
            stop: vec![],
            constraint: Constraint::None,
        }
    }

    #[tokio::test]
    async fn every_case_is_answered_once() {
        let mock = Mock::scripted(|messages, _| match messages[1].content.as_str() {
            "bad" => Err(EngineError::infra("down")),
            text => Ok(text.to_uppercase()),
        });
        let prefix = vec![Message::new(Role::System, "shout")];
        let group = GroupRequest { prefix, cases: vec![case("a"), case("bad"), case("b")], mode: Mode::Exact };
        let mut found: Vec<_> = mock.run_group(group).collect().await;
        found.sort_by_key(|(index, _)| *index);
        let texts: Vec<_> = found.into_iter().map(|(_, output)| output.map(|output| output.text)).collect();
        assert_eq!(texts, [Ok("A".to_owned()), Err(EngineError::infra("down")), Ok("B".to_owned())]);
        assert_eq!(mock.calls(), 3);
    }

    #[test]
    fn stop_texts_and_lengths_cut_an_answer() {
        let mut request = case("");
        request.sampling.max_tokens = 1;
        assert_eq!(cut("abcd", &request), ("abcd".to_owned(), Finish::Stop));
        assert_eq!(cut("abcé", &request), ("abc".to_owned(), Finish::Length));
        request.stop = vec![String::new(), "c".to_owned()];
        assert_eq!(cut("abcdef", &request), ("ab".to_owned(), Finish::Stop));
    }
}

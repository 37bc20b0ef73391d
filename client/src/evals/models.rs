//! Models: the store on this machine, and opening what a user names.

use std::{path::PathBuf, sync::Arc};

use skill_engine::model::{
    Engine, EngineError, Prices, Secret,
    open::{Surroundings, open as open_spec},
    protocol::Open,
    store::Store,
};
use skill_schema::{Fault, codes};

use crate::{context::Context, env::Key};

/// The program that runs embedded models.
const WORKER: &str = "skill-engine-worker";
/// Bytes of evaluated prefixes that are kept: some hundred skills of a small model, a few of a large one.
const PREFIXES: u64 = 4 << 30;
/// Tokens of one conversation, unless configured: a long skill, a case and an answer.
const CONTEXT: u32 = 8_192;

/// The folder of models.
pub fn folder(context: &Context) -> PathBuf {
    context.env.data_dir.join("models")
}

/// The store of models.
///
/// # Errors
/// [`codes::MODEL`] if its folder cannot be made.
pub fn store(context: &Context) -> Result<Store, Fault> {
    Store::open(&folder(context)).map_err(fault)
}

/// Opens the model that is named, or configured as `eval.model`, or the only one of the store. A server gets as many requests at
/// once as `width` says, if it does.
///
/// # Errors
/// [`codes::MODEL`], [`codes::MODEL_UNAVAILABLE`].
pub async fn open(context: &Context, named: Option<&str>, width: Option<usize>) -> Result<Arc<dyn Engine>, Fault> {
    let spec = match named.or(context.config.text("eval.model")) {
        Some(spec) => spec.to_owned(),
        None => only(context)?,
    };
    let around = Surroundings { parallel: width.unwrap_or(0), ..surroundings(context)? };
    open_spec(&spec, &around).await.map(Arc::from).map_err(fault)
}

/// Whether the store has exactly one model, which is then the one that is meant.
///
/// # Errors
/// [`codes::MODEL`] if the store cannot be read.
pub fn is_only_one(context: &Context) -> Result<bool, Fault> {
    Ok(store(context)?.list().map_err(fault)?.len() == 1)
}

/// The only model of the store.
fn only(context: &Context) -> Result<String, Fault> {
    let models = store(context)?.list().map_err(fault)?;
    match models.as_slice() {
        [one] => Ok(format!("embedded:{}", one.sha256)),
        [] => Err(Fault::new(codes::MODEL)
            .detail("no model is named and none is here; name one with --model, or add one with skill model pull")),
        several => {
            let names: Vec<&str> = several.iter().map(|info| info.name.as_str()).collect();
            Err(Fault::new(codes::MODEL).detail(format!("no model is named; here are {}", names.join(", "))))
        }
    }
}

fn surroundings(context: &Context) -> Result<Surroundings, Fault> {
    let secret = |key: &Option<Key>| key.as_ref().map(|key| Secret::new(&key.0)).transpose().map_err(fault);
    let size = context.config.number("eval.context").and_then(|n| u32::try_from(n).ok()).unwrap_or(CONTEXT);
    let threads = context.config.number("eval.threads").and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    Ok(Surroundings {
        worker: worker(context),
        models: folder(context),
        prefixes: Some((context.env.cache_dir.join("prefixes"), PREFIXES)),
        open: Open { context: size, threads, ..Open::default() },
        prices: prices(context)?.unwrap_or_default(),
        openai_key: secret(&context.env.openai_key)?,
        anthropic_key: secret(&context.env.anthropic_key)?,
        ..Surroundings::default()
    })
}

/// The worker: `SKILL_ENGINE`, beside this program, or in `PATH`.
fn worker(context: &Context) -> Option<PathBuf> {
    let name = format!("{WORKER}{}", std::env::consts::EXE_SUFFIX);
    let beside = context.env.program.as_ref().and_then(|program| Some(program.parent()?.join(&name)));
    let on_path = context.env.path.iter().flat_map(std::env::split_paths).map(|folder| folder.join(&name));
    context.env.engine.clone().into_iter().chain(beside).chain(on_path).find(|path| path.is_file())
}

/// What tokens cost, as configured; none if nothing is.
///
/// # Errors
/// [`codes::CONFIG`] for a price that is no number.
pub fn prices(context: &Context) -> Result<Option<Prices>, Fault> {
    let price = |key: &str| {
        let Some(text) = context.config.text(key) else { return Ok(None) };
        micros(text).map(Some).ok_or_else(|| Fault::new(codes::CONFIG).at(key).detail("a price is a number like 0.25"))
    };
    let (prompt, cached, output) =
        (price("eval.price-prompt")?, price("eval.price-cached")?, price("eval.price-output")?);
    if prompt.is_none() && output.is_none() {
        return Ok(None);
    }
    let prompt = prompt.unwrap_or(0);
    Ok(Some(Prices { prompt, cached: cached.unwrap_or(prompt), cache_write: prompt, output: output.unwrap_or(0) }))
}

/// Dollars as millionths: at most six digits after the point.
fn micros(text: &str) -> Option<u64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(part)
}

/// An engine's failure in our own words.
pub fn fault(error: EngineError) -> Fault {
    match error {
        EngineError::Infra { message, .. } => Fault::new(codes::MODEL_UNAVAILABLE).detail(message),
        EngineError::Refused(message) => Fault::new(codes::MODEL).detail(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_decimals_of_dollars() {
        let good = [("3", 3_000_000), ("0.25", 250_000), ("0.000001", 1), ("10.5", 10_500_000)];
        for (text, price) in good {
            assert_eq!(micros(text), Some(price), "{text}");
        }
        for bad in ["", ".5", "-1", "1e3", "0.0000001", "1,5", "99999999999999999999"] {
            assert_eq!(micros(bad), None, "{bad}");
        }
    }
}

//! A public key as people name it.

use std::path::Path;

use skill_bundle::keys::PublicKey;
use skill_schema::{Fault, codes};

use crate::{context::Context, files, signing};

/// Bytes of a file with a public key: one line of 52 characters.
const MAX_FILE: usize = 256;

/// Reads `ed25519:…`, the name of a key of ours, or a file that holds the former.
pub(super) fn read(text: &str, context: &Context) -> Result<PublicKey, Fault> {
    if text.starts_with("ed25519:") {
        return PublicKey::from_text(text);
    }
    if let Ok(stored) = signing::find(&context.env, text) {
        let unknown = || Fault::new(codes::KEY_FILE).at(text).detail("its public half is unknown: skill key export");
        return stored.public.ok_or_else(unknown);
    }
    let missing = || {
        let detail = "ed25519: and its base64, a file with that, or the name of a key of yours is expected";
        Fault::new(codes::USAGE).at(text).detail(detail)
    };
    let line = files::read_text(Path::new(text), MAX_FILE)?.ok_or_else(missing)?;
    PublicKey::from_text(line.trim()).map_err(|fault| fault.at(text))
}

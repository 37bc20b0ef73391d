//! The client's configuration file.

use std::path::Path;

use skill_client::config::Config;

/// A file's text: settings that answer every question about registries, or a fault that says where.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::of_text(text, Path::new("config.toml")) {
        Ok(config) => {
            for (key, setting) in config.settings() {
                assert!(config.get(key).is_some() && !setting.origin.to_string().is_empty());
            }
            for name in config.names("registries") {
                let _ = config.registry(name);
            }
            let _ = (config.registries(), config.default_registry());
            for scope in ["acme", "other"] {
                let _ = config.registry_for(&scope.parse().expect("a scope"));
            }
        }
        Err(fault) => {
            let place = fault.place.clone().unwrap_or_default();
            assert!(place.starts_with("config.toml"), "{place}");
            assert!(!fault.sentence().is_empty());
        }
    }
}

//! The settings of `tercet serve`: one table, four places to say a value, and the typed settings that come out.
//!
//! A flag goes before a key of the TOML file, which goes before a `TERCET_…` variable, which goes before the default.
//! Whatever is said and not understood is refused with the place where it was said; nothing is guessed or skipped.
//! It must never print a token or a secret. Read next: `table.rs` (every setting), then `layer.rs` (who goes before whom).

mod environment;
mod exceptions;
mod file;
mod flags;
mod layer;
#[cfg(test)]
mod reference;
mod secret;
mod shape;
mod table;
mod tokens;

use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) use self::flags::Flags;

use self::layer::{Layer, Refused};
use self::table::SETTINGS;

/// Everything `serve` can be told, defaults filled in.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The data folder.
    pub(crate) data: PathBuf,
    pub(crate) log_format: LogFormat,
    /// `error` to `trace`.
    pub(crate) log_level: String,
    /// Listeners, tokens, limits of requests.
    pub(crate) server: server::Config,
    /// Where branch calls may go, and their connections.
    pub(crate) call: server::call::Config,
    pub(crate) engine: engine::Config,
    pub(crate) journal: Journal,
    /// Files of machines to declare at the start.
    pub(crate) machines: Vec<PathBuf>,
    /// The file of sources and resources.
    pub(crate) resources: Option<PathBuf>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How the journal lies on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) segment_bytes: u64,
    /// Bytes of segments to keep once the archive has them; `None`: all.
    pub(crate) retain_bytes: Option<u64>,
}

impl Settings {
    /// Reads flags, file and environment and fills in the defaults.
    ///
    /// # Errors
    /// The first thing said that is not understood, with the place where it was said.
    pub(crate) fn gather(flags: Flags) -> Result<Settings, Refused> {
        let environment = environment::Environment::read(std::env::vars_os())?;
        let file = match flags.config.or(environment.config) {
            Some(path) => file::read(&path)?,
            None => Layer::default(),
        };
        Settings::resolve(&[flags.layer, file, environment.layer])
    }

    /// Nothing said yet, not even the defaults of the table.
    fn blank() -> Settings {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Settings {
            data: PathBuf::new(),
            log_format: LogFormat::default(),
            log_level: String::new(),
            server: server::Config::new(nowhere, nowhere),
            call: server::call::Config::default(),
            engine: engine::Config::default(),
            journal: Journal::default(),
            machines: Vec::new(),
            resources: None,
        }
    }

    /// The first of `layers` that says a setting decides it; what none says has its default.
    fn resolve(layers: &[Layer]) -> Result<Settings, Refused> {
        let mut settings = Settings::blank();
        for setting in SETTINGS {
            let default = setting.default();
            let said = layers.iter().find_map(|layer| layer.said(setting.key)).unwrap_or(&default);
            for said in said {
                (setting.put)(&mut settings, &said.value)
                    .map_err(|why| Refused { origin: said.origin.clone(), why })?;
            }
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests;

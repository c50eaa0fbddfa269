//! What the environment says. A `TERCET_…` variable that is no setting is refused: it is a typing error.

use std::ffi::OsString;
use std::path::PathBuf;

use super::layer::{Layer, Origin, Refused, Said};
use super::table::SETTINGS;

const PREFIX: &str = "TERCET_";

/// Names the file.
const CONFIG: &str = "TERCET_CONFIG";

/// Read by other commands, or by the tests: no settings of `serve`, and no typing errors either.
const OTHERS: &[&str] = &["TERCET_URL", "TERCET_TOKEN", "TERCET_BLESS", "TERCET_ADVISORY_DB"];

/// Kubernetes sets these in every pod beside a service that is called `tercet`.
const FOREIGN: &[&str] = &["TERCET_SERVICE_", "TERCET_PORT"];

/// What the environment says.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// The file to read.
    pub(crate) config: Option<PathBuf>,
    pub(crate) layer: Layer,
}

impl Environment {
    pub(crate) fn read(
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Environment, Refused> {
        let mut environment = Environment::default();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            if OTHERS.contains(&name) || FOREIGN.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            if name == CONFIG {
                environment.config = Some(PathBuf::from(value));
                continue;
            }
            let origin = Origin::Variable(name.to_owned());
            let refused = |why: String| Refused { origin: origin.clone(), why };
            let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == name) else {
                return Err(refused(
                    "there is no such setting; docs/reference/settings.md has them all".to_owned(),
                ));
            };
            let words = value.to_str().ok_or_else(|| refused("is not UTF-8".to_owned()))?;
            let value = setting.shape.of_words(words).map_err(refused)?;
            environment.layer.say(setting.key, Said { value, origin });
        }
        Ok(environment)
    }
}

//! The flags of `tercet serve`, made from the table of settings.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::layer::{Layer, Origin, Said};
use super::shape::{Shape, Value};
use super::table::{SETTINGS, Setting, WITHOUT_FLAG};

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// The file to read.
    pub(crate) config: Option<PathBuf>,
    pub(crate) layer: Layer,
}

/// A setting with the texts that clap wants to borrow for ever.
struct Flag {
    setting: &'static Setting,
    name: String,
    placeholder: String,
}

static FLAGS: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    let settings = SETTINGS.iter().filter(|setting| setting.key != WITHOUT_FLAG);
    settings
        .map(|setting| Flag { setting, name: setting.flag(), placeholder: setting.shape.placeholder() })
        .collect()
});

/// The headings of the help, by the table that a key stands in.
const HEADINGS: &[(&str, &str)] = &[
    ("limits.", "Limits"),
    ("participant", "Participants"),
    ("journal.", "Kept data"),
    ("retention_days", "Kept data"),
    ("allow_", "Where branch calls may go"),
    ("deny_", "Where branch calls may go"),
    ("ca_file", "Where branch calls may go"),
    ("tokens", "Who may call"),
    ("insecure", "Who may call"),
];

fn argument(flag: &'static Flag) -> Arg {
    let setting = flag.setting;
    let default = match setting.default {
        "" | "false" => String::new(),
        default => format!(" [default: {default}]"),
    };
    let argument = Arg::new(setting.key)
        .long(flag.name.as_str())
        .value_name(flag.placeholder.as_str())
        .help(format!("{}{default}", setting.what));
    let argument = match HEADINGS.iter().find(|(prefix, _)| setting.key.starts_with(prefix)) {
        Some((_, heading)) => argument.help_heading(*heading),
        None => argument,
    };
    // One file a flag reads better in the singular.
    let argument = if setting.key == "machines" { argument.visible_alias("machine") } else { argument };
    match setting.shape {
        Shape::Switch => argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .hide_possible_values(true),
        Shape::List(_) | Shape::Table(_) => argument.action(ArgAction::Append),
        Shape::Text(_) | Shape::Choice(_) | Shape::Count(_) => argument,
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("A TOML file with any of these settings [variable: TERCET_CONFIG]");
        command.arg(config).args(FLAGS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Flags { config: matches.get_one("config").cloned(), layer: Layer::default() };
        for flag in FLAGS.iter() {
            let Some(words) = matches.get_many::<String>(flag.setting.key) else { continue };
            let origin = Origin::Flag(flag.name.clone());
            let refused =
                |why| clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{origin}: {why}\n"));
            let mut values = Vec::new();
            for words in words {
                values.push(flag.setting.shape.of_words(words).map_err(refused)?);
            }
            flags.layer.say(flag.setting.key, Said { value: joined(values), origin: origin.clone() });
        }
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A list that is given in several flags is one list; of anything else clap takes one.
fn joined(values: Vec<Value>) -> Value {
    let mut values = values.into_iter();
    let first = values.next().expect("clap gives at least one value of a flag that is there");
    values.fold(first, |all, next| match (all, next) {
        (Value::List(mut all), Value::List(next)) => {
            all.extend(next);
            Value::List(all)
        }
        (_, next) => next,
    })
}

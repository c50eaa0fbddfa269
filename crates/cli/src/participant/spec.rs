//! Which participants to judge: from flags, or from a file that lists many.
//!
//! Unknown keys are refused, so that a typing error never leaves something unjudged. Read next: `mod.rs`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use kit::{Form, Target};
use serde::Deserialize;
use serde_json::Value;

/// The flags that say what to judge.
#[derive(Debug, clap::Args)]
pub(super) struct Given {
    #[command(flatten)]
    urls: Urls,
    /// The body of an ordinary call; `{}` unless given
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Another ordinary body; the first whole number of the body plus one, unless given
    #[arg(long, value_name = "FILE")]
    other_body: Option<PathBuf>,
    /// A body that the participant must refuse
    #[arg(long, value_name = "FILE")]
    refused_body: Option<PathBuf>,
    /// Sign calls with the secret in this file
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// A TOML file with a [[participant]] for each, instead of the flags above
    #[arg(
        long, value_name = "FILE", conflicts_with_all =
        ["try", "confirm", "cancel", "action", "compensate", "deliver", "probe", "body", "other_body", "refused_body", "secret_file"]
    )]
    spec: Option<PathBuf>,
}

/// Where a participant is called: three for TCC, two for a saga, one for a message; any of the forms.
#[derive(Debug, clap::Args)]
struct Urls {
    /// Where a try goes
    #[arg(long, value_name = "URL", requires_all = ["confirm", "cancel"])]
    r#try: Option<String>,
    /// Where a confirm goes
    #[arg(long, value_name = "URL", requires = "try")]
    confirm: Option<String>,
    /// Where a cancel goes
    #[arg(long, value_name = "URL", requires = "try")]
    cancel: Option<String>,
    /// Where a saga's action goes
    #[arg(long, value_name = "URL", requires = "compensate")]
    action: Option<String>,
    /// Where a saga's compensate goes
    #[arg(long, value_name = "URL", requires = "action")]
    compensate: Option<String>,
    /// Where a message is delivered
    #[arg(long, value_name = "URL")]
    deliver: Option<String>,
    /// Answers a GET with the participant's figures, a flat JSON object of whole numbers: effects are judged too
    #[arg(long, value_name = "URL")]
    probe: Option<String>,
}

/// A file of participants.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    participant: Vec<Entry>,
}

/// One of them. (`flatten` and the refusal of unknown keys do not go together, so the URLs stand here once more.)
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    r#try: Option<String>,
    confirm: Option<String>,
    cancel: Option<String>,
    action: Option<String>,
    compensate: Option<String>,
    deliver: Option<String>,
    probe: Option<String>,
    body: Option<Value>,
    body_file: Option<PathBuf>,
    other_body: Option<Value>,
    other_body_file: Option<PathBuf>,
    refused_body: Option<Value>,
    refused_body_file: Option<PathBuf>,
    secret_file: Option<PathBuf>,
}

impl Given {
    /// The participants.
    pub(super) fn targets(&self) -> anyhow::Result<Vec<Target>> {
        if let Some(path) = &self.spec {
            return listed(path);
        }
        let mut target = self.urls.target("participant")?;
        let read = |path: &Option<PathBuf>| path.as_deref().map(file).transpose();
        target.body = read(&self.body)?.unwrap_or(target.body);
        target.other_body = read(&self.other_body)?;
        target.refused_body = read(&self.refused_body)?;
        target.secret = read(&self.secret_file)?.map(|secret| trimmed(&secret));
        Ok(vec![target])
    }
}

impl Urls {
    /// A target with these URLs and an empty body.
    fn target(&self, name: &str) -> anyhow::Result<Target> {
        let mut forms = Vec::new();
        match (&self.r#try, &self.confirm, &self.cancel) {
            (Some(r#try), Some(confirm), Some(cancel)) => forms.push(Form::Tcc {
                r#try: r#try.clone(),
                confirm: confirm.clone(),
                cancel: cancel.clone(),
            }),
            (None, None, None) => {}
            _ => bail!("{name}: try, confirm and cancel go together"),
        }
        match (&self.action, &self.compensate) {
            (Some(action), Some(compensate)) => {
                forms.push(Form::Saga { action: action.clone(), compensate: compensate.clone() });
            }
            (None, None) => {}
            _ => bail!("{name}: action and compensate go together"),
        }
        forms.extend(self.deliver.iter().map(|deliver| Form::Message { deliver: deliver.clone() }));
        ensure!(
            !forms.is_empty(),
            "{name}: nothing to call: give --try, --confirm and --cancel, or --action and --compensate, or --deliver"
        );
        let body = Bytes::from_static(b"{}");
        Ok(Target { name: name.to_owned(), forms, probe: self.probe.clone(), body, ..Target::default() })
    }
}

fn listed(path: &Path) -> anyhow::Result<Vec<Target>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let spec: Spec = toml::from_str(&text).with_context(|| path.display().to_string())?;
    ensure!(!spec.participant.is_empty(), "{}: no participant is listed", path.display());
    let folder = path.parent().unwrap_or(Path::new(""));
    spec.participant.into_iter().map(|entry| entry.target(folder)).collect()
}

impl Entry {
    fn target(self, folder: &Path) -> anyhow::Result<Target> {
        let urls = Urls {
            r#try: self.r#try,
            confirm: self.confirm,
            cancel: self.cancel,
            action: self.action,
            compensate: self.compensate,
            deliver: self.deliver,
            probe: self.probe,
        };
        let mut target = urls.target(&self.name)?;
        let body = |body: Option<Value>, path: Option<PathBuf>| match (body, path) {
            (Some(_), Some(_)) => bail!("{}: a body is given twice, as text and as a file", self.name),
            (Some(Value::String(text)), None) => Ok(Some(Bytes::from(text))),
            (Some(value), None) => Ok(Some(Bytes::from(value.to_string()))),
            (None, Some(path)) => file(&folder.join(path)).map(Some),
            (None, None) => Ok(None),
        };
        target.body = body(self.body, self.body_file)?.unwrap_or(target.body);
        target.other_body = body(self.other_body, self.other_body_file)?;
        target.refused_body = body(self.refused_body, self.refused_body_file)?;
        let secret = self.secret_file.map(|path| file(&folder.join(path))).transpose()?;
        target.secret = secret.map(|secret| trimmed(&secret));
        Ok(target)
    }
}

fn file(path: &Path) -> anyhow::Result<Bytes> {
    let read = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Bytes::from(read))
}

/// A secret without the line's end that editors leave.
fn trimmed(secret: &[u8]) -> Bytes {
    Bytes::copy_from_slice(secret.trim_ascii_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Target>, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("b.json"), r#"{"n":7}"#).unwrap();
        std::fs::write(folder.path().join("secret"), "s3cret\n").unwrap();
        let path = folder.path().join("spec.toml");
        std::fs::write(&path, text).unwrap();
        listed(&path).map_err(|fault| crate::exit::words(&fault))
    }

    const TCC: &str =
        "[[participant]]\nname = 'a'\ntry = 'http://h/t'\nconfirm = 'http://h/c'\ncancel = 'http://h/x'\n";

    #[test]
    fn a_file_lists_participants_of_every_form() {
        let text = format!(
            "{TCC}body = {{ n = 3, sku = 'A' }}\nrefused_body_file = 'b.json'\nsecret_file = 'secret'\n\
             [[participant]]\nname = 'b'\naction = 'http://h/a'\ncompensate = 'http://h/u'\ndeliver = 'http://h/d'\nbody = 'raw'\n"
        );
        let targets = read(&text).unwrap();
        assert_eq!(targets[0].body, r#"{"n":3,"sku":"A"}"#);
        assert_eq!(targets[0].refused_body.as_deref(), Some(&br#"{"n":7}"#[..]));
        assert_eq!(targets[0].secret.as_deref(), Some(&b"s3cret"[..]));
        let forms: Vec<_> = targets[1].forms.iter().map(Form::name).collect();
        assert_eq!((forms, &targets[1].body[..]), (vec!["saga", "message"], &b"raw"[..]));
    }

    #[test]
    fn what_is_half_or_misspelt_is_refused() {
        let table = [
            (format!("{TCC}cancle = 'http://h/x'\n"), "unknown field `cancle`"),
            (format!("{TCC}body = 'x'\nbody_file = 'b.json'\n"), "given twice"),
            (format!("{TCC}body_file = 'none.json'\n"), "cannot read"),
            ("[[participant]]\nname = 'a'\ntry = 'http://h/t'\n".into(), "go together"),
            ("[[participant]]\nname = 'a'\naction = 'http://h/t'\n".into(), "go together"),
            ("[[participant]]\nname = 'a'\n".into(), "nothing to call"),
            ("participant = []\n".into(), "no participant is listed"),
            ("[[participants]]\nname = 'a'\n".into(), "unknown field `participants`"),
        ];
        for (text, says) in table {
            let said = read(&text).unwrap_err();
            assert!(said.contains(says), "{said}");
        }
    }
}

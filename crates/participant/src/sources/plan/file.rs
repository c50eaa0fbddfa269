//! The shape of the file, as TOML. It judges the form only; what the values mean is for `check.rs` and `reading.rs`.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileBody {
    #[serde(default)]
    pub(super) source: Vec<SourceBody>,
    #[serde(default)]
    pub(super) rule: Vec<RuleBody>,
    #[serde(default)]
    pub(super) health: HealthBody,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceBody {
    pub(super) name: Spanned<String>,
    pub(super) url: Option<String>,
    pub(super) url_env: Option<String>,
    pub(super) role: Option<RoleBody>,
    pub(super) replica_of: Option<String>,
    pub(super) max_connections: Option<u32>,
    pub(super) acquire_timeout_ms: Option<u64>,
    pub(super) lag_max_ms: Option<u64>,
    pub(super) weight: Option<u32>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) drain: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoleBody {
    Primary,
    Replica,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleBody {
    pub(super) name: Spanned<String>,
    pub(super) service: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) tenants: Option<Vec<String>>,
    pub(super) access: Option<AccessBody>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    pub(super) to: Option<String>,
    pub(super) hash: Option<HashBody>,
    pub(super) ranges: Option<Vec<RangeBody>>,
    pub(super) lists: Option<Vec<ListBody>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AccessBody {
    Read,
    Write,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashBody {
    pub(super) slots: u32,
    pub(super) parts: Vec<SlotsBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotsBody {
    pub(super) slots: String,
    pub(super) to: String,
}

/// From this one on, up to but without that one; without an end it is open there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RangeBody {
    pub(super) from: Option<EndBody>,
    pub(super) until: Option<EndBody>,
    pub(super) to: String,
}

#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "a whole number or a text")]
pub(super) enum EndBody {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListBody {
    pub(super) keys: Vec<EndBody>,
    pub(super) to: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HealthBody {
    pub(super) every_ms: Option<u64>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) out_after: Option<u32>,
    pub(super) in_after: Option<u32>,
}

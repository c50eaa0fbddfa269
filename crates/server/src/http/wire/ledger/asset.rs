//! Assets: to declare, and as they are.

use ledger::{Asset, AssetView};
use serde::{Deserialize, Serialize};
use transaction::Refusal;
use utoipa::ToSchema;

use super::scalar::Word;
use crate::http::wire::scalar::Span;
use crate::refusal::FIELD_INVALID;

/// An asset to declare: a currency, points, a SKU.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Asset)]
pub(in crate::http) struct AssetBody<'a> {
    /// Its code, an id.
    #[serde(borrow)]
    #[schema(value_type = String)]
    code: Word<'a>,
    /// Digits behind the point, 0 to 18.
    #[schema(value_type = u8, maximum = 18)]
    scale: Span,
}

/// The finest scale.
const SCALE_MOST: u8 = 18;

impl AssetBody<'_> {
    /// As the ledger takes it.
    pub(in crate::http) fn asset(&self) -> Result<Asset<&str>, Refusal> {
        let code = self.code.id("/code")?;
        let scale =
            u8::try_from(self.scale.0).ok().filter(|scale| *scale <= SCALE_MOST).ok_or_else(|| {
                FIELD_INVALID.at("/scale", format!("{} is not within 0 to {SCALE_MOST}", self.scale.0))
            })?;
        Ok(Asset { code, scale })
    }
}

/// An asset that was declared.
#[derive(Serialize, ToSchema)]
#[schema(as = AssetDeclared)]
pub(in crate::http) struct DeclaredView<'a> {
    /// Its code.
    pub(in crate::http) code: &'a str,
    /// Digits behind the point.
    pub(in crate::http) scale: u8,
    /// `declared`, or `duplicate` where it was known.
    pub(in crate::http) outcome: &'static str,
}

/// An asset.
#[derive(Serialize, ToSchema)]
#[schema(as = AssetState)]
pub(in crate::http) struct AssetObject<'a> {
    /// Its code.
    code: &'a str,
    /// Digits behind the point.
    scale: u8,
}

/// One page of assets, in the order of declaration.
#[derive(Serialize, ToSchema)]
#[schema(as = AssetList)]
pub(in crate::http) struct AssetListView<'a> {
    /// The assets.
    items: Vec<AssetObject<'a>>,
    /// The cursor of the next page; `null` at the end.
    next: Option<String>,
}

impl<'a> AssetObject<'a> {
    /// The object of `asset`.
    pub(in crate::http) fn of(asset: &'a AssetView) -> AssetObject<'a> {
        AssetObject { code: &asset.code, scale: asset.scale }
    }
}

impl<'a> AssetListView<'a> {
    /// The page of `assets`, with the cursor of the next.
    pub(in crate::http) fn of(assets: &'a [AssetView], next: Option<String>) -> AssetListView<'a> {
        AssetListView { items: assets.iter().map(AssetObject::of).collect(), next }
    }
}
